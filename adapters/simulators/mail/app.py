"""The mail box over HTTP: the messages as JSON, an inbox to look at, and the switch for faults."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

from adapters.simulators.mail.mailbox import Mailbox
from adapters.simulators.mail.smtp import MailFault, Reception, SmtpListener

SHOWN = 200
# A mail's markup is a stranger's: no scripts, nothing from elsewhere, in the page or in the frame that inherits this.
_POLICY = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'"
}

_pages = Environment(loader=PackageLoader("adapters.simulators.mail"), autoescape=True)


def create_app(mailbox: Mailbox, reception: Reception, listener: SmtpListener) -> FastAPI:
    @contextlib.asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        yield
        await listener.down()

    app = FastAPI(title="Mail catcher", lifespan=running)

    def state() -> dict[str, Any]:
        return {"mode": "up" if listener.is_up else "down", "faults": reception.faults}

    @app.get("/messages")
    async def messages(to: str | None = None) -> dict[str, Any]:
        return {"items": [message.model_dump(mode="json", by_alias=True) for message in mailbox.messages(to)]}

    @app.delete("/messages", status_code=204)
    async def clear() -> None:
        mailbox.clear()

    @app.post("/faults", status_code=201)
    async def plant(fault: MailFault) -> dict[str, Any]:
        if fault.mode == "down":
            await listener.down()
        elif fault.mode == "up":
            await listener.up()
        else:
            reception.faults.append(fault)
        return state()

    @app.get("/faults")
    async def faults() -> dict[str, Any]:
        return state()

    @app.delete("/faults", status_code=204)
    async def heal() -> None:
        reception.faults.clear()
        await listener.up()

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/")
    async def inbox(to: str | None = None) -> HTMLResponse:
        found = mailbox.messages(to or None)
        page = _pages.get_template("inbox.html").render(
            messages=found[: -SHOWN - 1 : -1], total=len(found), to=to or ""
        )
        return HTMLResponse(page, headers=_POLICY)

    @app.get("/mail/{message_id}")
    async def mail(message_id: str) -> HTMLResponse:
        message = mailbox.message(message_id)
        page = _pages.get_template("mail.html").render(message=message)
        return HTMLResponse(page, 200 if message else 404, headers=_POLICY)

    return app
