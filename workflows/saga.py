"""What must be undone if a process does not reach its end, newest first."""

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from temporalio import workflow

Undo = Callable[[], Awaitable[None]]


class Saga:
    """Register what undoes a step *before* the step is taken; leaving the block by any exception runs it all.

    Any exception means also cancellation and worker-side bugs, hence `BaseException`. An undo is written so that it
    never gives up by itself and does nothing when its step was never done.
    """

    def __init__(self) -> None:
        self._undos: list[tuple[str, Undo]] = []

    def if_it_fails(self, name: str, undo: Undo) -> None:
        self._undos.append((name, undo))

    async def undo(self) -> None:
        while self._undos:
            name, undo = self._undos.pop()
            workflow.logger.info("undoing %s", name)
            await undo()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, GeneratorExit):
            await self.undo()
        self._undos.clear()
