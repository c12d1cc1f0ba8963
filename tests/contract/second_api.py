"""Another API process on the servers of a stack, with settings of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from workers.process import Child, answers, python
from workers.stack.ports import LOOPBACK, Ports
from workers.stack.servers import surroundings
from workers.stack.stack import Stack


@asynccontextmanager
async def another_api(stack: Stack, log: Path, **settings: Any) -> AsyncIterator[tuple[str, Child]]:
    """Its address, and its process. Alive is enough: a test may take something away that it would need to be ready."""
    with_ports = Ports()
    port = with_ports.pick("api", preferred=False)
    url = f"http://{LOOPBACK}:{port}"
    child = Child(
        "second API",
        python("workers.api"),
        log=log,
        ready=answers(f"{url}/healthz"),
        environment={**surroundings(), **stack.settings(api_port=port, **settings).environment()},
        restarts=None,
    )
    await child.start()
    try:
        yield url, child
    finally:
        await child.stop()
        with_ports.close()


async def until(look: Callable[[], Awaitable[Any]], patience: float = 60.0) -> Any:
    """The first true answer; an answer that does not come counts as none."""
    end = asyncio.get_running_loop().time() + patience
    while True:
        try:
            if found := await look():
                return found
        except httpx.TransportError:
            pass
        assert asyncio.get_running_loop().time() < end, f"it did not happen within {patience} s"
        await asyncio.sleep(0.2)
