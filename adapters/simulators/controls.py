"""The HTTP face that every simulator has: answers, silences, refusals, and controls to make it misbehave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.simulators.deliveries import Deliveries, DeliveriesBody, Teller
from adapters.simulators.faults import PlantedFault, PlantedFaults
from adapters.simulators.wire import Answer

Key = Annotated[str, Header(alias="idempotency-key", min_length=1, max_length=255)]
SHOWN = 500
F = TypeVar("F", bound=PlantedFault)


class Silence(Response):
    """No answer: the connection is held until the caller gives up, or cut after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except (TimeoutError, asyncio.CancelledError):
            # An answer that stops before its announced body makes the server cut the connection, also when it ends.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


def answered(answer: Answer, silence: float) -> Response:
    """The answer as HTTP; one that is lost holds the connection for `silence` seconds."""
    if answer.lost:
        return Silence(silence)
    headers = {"retry-after": f"{answer.retry_after:g}"} if answer.retry_after is not None else None
    return JSONResponse(answer.body, answer.status, headers)


class Faulty(Teller, Protocol[F]):
    @property
    def faults(self) -> PlantedFaults[F]: ...


def delivering(*all_deliveries: Deliveries) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """The life of an app that sends webhooks while it runs."""

    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.ensure_future(deliveries.run()) for deliveries in all_deliveries]
        yield
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return running


def add_controls(app: FastAPI, engine: Faulty[F], deliveries: Deliveries, fault_type: type[F]) -> None:
    @app.exception_handler(RequestValidationError)
    async def not_understood(_: Request, fault: RequestValidationError) -> Response:
        where = [".".join(map(str, error["loc"])) for error in fault.errors()]
        missing_key = "header.idempotency-key" in where
        code = "key_missing" if missing_key else "invalid_request"
        # What was sent is never repeated: it may be a token or an address.
        message = "Send an Idempotency-Key." if missing_key else "Correct the fields named in `where`."
        return JSONResponse({"code": code, "message": message, "where": where}, 400 if missing_key else 422)

    async def plant(fault: Any) -> dict[str, Any]:
        engine.faults.plant(fault)
        return {"faults": engine.faults.left()}

    plant.__annotations__["fault"] = fault_type
    app.post("/faults", status_code=201)(plant)

    @app.get("/faults")
    async def faults() -> dict[str, Any]:
        return {"faults": engine.faults.left()}

    @app.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        engine.faults.clear()

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    _add_deliveries(app, engine, deliveries)


def _add_deliveries(app: FastAPI, engine: Teller, deliveries: Deliveries) -> None:
    @app.post("/webhooks")
    async def deliver_so(body: DeliveriesBody) -> dict[str, Any]:
        deliveries.mode, deliveries.delay_seconds = body.mode, body.delay_seconds
        return body.model_dump(mode="json")

    @app.get("/webhooks")
    async def delivered(reference: str | None = None) -> dict[str, Any]:
        events = (e for e in engine.books.events.values() if reference is None or e.data["reference"] == reference)
        newest = list(events)[-SHOWN:]
        return {"mode": deliveries.mode, "delay_seconds": deliveries.delay_seconds, "items": newest}
