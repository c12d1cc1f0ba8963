"""A real PostgreSQL for balances and the payment ledger, and a purse to play with."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.balances.postgres import PostgresBalances
from adapters.balances.provider import PROVIDER, BalancePayments
from adapters.payment.ledgered import LedgeredPayments
from adapters.payment.port import AuthoriseRequest, CaptureRequest, RefundRequest, VoidRequest
from adapters.postgres.engine import make_engine
from adapters.postgres.metadata import Table
from adapters.postgres.tables import balances, ledger
from adapters.postgres.tables.balances import BalanceEntryRow, BalanceLineRow
from domain.balances import Balance, BalanceAccount, BalanceId, BalanceKind, Issue, number_hash, number_of, token_of
from domain.ids import OperationKey, OrderId
from domain.ledger import CapturePurpose
from domain.money import Money
from domain.payments import Authorisation, AuthorisationId, Capture, Refund, TenderId, Void
from tests.conftest import NewDatabase

SECRET = b"s" * 32
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
async def balances_engine(new_database: NewDatabase) -> AsyncIterator[AsyncEngine]:
    engine = make_engine(await new_database("balances"), pool_size=25, wait_seconds=30)
    async with engine.begin() as connection:
        await connection.run_sync(Table.metadata.create_all, tables=[*ledger.TABLES, *balances.TABLES])
    yield engine
    await engine.dispose()


@dataclass
class Purse:
    """One gift card, and orders that pay with it through our ledger."""

    engine: AsyncEngine
    kind: BalanceKind = BalanceKind.GIFT_CARD
    name: str = field(default_factory=lambda: secrets.token_hex(6))
    steps: int = 0

    def __post_init__(self) -> None:
        self.balances = PostgresBalances(self.engine, SECRET, "simulator")
        self.provider = BalancePayments(self.engine, SECRET, clock=lambda: NOW)
        self.payments = LedgeredPayments(self.engine, self.provider, PROVIDER, clock=lambda: NOW)
        self.id = BalanceId(f"b-{self.name}")

    @property
    def token(self) -> str:
        return token_of(self.kind, number_hash(SECRET, number_of(SECRET, self.id)))

    def key(self) -> OperationKey:
        self.steps += 1
        return OperationKey(f"{self.name}:{self.steps}")

    async def fill(self, amount: int, *, active: bool = True, customer: str | None = None) -> None:
        issued = await self.balances.issue(
            Issue(
                key=self.key(),
                id=self.id,
                kind=self.kind,
                amount=amount,
                currency="EUR",
                at=NOW,
                reason="test",
                active=active,
                customer_ref=customer,
            )
        )
        self.id = issued.balance_id

    async def hold(
        self, amount: int, *, order: str = "1", key: OperationKey | None = None, token: str | None = None
    ) -> Authorisation:
        return await self.payments.authorise(
            AuthoriseRequest(
                key=key or self.key(),
                order_id=OrderId(f"{self.name}-{order}"),
                tender_id=TenderId("t1"),
                token=token or self.token,
                amount=eur(amount),
                at=NOW,
            )
        )

    async def draw(self, hold: AuthorisationId, amount: int, *, order: str = "1") -> Capture:
        return await self.payments.capture(
            CaptureRequest(
                key=self.key(),
                order_id=OrderId(f"{self.name}-{order}"),
                tender_id=TenderId("t1"),
                authorisation_id=hold,
                amount=eur(amount),
                at=NOW,
                purpose=CapturePurpose.HAND_OVER,
            )
        )

    async def free(self, hold: AuthorisationId, amount: int | None = None, *, order: str = "1") -> Void:
        return await self.payments.void(
            VoidRequest(
                key=self.key(),
                order_id=OrderId(f"{self.name}-{order}"),
                tender_id=TenderId("t1"),
                authorisation_id=hold,
                amount=eur(amount) if amount else None,
                at=NOW,
                reason="test",
            )
        )

    async def give_back(self, hold: AuthorisationId, amount: int, *, order: str = "1") -> Refund:
        return await self.payments.refund(
            RefundRequest(
                key=self.key(),
                order_id=OrderId(f"{self.name}-{order}"),
                tender_id=TenderId("t1"),
                authorisation_id=hold,
                amount=eur(amount),
                at=NOW,
                reason="test",
            )
        )

    async def now(self) -> Balance:
        found = await self.balances.balance(self.id)
        assert found is not None
        return found

    async def journal(self) -> dict[BalanceAccount, int]:
        """What each account comes to by the entries alone, what we owe being positive."""
        query = (
            select(BalanceLineRow.account, func.sum(BalanceLineRow.amount))
            .join(BalanceEntryRow, BalanceEntryRow.id == BalanceLineRow.entry_id)
            .where(BalanceEntryRow.balance_id == self.id)
            .group_by(BalanceLineRow.account)
        )
        async with self.engine.connect() as connection:
            found = {BalanceAccount(name): -int(amount) for name, amount in await connection.execute(query)}
        return {account: found.get(account, 0) for account in BalanceAccount}


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@pytest.fixture
def purse(balances_engine: AsyncEngine) -> Purse:
    return Purse(balances_engine)
