"""Balances in PostgreSQL, inside the transaction of the caller: what is on each, moved under its row's lock."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.balances.port import Issued, TakeOff
from adapters.payment.provider import KeyConflict
from adapters.postgres.tables.balances import BalanceEntryRow, BalanceLineRow, BalanceOperationRow, BalanceRow
from domain.balances import (
    Balance,
    BalanceEntry,
    BalanceId,
    BalanceKind,
    BalanceMovement,
    BalanceStatus,
    Issue,
    balance_postings,
    last_four,
    number_hash,
    number_of,
)
from domain.ids import OperationKey, OrderId

_CHANGES = {
    BalanceMovement.ISSUE: (1, 0),
    BalanceMovement.HOLD: (-1, 1),
    BalanceMovement.RELEASE: (1, -1),
    BalanceMovement.DRAW: (0, -1),
    BalanceMovement.GIVE_BACK: (1, 0),
    BalanceMovement.DISABLE: (-1, 0),
}
"""What a movement makes of `available` and of `held`."""


class BalanceBooks:
    """`secret` derives the numbers."""

    def __init__(self, connection: AsyncConnection, secret: bytes) -> None:
        self.connection = connection
        self._secret = secret

    # --- once a key --------------------------------------------------------------------------------------------------

    async def begin(self, key: OperationKey, kind: str, asked: dict[str, Any]) -> RowMapping | None:
        """The operation `key` if it was done before; none: it is the caller's to do. Waits for who does the same."""
        row = BalanceOperationRow
        new = await self.connection.scalar(
            upsert(row).values(key=key, kind=kind, asked=asked).on_conflict_do_nothing().returning(row.key)
        )
        return None if new is not None else await self.operation(key)

    async def operation(self, key: OperationKey) -> RowMapping | None:
        row = BalanceOperationRow
        query = select(row.key, row.kind, row.asked, row.declined, row.result).where(row.key == key)
        return (await self.connection.execute(query)).mappings().first()

    async def answer(
        self, key: OperationKey, result: dict[str, Any] | None = None, *, declined: str | None = None
    ) -> None:
        row = BalanceOperationRow
        await self.connection.execute(update(row).where(row.key == key).values(result=result, declined=declined))

    # --- moving ------------------------------------------------------------------------------------------------------

    async def move(
        self,
        balance: BalanceId,
        movement: BalanceMovement,
        amount: int,
        key: OperationKey,
        at: datetime,
        *,
        reference: str | None = None,
        reason: str | None = None,
    ) -> None:
        """The caller has locked the row and seen that there is enough; the table's checks see it too."""
        if not amount:
            return
        available, held = (sign * amount for sign in _CHANGES[movement])
        row = BalanceRow
        await self.connection.execute(
            update(row).where(row.id == balance).values(available=row.available + available, held=row.held + held)
        )
        entry = await self.connection.scalar(
            insert(BalanceEntryRow)
            .values(
                balance_id=balance,
                key=key,
                movement=movement,
                amount=amount,
                reference=reference,
                reason=reason,
                at=at,
            )
            .returning(BalanceEntryRow.id)
        )
        lines = [
            {"entry_id": entry, "account": each.account, "amount": each.amount}
            for each in balance_postings(movement, amount)
        ]
        await self.connection.execute(insert(BalanceLineRow).values(lines))

    async def issue(self, wanted: Issue) -> Issued:
        done = await self.begin(wanted.key, "issue", {"amount": wanted.amount, "currency": wanted.currency})
        if done is not None:
            if done["kind"] != "issue":
                raise KeyConflict
            return Issued.model_validate(done["result"])
        row, balance, number = BalanceRow, wanted.id, number_of(self._secret, wanted.id)
        if wanted.kind is BalanceKind.CREDIT and wanted.customer_ref is not None:
            known = await self._credit_of(wanted.customer_ref, wanted.currency)
            if known is not None:
                balance, number = known, number_of(self._secret, known)
        # Two orders may give the same customer the first credit at once: the second one waits here, then finds it.
        inserted = await self.connection.scalar(
            upsert(row)
            .values(
                id=balance,
                kind=wanted.kind,
                currency=wanted.currency,
                number_hash=number_hash(self._secret, number),
                last_four=last_four(number),
                status=BalanceStatus.ACTIVE if wanted.active else BalanceStatus.INACTIVE,
                available=0,
                held=0,
                customer_ref=wanted.customer_ref,
                order_id=wanted.order_id,
                line_id=wanted.line_id,
                created_at=wanted.at,
            )
            .on_conflict_do_nothing()
            .returning(row.id)
        )
        if inserted is None and wanted.customer_ref is not None and wanted.kind is BalanceKind.CREDIT:
            balance = await self._credit_of(wanted.customer_ref, wanted.currency) or balance
            number = number_of(self._secret, balance)
        await self.locked(row.id == balance)
        await self.move(
            balance,
            BalanceMovement.ISSUE,
            wanted.amount,
            wanted.key,
            wanted.at,
            reference=wanted.reference or wanted.order_id,
            reason=wanted.reason,
        )
        issued = Issued(balance_id=balance, amount=wanted.amount, currency=wanted.currency, last_four=last_four(number))
        await self.answer(wanted.key, issued.model_dump(mode="json"))
        return issued

    async def _credit_of(self, customer_ref: str, currency: str) -> BalanceId | None:
        row = BalanceRow
        found = await self.connection.scalar(
            select(row.id).where(
                row.kind == BalanceKind.CREDIT, row.customer_ref == customer_ref, row.currency == currency
            )
        )
        return None if found is None else BalanceId(found)

    async def activate(self, balance: BalanceId, at: datetime) -> None:
        row = BalanceRow
        await self.connection.execute(
            update(row)
            .where(row.id == balance, row.status == BalanceStatus.INACTIVE)
            .values(status=BalanceStatus.ACTIVE)
        )

    async def disable(self, balance: BalanceId, key: OperationKey, at: datetime, reason: str) -> int:
        done = await self.begin(key, "disable", {"balance": balance})
        if done is not None:
            return int((done["result"] or {}).get("amount", 0))
        present = await self.locked(BalanceRow.id == balance)
        left = present["available"] if present else 0
        await self.move(balance, BalanceMovement.DISABLE, left, key, at, reason=reason)
        await self.connection.execute(
            update(BalanceRow).where(BalanceRow.id == balance).values(status=BalanceStatus.DISABLED)
        )
        await self.answer(key, {"amount": left})
        return int(left)

    async def disable_sold(self, wanted: TakeOff) -> int:
        """The fullest cards of a line first: whoever brings back one of two keeps the one that was used."""
        done = await self.begin(wanted.key, "disable_sold", wanted.model_dump(mode="json", exclude={"at"}))
        if done is not None:
            return int((done["result"] or {}).get("spent", 0))
        row, entry = BalanceRow, BalanceEntryRow
        face = (
            select(func.coalesce(func.sum(entry.amount), 0))
            .where(entry.balance_id == row.id, entry.movement == BalanceMovement.ISSUE)
            .correlate(row)
            .scalar_subquery()
        )
        cards = await self.connection.execute(
            select(row.id, face.label("face"))
            .where(row.order_id == wanted.order_id, row.line_id == wanted.line_id, row.status != BalanceStatus.DISABLED)
            .order_by(row.available.desc(), row.id)
            .limit(wanted.quantity)
        )
        spent = 0
        for card in cards.mappings().all():
            key = OperationKey(f"{wanted.key}:{card['id']}")
            taken = await self.disable(BalanceId(card["id"]), key, wanted.at, "its sale was refunded")
            spent += int(card["face"]) - taken
        await self.answer(wanted.key, {"spent": spent})
        return spent

    async def locked(self, condition: Any) -> RowMapping | None:
        """One balance, locked."""
        query = select(*BalanceRow.__table__.columns).where(condition).with_for_update()
        return (await self.connection.execute(query)).mappings().first()

    # --- reading -----------------------------------------------------------------------------------------------------

    async def balance(self, balance: BalanceId) -> Balance | None:
        return next(iter(await self._read(_BALANCES.where(BalanceRow.id == balance))), None)

    async def by_number(self, hashed: str) -> Balance | None:
        return next(iter(await self._read(_BALANCES.where(BalanceRow.number_hash == hashed))), None)

    async def of_customer(self, customer_ref: str) -> Sequence[Balance]:
        mine = (BalanceRow.kind == BalanceKind.CREDIT) & (BalanceRow.customer_ref == customer_ref)
        return await self._read(_BALANCES.where(mine).order_by(BalanceRow.currency))

    async def sold_in(self, order_id: OrderId) -> Sequence[Balance]:
        sold = (BalanceRow.kind == BalanceKind.GIFT_CARD) & (BalanceRow.order_id == order_id)
        return await self._read(_BALANCES.where(sold).order_by(BalanceRow.created_at, BalanceRow.id))

    async def history(self, balance: BalanceId, *, after: int, limit: int) -> Sequence[tuple[int, BalanceEntry]]:
        row = BalanceEntryRow
        rows = await self.connection.execute(
            select(row.id, row.at, row.movement, row.amount, row.reference, row.reason)
            .where(row.balance_id == balance, row.id > after)
            .order_by(row.id)
            .limit(limit)
        )
        return [
            (each["id"], BalanceEntry.model_validate({name: each[name] for name in BalanceEntry.model_fields}))
            for each in rows.mappings()
        ]

    async def _read(self, query: Select[Any]) -> Sequence[Balance]:
        rows = (await self.connection.execute(query)).mappings()
        return [
            Balance.model_validate(
                {name: row[name] for name in Balance.model_fields if name != "balance"}
                | {"balance": row["available"] + row["held"]}
            )
            for row in rows
        ]


_BALANCES = select(*BalanceRow.__table__.columns)
