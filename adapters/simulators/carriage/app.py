"""Carriers, the locker operator, partners, a signature provider: each under a path of its own, as if it were alone."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from adapters.simulators.carrier.app import create_app as create_carriers
from adapters.simulators.carrier.engine import CarrierEngine
from adapters.simulators.controls import delivering
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.locker.app import create_app as create_lockers
from adapters.simulators.locker.engine import LockerEngine
from adapters.simulators.partner.app import create_app as create_partners
from adapters.simulators.partner.engine import PartnerEngine
from adapters.simulators.signing.app import create_app as create_signing
from adapters.simulators.signing.engine import SigningEngine

_DOORS = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Carriage simulator</title>
<body style="font: 16px/1.5 system-ui, sans-serif; margin: 2rem"><h1>Carriage simulator</h1>
<ul><li><a href="carriers/">Carriers</a></li><li><a href="lockers/">Lockers</a></li>
<li><a href="partners/ledger">Partners</a></li><li><a href="signing/ledger">Signatures</a></li></ul></body></html>"""


def create_app(
    carriers: tuple[CarrierEngine, Deliveries],
    lockers: tuple[LockerEngine, Deliveries],
    partners: tuple[PartnerEngine, Deliveries],
    signing: tuple[SigningEngine, Deliveries],
    *,
    silence: float = 30.0,
) -> FastAPI:
    tellers = delivering(carriers[1], lockers[1], partners[1], signing[1])
    app = FastAPI(title="Carriage simulator", lifespan=tellers)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/", response_class=HTMLResponse)
    async def doors() -> str:
        return _DOORS

    app.mount("/carriers", create_carriers(*carriers, silence=silence))
    app.mount("/lockers", create_lockers(*lockers, silence=silence))
    app.mount("/partners", create_partners(*partners, silence=silence))
    app.mount("/signing", create_signing(*signing, silence=silence))
    return app
