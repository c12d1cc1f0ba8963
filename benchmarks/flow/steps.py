"""The durable steps that every peer takes, on the same SQL and the same payment provider as ours.

Each is done once however often it is tried, so an engine may repeat it after a crash. Throughline's own workflow does
these and more (notices, timeline, opening hours, deadlines); what is left out here is left out in the peers' favour.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.http import http_client
from adapters.inventory.port import Allocate, Consume, Reserve
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import AuthoriseRequest, CapturePurpose, CaptureRequest
from adapters.payment.simulator import SimulatorPayments
from adapters.postgres.engine import make_engine
from adapters.postgres.transaction import PostgresTransactions
from adapters.records.port import OrderChange
from adapters.transaction.port import Transaction
from domain.actors import ENGINE
from domain.ids import operation_key
from domain.money import Money
from domain.order import Order
from domain.payments import AuthorisationId, OperationKind
from domain.stock import StockLine
from domain.terms import OrderTerms
from domain.timeline import Event, TimelineEntry


class Command(StrEnum):
    """What a store tells an order between placing and collecting; each is a record."""

    ACCEPT = "accept"
    PICK = "pick"
    READY = "ready"


EVENTS = {Command.ACCEPT: Event.STORE_ACCEPTED, Command.PICK: Event.PICKED, Command.READY: Event.READY}
SEQUENCE = {Command.ACCEPT: 2, Command.PICK: 3, Command.READY: 4}
COLLECTED = 5


async def reserve(books: Transaction, terms: OrderTerms) -> None:
    await books.inventory.reserve(
        Reserve(
            key=operation_key(terms.order_id, "reserve"),
            at=terms.received_at,
            order_id=terms.order_id,
            lines=_lines(terms),
            channel=terms.channel,
        )
    )


async def record_placed(books: Transaction, terms: OrderTerms) -> None:
    allocate = operation_key(terms.order_id, "allocate")
    await books.inventory.allocate(
        Allocate(key=allocate, at=terms.received_at, order_id=terms.order_id, lines=_lines(terms))
    )
    await books.records.write(_change(terms, 1, Event.ORDER_CONFIRMED))


async def record_command(books: Transaction, terms: OrderTerms, command: Command) -> None:
    await books.records.write(_change(terms, SEQUENCE[command], EVENTS[command]))


async def consume(books: Transaction, terms: OrderTerms) -> None:
    key = operation_key(terms.order_id, "consume")
    await books.inventory.consume(Consume(key=key, at=terms.received_at, order_id=terms.order_id, lines=_lines(terms)))


async def record_collected(books: Transaction, terms: OrderTerms) -> None:
    await books.records.write(_change(terms, COLLECTED, Event.HANDED_OVER))


class Steps:
    """The steps with a transaction of their own each, and those that ask the provider."""

    def __init__(self, engine: AsyncEngine, payments: LedgeredPayments) -> None:
        self.transactions = PostgresTransactions(engine)
        self.payments = payments

    async def reserve(self, terms: OrderTerms) -> None:
        async with self.transactions.begin() as books:
            await reserve(books, terms)

    async def authorise(self, terms: OrderTerms) -> AuthorisationId:
        (tender,) = terms.tenders
        authorisation = await self.payments.authorise(
            AuthoriseRequest(
                key=operation_key(terms.order_id, "authorise"),
                order_id=terms.order_id,
                tender_id=tender.tender_id,
                at=terms.received_at,
                token=tender.token or "",
                amount=_total(terms),
            )
        )
        return authorisation.id

    async def record_placed(self, terms: OrderTerms) -> None:
        async with self.transactions.begin() as books:
            await record_placed(books, terms)

    async def record_command(self, terms: OrderTerms, command: Command) -> None:
        async with self.transactions.begin() as books:
            await record_command(books, terms, command)

    async def capture(self, terms: OrderTerms, authorisation: AuthorisationId) -> None:
        (tender,) = terms.tenders
        await self.payments.capture(
            CaptureRequest(
                key=operation_key(terms.order_id, OperationKind.CAPTURE),
                order_id=terms.order_id,
                tender_id=tender.tender_id,
                at=terms.received_at,
                authorisation_id=authorisation,
                amount=_total(terms),
                purpose=CapturePurpose.HAND_OVER,
            )
        )

    async def consume(self, terms: OrderTerms) -> None:
        async with self.transactions.begin() as books:
            await consume(books, terms)

    async def record_collected(self, terms: OrderTerms) -> None:
        async with self.transactions.begin() as books:
            await record_collected(books, terms)


@asynccontextmanager
async def steps(database_url: str, payments_url: str) -> AsyncIterator[Steps]:
    engine = make_engine(database_url, pool_size=10, overflow=20)
    http = http_client()
    try:
        yield Steps(engine, LedgeredPayments(engine, SimulatorPayments(payments_url, http), "simulator"))
    finally:
        await http.aclose()
        await engine.dispose()


def _lines(terms: OrderTerms) -> tuple[StockLine, ...]:
    return tuple(
        StockLine(line_id=line.line_id, sku=line.sku, location_id=terms.pickups[0].store_id, quantity=line.quantity)
        for line in terms.lines
    )


def _total(terms: OrderTerms) -> Money:
    return Money(amount=terms.total, currency=terms.currency)


def _change(terms: OrderTerms, sequence: int, event: Event) -> OrderChange:
    """The order's whole view, as a plain program would write it each time."""
    view = Order.opened(terms).view()
    return OrderChange(
        order_id=terms.order_id,
        sequence=sequence,
        at=terms.received_at,
        head=view.model_copy(update={"version": sequence, "lines": [], "groups": []}),
        lines=view.lines,
        groups=view.groups,
        events=[TimelineEntry(at=terms.received_at, event=event, actor=ENGINE)],
    )
