"""A stack of its own on which days take seconds, and customers who are played, searched for, and erased."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from tests.privacy.persons import Customer, customer
from tests.privacy.stories import Told, play
from tests.scenarios.world import World
from workers.stack.stack import Stack


@pytest.fixture(scope="package")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("privacy"), policy="short", fsync=False, usual_ports=False) as stack:
        yield stack


@pytest.fixture(scope="package")
async def world(stack: Stack) -> AsyncIterator[World]:
    world = World(stack)
    yield world
    await world.close()


@pytest.fixture(scope="package")
async def temporal(stack: Stack) -> Client:
    """As anybody sees Temporal who has no keys."""
    return await Client.connect(stack.servers.temporal_address, namespace=stack.servers.temporal_namespace)


@pytest.fixture(scope="package")
def customers() -> list[Customer]:
    found = [customer(number) for number in range(6)]
    found[5].ref = f"C-REVIEW-{found[5].ref}"
    return found


@pytest.fixture(scope="package")
async def told(world: World, stack: Stack, customers: list[Customer]) -> Told:
    """All stories, played once."""
    return await play(world, stack, customers)
