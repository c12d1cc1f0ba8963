"""The money books in PostgreSQL: operations are begun under the authorisation's row lock, then settled, once each.

Locks are always taken in one order: tender, authorisation, operation.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.postgres import ledger_sql
from adapters.postgres.ledger_rows import (
    ABANDONED,
    BOOKS,
    BOOKS_AND_OPERATION_LOCKED,
    BOOKS_LOCKED,
    BOOKS_LOCKED_WITH_OPERATION,
    GONE,
    OPERATION,
    OPERATION_LOCKED,
    OPERATIONS,
    WITHOUT_EFFECT,
    Asked,
    Operation,
    read_operation,
    read_standing,
)
from adapters.postgres.ledger_writing import Settlement, Sight, outcome_of, reserved
from adapters.postgres.tables.ledger import DisputeRow, PaymentOperationRow
from domain.booking import Booking, Reservation, Standing
from domain.ids import OperationKey
from domain.ledger import Dispute
from domain.money import CurrencyMismatch, Minor
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    OperationKind,
    OperationStatus,
)


@dataclass(frozen=True)
class Refusal:
    """More was asked than may move."""

    available: Minor
    status: AuthorisationStatus


class NoSuchAuthorisation(LookupError):
    """It is not in our books, or it is another order's or tender's."""


class Ledger:
    """The books of one provider's operations."""

    def __init__(self, engine: AsyncEngine, provider: str) -> None:
        self._engine = engine
        self._single = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.provider = provider

    # Beginning -------------------------------------------------------------------------------------------------------

    async def begin_authorisation(self, key: OperationKey, asked: Asked, at: datetime) -> tuple[Operation, bool]:
        """The operation `key`, and whether it is new."""
        reservation = Reservation(asked.asked or 0, entire=False)
        async with self._single.connect() as connection:
            new = await self._insert(connection, key, asked, reservation, at)
            return new or await self._operation(connection, key), new is not None

    async def begin(self, key: OperationKey, asked: Asked, at: datetime) -> tuple[Operation, bool] | Refusal:
        """The operation `key` on an authorisation, spoken for within the ceilings if it is new; and whether it is."""
        async with self._engine.begin() as connection:
            about = {"provider": self.provider, "authorisation_id": asked.authorisation_id, "key": key}
            row = (await connection.execute(BOOKS_LOCKED_WITH_OPERATION, about)).mappings().first()
            if row is None or row["a_order_id"] != asked.order_id or row["a_tender_id"] != asked.tender_id:
                raise NoSuchAuthorisation
            known = read_operation(row, prefix="o_") if row["o_key"] else None
            if known and not (known.may_begin_again and known.asks(asked)):
                return known, False
            refund = asked.kind is OperationKind.REFUND
            gone = (await connection.execute(GONE, about)).mappings().one() if refund else None
            standing = read_standing(row, gone)
            reservation = standing.reserve(asked.kind, asked.asked)
            if asked.currency not in (None, row["a_currency"]):
                raise CurrencyMismatch(f"The authorisation is in {row['a_currency']}, not {asked.currency}.")
            if reservation is None and known is None:
                # We may have waited for the books while another try of this key spoke for the money: the statement
                # that waited sees the books as they are now, but not an operation that is younger than itself.
                younger = (await connection.execute(OPERATION, {"key": key})).mappings().first()
                if younger is not None:
                    return read_operation(younger, prefix="o_"), False
            if reservation is None:
                return Refusal(standing.available(asked.kind), standing.status)
            asked = asked.model_copy(update={"currency": row["a_currency"]})
            begun = await self._insert(connection, key, asked, reservation, at)
            # One that begins again is not new: an earlier try may have arrived after all.
            return begun or await self._operation(connection, key), begun is not None and known is None

    async def _insert(
        self, connection: AsyncConnection, key: OperationKey, asked: Asked, reservation: Reservation, at: datetime
    ) -> Operation | None:
        values = {
            **asked.model_dump(),
            **reserved(asked.kind, reservation.amount),
            "key": key,
            "provider": self.provider,
            "amount": reservation.amount,
            "entire": reservation.entire,
            "at": at,
            "may_begin_again": list(WITHOUT_EFFECT) if asked.kind is not OperationKind.AUTHORISE else [],
        }
        statement = ledger_sql.BEGIN_AUTHORISATION if asked.kind is OperationKind.AUTHORISE else ledger_sql.BEGIN
        row = (await connection.execute(statement, values)).mappings().first()
        return read_operation(row) if row else None

    # Settling --------------------------------------------------------------------------------------------------------

    async def settle_authorisation(
        self, operation: Operation, state: Authorisation, booking: Booking, at: datetime, *, failure: str | None
    ) -> None:
        """Enter the answer, unless the operation has its end; while the customer has not confirmed, it stays open."""
        values = {
            **outcome_of(operation, booking, at, answer=state.id, result=state, failure=failure),
            "provider": self.provider,
            "authorisation_id": state.id,
            "authorisation_status": state.status,
            "capture_before": state.capture_before,
            "single_capture": state.single_capture,
        }
        async with self._single.connect() as connection:
            await connection.execute(ledger_sql.SETTLE_AUTHORISATION, values)

    @asynccontextmanager
    async def settling(self, operation: Operation) -> AsyncIterator[Settlement]:
        """The operation as it is now, and its books, locked."""
        async with self._engine.begin() as connection:
            opening = operation.kind is OperationKind.AUTHORISE
            query = OPERATION_LOCKED if opening else BOOKS_AND_OPERATION_LOCKED
            about: dict[str, str] = {"key": operation.key}
            if not opening:
                about |= {"provider": self.provider, "authorisation_id": operation.authorisation_id or ""}
            row = (await connection.execute(query, about)).mappings().one()
            present = read_operation(row, prefix="o_")
            standing = None if opening else read_standing(row)
            yield Settlement(self.provider, connection, present, standing)

    @asynccontextmanager
    async def locked(self, authorisation: AuthorisationId) -> AsyncIterator[Sight | None]:
        """An authorisation's books, locked, for what the provider did by itself."""
        async with self._engine.begin() as connection:
            about = {"provider": self.provider, "authorisation_id": authorisation}
            row = (await connection.execute(BOOKS_LOCKED, about)).mappings().first()
            yield Sight(self.provider, connection, authorisation, row) if row else None

    # Disputes --------------------------------------------------------------------------------------------------------

    async def dispute(self, dispute: str, authorisation: AuthorisationId, amount: Minor, at: datetime) -> bool:
        """Enter a dispute once, under the authorisation's lock: no refund passes it. False: no such authorisation."""
        async with self._engine.begin() as connection:
            about = {"provider": self.provider, "authorisation_id": authorisation}
            row = (await connection.execute(BOOKS_LOCKED, about)).mappings().first()
            if row is None:
                return False
            values = {
                "provider": self.provider,
                "id": dispute,
                "order_id": row["a_order_id"],
                "tender_id": row["a_tender_id"],
                "authorisation_id": authorisation,
                "amount": amount,
                "currency": row["a_currency"],
                "at": at,
            }
            await connection.execute(insert(DisputeRow).values(values).on_conflict_do_nothing())
            return True

    async def open_disputes(self, limit: int) -> list[Dispute]:
        fields = [getattr(DisputeRow, name) for name in Dispute.model_fields]
        query = select(*fields).where(DisputeRow.closed_at.is_(None)).order_by(DisputeRow.at, DisputeRow.id)
        async with self._single.connect() as connection:
            return [Dispute.model_validate(row) for row in (await connection.execute(query.limit(limit))).mappings()]

    async def close_dispute(self, dispute: str, at: datetime, by: str, reason: str) -> bool:
        """Somebody has decided. False: nobody waits for that any more."""
        closing = (
            update(DisputeRow)
            .where(DisputeRow.provider == self.provider, DisputeRow.id == dispute, DisputeRow.closed_at.is_(None))
            .values(closed_at=at, closed_by=by, reason=reason)
            .returning(DisputeRow.id)
        )
        async with self._single.connect() as connection:
            return (await connection.execute(closing)).first() is not None

    # Looking ---------------------------------------------------------------------------------------------------------

    async def operation(self, key: OperationKey) -> Operation | None:
        return await self._first(PaymentOperationRow.key == key)

    async def operation_answered(self, kind: OperationKind, answer: str) -> Operation | None:
        """The operation that the provider knows as `answer`."""
        row = PaymentOperationRow
        return await self._first(
            (row.provider == self.provider) & (row.kind == kind) & (row.provider_operation_id == answer)
        )

    async def opener(self, authorisation: AuthorisationId) -> Operation | None:
        """The operation that asked for this authorisation."""
        row = PaymentOperationRow
        return await self._first(
            (row.provider == self.provider)
            & (row.authorisation_id == authorisation)
            & (row.kind == OperationKind.AUTHORISE)
        )

    async def open_operations(self, authorisation: AuthorisationId, *kinds: OperationKind) -> list[Operation]:
        row = PaymentOperationRow
        return await self._all(authorisation, (row.status == OperationStatus.PENDING) & row.kind.in_(kinds))

    async def done_at(self, authorisation: AuthorisationId) -> list[Operation]:
        """What we asked for ourselves at an authorisation, and have booked."""
        row = PaymentOperationRow
        done = (row.status == OperationStatus.SUCCEEDED) & row.external.is_(False) & (row.booked > 0)
        return await self._all(authorisation, done)

    async def given_up(self, authorisation: AuthorisationId) -> list[Operation]:
        """Operations that had not arrived when they were asked for, and may have arrived since."""
        return await self._all(authorisation, PaymentOperationRow.failure == ABANDONED)

    async def _all(self, authorisation: AuthorisationId, condition: ColumnElement[bool]) -> list[Operation]:
        row = PaymentOperationRow
        query = OPERATIONS.where(row.provider == self.provider, row.authorisation_id == authorisation)
        async with self._single.connect() as connection:
            found = (await connection.execute(query.where(condition).order_by(row.key))).mappings()
            return [read_operation(each, prefix="o_") for each in found]

    async def standing(self, authorisation: AuthorisationId) -> tuple[Standing, datetime | None] | None:
        """An authorisation as it stands in our books, and the end we know for it."""
        async with self._single.connect() as connection:
            about = {"provider": self.provider, "authorisation_id": authorisation}
            row = (await connection.execute(BOOKS, about)).mappings().first()
            return (read_standing(row), row["a_capture_before"]) if row else None

    async def _first(self, condition: ColumnElement[bool]) -> Operation | None:
        async with self._single.connect() as connection:
            row = (await connection.execute(OPERATIONS.where(condition))).mappings().first()
            return read_operation(row, prefix="o_") if row else None

    async def _operation(self, connection: AsyncConnection, key: OperationKey) -> Operation:
        row = (await connection.execute(OPERATION, {"key": key})).mappings().one()
        return read_operation(row, prefix="o_")
