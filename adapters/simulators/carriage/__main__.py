"""`python -m adapters.simulators.carriage --port 8203 --data folder --webhook-url http://…/v1/webhooks …`

One process for all, since a small machine feels every process.
"""

import argparse
from datetime import timedelta
from pathlib import Path

from adapters.clock import system_clock
from adapters.http import http_client
from adapters.simulators.carriage.app import create_app
from adapters.simulators.carrier.books import KINDS as CARRIER_KINDS
from adapters.simulators.carrier.engine import Automatic, CarrierEngine
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.journal import Journal
from adapters.simulators.locker.books import KINDS as LOCKER_KINDS
from adapters.simulators.locker.engine import DEFAULT_HOLD, DEFAULT_RETURN, LockerEngine
from adapters.simulators.partner.books import KINDS as PARTNER_KINDS
from adapters.simulators.partner.engine import PartnerEngine
from adapters.simulators.serving import bind, run, serve, url_of
from adapters.simulators.signing.books import KINDS as SIGNING_KINDS
from adapters.simulators.signing.engine import SigningEngine

DAY = timedelta(days=1).total_seconds()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m adapters.simulators.carriage", description="Carriers, lockers, partners, signatures."
    )

    def seconds(name: str, default: float | None, meaning: str) -> None:
        parser.add_argument(name, type=float, default=default, metavar="SECONDS", help=meaning)

    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; the ready line names it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--webhook-url", help="events go to its /carrier, /locker, /partner, /signature; without it they are only kept"
    )
    parser.add_argument("--carrier-secret", default="", help="whsec_… of Standard Webhooks")
    parser.add_argument("--locker-secret", default="", help="whsec_… of Standard Webhooks")
    parser.add_argument("--partner-secret", default="", help="the same; without it partners tell nothing by themselves")
    parser.add_argument("--signing-secret", default="", help="the same; without it signatures are told to nobody")
    parser.add_argument(
        "--data", type=Path, help="a folder for the journals; without it the books die with the process"
    )
    seconds("--day", DAY, "how long a carrier's day lasts")
    seconds("--auto", None, "between two steps of a parcel that moves by itself, once it was picked up")
    seconds("--auto-pickup", None, "from the purchase of a label until its parcel is picked up by itself")
    seconds("--hold", DEFAULT_HOLD.total_seconds(), "how long goods wait in a locker")
    seconds("--return-after", DEFAULT_RETURN.total_seconds(), "from a locker's expiry until the goods are back")
    seconds("--silence", 30.0, "until a lost answer is cut off")
    options = parser.parse_args()
    if options.webhook_url and not (options.carrier_secret and options.locker_secret):
        parser.error("--webhook-url needs --carrier-secret and --locker-secret")
    return options


async def _run(options: argparse.Namespace) -> None:
    sock = bind(options.host, options.port)
    journals = {
        name: Journal(options.data / f"{name}.jsonl", kinds)
        for name, kinds in (
            ("carriers", CARRIER_KINDS),
            ("lockers", LOCKER_KINDS),
            ("partners", PARTNER_KINDS),
            ("signing", SIGNING_KINDS),
        )
        if options.data
    }
    writes = {name: journal.write for name, journal in journals.items()}
    carriers = CarrierEngine(
        system_clock,
        day=timedelta(seconds=options.day),
        auto=Automatic(seconds=options.auto, pickup_seconds=options.auto_pickup),
        write=writes.get("carriers"),
    )
    lockers = LockerEngine(
        system_clock,
        hold=timedelta(seconds=options.hold),
        return_after=timedelta(seconds=options.return_after),
        write=writes.get("lockers"),
    )
    partners = PartnerEngine(system_clock, write=writes.get("partners"))
    signing = SigningEngine(system_clock, write=writes.get("signing"))
    engines: dict[str, CarrierEngine | LockerEngine | PartnerEngine | SigningEngine] = {
        "carriers": carriers,
        "lockers": lockers,
        "partners": partners,
        "signing": signing,
    }
    for name, journal in journals.items():
        engines[name].books.replay(journal.read())
        engines[name].resume()
        journal.open(engines[name].books.snapshot())
    hooks = options.webhook_url.rstrip("/") if options.webhook_url else None
    partner_hook = f"{hooks}/partner" if hooks and options.partner_secret else None
    signed = f"{hooks}/signature" if hooks and options.signing_secret else None
    try:
        async with http_client(timeout=5.0) as client:
            app = create_app(
                (carriers, Deliveries(carriers, hooks and f"{hooks}/carrier", options.carrier_secret, client)),
                (lockers, Deliveries(lockers, hooks and f"{hooks}/locker", options.locker_secret, client)),
                (partners, Deliveries(partners, partner_hook, options.partner_secret, client)),
                (signing, Deliveries(signing, signed, options.signing_secret, client)),
                silence=options.silence,
            )
            await serve(app, sock, f"carriage simulator ready on {url_of(sock)}")
    finally:
        for journal in journals.values():
            journal.close()


def main() -> None:
    run(_run(_options()))


if __name__ == "__main__":
    main()
