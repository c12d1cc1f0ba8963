"""What is written while an operation or an authorisation is locked: outcomes, totals and journal in one statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import RowMapping, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres import ledger_sql
from adapters.postgres.ledger_rows import Operation, read_standing
from adapters.postgres.tables.ledger import PaymentOperationRow
from domain.booking import Booking, Standing, status_after
from domain.ledger import CapturePurpose, Movement, postings_for
from domain.money import Minor
from domain.payments import Authorisation, AuthorisationId, OperationKind, OperationStatus


@dataclass(frozen=True)
class Named:
    """A movement that the provider told us of, under its own id."""

    movement: Movement
    amount: Minor
    answer: str


class Settlement:
    """One operation under lock. `standing` is None for an authorisation, which has no books before its answer."""

    def __init__(
        self, provider: str, connection: AsyncConnection, operation: Operation, standing: Standing | None
    ) -> None:
        self.operation = operation
        self.standing = standing
        self._provider = provider
        self._connection = connection

    async def settle(
        self,
        booking: Booking,
        at: datetime,
        *,
        answer: str | None = None,
        result: BaseModel | None = None,
        failure: str | None = None,
    ) -> None:
        """Enter what became of it, and free what it had spoken for unless it is still open."""
        values = outcome_of(self.operation, booking, at, answer=answer, result=result, failure=failure)
        values["provider"] = self._provider
        if self.standing is None:
            await self._connection.execute(ledger_sql.CLOSE, values)
            return
        freed = self.operation.amount if self.operation.open and booking.status is not OperationStatus.PENDING else 0
        values |= reserved(self.operation.kind, -freed)
        values |= _moved(booking) | {"authorisation_status": status_after(self.standing, booking)}
        await self._connection.execute(ledger_sql.SETTLE, values)


def outcome_of(
    operation: Operation,
    booking: Booking,
    at: datetime,
    *,
    answer: str | None,
    result: BaseModel | None,
    failure: str | None,
) -> dict[str, Any]:
    """What became of an operation, as its statement's parameters."""
    return {
        **operation.model_dump(include={"key", "order_id", "tender_id", "authorisation_id", "currency", "replaces"}),
        **_posted(booking.movements, operation.purpose),
        "status": booking.status,
        "booked": booking.booked,
        "answer": answer,
        "failure": failure,
        "result": result.model_dump_json() if result else None,
        "at": at,
        "settled_at": None if booking.status is OperationStatus.PENDING else at,
    }


class Sight:
    """One authorisation under lock, for what was not asked by us."""

    def __init__(
        self, provider: str, connection: AsyncConnection, authorisation: AuthorisationId, row: RowMapping
    ) -> None:
        self.standing = read_standing(row)
        self._row = row
        self._authorisation = authorisation
        self._provider = provider
        self._connection = connection

    async def enter(self, movements: Iterable[tuple[Movement, Minor]], named: Named | None, at: datetime) -> None:
        """An operation and an entry for each movement; the part that `named` is about bears the provider's id of it."""
        operation = PaymentOperationRow
        mine = select(func.count()).where(operation.authorisation_id == self._authorisation)
        for movement, amount in movements:
            number = (await self._connection.execute(mine)).scalar_one()
            named_part = await self._part(named, movement, amount)
            if named and named_part:
                await self._enter_one(f"{self._provider}:{named.answer}", movement, named_part, named.answer, at)
            if rest := amount - named_part:
                key = f"{self._provider}:{self._authorisation}:{movement}:{number}"
                await self._enter_one(key, movement, rest, None, at)

    async def _part(self, named: Named | None, movement: Movement, amount: Minor) -> Minor:
        """How much of a movement is the operation that was named: nothing when our books have that one already."""
        if named is None or named.movement is not movement or named.amount > amount:
            return 0
        operation = PaymentOperationRow
        known = select(operation.key).where(
            operation.provider == self._provider,
            operation.kind == OperationKind(movement.value),
            operation.provider_operation_id == named.answer,
        )
        return 0 if (await self._connection.execute(known)).first() else named.amount

    async def _enter_one(self, key: str, movement: Movement, amount: Minor, answer: str | None, at: datetime) -> None:
        booking = Booking(OperationStatus.SUCCEEDED, amount, ((movement, amount),))
        values = {
            "key": key,
            "provider": self._provider,
            "kind": OperationKind(movement.value),
            "order_id": self._row["a_order_id"],
            "tender_id": self._row["a_tender_id"],
            "authorisation_id": self._authorisation,
            "currency": self._row["a_currency"],
            "answer": answer,
            "booked": amount,
            "at": at,
        }
        values |= _posted(booking.movements, None) | _moved(booking)
        values |= {"capturing": 0, "voiding": 0, "refunding": 0, "authorisation_status": None}
        await self._connection.execute(ledger_sql.ENTER, values)

    async def see(self, state: Authorisation) -> None:
        """Take over what the provider says of its status and its end."""
        values = {
            "provider": self._provider,
            "authorisation_id": self._authorisation,
            "authorisation_status": state.status,
            "capture_before": state.capture_before,
        }
        await self._connection.execute(ledger_sql.SEE, values)


def reserved(kind: OperationKind, amount: Minor) -> dict[str, Minor]:
    return {
        "capturing": amount if kind is OperationKind.CAPTURE else 0,
        "voiding": amount if kind is OperationKind.VOID else 0,
        "refunding": amount if kind is OperationKind.REFUND else 0,
    }


def _moved(booking: Booking) -> dict[str, Minor]:
    return {
        "captured": booking.moved(Movement.CAPTURE),
        "voided": booking.moved(Movement.VOID),
        "refunded": booking.refunded,
    }


def _posted(movements: Iterable[tuple[Movement, Minor]], purpose: CapturePurpose | None) -> dict[str, list[Any]]:
    """The entries and their lines as columns."""
    kept = list(movements)
    lines = [(movement, posting) for movement, amount in kept for posting in postings_for(movement, amount, purpose)]
    return {
        "movements": [movement.value for movement, _ in kept],
        "line_movements": [movement.value for movement, _ in lines],
        "accounts": [posting.account.value for _, posting in lines],
        "amounts": [posting.amount for _, posting in lines],
    }
