"""Mail by SMTP: connections are kept and used again, and every answer of the server becomes one of two faults."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from enum import StrEnum

import aiosmtplib

from adapters.notification.port import Message, Rejected, Unavailable

_IDLE_SECONDS = 30.0
_ENHANCED_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_LOGIN_ANSWERS = frozenset({530, 534, 535, 538})


class Tls(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "implicit"


class SmtpMailer:
    """See `port.Mailer`. Each caller has a connection of its own meanwhile; up to `keep` stay open for the next."""

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        sender_name: str = "",
        username: str | None = None,
        password: str | None = None,
        tls: Tls = Tls.NONE,
        timeout: float = 20.0,
        keep: int = 4,
    ) -> None:
        self._host, self._port = host, port
        self._sender = _address(sender, sender_name)
        self._username, self._password, self._tls = username, password, tls
        self._timeout, self._keep = timeout, keep
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []

    def message_id(self, message: Message) -> str:
        # Hashed: a key names an order. The same on every attempt, so that a mailbox recognises a copy which we sent
        # because we fell over between the server's answer and our own note of it.
        digest = hashlib.sha256(message.key.encode()).hexdigest()[:40]
        return f"<{digest}@{self._sender.domain}>"

    async def send(self, message: Message) -> None:
        mail = self._mail(message)
        try:
            async with asyncio.timeout(self._timeout), self._connection() as client:
                await client.send_message(
                    mail, sender=self._sender.addr_spec, recipients=[_address(message.to).addr_spec]
                )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            raise _fault(refused.recipients[0]) from None
        except aiosmtplib.SMTPResponseException as answer:
            raise _fault(answer) from None
        except aiosmtplib.SMTPNotSupported:
            raise Rejected("address_not_supported") from None
        except (aiosmtplib.SMTPException, OSError) as away:  # time-outs are both of these
            raise Unavailable("smtp_timeout" if isinstance(away, TimeoutError) else "smtp_down") from None

    async def aclose(self) -> None:
        """Say goodbye on the kept connections."""
        while self._idle:
            client, _ = self._idle.pop()
            try:
                await client.quit()
            except (aiosmtplib.SMTPException, OSError):
                client.close()

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage(policy=SMTP_POLICY)
        try:
            mail["From"] = self._sender
            mail["To"] = _address(message.to, message.to_name)
            mail["Subject"] = message.subject
            mail["Date"] = message.at
            mail["Message-ID"] = self.message_id(message)
            for name, value in message.headers.items():
                mail[name] = value
        except (ValueError, IndexError, MessageError):
            raise Rejected("bad_header") from None
        mail.set_content(message.text)
        mail.add_alternative(message.html, subtype="html")
        html = mail.get_payload()[1]  # type: ignore[index]
        for image in message.images:
            kind, _, subtype = image.content_type.partition("/")
            html.add_related(image.data, kind, subtype, cid=f"<{image.cid}>", disposition="inline")  # type: ignore[union-attr]
        return mail

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = await self._kept() or await self._connect()
        try:
            yield client
        except aiosmtplib.SMTPResponseException as answer:
            self._put_back(client) if answer.code != 421 else client.close()
            raise
        except aiosmtplib.SMTPRecipientsRefused:
            self._put_back(client)
            raise
        except BaseException:
            client.close()
            raise
        self._put_back(client)

    async def _kept(self) -> aiosmtplib.SMTP | None:
        now = asyncio.get_running_loop().time()
        while self._idle:
            client, since = self._idle.pop()
            if client.is_connected and now - since < _IDLE_SECONDS:
                try:
                    await client.rset()  # also tells whether the other side is still there
                except (aiosmtplib.SMTPException, OSError):
                    client.close()
                else:
                    return client
            else:
                client.close()
        return None

    async def _connect(self) -> aiosmtplib.SMTP:
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password,
            timeout=self._timeout,
            use_tls=self._tls is Tls.IMPLICIT,
            start_tls=self._tls is Tls.STARTTLS,
        )
        try:
            await client.connect()
        except aiosmtplib.SMTPResponseException as answer:
            # The server does not want us at all (login, greeting): that is no fault of this message.
            client.close()
            raise Unavailable(f"smtp_connect_{answer.code}") from None
        except aiosmtplib.SMTPNotSupported:
            client.close()
            raise Unavailable("smtp_no_tls") from None
        except BaseException:
            client.close()
            raise
        return client

    def _put_back(self, client: aiosmtplib.SMTP) -> None:
        if client.is_connected and len(self._idle) < self._keep:
            self._idle.append((client, asyncio.get_running_loop().time()))
        else:
            client.close()


def _fault(answer: aiosmtplib.SMTPResponseException) -> Unavailable | Rejected:
    status = _ENHANCED_STATUS.search(str(answer.message))
    # The code alone: a server's words quote the address.
    reason = f"smtp_{answer.code}" + (f" {status.group()}" if status else "")
    if answer.code >= 500 and answer.code not in _LOGIN_ANSWERS:
        return Rejected(reason)
    return Unavailable(reason)


def _address(address: str, name: str = "") -> Address:
    """Raises: Rejected, when it is no mail address."""
    local, at, domain = address.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode()
        parsed = Address(display_name=name, username=local, domain=ascii_domain)
    except (ValueError, IndexError, MessageError):
        raise Rejected("bad_address") from None
    if not at or not local or not ascii_domain or not address.isprintable() or " " in address:
        raise Rejected("bad_address")
    return parsed
