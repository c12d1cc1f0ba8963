"""Gift cards and store credit as a payment provider: an order holds, draws and gives back as it does with a card."""

from typing import Any

from sqlalchemy import RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.balances.books import BalanceBooks
from adapters.clock import Clock, system_clock
from adapters.payment.provider import (
    AmountMismatch,
    Declined,
    KeyConflict,
    ListedAuthorisations,
    Outcome,
    UnknownPayment,
)
from adapters.postgres.tables.balances import BalanceHoldRow, BalanceRow
from domain.balances import BalanceId, BalanceMovement, BalanceStatus, hold_id, read_token, tender_of_hold
from domain.ids import OperationKey, derived_id
from domain.money import Money
from domain.payments import (
    Authorisation,
    AuthorisationId,
    AuthorisationStatus,
    Capture,
    DeclineReason,
    OperationKind,
    OperationStatus,
    Refund,
    Void,
)

PROVIDER = "balances"
"""Its name in our payment ledger."""


def is_hold(authorisation: AuthorisationId) -> bool:
    return tender_of_hold(authorisation) is not None


class BalancePayments:
    """See `PaymentProvider`. It is never away for longer than our own books are, and a hold has no end of its own."""

    def __init__(self, engine: AsyncEngine, secret: bytes, *, clock: Clock = system_clock) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock

    async def authorise(
        self, *, reference: str, token: str, amount: Money, key: OperationKey, extend: AuthorisationId | None = None
    ) -> Authorisation:
        named = read_token(token)
        if named is None:
            raise Declined(DeclineReason.DECLINED)
        asked = {"reference": reference, "token": token, **amount.model_dump()}
        declined: DeclineReason | None = None
        kind, hashed = named
        hold = hold_id(kind, derived_id(key))
        async with self._engine.begin() as connection:
            books = BalanceBooks(connection, self._secret)
            done = await books.begin(key, OperationKind.AUTHORISE, asked)
            if done is not None:
                _same(done, OperationKind.AUTHORISE, asked)
                declined = DeclineReason(done["declined"]) if done["declined"] else None
            else:
                row = await books.locked((BalanceRow.number_hash == hashed) & (BalanceRow.kind == kind))
                declined = _why_not(row, amount)
                if row is None or declined is not None:
                    await books.answer(key, declined=declined or DeclineReason.DECLINED)
                else:
                    await connection.execute(
                        insert(BalanceHoldRow).values(
                            id=hold,
                            balance_id=row["id"],
                            reference=reference,
                            currency=amount.currency,
                            amount=amount.amount,
                            captured=0,
                            voided=0,
                            refunded=0,
                        )
                    )
                    balance = BalanceId(row["id"])
                    now = self._clock()
                    await books.move(balance, BalanceMovement.HOLD, amount.amount, key, now, reference=reference)
                    await books.answer(key, {"hold": hold})
        if declined is not None:
            raise Declined(declined)
        return await self.authorisation(hold)

    async def capture(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Capture:
        async with self._engine.begin() as connection:
            books = BalanceBooks(connection, self._secret)
            asked = {"hold": authorisation, **amount.model_dump()}
            if done := await books.begin(key, OperationKind.CAPTURE, asked):
                return Capture.model_validate(_same(done, OperationKind.CAPTURE, asked))
            hold = await _hold(books, authorisation)
            left = hold["amount"] - hold["captured"] - hold["voided"]
            _within(amount.amount, left)
            capture = Capture(
                id=derived_id(key),
                authorisation_id=authorisation,
                amount=amount,
                remaining=Money(amount=left - amount.amount, currency=hold["currency"]),
            )
            await self._done(books, hold, BalanceMovement.DRAW, amount.amount, key, captured=amount.amount)
            await books.answer(key, capture.model_dump(mode="json"))
            return capture

    async def void(self, authorisation: AuthorisationId, *, amount: Money | None, key: OperationKey) -> Void:
        async with self._engine.begin() as connection:
            books = BalanceBooks(connection, self._secret)
            asked = {"hold": authorisation, "amount": amount.amount if amount else None}
            if done := await books.begin(key, OperationKind.VOID, asked):
                return Void.model_validate(_same(done, OperationKind.VOID, asked))
            hold = await _hold(books, authorisation)
            left = hold["amount"] - hold["captured"] - hold["voided"]
            freed = left if amount is None else amount.amount
            _within(freed, left)
            money = Money(amount=freed, currency=hold["currency"])
            void = Void(id=derived_id(key), authorisation_id=authorisation, amount=money)
            await self._done(books, hold, BalanceMovement.RELEASE, freed, key, voided=freed)
            await books.answer(key, void.model_dump(mode="json"))
            return void

    async def refund(self, authorisation: AuthorisationId, amount: Money, *, key: OperationKey) -> Refund:
        """What was drawn is on the balance again. FAILED where its card is disabled: nobody could spend it there."""
        async with self._engine.begin() as connection:
            books = BalanceBooks(connection, self._secret)
            asked = {"hold": authorisation, **amount.model_dump()}
            if done := await books.begin(key, OperationKind.REFUND, asked):
                return Refund.model_validate(_same(done, OperationKind.REFUND, asked))
            hold = await _hold(books, authorisation)
            _within(amount.amount, hold["captured"] - hold["refunded"])
            usable = hold["status"] == BalanceStatus.ACTIVE
            refund = Refund(
                id=derived_id(key),
                authorisation_id=authorisation,
                amount=amount,
                status=OperationStatus.SUCCEEDED if usable else OperationStatus.FAILED,
            )
            if usable:
                await self._done(books, hold, BalanceMovement.GIVE_BACK, amount.amount, key, refunded=amount.amount)
            await books.answer(key, refund.model_dump(mode="json"))
            return refund

    async def refund_settled(self, *, reference: str, settled: str, amount: Money, key: OperationKey) -> Refund:
        raise UnknownPayment

    async def find(self, key: OperationKey) -> Outcome | None:
        async with self._engine.connect() as connection:
            done = await BalanceBooks(connection, self._secret).operation(key)
        if done is None:
            return None
        if done["declined"]:
            raise Declined(DeclineReason(done["declined"]))
        match done["kind"]:
            case OperationKind.AUTHORISE:
                return await self.authorisation(AuthorisationId(done["result"]["hold"]))
            case OperationKind.CAPTURE:
                return Capture.model_validate(done["result"])
            case OperationKind.VOID:
                return Void.model_validate(done["result"])
            case OperationKind.REFUND:
                return Refund.model_validate(done["result"])
        return None

    async def authorisation(self, authorisation: AuthorisationId) -> Authorisation:
        row = BalanceHoldRow
        async with self._engine.connect() as connection:
            found = await connection.execute(select(*row.__table__.columns).where(row.id == authorisation))
            hold = found.mappings().first()
        if hold is None:
            raise UnknownPayment
        return _as_authorisation(hold)

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        row = BalanceHoldRow
        query = select(*row.__table__.columns).where(row.id > after).order_by(row.id).limit(limit)
        async with self._engine.connect() as connection:
            found = [_as_authorisation(hold) for hold in (await connection.execute(query)).mappings()]
        return ListedAuthorisations(found, found[-1].id if len(found) == limit else None)

    async def _done(
        self,
        books: BalanceBooks,
        hold: RowMapping,
        movement: BalanceMovement,
        amount: int,
        key: OperationKey,
        **changed: int,
    ) -> None:
        row = BalanceHoldRow
        await books.connection.execute(
            update(row)
            .where(row.id == hold["id"])
            .values({name: getattr(row, name) + more for name, more in changed.items()})
        )
        await books.move(
            BalanceId(hold["balance_id"]), movement, amount, key, self._clock(), reference=hold["reference"]
        )


def _as_authorisation(hold: RowMapping) -> Authorisation:
    left = hold["amount"] - hold["captured"] - hold["voided"]
    if left:
        status = AuthorisationStatus.PARTLY_CAPTURED if hold["captured"] else AuthorisationStatus.AUTHORISED
    else:
        status = AuthorisationStatus.CAPTURED if hold["captured"] else AuthorisationStatus.VOIDED
    return Authorisation(
        id=hold["id"],
        reference=hold["reference"],
        amount=hold["amount"],
        currency=hold["currency"],
        status=status,
        captured=hold["captured"],
        voided=hold["voided"],
        refunded=hold["refunded"],
    )


async def _hold(books: BalanceBooks, authorisation: AuthorisationId) -> RowMapping:
    """A hold and its balance's status, both locked: the balance first, as whoever holds it for another order does."""
    row = BalanceHoldRow
    query = select(row.balance_id).where(row.id == authorisation)
    balance_id = await books.connection.scalar(query)
    if balance_id is None:
        raise UnknownPayment
    await books.locked(BalanceRow.id == balance_id)
    found = await books.connection.execute(
        select(*row.__table__.columns, BalanceRow.status)
        .join(BalanceRow, BalanceRow.id == row.balance_id)
        .where(row.id == authorisation)
    )
    return found.mappings().one()


def _why_not(row: RowMapping | None, amount: Money) -> DeclineReason | None:
    if row is None or row["status"] != BalanceStatus.ACTIVE or row["currency"] != amount.currency:
        return DeclineReason.DECLINED
    return DeclineReason.INSUFFICIENT_FUNDS if row["available"] < amount.amount else None


def _within(asked: int, left: int) -> None:
    if asked > left:
        raise AmountMismatch(f"{asked} were asked and {left} are left.", available=left)


def _same(done: RowMapping, kind: OperationKind, asked: dict[str, Any]) -> Any:
    if done["kind"] != kind or done["asked"] != asked:
        raise KeyConflict
    return done["result"]
