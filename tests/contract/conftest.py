"""One stack for the contract: real durations, so that nothing ends while the API is put to the test."""

from collections.abc import AsyncIterator

import pytest

from tests.scenarios.world import World
from workers.stack.stack import Stack


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("contract"), policy="standard", fsync=False, usual_ports=False) as stack:
        yield stack


@pytest.fixture
async def world(stack: Stack) -> AsyncIterator[World]:
    world = World(stack)
    yield world
    await world.close()
