"""Both outboxes, an SMTP server that answers as told, and notices to send."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.notification.memory import MemoryOutbox
from adapters.notification.port import Outbox
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.notices import PostgresOutbox
from adapters.postgres.tables.notices import NoticeRow
from domain.ids import GroupId, OrderId, StoreId
from domain.notices import Notice, NoticeFacts, NoticeKind, notice_key
from tests.conftest import NewDatabase
from workers.stack.ports import Ports

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
ORDER = OrderId("o1")
GROUP = GroupId("pickup/o1/1")

MakeNotice = Callable[..., Notice]


@pytest.fixture
def make_notice() -> MakeNotice:
    def make(kind: NoticeKind = NoticeKind.ORDER_CONFIRMED, number: int = 1, **fields: Any) -> Notice:
        order = fields.get("order_id", ORDER)
        values = {
            "key": notice_key(order, kind.value, number),
            "kind": kind,
            "order_id": order,
            "group_id": GROUP,
            "store_id": StoreId("S001"),
            "at": AT,
            "facts": NoticeFacts(order_number="W-1001"),
        }
        return Notice.model_validate(values | fields)

    return make


@pytest.fixture(scope="session")
async def notices_database(new_database: NewDatabase) -> str:
    return await new_database("notices")


@pytest.fixture
async def engine(notices_database: str) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(notices_database)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=[NoticeRow.__table__])
    yield engine
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.drop_all, tables=[NoticeRow.__table__])
    await engine.dispose()


@pytest.fixture
async def postgres_outbox(engine: AsyncEngine) -> AsyncIterator[PostgresOutbox]:
    outbox = PostgresOutbox(engine)
    yield outbox
    await outbox.aclose()


@pytest.fixture
def memory_outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture(params=["memory", "postgres"])
def outbox(request: pytest.FixtureRequest) -> Outbox:
    """What holds for one holds for the other."""
    found: Outbox = request.getfixturevalue(f"{request.param}_outbox")
    return found


@dataclass
class MailServer:
    """A real SMTP server. `answers` are given to the next messages instead of taking them."""

    port: int
    answers: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    received: list[EmailMessage] = field(default_factory=list)
    addressed: list[list[str]] = field(default_factory=list)
    connections: list[asyncio.BaseTransport] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.received.append(message_from_bytes(envelope.content, policy=policy.default))
        self.addressed.append(list(envelope.rcpt_tos))
        return "250 OK"


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    state = MailServer(port=0)

    class Counted(SMTP):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            state.connections.append(transport)
            super().connection_made(transport)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Counted(state, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    yield state
    server.close()
    for transport in state.connections:
        transport.close()
    await server.wait_closed()


@pytest.fixture
def closed_port() -> Iterator[int]:
    ports = Ports()
    yield ports.pick("nobody", preferred=False)
    ports.close()
