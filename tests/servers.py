"""The real servers for tests: one PostgreSQL, one Temporal server and the simulators for a whole run of the suite."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from workers.composition import Parts, parts
from workers.stack.servers import Servers


@asynccontextmanager
async def running_servers(folder: Path) -> AsyncIterator[Servers]:
    """Servers with the newest schema and no data; nothing is left of them afterwards."""
    servers = Servers(folder / "stack", fsync=False)
    try:
        async with servers:
            await servers.migrate()
            yield servers
    finally:
        servers.data.discard()


@asynccontextmanager
async def composed(servers: Servers) -> AsyncIterator[Parts]:
    """Our own parts on these servers. A short grace: a test that stops a worker does not wait for it."""
    async with parts(servers.settings(grace=2.0), "throughline-tests") as made:
        yield made
