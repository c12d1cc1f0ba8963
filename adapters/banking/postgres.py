"""Loan, card and deposit accounts in our own PostgreSQL. The account's row is locked while something is posted."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.banking.port import Account, KeyReused, NothingOwed, UnknownAccount
from adapters.postgres.tables.lending import AccountRow, AccountTransactionRow
from domain.lending.accounts import (
    AccountKind,
    AccountTerms,
    Transaction,
    TransactionKind,
    TransactionState,
    accrued_interest,
    allocate,
    deposit_postings,
    payoff,
    repayment_postings,
)
from domain.lending.schedule import Instalment
from domain.money import Money


class PostgresBanking:
    """See `port.CoreBanking`."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    async def open(
        self, terms: AccountTerms, instalments: Sequence[Instalment], first: Transaction | None, at: datetime
    ) -> None:
        async with self._engine.begin() as connection:
            row = insert(AccountRow).values(
                account_id=terms.account_id,
                application_id=terms.application_id,
                terms=terms.model_dump(mode="json"),
                instalments=[each.model_dump(mode="json") for each in instalments],
                opened_at=at,
            )
            await connection.execute(row.on_conflict_do_nothing())
            if first is not None:
                await self._post(connection, terms.account_id, first)

    async def replan(
        self, account_id: str, instalments: Sequence[Instalment], draw: Transaction | None, *, agreed: int
    ) -> None:
        async with self._engine.begin() as connection:
            account = await self._account(connection, account_id, lock=True)
            terms = account.terms.model_copy(update={"agreed": agreed})
            await connection.execute(
                update(AccountRow)
                .where(AccountRow.account_id == account_id)
                .values(
                    terms=terms.model_dump(mode="json"),
                    instalments=[each.model_dump(mode="json") for each in instalments],
                )
            )
            if draw is not None:
                await self._post(connection, account_id, draw)

    async def settle(self, key: str, *, booked: bool) -> None:
        state = TransactionState.BOOKED if booked else TransactionState.REVERSED
        async with self._engine.begin() as connection:
            await connection.execute(
                update(AccountTransactionRow)
                .where(AccountTransactionRow.key == key, AccountTransactionRow.state == TransactionState.PENDING)
                .values(state=state.value)
            )

    async def account(self, account_id: str) -> Account:
        async with self._engine.connect() as connection:
            return await self._account(connection, account_id)

    async def repay(self, account_id: str, amount: int, key: str, at: datetime, on: date, channel: str) -> Transaction:
        async with self._engine.begin() as connection:
            account = await self._account(connection, account_id, lock=True)
            known = next((each for each in account.transactions if each.key == key), None)
            if known is not None:
                return known
            if await connection.scalar(select(AccountTransactionRow.key).where(AccountTransactionRow.key == key)):
                raise KeyReused("this key belongs to another account's transaction")
            posted = _posted(account, amount, key, at, on, channel)
            await self._post(connection, account_id, posted)
            return posted

    async def _account(self, connection: AsyncConnection, account_id: str, *, lock: bool = False) -> Account:
        query = select(AccountRow.terms, AccountRow.instalments).where(AccountRow.account_id == account_id)
        row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if row is None:
            raise UnknownAccount(f"there is no account {account_id}")
        posted = await connection.execute(
            select(AccountTransactionRow)
            .where(AccountTransactionRow.account_id == account_id)
            .order_by(AccountTransactionRow.position)
        )
        return Account(
            terms=AccountTerms.model_validate(row.terms),
            instalments=tuple(Instalment.model_validate(each) for each in row.instalments),
            transactions=tuple(_transaction(each) for each in posted),
        )

    async def _post(self, connection: AsyncConnection, account_id: str, transaction: Transaction) -> None:
        if sum(line.amount for line in transaction.postings):
            raise ValueError("the postings of a transaction must sum to zero")
        row = insert(AccountTransactionRow).values(
            key=transaction.key,
            account_id=account_id,
            kind=transaction.kind.value,
            state=transaction.state.value,
            at=transaction.at,
            value_date=transaction.value_date,
            postings=[line.model_dump(mode="json") for line in transaction.postings],
            channel=transaction.channel,
        )
        await connection.execute(row.on_conflict_do_nothing())


def _posted(account: Account, amount: int, key: str, at: datetime, on: date, channel: str) -> Transaction:
    terms = account.terms
    kind = TransactionKind.REPAYMENT
    if terms.kind is AccountKind.DEPOSIT:
        kind, postings = TransactionKind.DEPOSIT, deposit_postings(amount)
    else:
        owed = payoff(terms, account.transactions, on)
        used = allocate(amount, owed)
        if used.over:
            raise NothingOwed(f"No more than {Money(amount=owed.total, currency=terms.currency)} is owed on {on}")
        booked = [each for each in account.transactions if each.state is TransactionState.BOOKED]
        postings = repayment_postings(used, accrued_interest(terms, booked, on))
    return Transaction(
        key=key,
        kind=kind,
        state=TransactionState.BOOKED,
        at=at,
        value_date=on,
        postings=postings,
        channel=channel,
    )


def _transaction(row: Any) -> Transaction:
    return Transaction(
        key=row.key,
        kind=row.kind,
        state=row.state,
        at=row.at,
        value_date=row.value_date,
        postings=row.postings,
        channel=row.channel,
    )
