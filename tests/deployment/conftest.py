from collections.abc import AsyncIterator

import pytest

from tests.deployment.callers import Callers
from tests.deployment.team import Away, Team, postgres_programs, temporal_programs


@pytest.fixture(scope="session")
async def team(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Team]:
    """Started once for all tests that need it; skipped, with the reason, only where its servers cannot be had."""
    try:
        postgres, temporal = postgres_programs(), temporal_programs()
    except Away as reason:
        pytest.skip(str(reason))
    async with Team(tmp_path_factory.mktemp("team"), postgres, temporal) as team:
        yield team


@pytest.fixture
async def callers(team: Team) -> AsyncIterator[Callers]:
    callers = Callers(team)
    yield callers
    await callers.close()
