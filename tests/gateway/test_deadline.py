"""No request waits for ever, neither for a silent server nor for a caller who does not finish."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.deadline import Deadline


def client(app: Any, seconds: float = 0.05) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(Deadline(app, seconds), raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://edge")


async def test_a_silent_system_is_answered_for(caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with client(app) as caller:
        answer = await caller.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert int(answer.headers["retry-after"]) >= 1
    await asyncio.wait_for(ended.wait(), 1)


async def test_what_holds_on_to_its_cancellation_does_not_hold_up_the_answer() -> None:
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await release.wait()
            await PlainTextResponse("late")(scope, receive, send)

    async with client(app) as caller:
        answer = await asyncio.wait_for(caller.get("/"), 1)
    assert answer.status_code == 503
    release.set()
    await asyncio.sleep(0)


async def test_a_caller_who_does_not_finish_is_told_so() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    async with client(app) as caller:
        answer = await caller.post("/", content=never())
    assert answer.status_code == 408


async def test_an_answer_that_has_begun_may_take_its_time() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b"):
            yield piece
            await asyncio.sleep(0.1)

    async with client(StreamingResponse(pieces())) as caller:
        answer = await caller.get("/")
    assert answer.content == b"ab"


async def test_a_fault_in_time_is_the_applications_own() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("of the application")

    async with client(app) as caller:
        with pytest.raises(LookupError):
            await caller.get("/")
