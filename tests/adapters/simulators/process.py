"""Starts a simulator as the process that it is in the stack, and ends it."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass
class Running:
    process: asyncio.subprocess.Process
    ready: str

    @property
    def url(self) -> str:
        found = re.search(r"http://\S+", self.ready)
        assert found, self.ready
        return found[0]


async def start(module: str, *options: str) -> Running:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *options, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    return Running(process, line.decode().strip())


async def stop(running: Running) -> int:
    """The exit code after SIGTERM."""
    if running.process.returncode is None:
        running.process.terminate()
    return await asyncio.wait_for(running.process.wait(), 10)


@contextlib.asynccontextmanager
async def started(module: str, *options: str) -> AsyncIterator[Running]:
    running = await start(module, *options)
    try:
        yield running
    finally:
        await stop(running)
