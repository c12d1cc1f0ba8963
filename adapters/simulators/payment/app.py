"""The provider over HTTP: its API, the controls that make it misbehave, and two pages to look at."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from jinja2 import Environment, PackageLoader
from pydantic import BaseModel, ValidationError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from adapters.simulators.payment.engine import Engine
from adapters.simulators.payment.faults import Fault
from adapters.simulators.payment.requests import (
    ActionBody,
    AuthoriseBody,
    CaptureBody,
    DeliveriesBody,
    DisputeBody,
    RefundBody,
    VoidBody,
)
from adapters.simulators.payment.webhooks import Deliveries
from adapters.simulators.payment.wire import Answer, Call
from domain.money import Money
from domain.payments import OperationKind

Key = Annotated[str, Header(alias="idempotency-key", min_length=1, max_length=255)]
SHOWN = 500

_pages = Environment(loader=PackageLoader("adapters.simulators.payment"), autoescape=True)
_pages.filters["money"] = lambda amount, currency: str(Money(amount=amount, currency=currency))


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


def create_app(engine: Engine, deliveries: Deliveries, *, silence: float = 30.0) -> FastAPI:
    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.ensure_future(deliveries.run())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    app = FastAPI(title="Payment simulator", lifespan=running)

    def perform(verb: OperationKind, body: BaseModel, key: str, authorisation_id: str | None = None) -> Response:
        content = body.model_dump(exclude_none=True, exclude={"authorisation_id"})
        return said(engine.perform(Call(verb, content, authorisation_id, key)))

    def said(answer: Answer) -> Response:
        if answer.lost:
            return Silence(silence)
        headers = {"retry-after": f"{answer.retry_after:g}"} if answer.retry_after is not None else None
        return JSONResponse(answer.body, answer.status, headers)

    @app.exception_handler(RequestValidationError)
    async def not_understood(_: Request, fault: RequestValidationError) -> Response:
        where = [".".join(map(str, error["loc"])) for error in fault.errors()]
        missing_key = "header.idempotency-key" in where
        code = "key_missing" if missing_key else "invalid_request"
        # What was sent is never repeated: it may be a token.
        message = "Send an Idempotency-Key." if missing_key else "Correct the fields named in `where`."
        return JSONResponse({"code": code, "message": message, "where": where}, 400 if missing_key else 422)

    @app.post("/v1/authorisations")
    async def authorise(body: AuthoriseBody, key: Key) -> Response:
        return perform(OperationKind.AUTHORISE, body, key)

    @app.post("/v1/authorisations/{authorisation_id}/capture")
    async def capture(authorisation_id: str, body: CaptureBody, key: Key) -> Response:
        return perform(OperationKind.CAPTURE, body, key, authorisation_id)

    @app.post("/v1/authorisations/{authorisation_id}/void")
    async def void(authorisation_id: str, body: VoidBody, key: Key) -> Response:
        return perform(OperationKind.VOID, body, key, authorisation_id)

    @app.post("/v1/refunds")
    async def refund(body: RefundBody, key: Key) -> Response:
        return perform(OperationKind.REFUND, body, key, body.authorisation_id)

    @app.get("/v1/operations")
    async def find(key: str) -> Response:
        return said(engine.perform(Call("find", key=key)))

    @app.get("/v1/authorisations/{authorisation_id}")
    async def authorisation(authorisation_id: str) -> Response:
        return said(engine.perform(Call("authorisation", authorisation_id=authorisation_id)))

    @app.get("/v1/authorisations/{authorisation_id}/action")
    async def action_page(authorisation_id: str) -> Response:
        engine.tick()
        found = engine.books.authorisations.get(authorisation_id)
        page = _pages.get_template("action.html").render(authorisation=found)
        return HTMLResponse(page, 200 if found else 404)

    @app.post("/v1/authorisations/{authorisation_id}/action")
    async def act(authorisation_id: str, request: Request) -> Response:
        raw = await request.body()
        from_page = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            if from_page:
                given: Any = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
                body = ActionBody.model_validate(given)
            else:
                body = ActionBody.model_validate_json(raw)
        except (ValidationError, UnicodeDecodeError):
            wanted = {"code": "invalid_request", "message": 'Send {"outcome": "approve"} or {"outcome": "decline"}.'}
            return JSONResponse(wanted, 422)
        answer = engine.act(authorisation_id, approve=body.outcome == "approve")
        return RedirectResponse(request.url.path, 303) if from_page else said(answer)

    @app.post("/disputes")
    async def dispute(body: DisputeBody) -> Response:
        return said(engine.dispute(body.authorisation_id, body.amount))

    @app.get("/ledger")
    async def ledger(reference: str | None = None) -> dict[str, Any]:
        return {"entries": engine.ledger(reference)}

    @app.post("/faults", status_code=201)
    async def plant(fault: Fault) -> dict[str, Any]:
        engine.faults.plant(fault)
        return {"faults": engine.faults.left()}

    @app.get("/faults")
    async def faults() -> dict[str, Any]:
        return {"faults": engine.faults.left()}

    @app.delete("/faults", status_code=204)
    async def clear_faults() -> None:
        engine.faults.clear()

    @app.post("/webhooks")
    async def deliver_so(body: DeliveriesBody) -> dict[str, Any]:
        deliveries.mode, deliveries.delay_seconds = body.mode, body.delay_seconds
        return body.model_dump(mode="json")

    @app.get("/webhooks")
    async def delivered(reference: str | None = None) -> dict[str, Any]:
        events = (e for e in engine.books.events.values() if reference is None or e.data["reference"] == reference)
        newest = list(events)[-SHOWN:]
        return {"mode": deliveries.mode, "delay_seconds": deliveries.delay_seconds, "items": newest}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/", response_class=HTMLResponse)
    async def page(reference: str | None = None) -> str:
        return _pages.get_template("ledger.html").render(
            entries=engine.ledger(reference or None, newest=SHOWN)[::-1],
            total=len(engine.books.entries(reference or None)),
            reference=reference or "",
        )

    return app
