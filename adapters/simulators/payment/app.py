"""The provider over HTTP: its API, the controls that make it misbehave, and two pages to look at."""

from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from adapters.simulators.controls import SHOWN, Key, add_controls, answered, delivering
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.pages import ledger_page, pages
from adapters.simulators.payment.engine import Engine
from adapters.simulators.payment.faults import Fault
from adapters.simulators.payment.requests import (
    ActionBody,
    AuthoriseBody,
    CaptureBody,
    DisputeBody,
    PayoutBody,
    RefundBody,
    VoidBody,
)
from adapters.simulators.payment.wire import Call, Verb
from adapters.simulators.wire import Answer
from domain.payments import OperationKind


def create_app(engine: Engine, deliveries: Deliveries, *, silence: float = 30.0) -> FastAPI:
    app = FastAPI(title="Payment simulator", lifespan=delivering(deliveries))

    def perform(verb: Verb, body: BaseModel, key: str, authorisation_id: str | None = None) -> Response:
        content = body.model_dump(exclude_none=True, exclude={"authorisation_id"})
        return said(engine.perform(Call(verb, content, authorisation_id, key)))

    def said(answer: Answer) -> Response:
        return answered(answer, silence)

    add_controls(app, engine, deliveries, Fault)

    @app.post("/v1/authorisations")
    async def authorise(body: AuthoriseBody, key: Key) -> Response:
        return perform(OperationKind.AUTHORISE, body, key)

    @app.get("/v1/authorisations")
    async def listed(after: str = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
        return said(engine.perform(Call("listed", {"after": after, "limit": limit})))

    @app.post("/v1/authorisations/{authorisation_id}/capture")
    async def capture(authorisation_id: str, body: CaptureBody, key: Key) -> Response:
        return perform(OperationKind.CAPTURE, body, key, authorisation_id)

    @app.post("/v1/authorisations/{authorisation_id}/void")
    async def void(authorisation_id: str, body: VoidBody, key: Key) -> Response:
        return perform(OperationKind.VOID, body, key, authorisation_id)

    @app.post("/v1/refunds")
    async def refund(body: RefundBody, key: Key) -> Response:
        return perform(OperationKind.REFUND, body, key, body.authorisation_id)

    @app.post("/v1/payouts")
    async def pay_out(body: PayoutBody, key: Key) -> Response:
        return perform("payout", body, key)

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
        page = pages.get_template("payment_action.html").render(authorisation=found)
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

    @app.get("/", response_class=HTMLResponse)
    async def page(reference: str | None = None) -> str:
        entries = engine.ledger(reference or None, newest=SHOWN)
        return ledger_page("payment", entries, len(engine.books.entries(reference or None)), reference)

    return app
