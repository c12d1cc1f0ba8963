"""An API process that is told to stop: it first says that it is not ready, then takes nothing new, then ends.

Whoever balances between processes sees `/readyz` fail, or finds the port closed, and turns to the others. What was
begun is answered; what is not done within the grace gets a 503 that says to ask again.
"""

import time
from types import FrameType

import uvicorn
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import unavailable

READY = "/readyz"


class DrainingServer(uvicorn.Server):
    """Ends with exit code 0 after SIGTERM; a second signal skips the wait."""

    def __init__(self, config: uvicorn.Config, drain: float) -> None:
        """`drain`: seconds between the signal and the end of taking connections."""
        super().__init__(config)
        self._drain = drain
        self._told: float | None = None

    @property
    def draining(self) -> bool:
        return self._told is not None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # Not kept as uvicorn does, which raises the signal again when all is done.
        if self._told is None and self._drain > 0:
            self._told = time.monotonic()
        else:
            self._told = self._told or time.monotonic()
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        if self._told is not None and time.monotonic() - self._told >= self._drain:
            self.should_exit = True
        return await super().on_tick(counter)


class Farewell:
    """While the server drains: not ready, and each answer is the last one of its connection."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.server: DrainingServer | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self.server is None:
            await self.app(scope, receive, send)
            return
        server = self.server

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start" and server.draining:
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        if server.draining and scope["path"] == READY:
            await unavailable("process that took this call", 2).response()(scope, receive, said)
        else:
            await self.app(scope, receive, said)
