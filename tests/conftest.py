"""Servers that the whole suite shares. Tests keep apart by names of their own, not by databases of their own."""

from collections.abc import AsyncIterator, Awaitable, Callable

import psycopg
import pytest

from tests.servers import composed, running_servers
from workers.composition import Parts
from workers.stack.postgres import throwaway
from workers.stack.servers import Servers

NewDatabase = Callable[[str], Awaitable[str]]
"""Makes an empty database of that name; gives its address for SQLAlchemy."""

STARTS_SERVERS = frozenset(
    {
        "new_database",
        "servers",
        "server",
        "stack",
        "short_stack",
        "sturdy_stack",
        "standard_world",
        "short_world",
        "catcher",
        "team",
    }
)
TAKES_MINUTES = ("tests/deployment/", "tests/chaos/", "tests/workers/test_demo.py", "tests/privacy/")
"""Begun first: else the suite ends with one process that waits for them while the others have nothing left."""

# What tests are written with, outside of test files. Here, since this file is read before any of them can be imported.
pytest.register_assert_rewrite(
    "tests.scenarios.world",
    "tests.scenarios.placed",
    "tests.scenarios.shelf",
    "tests.scenarios.playing",
    "tests.scenarios.shipped",
    "tests.scenarios.lockers",
    "tests.scenarios.returned",
    "tests.workflows.journeys",
    "tests.workflows.shipping_journeys",
    "tests.workflows.locker_journeys",
    "tests.workflows.machine",
    "tests.workflows.brokering_journeys",
    "tests.workflows.dropship_journeys",
    "tests.workflows.shop",
    "tests.workflows.borrower",
    "tests.workflows.lenders",
    "tests.scenarios.applied",
    "tests.deployment.team",
    "tests.deployment.callers",
)


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


@pytest.fixture(scope="session")
async def new_database(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NewDatabase]:
    """One PostgreSQL for all tests of single adapters; each asks for a database of its own."""
    async with throwaway(tmp_path_factory.mktemp("databases")) as server:

        async def make(name: str) -> str:
            async with await psycopg.AsyncConnection.connect(server.dsn, autocommit=True) as connection:
                await connection.execute(f"CREATE DATABASE {name}".encode())
            return f"{server.url.rpartition('/')[0]}/{name}"

        yield make


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts a server is marked as such, so that `make check` can leave it out."""
    for item in items:
        if STARTS_SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)
    items.sort(key=lambda item: not item.nodeid.startswith(TAKES_MINUTES))
