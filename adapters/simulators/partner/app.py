"""The partners over HTTP: their API, and the controls with which they answer."""

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from adapters.simulators.carrier.requests import Name, RecipientBody
from adapters.simulators.controls import Key, add_controls, answered
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.partner.engine import PartnerEngine, Word
from adapters.simulators.partner.faults import Fault
from adapters.simulators.wire import Call
from domain.carriage import PostalArea
from domain.dropship import AskedLine, DeclineReason


class AskBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    partner: Name
    reference: Annotated[str, Field(min_length=1, max_length=64)]
    shipment: Name
    lines: Annotated[tuple[AskedLine, ...], Field(min_length=1, max_length=500)]
    destination: PostalArea
    ship_by: AwareDatetime
    recipient: RecipientBody


class AnswerBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Word
    reason: DeclineReason = DeclineReason.NO_STOCK
    tracking_number: Annotated[str, Field(min_length=1, max_length=64)] | None = None


class NewsBody(BaseModel):
    """Any word: what a partner says is its own affair."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")]
    at: AwareDatetime | None = None


def create_app(engine: PartnerEngine, deliveries: Deliveries, *, silence: float = 30.0) -> FastAPI:
    """Whoever serves it keeps `deliveries` running."""
    app = FastAPI(title="Partner simulator")
    add_controls(app, engine, deliveries, Fault)

    def perform(call: Call) -> Response:
        return answered(engine.perform(call), silence)

    @app.post("/v1/requests")
    async def ask(body: AskBody, key: Key) -> Response:
        return perform(Call("ask", body.model_dump(mode="json"), key=key))

    @app.post("/v1/requests/{request_id}/call_off")
    async def call_off(request_id: str, key: Key) -> Response:
        return perform(Call("call_off", subject=request_id, key=key))

    @app.get("/v1/requests/{request_id}")
    async def request(request_id: str) -> Response:
        return perform(Call("request", subject=request_id))

    @app.get("/v1/operations")
    async def find(key: str) -> Response:
        return perform(Call("find", key=key))

    @app.post("/requests/{request_id}/answers")
    async def answer(request_id: str, body: AnswerBody) -> Response:
        said = engine.answer(request_id, body.answer, reason=body.reason, tracking_number=body.tracking_number)
        return answered(said, silence)

    @app.post("/requests/{request_id}/events")
    async def say(request_id: str, body: NewsBody) -> Response:
        return answered(engine.say(request_id, body.status, body.at), silence)

    @app.get("/ledger")
    async def ledger(reference: str | None = None) -> dict[str, Any]:
        return {"entries": engine.books.ledger(reference)}

    return app
