"""The processes that run side by side inside one order; the fault of one is the fault of all."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from temporalio import workflow


class Crew:
    """Starts named processes and waits with an eye on them: an exception in one surfaces where the order waits."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, name: str, process: Coroutine[Any, Any, None]) -> None:
        self._tasks[name] = asyncio.create_task(process, name=name)

    def has(self, name: str) -> bool:
        return name in self._tasks

    def runs(self, name: str) -> bool:
        return name in self._tasks and not self._tasks[name].done()

    def dismiss(self, name: str) -> None:
        """End a process, if there is one: what it was about has not come to be."""
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()

    async def wait_until(
        self, condition: Callable[[], bool], *, within: timedelta | None = None, summary: str | None = None
    ) -> None:
        """Raises `TimeoutError` when it has not come to be within the time."""
        await workflow.wait_condition(
            lambda: bool(self._failed()) or condition(), timeout=within, timeout_summary=summary
        )
        for task in self._failed():
            task.result()

    def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()

    def _failed(self) -> list[asyncio.Task[None]]:
        return [task for task in self._tasks.values() if task.done() and not task.cancelled() and task.exception()]
