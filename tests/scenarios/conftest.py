"""One whole stack with short durations for all stories; every story has orders and customers of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.world import World
from workers.stack.stack import Stack


@pytest.fixture(scope="session")
async def short_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("stack"), policy="short", fsync=False, usual_ports=False) as stack:
        yield stack


@pytest.fixture
async def world(short_stack: Stack) -> AsyncIterator[World]:
    world = World(short_stack)
    yield world
    await world.close()
