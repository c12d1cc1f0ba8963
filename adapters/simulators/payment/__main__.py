"""`python -m adapters.simulators.payment --port 8201 --data payments.jsonl --webhook-url … --webhook-secret whsec_…`"""

import argparse
from datetime import timedelta
from pathlib import Path

from adapters.clock import system_clock
from adapters.http import http_client
from adapters.simulators.deliveries import Deliveries
from adapters.simulators.journal import Journal
from adapters.simulators.payment.app import create_app
from adapters.simulators.payment.books import KINDS
from adapters.simulators.payment.engine import DEFAULT_LIFETIME, Engine
from adapters.simulators.serving import bind, run, serve, url_of


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m adapters.simulators.payment", description="A payment provider.")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; the ready line names it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--public-url", help="where customers' browsers reach it; its own address without it")
    parser.add_argument("--webhook-url", help="where events are sent; without it they are only kept")
    parser.add_argument("--webhook-secret", default="", help="whsec_… of Standard Webhooks")
    parser.add_argument("--data", type=Path, help="the journal file; without it the books die with the process")
    parser.add_argument(
        "--authorisation-lifetime", type=float, default=DEFAULT_LIFETIME.total_seconds(), metavar="SECONDS"
    )
    parser.add_argument("--refund-delay", type=float, default=1.0, metavar="SECONDS", help="until a pending one ends")
    parser.add_argument("--silence", type=float, default=30.0, metavar="SECONDS", help="until a lost answer is cut off")
    options = parser.parse_args()
    if options.webhook_url and not options.webhook_secret:
        parser.error("--webhook-url needs --webhook-secret")
    return options


async def _run(options: argparse.Namespace) -> None:
    sock = bind(options.host, options.port)
    journal = Journal(options.data, KINDS) if options.data else None
    engine = Engine(
        system_clock,
        lifetime=timedelta(seconds=options.authorisation_lifetime),
        refund_delay=timedelta(seconds=options.refund_delay),
        public_url=options.public_url or url_of(sock),
        write=journal.write if journal else None,
    )
    if journal:
        engine.books.replay(journal.read())
        engine.resume()
        journal.open(engine.books.snapshot())
    try:
        async with http_client(timeout=5.0) as client:
            deliveries = Deliveries(engine, options.webhook_url, options.webhook_secret, client)
            app = create_app(engine, deliveries, silence=options.silence)
            await serve(app, sock, f"payment simulator ready on {url_of(sock)}")
    finally:
        if journal:
            journal.close()


def main() -> None:
    run(_run(_options()))


if __name__ == "__main__":
    main()
