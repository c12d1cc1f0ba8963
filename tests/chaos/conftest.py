"""A stack of its own with real durations: what is killed here must not run into a deadline while it comes back."""

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.world import World
from workers.stack.stack import Stack


@pytest.fixture(scope="session")
async def sturdy_stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("chaos"), policy="standard", fsync=True, usual_ports=False) as stack:
        yield stack


@pytest.fixture
async def world(sturdy_stack: Stack) -> AsyncIterator[World]:
    world = World(sturdy_stack)
    yield world
    await world.close()
