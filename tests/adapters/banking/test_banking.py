"""Accounts in PostgreSQL: opened once, posted to once a key, settled to one side for ever."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.banking.port import KeyReused, NothingOwed, UnknownAccount
from adapters.banking.postgres import PostgresBanking
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables.lending import AccountRow, AccountTransactionRow
from domain.lending.accounts import (
    AccountKind,
    AccountTerms,
    Transaction,
    TransactionKind,
    TransactionState,
    balances,
    disbursement_postings,
    payoff,
)
from domain.lending.months import monthly
from domain.lending.schedule import DayCount, level_schedule
from tests.conftest import NewDatabase

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
TODAY = date(2026, 11, 2)


@pytest.fixture(scope="module")
async def engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("banking"), pool_size=10)
    tables = [row.__table__ for row in (AccountRow, AccountTransactionRow)]
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=tables)
    yield engine
    await engine.dispose()


@pytest.fixture
def bank(engine: AsyncEngine) -> PostgresBanking:
    return PostgresBanking(engine)


async def opened(bank: PostgresBanking, kind: AccountKind = AccountKind.LOAN, *, booked: bool | None = True) -> str:
    name = secrets.token_hex(8)
    terms = AccountTerms(
        account_id=name,
        application_id=f"x{name}",
        kind=kind,
        currency="USD",
        annual_rate=Decimal("9.9"),
        day_count=DayCount.THIRTY_360,
        opened_on=TODAY,
    )
    instalments = level_schedule(1_000_000, Decimal("9.9"), monthly(TODAY, 12), DayCount.THIRTY_360)
    first = Transaction(
        key=f"d-{name}",
        kind=TransactionKind.DISBURSEMENT,
        state=TransactionState.PENDING,
        at=NOW,
        value_date=TODAY,
        postings=disbursement_postings(1_000_000, 10_000),
    )
    for _ in range(2):
        await bank.open(terms, instalments, first if kind is AccountKind.LOAN else None, NOW)
    if booked is not None:
        await bank.settle(f"d-{name}", booked=booked)
    return name


async def test_opening_twice_books_once(bank: PostgresBanking) -> None:
    account = await bank.account(await opened(bank, booked=None))
    assert [each.state for each in account.transactions] == [TransactionState.PENDING]
    assert balances(account.terms, account.transactions, NOW, TODAY).pending == 1_000_000
    assert len(account.instalments) == 12


@pytest.mark.parametrize("first", [True, False])
async def test_what_is_settled_never_changes_sides(bank: PostgresBanking, first: bool) -> None:
    name = await opened(bank, booked=first)
    await bank.settle(f"d-{name}", booked=not first)
    account = await bank.account(name)
    assert account.transactions[0].state is (TransactionState.BOOKED if first else TransactionState.REVERSED)
    assert payoff(account.terms, account.transactions, TODAY).total == (1_000_000 if first else 0)


async def test_a_repayment_is_posted_once_however_often_it_comes(bank: PostgresBanking) -> None:
    name = await opened(bank)
    key = f"r-{name}"
    posted = await asyncio.gather(*(bank.repay(name, 50_000, key, NOW, TODAY, "web") for _ in range(8)))
    assert len({each.model_dump_json() for each in posted}) == 1
    account = await bank.account(name)
    assert payoff(account.terms, account.transactions, TODAY).total == 950_000


async def test_repayments_at_once_never_take_more_than_is_owed(bank: PostgresBanking) -> None:
    name = await opened(bank)
    tries = [bank.repay(name, 300_000, f"r{n}-{name}", NOW, TODAY, "web") for n in range(5)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, NothingOwed) for each in done) == 2
    account = await bank.account(name)
    assert payoff(account.terms, account.transactions, TODAY).total == 100_000


async def test_a_deposit_is_held_for_the_depositor(bank: PostgresBanking) -> None:
    name = await opened(bank, AccountKind.DEPOSIT, booked=None)
    await bank.repay(name, 700, f"p-{name}", NOW, TODAY, "branch")
    account = await bank.account(name)
    assert balances(account.terms, account.transactions, NOW, TODAY).available == 700


async def test_unknown_accounts_and_keys_of_another_account_are_refused(bank: PostgresBanking) -> None:
    with pytest.raises(UnknownAccount):
        await bank.account("none")
    one, other = await opened(bank), await opened(bank)
    await bank.repay(one, 100, f"k-{one}", NOW, TODAY, "web")
    with pytest.raises(KeyReused):
        await bank.repay(other, 100, f"k-{one}", NOW, TODAY, "web")


async def test_another_part_is_booked_once_with_the_schedule_that_it_makes(bank: PostgresBanking) -> None:
    name = await opened(bank)
    instalments = level_schedule(1_500_000, Decimal("9.9"), monthly(TODAY, 12), DayCount.THIRTY_360)
    second = Transaction(
        key=f"d2-{name}",
        kind=TransactionKind.DISBURSEMENT,
        state=TransactionState.PENDING,
        at=NOW,
        value_date=TODAY,
        postings=disbursement_postings(500_000, 0),
    )
    for _ in range(2):
        await bank.replan(name, instalments, second, agreed=1_700_000)
    account = await bank.account(name)
    now = balances(account.terms, account.transactions, NOW, TODAY)
    assert (now.drawn, now.pending, now.undrawn) == (1_000_000, 500_000, 200_000)
    await bank.settle(second.key, booked=True)
    for _ in range(2):
        await bank.replan(name, instalments, None, agreed=1_500_000)
    account = await bank.account(name)
    now = balances(account.terms, account.transactions, NOW, TODAY)
    assert (now.principal, now.drawn, now.undrawn) == (1_500_000, 1_500_000, 0)
    assert account.instalments == tuple(instalments)
    with pytest.raises(UnknownAccount):
        await bank.replan("nobody", instalments, second, agreed=1)
