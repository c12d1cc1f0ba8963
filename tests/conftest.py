"""Servers that the whole suite shares. Tests keep apart by names of their own, not by databases of their own."""

from collections.abc import AsyncIterator

import pytest

from tests.servers import composed, running_servers
from workers.composition import Parts
from workers.stack.servers import Servers

pytest.register_assert_rewrite("tests.workflows.journeys", "tests.workflows.shop")


@pytest.fixture(scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """PostgreSQL, Temporal, the payment simulator and the mail catcher, started once for the suite."""
    async with running_servers(tmp_path_factory.mktemp("servers")) as servers:
        yield servers


@pytest.fixture(scope="session")
async def made(servers: Servers) -> AsyncIterator[Parts]:
    """Our own parts on the shared servers."""
    async with composed(servers) as made:
        yield made
