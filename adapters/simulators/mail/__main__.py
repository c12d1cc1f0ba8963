"""`python -m adapters.simulators.mail --smtp-port 8025 --http-port 8026`"""

import argparse
from pathlib import Path

from adapters.clock import system_clock
from adapters.simulators.mail.app import create_app
from adapters.simulators.mail.mailbox import Mailbox
from adapters.simulators.mail.smtp import Reception, SmtpListener
from adapters.simulators.serving import bind, run, serve, url_of


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m adapters.simulators.mail", description="A mail catcher.")
    parser.add_argument("--smtp-port", type=int, required=True, help="0 takes a free one; the ready line names it")
    parser.add_argument("--http-port", type=int, required=True, help="0 takes a free one; the ready line names it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data", type=Path, help="a file that keeps the mails over a restart")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    mailbox = Mailbox(system_clock, file=options.data)
    reception = Reception(mailbox)
    listener = SmtpListener(reception, options.smtp_port, options.host)
    sock = bind(options.host, options.http_port)
    await listener.up()
    ready = f"mail catcher ready on {url_of(sock)} smtp {options.host}:{listener.port}"
    await serve(create_app(mailbox, reception, listener), sock, ready)


def main() -> None:
    run(_run(_options()))


if __name__ == "__main__":
    main()
