"""Takes a simulator's webhooks, as our gateway would."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.simulators.serving import bind, url_of


@dataclass
class Receiver:
    """Takes webhooks, verified as any receiver would."""

    secret: str
    secrets: dict[str, str] = field(default_factory=dict)
    """Of systems that send to a path of their own under `url`."""
    url: str = ""
    answers: list[int] = field(default_factory=list)
    """Statuses for the next calls; then 202."""
    taken: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0

    async def take(self, request: Request) -> Response:
        self.calls += 1
        secret = self.secrets.get(request.path_params.get("system", ""), self.secret)
        event = Webhook(secret).verify(await request.body(), dict(request.headers))
        status = self.answers.pop(0) if self.answers else 202
        if status < 300:
            self.taken.append(event)
        return Response(status_code=status)

    def kinds(self, reference: str) -> list[str]:
        return [event["type"] for event in self.taken if event["data"]["reference"] == reference]


async def eventually(condition: Callable[[], Any], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Receiver]:
    app = Starlette(routes=[Route(path, receiver.take, methods=["POST"]) for path in ("/hook", "/hook/{system}")])
    sock = bind("127.0.0.1", 0)
    receiver.url = f"{url_of(sock)}/hook"
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
    serving = asyncio.ensure_future(server._serve(sockets=[sock]))
    await eventually(lambda: server.started)
    try:
        yield receiver
    finally:
        server.should_exit = True
        await serving
        sock.close()
