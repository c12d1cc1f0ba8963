"""Looking at processes from outside."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path


def lives(pid: int | None) -> bool:
    """Whether a process is there and not merely waiting to be reaped."""
    if pid is None:
        return False
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def until(condition: Callable[[], object], within: float = 30.0) -> None:
    """Wait for what no event tells us."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.02)
