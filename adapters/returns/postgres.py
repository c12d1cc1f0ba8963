"""Returns and their policy in PostgreSQL, inside the transaction of the caller."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables.ledger import JournalEntryRow, JournalLineRow
from adapters.postgres.tables.orders import OrderRow
from adapters.postgres.tables.returns import (
    ExchangeCreditRow,
    ExchangeRefundRow,
    ReturnPolicyRow,
    ReturnRow,
    ReturnSettlementRow,
    ReturnUnitsRow,
)
from adapters.returns.port import ExchangeCredit, ReturnChange, ReturnFilter
from domain.ids import LineId, OrderId, ReturnId, StoreId
from domain.ledger import Movement, postings_for
from domain.returns.policy import ReturnPolicy
from domain.returns.returned import ReturnView
from domain.returns.settling import Settled
from domain.returns.words import ReturnKind, ReturnStatus

EXCHANGE = "exchange"
"""In the ledger: whose money it is that pays for replacements."""


class PostgresReturns:
    """See `port.Returns`."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def lock_order(self, order_id: OrderId) -> None:
        await self._connection.execute(select(OrderRow.order_id).where(OrderRow.order_id == order_id).with_for_update())

    async def write(self, change: ReturnChange) -> bool:
        view = change.view
        values = {
            "order_id": change.order_id,
            "version": change.sequence,
            "customer_ref": view.customer_ref,
            "store_id": view.store_id,
            "status": view.status.value,
            "finished": view.finished,
            "refunded": change.refunded,
            "requested_at": view.requested_at,
            "next_deadline": min((wait.deadline for wait in view.waiting_for if wait.deadline), default=None),
            "view": view.model_dump(mode="json", exclude_none=True),
        }
        written = await self._connection.scalar(
            insert(ReturnRow)
            .values(return_id=change.return_id, **values)
            .on_conflict_do_update(
                index_elements=[ReturnRow.return_id], set_=values, where=ReturnRow.version < change.sequence
            )
            .returning(ReturnRow.return_id)
        )
        if written is None:
            return False
        await self._connection.execute(delete(ReturnUnitsRow).where(ReturnUnitsRow.return_id == change.return_id))
        rows = [
            {
                "return_id": change.return_id,
                "line_id": line_id,
                "order_id": change.order_id,
                "claimed": units,
                "accepted": change.accepted.get(line_id, 0),
            }
            for line_id, units in change.claimed.items()
        ]
        if rows:
            await self._connection.execute(insert(ReturnUnitsRow).values(rows))
        if change.elsewhere:
            await self._write_elsewhere(change)
        if change.credit is not None and view.exchange is not None:
            await self._write_credit(change, change.credit, view.exchange.order_id)
        return True

    async def _write_elsewhere(self, change: ReturnChange) -> None:
        rows = [
            {"return_id": change.return_id, "order_id": order_id, "refunded": amount}
            for order_id, amount in change.elsewhere.items()
        ]
        written = insert(ExchangeRefundRow).values(rows)
        await self._connection.execute(
            written.on_conflict_do_update(
                index_elements=[ExchangeRefundRow.return_id, ExchangeRefundRow.order_id],
                set_={"refunded": written.excluded.refunded},
            )
        )

    async def _write_credit(self, change: ReturnChange, credit: ExchangeCredit, replacement: OrderId) -> None:
        row = ExchangeCreditRow
        before = await self._connection.scalar(
            select(row.granted).where(row.return_id == change.return_id).with_for_update()
        )
        values = {"replacement": replacement, **credit.model_dump()}
        await self._connection.execute(
            insert(row)
            .values(return_id=change.return_id, **values)
            .on_conflict_do_update(index_elements=[row.return_id], set_=values)
        )
        if (more := credit.granted - int(before or 0)) > 0:
            await self._post_granted(change, credit, more)

    async def _post_granted(self, change: ReturnChange, credit: ExchangeCredit, amount: int) -> None:
        """The value of the goods is given back, and stays here to pay for their replacement."""
        entry = await self._connection.scalar(
            insert(JournalEntryRow)
            .values(
                operation_key=f"{change.return_id}:granted:{change.sequence}",
                movement=Movement.REFUND,
                provider=EXCHANGE,
                order_id=change.order_id,
                tender_id=EXCHANGE,
                currency=credit.currency,
                at=change.at,
            )
            .returning(JournalEntryRow.id)
        )
        postings = [{"entry_id": entry, **each.model_dump()} for each in postings_for(Movement.REFUND, amount)]
        await self._connection.execute(insert(JournalLineRow).values(postings))

    async def claimed(self, order_id: OrderId, *, but_for: ReturnId | None = None) -> Mapping[LineId, int]:
        query = (
            select(ReturnUnitsRow.line_id, func.sum(ReturnUnitsRow.claimed))
            .where(ReturnUnitsRow.order_id == order_id)
            .group_by(ReturnUnitsRow.line_id)
        )
        if but_for is not None:
            query = query.where(ReturnUnitsRow.return_id != but_for)
        rows = await self._connection.execute(query)
        return {LineId(line_id): int(units) for line_id, units in rows}

    async def settlements(self, order_id: OrderId) -> Sequence[tuple[ReturnId, Settled]]:
        rows = await self._connection.execute(
            select(ReturnSettlementRow.return_id, ReturnSettlementRow.settled)
            .where(ReturnSettlementRow.order_id == order_id)
            .order_by(ReturnSettlementRow.position)
        )
        return [(ReturnId(row.return_id), Settled.model_validate(row.settled)) for row in rows]

    async def add_settlement(self, return_id: ReturnId, order_id: OrderId, settled: Settled) -> None:
        await self._connection.execute(
            insert(ReturnSettlementRow).values(
                return_id=return_id, n=settled.n, order_id=order_id, settled=settled.model_dump(mode="json")
            )
        )

    # --- reading -----------------------------------------------------------------------------------------------------

    async def get(self, return_id: ReturnId) -> ReturnView | None:
        view = await self._connection.scalar(select(ReturnRow.view).where(ReturnRow.return_id == return_id))
        return None if view is None else ReturnView.model_validate(view)

    async def of_order(self, order_id: OrderId) -> Sequence[ReturnView]:
        rows = await self._connection.scalars(
            select(ReturnRow.view)
            .where(ReturnRow.order_id == order_id)
            .order_by(ReturnRow.requested_at, ReturnRow.return_id)
        )
        return [ReturnView.model_validate(row) for row in rows]

    async def find(
        self, wanted: ReturnFilter, *, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[ReturnView]:
        conditions: list[ColumnElement[bool]] = [
            column == value
            for column, value in (
                (ReturnRow.order_id, wanted.order_id),
                (ReturnRow.customer_ref, wanted.customer_ref),
                (ReturnRow.status, wanted.status),
                (ReturnRow.store_id, wanted.store_id),
            )
            if value is not None
        ]
        kind = ReturnRow.view["kind"].astext
        goodwill = ReturnKind.APPEASEMENT.value
        conditions.append(kind != goodwill if wanted.kind is None else kind == wanted.kind.value)
        if after is not None:
            conditions.append(tuple_(ReturnRow.requested_at, ReturnRow.return_id) < after)
        rows = await self._connection.scalars(
            select(ReturnRow.view)
            .where(*conditions)
            .order_by(ReturnRow.requested_at.desc(), ReturnRow.return_id.desc())
            .limit(limit)
        )
        return [ReturnView.model_validate(row) for row in rows]

    async def work_at(self, store_id: StoreId, *, limit: int) -> Sequence[ReturnView]:
        rows = await self._connection.scalars(
            select(ReturnRow.view)
            .where(ReturnRow.store_id == store_id, ReturnRow.finished.is_(False))
            .order_by(ReturnRow.requested_at, ReturnRow.return_id)
            .limit(limit)
        )
        return [ReturnView.model_validate(row) for row in rows]

    async def asking(self, *, limit: int) -> Sequence[ReturnView]:
        rows = await self._connection.scalars(
            select(ReturnRow.view)
            .where(ReturnRow.status == ReturnStatus.NEEDS_ATTENTION.value)
            .order_by(ReturnRow.requested_at, ReturnRow.return_id)
            .limit(limit)
        )
        return [ReturnView.model_validate(row) for row in rows]

    async def open_of(self, customer_ref: str) -> Sequence[ReturnId]:
        rows = await self._connection.scalars(
            select(ReturnRow.return_id)
            .where(ReturnRow.customer_ref == customer_ref, ReturnRow.finished.is_(False))
            .order_by(ReturnRow.return_id)
        )
        return [ReturnId(row) for row in rows]


class PostgresReturnPolicies:
    """See `port.ReturnPolicies`."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def newest_version(self) -> int:
        return int(await self._connection.scalar(select(func.max(ReturnPolicyRow.version))) or 0)

    async def newest(self) -> ReturnPolicy | None:
        row = await self._connection.scalar(
            select(ReturnPolicyRow.policy).order_by(ReturnPolicyRow.version.desc()).limit(1)
        )
        return None if row is None else ReturnPolicy.model_validate(row)

    async def version(self, number: int) -> ReturnPolicy | None:
        row = await self._connection.scalar(select(ReturnPolicyRow.policy).where(ReturnPolicyRow.version == number))
        return None if row is None else ReturnPolicy.model_validate(row)

    async def add(self, policy: ReturnPolicy, at: datetime, by: str) -> bool:
        written = await self._connection.scalar(
            insert(ReturnPolicyRow)
            .values(version=policy.version, policy=policy.model_dump(mode="json"), created_at=at, created_by=by)
            .on_conflict_do_nothing(index_elements=[ReturnPolicyRow.version])
            .returning(ReturnPolicyRow.version)
        )
        return written is not None

    async def all(self) -> Sequence[ReturnPolicy]:
        rows = await self._connection.scalars(select(ReturnPolicyRow.policy).order_by(ReturnPolicyRow.version.desc()))
        return [ReturnPolicy.model_validate(row) for row in rows]
