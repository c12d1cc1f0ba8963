"""A loan as a provider: within what was approved, once a key, and posted to its account to the cent."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.banking.postgres import PostgresBanking
from adapters.payment.financing import FinancingPayments, disbursement_plan
from adapters.payment.provider import AmountMismatch, Declined, KeyConflict
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables import lending
from domain.ids import OperationKey
from domain.lending.accounts import AccountKind, AccountTerms, balances
from domain.lending.decisions import Verdict
from domain.lending.financing import DisbursementPlan
from domain.lending.schedule import DayCount
from domain.money import Money
from domain.payments import AuthorisationStatus
from domain.terms import FINANCING
from tests.adapters.applications.views import decided, view
from tests.conftest import NewDatabase

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
async def engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("financing"), pool_size=10)
    rows = [lending.ApplicationRow, lending.AccountRow, lending.AccountTransactionRow, lending.DisbursementPlanRow]
    rows += [lending.FinancingRow, lending.FinancingOperationRow]
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=[row.__table__ for row in rows])
    yield engine
    await engine.dispose()


class Loan:
    def __init__(self, engine: AsyncEngine):
        self.engine = engine
        self.name = secrets.token_hex(8)
        self.bank = PostgresBanking(engine)
        self.pays = FinancingPayments(engine, "http://shop", clock=lambda: NOW)

    async def approved(self, **changed: Any) -> "Loan":
        row = {
            "application_id": self.name,
            "version": 1,
            "product": "personal-loan",
            "channel": "web",
            "created_by": "web",
            "customer_ref": "P-1",
            "stage": "offered",
            "for_review": False,
            "created_at": NOW,
            "changed_at": NOW,
            "view": view(self.name, **changed).model_dump(mode="json"),
        }
        async with self.engine.begin() as connection:
            await connection.execute(insert(lending.ApplicationRow).values(**row))
        return self

    async def booked(self) -> None:
        terms = AccountTerms(
            account_id=f"a{self.name}",
            application_id=self.name,
            kind=AccountKind.LOAN,
            currency="USD",
            annual_rate=Decimal("9.9"),
            day_count=DayCount.THIRTY_360,
            opened_on=date(2026, 11, 2),
            limit=990,
        )
        await self.bank.open(terms, (), None, NOW)

    async def becomes(self, **changed: Any) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(
                update(lending.ApplicationRow)
                .where(lending.ApplicationRow.application_id == self.name)
                .values(view=view(self.name, **changed).model_dump(mode="json"))
            )

    async def authorise(self, amount: int, key: str | None = None, **more: Any) -> Any:
        money = Money(amount=amount, currency=more.get("currency", "USD"))
        name = OperationKey(key or secrets.token_hex(8))
        return await self.pays.authorise(reference="o1", token=FINANCING + self.name, amount=money, key=name)

    async def principal(self) -> int:
        account = await self.bank.account(f"a{self.name}")
        return balances(account.terms, account.transactions, NOW, NOW.date()).principal


def usd(amount: int) -> Money:
    return Money(amount=amount, currency="USD")


def key() -> OperationKey:
    return OperationKey(secrets.token_hex(8))


async def test_an_approved_loan_asks_for_its_signature_and_is_good_once_it_is_booked(engine: AsyncEngine) -> None:
    loan = await Loan(engine).approved()
    waiting = await loan.authorise(500, "first")
    assert (waiting.status, waiting.held.amount) == (AuthorisationStatus.CUSTOMER_ACTION, 0)
    assert waiting.action_url.endswith(loan.name)
    assert await disbursement_plan(engine, loan.name, DisbursementPlan.PAYOUT) is DisbursementPlan.ORDERS
    await loan.booked()
    found = await loan.pays.find(OperationKey("first"))
    assert (found.status, found.held.amount) == (AuthorisationStatus.AUTHORISED, 500)  # type: ignore[union-attr]


async def test_no_more_is_set_aside_than_was_approved_however_many_ask_at_once(engine: AsyncEngine) -> None:
    loan = await Loan(engine).approved()
    asked = await asyncio.gather(*(loan.authorise(400) for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(each, Declined) for each in asked) == 2
    with pytest.raises(Declined):
        await loan.authorise(191)
    assert (await loan.authorise(190)).amount == 190


async def test_drawn_and_given_back_once_a_key(engine: AsyncEngine) -> None:
    loan = await Loan(engine).approved()
    await loan.booked()
    held = await loan.authorise(600)
    draw = key()
    for _ in range(2):
        taken = await loan.pays.capture(held.id, usd(400), key=draw)
    assert (taken.remaining.amount, await loan.principal()) == (200, 400)
    with pytest.raises(KeyConflict):
        await loan.pays.capture(held.id, usd(100), key=draw)
    with pytest.raises(AmountMismatch):
        await loan.pays.capture(held.id, usd(201), key=key())
    assert (await loan.pays.void(held.id, amount=None, key=key())).amount.amount == 200
    back = key()
    for _ in range(2):
        await loan.pays.refund(held.id, usd(150), key=back)
    assert await loan.principal() == 250
    with pytest.raises(AmountMismatch):
        await loan.pays.refund(held.id, usd(251), key=key())
    assert (await loan.authorise(590)).amount == 590, "what was freed may be set aside anew, what came back may not"


async def test_what_comes_back_after_it_was_repaid_is_owed_to_the_customer(engine: AsyncEngine) -> None:
    loan = await Loan(engine).approved()
    await loan.booked()
    held = await loan.authorise(300)
    await loan.pays.capture(held.id, usd(300), key=key())
    await loan.bank.repay(f"a{loan.name}", 250, key(), NOW, NOW.date(), "web")
    await loan.pays.refund(held.id, usd(300), key=key())
    account = await loan.bank.account(f"a{loan.name}")
    lines = {line.ledger.value: line.amount for line in account.transactions[-1].postings}
    assert (await loan.principal(), lines) == (0, {"cash": 300, "principal": -50, "clearing": -250})


async def test_a_loan_that_was_paid_out_or_has_ended_or_is_in_other_money_pays_nothing(engine: AsyncEngine) -> None:
    paid_out = await Loan(engine).approved()
    assert await disbursement_plan(engine, paid_out.name, DisbursementPlan.PAYOUT) is DisbursementPlan.PAYOUT
    with pytest.raises(Declined):
        await paid_out.authorise(10)
    declined = await Loan(engine).approved(decision=decided(Verdict.DECLINE))
    with pytest.raises(Declined):
        await declined.authorise(10)
    euros = await Loan(engine).approved()
    with pytest.raises(Declined):
        await euros.authorise(10, currency="EUR")
    left = await Loan(engine).approved()
    waiting = await left.authorise(10)
    await left.becomes(outcome="withdrawn")
    assert (await left.pays.authorisation(waiting.id)).status is AuthorisationStatus.DECLINED
