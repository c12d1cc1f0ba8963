"""Balances in PostgreSQL, each call a transaction; money that goes elsewhere moves in both ledgers at once."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic import AwareDatetime
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.balances.books import BalanceBooks
from adapters.balances.port import Issued, NothingLeftToRedirect, Redirect
from adapters.balances.provider import PROVIDER, is_hold
from adapters.postgres.ledger_rows import BOOKS_LOCKED, GONE, read_standing
from adapters.postgres.tables.ledger import JournalEntryRow, JournalLineRow, RedirectRow
from domain.balances import Balance, BalanceEntry, BalanceId, Issue
from domain.ids import OperationKey, OrderId
from domain.ledger import Movement, postings_for
from domain.payments import AuthorisationId, OperationKind


class PostgresBalances:
    """See `port.Balances`. `provider`: the name of the payment provider in our ledger."""

    def __init__(self, engine: AsyncEngine, secret: bytes, provider: str) -> None:
        self._engine = engine
        self._secret = secret
        self._provider = provider

    async def issue(self, wanted: Issue) -> Issued:
        async with self._books() as books:
            return await books.issue(wanted)

    async def redirect(self, wanted: Redirect) -> Issued:
        async with self._books() as books:
            if wanted.authorisation_id is not None:
                await self._take_from(books, wanted, wanted.authorisation_id)
            return await books.issue(wanted.issue)

    async def _take_from(self, books: BalanceBooks, wanted: Redirect, authorisation: AuthorisationId) -> None:
        """Counts it against the ceilings of the tender that paid, under its lock, unless that was done before."""
        connection, issue = books.connection, wanted.issue
        provider = PROVIDER if is_hold(authorisation) else self._provider
        about = {"provider": provider, "authorisation_id": authorisation}
        row = (await connection.execute(BOOKS_LOCKED, about)).mappings().first()
        known = await connection.scalar(select(RedirectRow.key).where(RedirectRow.key == issue.key))
        if known is not None:
            return
        gone = (await connection.execute(GONE, about)).mappings().one()
        available = read_standing(row, gone).available(OperationKind.REFUND) if row is not None else 0
        if row is None or row["a_order_id"] != wanted.order_id or issue.amount > available:
            raise NothingLeftToRedirect(issue.amount, available)
        where: dict[str, Any] = {"provider": provider, "order_id": wanted.order_id, "tender_id": wanted.tender_id}
        where |= {"authorisation_id": authorisation, "currency": issue.currency, "at": issue.at}
        await connection.execute(
            insert(RedirectRow).values(
                key=issue.key, amount=issue.amount, target=issue.kind, reason=issue.reason, **where
            )
        )
        entry = await connection.scalar(
            insert(JournalEntryRow)
            .values(operation_key=issue.key, movement=Movement.REDIRECT, **where)
            .returning(JournalEntryRow.id)
        )
        postings = postings_for(Movement.REDIRECT, issue.amount)
        await connection.execute(
            insert(JournalLineRow).values(
                [{"entry_id": entry, "account": each.account, "amount": each.amount} for each in postings]
            )
        )

    async def activate(self, balance: BalanceId, at: AwareDatetime) -> None:
        async with self._books() as books:
            await books.activate(balance, at)

    async def disable(self, balance: BalanceId, key: OperationKey, at: AwareDatetime, reason: str) -> int:
        async with self._books() as books:
            return await books.disable(balance, key, at, reason)

    async def balance(self, balance: BalanceId) -> Balance | None:
        async with self._books() as books:
            return await books.balance(balance)

    async def by_number(self, hashed: str) -> Balance | None:
        async with self._books() as books:
            return await books.by_number(hashed)

    async def of_customer(self, customer_ref: str) -> Sequence[Balance]:
        async with self._books() as books:
            return await books.of_customer(customer_ref)

    async def sold_in(self, order_id: OrderId) -> Sequence[Balance]:
        async with self._books() as books:
            return await books.sold_in(order_id)

    async def history(self, balance: BalanceId, *, after: int, limit: int) -> Sequence[tuple[int, BalanceEntry]]:
        async with self._books() as books:
            return await books.history(balance, after=after, limit=limit)

    @asynccontextmanager
    async def _books(self) -> AsyncIterator[BalanceBooks]:
        async with self._engine.begin() as connection:
            yield BalanceBooks(connection, self._secret)
