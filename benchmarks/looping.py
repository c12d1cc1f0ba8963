"""The event loop of all callers, and of a peer that lives in the caller's process: uvloop, as workers have it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

Answer = TypeVar("Answer")


class Loop(uvloop.Loop):
    """Knows `process_group`, with which our children are started and which uvloop lacks: a session is a group too."""

    async def subprocess_exec(  # type: ignore[override]
        self, factory: Any, *command: Any, process_group: int | None = None, **more: Any
    ) -> Any:
        session = {} if process_group is None else {"start_new_session": True}
        return await super().subprocess_exec(factory, *command, **session, **more)


def run(main: Coroutine[Any, Any, Answer]) -> Answer:
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)
