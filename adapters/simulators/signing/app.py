"""The signature provider over HTTP: its API, and the controls with which its signers answer."""

from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from adapters.simulators.controls import Key, add_controls, answered
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.signing.books import Behaviour
from adapters.simulators.signing.engine import SigningEngine
from adapters.simulators.signing.faults import Fault
from adapters.simulators.wire import Call

Word = Annotated[str, Field(min_length=1, max_length=255)]


class SendBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Word
    party: Word
    text: Word
    terms_hash: Word
    consent_text: Word
    consent_at: AwareDatetime


class SignerBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    reference: Word
    behaviour: Behaviour
    seconds: Annotated[float, Field(ge=0, le=3600)] = 1.0


class AnswerBody(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    signs: bool


def create_app(engine: SigningEngine, deliveries: Deliveries, *, silence: float = 30.0) -> FastAPI:
    """Whoever serves it keeps `deliveries` running."""
    app = FastAPI(title="Signature simulator")
    add_controls(app, engine, deliveries, Fault)

    def perform(call: Call) -> Response:
        return answered(engine.perform(call), silence)

    @app.post("/v1/envelopes")
    async def send(body: SendBody, key: Key) -> Response:
        return perform(Call("send", body.model_dump(mode="json"), key=key))

    @app.post("/v1/envelopes/{envelope_id}/void")
    async def void(envelope_id: str, key: Key) -> Response:
        return perform(Call("void", subject=envelope_id, key=key))

    @app.get("/v1/envelopes/{envelope_id}")
    async def envelope(envelope_id: str) -> Response:
        return perform(Call("envelope", subject=envelope_id))

    @app.post("/signers", status_code=201)
    async def behave(body: SignerBody) -> dict[str, Any]:
        return engine.behave(body.reference, body.behaviour, body.seconds).model_dump(mode="json")

    @app.post("/envelopes/{envelope_id}/answers")
    async def answer(envelope_id: str, body: AnswerBody) -> Response:
        return answered(engine.answer(envelope_id, signs=body.signs), silence)

    @app.get("/ledger")
    async def ledger(reference: str | None = None) -> dict[str, Any]:
        return {"entries": engine.books.shown(reference)}

    return app
