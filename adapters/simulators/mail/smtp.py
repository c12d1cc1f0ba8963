"""The SMTP side: takes every mail, refuses when told to, and can be away altogether."""

import asyncio
import weakref
from typing import Annotated, Any, Literal, Self

from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.simulators.mail.mailbox import Mailbox

SIZE_LIMIT = 10_000_000
_TEXTS = {451: "4.3.0 Try again later", 550: "5.1.1 No such mailbox"}


class MailFault(BaseModel):
    """The next `count` recipients are refused with `code`; or the server goes `down` (refuses connections) and `up`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: Annotated[int, Field(ge=400, le=599)] | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    to: str | None = None
    mode: Literal["down", "up"] | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.code is None) == (self.mode is None):
            raise ValueError("give a code, or a mode")
        return self


class Reception:
    """aiosmtpd's handler: a verdict on each recipient, then the mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self.faults: list[MailFault] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds it by this name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self._refusal(address):
            return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        self._mailbox.take(envelope.mail_from or "", list(envelope.rcpt_tos), raw)
        return "250 Taken"

    def _refusal(self, address: str) -> str | None:
        for index, fault in enumerate(self.faults):
            if fault.to is not None and fault.to.lower() != address.lower():
                continue
            if fault.count == 1:
                del self.faults[index]
            else:
                self.faults[index] = fault.model_copy(update={"count": fault.count - 1})
            code = fault.code or 451
            return f"{code} {_TEXTS.get(code, f'{code // 100}.0.0 Refused on request')}"
        return None


class SmtpListener:
    """Listens while it is up; while it is down, connections are refused and open ones are cut."""

    def __init__(self, reception: Reception, port: int, host: str = "127.0.0.1") -> None:
        self._reception = reception
        self._host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._sessions: weakref.WeakSet[Any] = weakref.WeakSet()

    @property
    def is_up(self) -> bool:
        return self._server is not None

    async def up(self) -> None:
        if self._server is None:
            self._server = await asyncio.get_running_loop().create_server(self._session, self._host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.abort()
        await server.wait_closed()

    def _session(self) -> Any:
        session = SMTP(self._reception, data_size_limit=SIZE_LIMIT, enable_SMTPUTF8=True, hostname="mail.invalid")
        self._sessions.add(session)
        return session
