"""An API process that is told to stop: what was begun is answered, by its own answer or by a word to ask again."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from gateway.deadline import Deadline
from workers.draining import DrainingServer, Farewell


class SlowApp:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked.set()
            await self.go_on.wait()
            await PlainTextResponse("done")(scope, receive, send)


@asynccontextmanager
async def serving(app: SlowApp, *, drain: float, grace: int) -> AsyncIterator[tuple[DrainingServer, httpx.AsyncClient]]:
    farewell = Farewell(Deadline(app))
    config = uvicorn.Config(
        farewell,
        host="127.0.0.1",
        port=0,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=grace,
        loop="none",
    )
    server = farewell.server = DrainingServer(config, drain)
    running = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
        yield server, client
        server.should_exit = True
        await asyncio.wait_for(running, 20)


async def test_a_request_that_was_begun_is_answered_and_the_end_is_clean() -> None:
    app = SlowApp()
    async with serving(app, drain=0, grace=10) as (server, client):
        asking = asyncio.create_task(client.get("/"))
        await app.asked.wait()
        server.handle_exit(signal.SIGTERM, None)
        app.go_on.set()
        answer = await asking
    assert (answer.status_code, answer.text, answer.headers["connection"]) == (200, "done", "close")


async def test_what_is_not_done_within_the_grace_is_told_to_ask_again() -> None:
    app = SlowApp()
    async with serving(app, drain=0, grace=1) as (server, client):
        asking = asyncio.create_task(client.get("/"))
        await app.asked.wait()
        server.handle_exit(signal.SIGTERM, None)
        answer = await asking
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["retry-after"]) >= 1


async def test_while_it_drains_it_is_not_ready_and_takes_requests() -> None:
    app = SlowApp()
    app.go_on.set()
    async with serving(app, drain=60, grace=1) as (server, client):
        assert (await client.get("/readyz")).status_code == 200
        server.handle_exit(signal.SIGTERM, None)
        assert (await client.get("/readyz")).status_code == 503
        answer = await client.get("/v1/orders")
        assert (answer.status_code, answer.headers["connection"]) == (200, "close")
        # A second signal skips the wait.
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit


@pytest.mark.parametrize("drain", [0.0, 0.2])
async def test_it_stops_taking_connections_after_the_drain(drain: float) -> None:
    app = SlowApp()
    app.go_on.set()
    async with serving(app, drain=drain, grace=1) as (server, client):
        server.handle_exit(signal.SIGTERM, None)
        async with asyncio.timeout(5):
            while True:
                try:
                    await client.get("/healthz")
                except httpx.ConnectError:
                    break
                except httpx.TransportError:
                    continue
