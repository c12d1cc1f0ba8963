"""Every request is answered in time: a server that is there and silent must not keep callers waiting for ever.

Commands lose nothing by it: their claim ends soon after, and sent again they run under the same command id.
"""

import asyncio
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import matched
from gateway.problems import of_status, unavailable

log = structlog.get_logger(__name__)

SECONDS = 25.0
"""Less than the lease of a command (`idempotency.LEASE`), more than any wait for the order engine."""


class Deadline:
    """Answers for the application when it does not: 503, or 408 when it is the caller who did not finish."""

    def __init__(self, app: ASGIApp, seconds: float = SECONDS):
        self.app = app
        self.seconds = seconds
        self._abandoned: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = abandoned = listening = False

        async def heard() -> Message:
            nonlocal listening
            listening = True
            message = await receive()
            listening = False
            return message

        async def said(message: Message) -> None:
            nonlocal started
            if not abandoned:
                started = True
                await send(message)

        answering = asyncio.ensure_future(self._answer(scope, heard, said))
        try:
            await asyncio.wait({answering}, timeout=self.seconds)
            if answering.done() or started:
                await answering
                return
        except asyncio.CancelledError:
            answering.cancel()
            if started:
                raise
            # This process stops and has no more time. Whoever asks again finds another one, and the same command.
            abandoned = True
            await unavailable("process that took this call", 1).response()(scope, receive, send)
            return
        abandoned = True
        problem = of_status(HTTPStatus.REQUEST_TIMEOUT) if listening else unavailable("system behind this call", 5)
        log.warning("request_overdue", route=matched.template(scope), status=problem.status)
        # Not awaited: what holds it up may hold up its end as well.
        self._abandoned.add(answering)
        answering.add_done_callback(self._ended)
        answering.cancel()
        problem.headers["Connection"] = "close"
        await problem.response()(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._abandoned.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.warning("overdue_request_failed", error=type(fault).__name__)
