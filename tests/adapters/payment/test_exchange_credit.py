"""Exchange credit: no more is held than was promised, no more is taken than came back or a card stands for."""

import secrets

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.payment.by_means import PaymentsByMeans, with_exchange_credit
from adapters.payment.port import (
    AuthoriseRequest,
    CaptureRequest,
    CeilingExceeded,
    Payments,
    RefundRequest,
    VoidRequest,
)
from adapters.payment.provider import Declined
from adapters.postgres.metadata import Table
from adapters.postgres.tables import returns
from adapters.returns.port import ExchangeCredit, ReturnChange
from adapters.returns.postgres import PostgresReturns
from domain.ids import OperationKey, OrderId, ReturnId, operation_key
from domain.ledger import CapturePurpose
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus, TenderId
from domain.returns.exchanging import credit_token
from tests.domain.sample_orders import PLACED
from tests.domain.sample_returns import a_return, returned_line
from tests.domain.test_exchanging import exchange

T1 = TenderId("t1")


class NoProvider:
    """Nothing of exchange credit is asked of a provider; what is read is read from our ledger."""


class Credit:
    """The credit of one return, and the order that it pays for."""

    def __init__(self, engine: AsyncEngine, payments: PaymentsByMeans) -> None:
        self.engine = engine
        self.payments = payments
        self.return_id = ReturnId(secrets.token_hex(8))
        self.order_id = OrderId(f"x{secrets.token_hex(8)}")
        self.sequence = 0

    async def is_worth(self, promised: int, granted: int = 0, secured: int = 0) -> None:
        """A milestone of the return says so."""
        self.sequence += 1
        wanted = exchange()
        wanted.terms = wanted.terms.model_copy(update={"order_id": self.order_id})
        state = a_return(returned_line(), return_id=self.return_id, version=self.sequence, exchange=wanted)
        change = ReturnChange(
            return_id=state.return_id,
            order_id=state.order_id,
            sequence=self.sequence,
            at=PLACED,
            view=state.view(),
            claimed={},
            accepted={},
            refunded=0,
            credit=ExchangeCredit(currency="EUR", promised=promised, granted=granted, secured=secured),
        )
        async with self.engine.begin() as connection:
            assert await PostgresReturns(connection).write(change)

    async def hold(self, amount: int, n: int = 1, order_id: OrderId | None = None) -> Authorisation:
        request = AuthoriseRequest(
            key=self.key("authorise", n),
            order_id=order_id or self.order_id,
            tender_id=T1,
            token=credit_token(self.return_id),
            amount=euros(amount),
            at=PLACED,
        )
        return await self.payments.authorise(request)

    async def take(self, held: AuthorisationId, amount: int, n: int = 1) -> int:
        request = CaptureRequest(
            key=self.key("capture", n),
            order_id=self.order_id,
            tender_id=T1,
            authorisation_id=held,
            amount=euros(amount),
            at=PLACED,
            purpose=CapturePurpose.HAND_OVER,
        )
        return (await self.payments.capture(request)).remaining.amount

    async def give_back(self, held: AuthorisationId, amount: int, n: int = 1) -> None:
        await self.payments.refund(
            RefundRequest(
                key=self.key("refund", n),
                order_id=self.order_id,
                tender_id=T1,
                authorisation_id=held,
                amount=euros(amount),
                at=PLACED,
                reason="returned",
            )
        )

    async def free(self, held: AuthorisationId, amount: int | None = None) -> int:
        request = VoidRequest(
            key=self.key("void", 1),
            order_id=self.order_id,
            tender_id=T1,
            authorisation_id=held,
            amount=euros(amount) if amount else None,
            at=PLACED,
            reason="not needed",
        )
        return (await self.payments.void(request)).amount.amount

    def key(self, operation: str, n: int) -> OperationKey:
        return operation_key(self.order_id, operation, T1, n)

    async def balance(self) -> int:
        """Of what we owe exchanges, as far as it is about this one: zero once all is used."""
        about = {"order": self.order_id, "grant": f"{self.return_id}:granted:%"}
        query = text("""
            SELECT coalesce(sum(line.amount), 0) FROM journal_lines line JOIN journal_entries entry
            ON entry.id = line.entry_id WHERE line.account = 'receivable'
            AND (entry.order_id = :order OR entry.operation_key LIKE :grant)
        """)
        async with self.engine.connect() as connection:
            return int(await connection.scalar(query, about) or 0)


def euros(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@pytest.fixture
async def credit(ledger_engine: AsyncEngine) -> Credit:
    async with ledger_engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=returns.TABLES)
    nobody: Payments = NoProvider()  # type: ignore[assignment]
    return Credit(ledger_engine, with_exchange_credit(nobody, ledger_engine))


async def test_no_more_is_held_than_was_promised(credit: Credit) -> None:
    await credit.is_worth(4000)
    held = await credit.hold(3000)
    assert (held.amount, held.status) == (3000, AuthorisationStatus.AUTHORISED)
    assert await credit.hold(3000) == held, "asked again, it is the same"
    with pytest.raises(Declined):
        await credit.hold(1001, n=2)
    await credit.hold(1000, n=3)


async def test_nobody_else_pays_with_it(credit: Credit) -> None:
    await credit.is_worth(4000)
    with pytest.raises(Declined):
        await credit.hold(4000, order_id=OrderId("another"))


async def test_no_more_is_taken_than_has_come_back(credit: Credit) -> None:
    await credit.is_worth(4000)
    held = await credit.hold(4000)
    with pytest.raises(Declined):
        await credit.take(held.id, 4000)
    await credit.is_worth(4000, granted=3000)
    with pytest.raises(Declined):
        await credit.take(held.id, 4000, n=2)
    assert await credit.take(held.id, 3000, n=3) == 1000
    assert await credit.take(held.id, 3000, n=3) == 1000, "asked again, it was taken once"
    with pytest.raises(Declined):
        await credit.take(held.id, 1, n=4)
    assert await credit.free(held.id) == 1000
    state = await credit.payments.authorisation(held.id)
    assert (state.captured, state.voided) == (3000, 1000)


async def test_a_card_stands_for_what_goes_out_first(credit: Credit) -> None:
    await credit.is_worth(4000, secured=4000)
    held = await credit.hold(4000)
    assert await credit.take(held.id, 4000) == 0


async def test_what_is_given_back_and_what_is_taken_cancel_each_other_in_the_books(credit: Credit) -> None:
    await credit.is_worth(4000)
    held = await credit.hold(4000)
    await credit.is_worth(4000, granted=4000)
    assert await credit.balance() == -4000, "owed to the exchange"
    await credit.take(held.id, 4000)
    assert await credit.balance() == 0
    await credit.is_worth(4000, granted=4000)
    assert await credit.balance() == 0, "it is granted once"
    await credit.give_back(held.id, 1000)
    with pytest.raises(CeilingExceeded):
        await credit.give_back(held.id, 3001, n=2)
