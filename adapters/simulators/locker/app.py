"""The operator over HTTP: its API, the doors of its machines, the controls, and a page to look at."""

from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.responses import Response

from adapters.simulators.controls import Key, add_controls, answered
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.locker.engine import LockerEngine
from adapters.simulators.locker.faults import Fault
from adapters.simulators.locker.machines import Capacity
from adapters.simulators.locker.requests import CodeBody, ExpectBody, ExtendBody, ReserveBody, SightingBody
from adapters.simulators.pages import ledger_page
from adapters.simulators.wire import Call


def create_app(engine: LockerEngine, deliveries: Deliveries, *, silence: float = 30.0) -> FastAPI:
    """Whoever serves it keeps `deliveries` running."""
    app = FastAPI(title="Locker simulator")
    add_controls(app, engine, deliveries, Fault)

    def perform(
        verb: str, subject: str | None = None, body: BaseModel | None = None, key: str | None = None
    ) -> Response:
        content = body.model_dump(mode="json") if body else {}
        return answered(engine.perform(Call(verb, content, subject, key)), silence)

    @app.post("/v1/compartments")
    async def reserve(body: ReserveBody, key: Key) -> Response:
        return perform("reserve", body=body, key=key)

    @app.post("/v1/compartments/{compartment_id}/expect")
    async def expect(compartment_id: str, body: ExpectBody, key: Key) -> Response:
        return perform("expect", compartment_id, body, key)

    @app.post("/v1/compartments/{compartment_id}/extend")
    async def extend(compartment_id: str, body: ExtendBody, key: Key) -> Response:
        return perform("extend", compartment_id, body, key)

    @app.post("/v1/compartments/{compartment_id}/release")
    async def release(compartment_id: str, key: Key) -> Response:
        return perform("release", compartment_id, key=key)

    @app.post("/v1/compartments/{compartment_id}/send_back")
    async def send_back(compartment_id: str, key: Key) -> Response:
        return perform("send_back", compartment_id, key=key)

    @app.get("/v1/compartments/{compartment_id}")
    async def compartment(compartment_id: str) -> Response:
        return perform("compartment", compartment_id)

    @app.get("/v1/compartments/{compartment_id}/deposit_code")
    async def deposit_code(compartment_id: str) -> Response:
        return perform("deposit_code", compartment_id)

    @app.get("/v1/compartments/{compartment_id}/pickup_code")
    async def pickup_code(compartment_id: str) -> Response:
        return perform("pickup_code", compartment_id)

    @app.get("/v1/operations")
    async def find(key: str) -> Response:
        return perform("find", key=key)

    @app.post("/machines/{locker_id}/deposit")
    async def deposit(locker_id: str, body: CodeBody) -> Response:
        return answered(engine.deposit(locker_id, body.code), silence)

    @app.post("/machines/{locker_id}/collect")
    async def collect(locker_id: str, body: CodeBody) -> Response:
        return answered(engine.collect(locker_id, body.code), silence)

    @app.put("/machines/{locker_id}")
    async def resize(locker_id: str, body: Capacity) -> Response:
        return answered(engine.resize(locker_id, body), silence)

    @app.post("/compartments/{compartment_id}/events")
    async def say(compartment_id: str, body: SightingBody) -> Response:
        return answered(engine.say(compartment_id, body.status, body.at), silence)

    @app.get("/ledger")
    async def ledger(reference: str | None = None) -> dict[str, Any]:
        engine.tick()
        return {"entries": engine.books.ledger(reference)}

    @app.get("/", response_class=HTMLResponse)
    async def page(reference: str | None = None) -> str:
        engine.tick()
        entries = engine.books.ledger(reference or None)
        return ledger_page("locker", entries, len(entries), reference)

    return app
