"""One decision at a time, in order of arrival. Each has a name that stays when a lost workflow task is done again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Turn:
    """A lock that knows who has it.

    A worker may die after a milestone was committed and before Temporal has heard of it. The task is done again then,
    and what has come meanwhile may be decided before it. Keys that are made of who decides (a command, an event, a
    process for the n-th time) are the same in both tries; those made of a milestone's number are not.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._taken: Counter[str] = Counter()
        self._run = 0
        self.by: str | None = None
        """Who decides at this moment."""
        self.milestones = 0
        """Recorded since this decision began."""

    def goes_on(self, version: int) -> None:
        """A new run of the workflow counts anew: its names begin with the version that it began at."""
        self._run = version

    def locked(self) -> bool:
        return self._lock.locked()

    async def __aenter__(self) -> None:
        """For a process, by its name."""
        task = asyncio.current_task()
        process = task.get_name() if task is not None else ""
        self._taken[process] += 1
        await self._take(f"{process} {self._run}.{self._taken[process]}")

    async def __aexit__(self, *_: object) -> None:
        self._give()

    @asynccontextmanager
    async def of(self, command_or_event: str) -> AsyncIterator[None]:
        """For what came from outside, by its id."""
        await self._take(command_or_event)
        try:
            yield
        finally:
            self._give()

    async def _take(self, name: str) -> None:
        await self._lock.acquire()
        self.by, self.milestones = name, 0

    def _give(self) -> None:
        self.by = None
        self._lock.release()
