"""The carriers over HTTP: their API, the controls that move parcels and make things go wrong, and a page to look at."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response

from adapters.simulators.carrier.engine import Automatic, CarrierEngine
from adapters.simulators.carrier.faults import Fault
from adapters.simulators.carrier.requests import LabelBody, RatesBody, ScanBody
from adapters.simulators.controls import Key, add_controls, answered
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.pages import ledger_page
from adapters.simulators.wire import Call


def create_app(engine: CarrierEngine, deliveries: Deliveries, *, silence: float = 30.0) -> FastAPI:
    """Whoever serves it keeps `deliveries` running."""
    app = FastAPI(title="Carrier simulator")
    add_controls(app, engine, deliveries, Fault)

    def perform(call: Call) -> Response:
        return answered(engine.perform(call), silence)

    @app.post("/v1/rates")
    async def rates(body: RatesBody) -> Response:
        return perform(Call("rates", body.model_dump(mode="json", exclude_none=True)))

    @app.post("/v1/labels")
    async def buy(body: LabelBody, key: Key) -> Response:
        return perform(Call("buy", body.model_dump(mode="json"), key=key))

    @app.post("/v1/labels/{label_id}/void")
    async def void(label_id: str, key: Key) -> Response:
        return perform(Call("void", subject=label_id, key=key))

    @app.get("/v1/labels/{label_id}/document")
    async def document(label_id: str) -> Response:
        return perform(Call("document", subject=label_id))

    @app.get("/v1/operations")
    async def find(key: str) -> Response:
        return perform(Call("find", key=key))

    @app.get("/v1/parcels/{tracking_number}")
    async def parcel(tracking_number: str) -> Response:
        return perform(Call("parcel", subject=tracking_number))

    @app.post("/parcels/{tracking_number}/events")
    async def scan(tracking_number: str, body: ScanBody) -> Response:
        return answered(engine.scan(tracking_number, body.status, body.at), silence)

    @app.post("/auto")
    async def move_by_themselves(body: Automatic) -> dict[str, Any]:
        engine.move(body)
        return body.model_dump()

    @app.get("/ledger")
    async def ledger(reference: str | None = None) -> dict[str, Any]:
        engine.tick()
        return {"entries": engine.books.ledger(reference)}

    @app.get("/", response_class=HTMLResponse)
    async def page(reference: str | None = None) -> str:
        engine.tick()
        entries = engine.books.ledger(reference or None)
        return ledger_page("carrier", entries, len(entries), reference)

    return app
