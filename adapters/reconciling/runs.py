"""Reconciliations in PostgreSQL: what is compared there, what was found, and the two corrections of our own books."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_once
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.inventory.postgres import PostgresInventory
from adapters.postgres.ledger_reading import read_order
from adapters.postgres.records import PostgresRecords
from adapters.postgres.tables.ledger import AuthorisationRow, PaymentOperationRow
from adapters.postgres.tables.orders import OrderRow
from adapters.postgres.tables.reconciling import (
    ReconciledPaymentRow,
    ReconciliationDifferenceRow,
    ReconciliationRow,
)
from adapters.postgres.tables.returns import ReturnRow
from adapters.postgres.tables.stock import StockLevelRow, StockMovementRow
from adapters.reconciling.comparing_sql import ORPHANS, PAGE, STRAYS
from adapters.reconciling.port import (
    Balance,
    Found,
    FoundState,
    Page,
    Reconciliation,
    RunCounts,
    RunState,
)
from adapters.reconciling.postgres import COUNTED, PostgresReconciling
from adapters.records.port import whole_timeline
from adapters.returns.postgres import PostgresReturns
from domain.ids import LineId, OperationKey, OrderId, ReturnId, Sku, StoreId, return_of_key
from domain.ledger import OrderMoney
from domain.payments import Authorisation, AuthorisationId, OperationKind, OperationStatus
from domain.reconciling import BACK, CardOfReturn, Difference, Held, Looked, PaidByReturn
from domain.returns.settling import TILL
from domain.stock import MovementKind
from domain.timeline import TimelineEntry


class PostgresReconciler:
    """See `port.Reconciler`."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    # --- reading -----------------------------------------------------------------------------------------------------

    async def look(self, order_id: OrderId) -> Looked | None:
        async with self._engine.begin() as connection:
            records = PostgresRecords(connection)
            order = await records.order(order_id)
            if order is None:
                return None
            events = await whole_timeline(records, order_id)
            holdings = await PostgresInventory(connection).holdings(order_id)
            claimed = await PostgresReturns(connection).claimed(order_id)
            returns = list(
                await connection.execute(
                    select(ReturnRow.return_id, ReturnRow.refunded, ReturnRow.finished, ReturnRow.view).where(
                        ReturnRow.order_id == order_id
                    )
                )
            )
            names = [each.return_id for each in returns]
            held = select(AuthorisationRow.order_id).where(AuthorisationRow.order_id.in_(names)).distinct()
            with_card = set(await connection.scalars(held)) if names else set()
        money = await read_order(self._engine, order_id)
        return Looked(
            order=order,
            money=money,
            provider={},
            claimed=claimed,
            events=events,
            held=[
                Held(each.line_id, each.sku, each.location_id, each.reserved + each.allocated, each.consumed)
                for each in holdings
            ],
            returns=[
                PaidByReturn(ReturnId(name), int(shown), _booked(ReturnId(name), money, events), bool(finished))
                for name, shown, finished, _ in returns
            ],
            cards=[
                CardOfReturn(
                    ReturnId(name), await read_order(self._engine, OrderId(name)), _charged(view), bool(finished)
                )
                for name, _, finished, view in returns
                if name in with_card
            ],
        )

    async def keep_payments(self, run: str, read: Sequence[Authorisation]) -> None:
        rows = [
            {
                "run": run,
                "id": each.id,
                "reference": each.reference,
                "status": each.status.value,
                "authorised": each.amount,
                "captured": each.captured,
                "voided": each.voided,
                "refunded": each.refunded,
            }
            for each in read
        ]
        if rows:
            async with self._engine.begin() as connection:
                await connection.execute(insert_once(ReconciledPaymentRow).on_conflict_do_nothing(), rows)

    async def page(self, run: str, *, after: str, limit: int) -> Page:
        async with self._engine.begin() as connection:
            row = (await connection.execute(text(PAGE), {"run": run, "after": after, "limit": limit})).one()
        last = OrderId(row.last) if row.last is not None else None
        return Page(int(row.orders), last, [OrderId(each) for each in row.suspects])

    async def strays(self, run: str, *, after: str, limit: int) -> Sequence[AuthorisationId]:
        async with self._engine.begin() as connection:
            rows = await connection.scalars(text(STRAYS), {"run": run, "after": after, "limit": limit})
            return [AuthorisationId(row) for row in rows]

    async def is_ours(self, authorisation: Authorisation) -> bool:
        async with self._engine.begin() as connection:
            known = await connection.scalar(select(func.count()).where(AuthorisationRow.id == authorisation.id))
            asked = await connection.scalar(
                select(func.count()).where(
                    PaymentOperationRow.order_id == authorisation.reference,
                    PaymentOperationRow.kind == OperationKind.AUTHORISE.value,
                    PaymentOperationRow.status == OperationStatus.PENDING.value,
                )
            )
        return bool(known or asked)

    async def orphans(self, *, before: datetime, after: str, limit: int) -> Sequence[tuple[OrderId, Held]]:
        async with self._engine.begin() as connection:
            rows = await connection.execute(text(ORPHANS), {"before": before, "after": after, "limit": limit})
            return [
                (
                    OrderId(row.order_id),
                    Held(LineId(row.line_id), Sku(row.sku), StoreId(row.location_id), int(row.kept), int(row.consumed)),
                )
                for row in rows
            ]

    async def unbalanced(
        self, *, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[Balance], tuple[str, str] | None]:
        async with self._engine.begin() as connection:
            return await PostgresReconciling(connection).unbalanced(after=after, limit=limit)

    # --- runs --------------------------------------------------------------------------------------------------------

    async def open(self, reconciliation: Reconciliation) -> None:
        row = reconciliation.model_dump(mode="json", include={"run", "state", "requested_by", "counts"})
        row |= {"started_at": reconciliation.started_at, "ended_at": None}
        async with self._engine.begin() as connection:
            await connection.execute(insert_once(ReconciliationRow).values(row).on_conflict_do_nothing())

    async def close(self, run: str, at: datetime, counts: RunCounts) -> RunCounts:
        async with self._engine.begin() as connection:
            found = await connection.scalar(
                select(func.count())
                .select_from(ReconciliationDifferenceRow)
                .where(ReconciliationDifferenceRow.run == run)
            )
            levels = await connection.scalar(select(func.count()).select_from(StockLevelRow))
            counts = counts.model_copy(update={"differences": int(found or 0), "levels": int(levels or 0)})
            await connection.execute(
                update(ReconciliationRow)
                .where(ReconciliationRow.run == run)
                .values(state=RunState.ENDED.value, ended_at=at, counts=counts.model_dump())
            )
            await connection.execute(delete(ReconciledPaymentRow).where(ReconciledPaymentRow.run == run))
        return counts

    async def add(self, run: str, differences: Sequence[Difference]) -> None:
        if not differences:
            return
        async with self._engine.begin() as connection:
            # One page after the other writes; a repeated one finds its own.
            await connection.execute(
                select(ReconciliationRow.run).where(ReconciliationRow.run == run).with_for_update()
            )
            last = await connection.scalar(
                select(func.max(ReconciliationDifferenceRow.n)).where(ReconciliationDifferenceRow.run == run)
            )
            for n, each in enumerate(differences, start=int(last or 0) + 1):
                await connection.execute(
                    insert_once(ReconciliationDifferenceRow)
                    .values(
                        run=run,
                        n=n,
                        name=each.name,
                        state=FoundState.OPEN.value,
                        difference=each.model_dump(mode="json", exclude_none=True),
                    )
                    .on_conflict_do_nothing(index_elements=["run", "name"])
                )

    async def get(self, run: str) -> Reconciliation | None:
        async with self._engine.begin() as connection:
            row = (await connection.execute(select(*_RUN).where(ReconciliationRow.run == run))).mappings().one_or_none()
        return None if row is None else Reconciliation.model_validate(dict(row))

    async def runs(self, *, limit: int) -> Sequence[Reconciliation]:
        newest = select(*_RUN).order_by(ReconciliationRow.started_at.desc(), ReconciliationRow.run.desc()).limit(limit)
        async with self._engine.begin() as connection:
            rows = (await connection.execute(newest)).mappings()
            return [Reconciliation.model_validate(dict(row)) for row in rows]

    async def found(self, run: str, *, after: int, limit: int) -> Sequence[Found]:
        row = ReconciliationDifferenceRow
        query = select(*_FOUND).where(row.run == run, row.n > after).order_by(row.n).limit(limit)
        async with self._engine.begin() as connection:
            rows = (await connection.execute(query)).mappings()
            return [Found.model_validate(dict(each)) for each in rows]

    async def one(self, run: str, n: int) -> Found | None:
        row = ReconciliationDifferenceRow
        async with self._engine.begin() as connection:
            found = (
                (await connection.execute(select(*_FOUND).where(row.run == run, row.n == n))).mappings().one_or_none()
            )
        return None if found is None else Found.model_validate(dict(found))

    async def decide(self, found: Found, *, only_if: Sequence[FoundState]) -> bool:
        row = ReconciliationDifferenceRow
        values = found.model_dump(include={"proposed_by", "approved_by", "reason", "outcome", "decided_at"})
        async with self._engine.begin() as connection:
            changed = await connection.execute(
                update(row)
                .where(row.run == found.run, row.n == found.n, row.state.in_([each.value for each in only_if]))
                .values(state=found.state.value, **values)
            )
        return changed.rowcount == 1

    # --- making it right ---------------------------------------------------------------------------------------------

    async def show_money(self, order_id: OrderId, shown: Mapping[str, int]) -> bool:
        async with self._engine.begin() as connection:
            query = select(OrderRow.head).where(OrderRow.order_id == order_id).with_for_update()
            head = await connection.scalar(query)
            if head is None or head["status"] not in ("completed", "cancelled"):
                return False
            by_returns = await connection.scalar(
                select(func.coalesce(func.sum(ReturnRow.refunded), 0)).where(ReturnRow.order_id == order_id)
            )
            payment = head["payment"] | dict(shown)
            if "refunded" in shown:
                payment["refunded"] = shown["refunded"] - int(by_returns or 0)
            if payment["refunded"] < 0:
                return False
            values = {"head": head | {"payment": payment}}
            await connection.execute(update(OrderRow).where(OrderRow.order_id == order_id).values(values))
        return True

    async def explain_level(self, sku: Sku, store_id: StoreId, *, key: OperationKey, at: datetime, reason: str) -> None:
        level, movement = StockLevelRow, StockMovementRow
        async with self._engine.begin() as connection:
            here = (level.sku == sku) & (level.location_id == store_id)
            kept = (await connection.execute(select(level).where(here).with_for_update())).mappings().one()
            there = (movement.sku == sku) & (movement.location_id == store_id)
            sums = [func.coalesce(func.sum(getattr(movement, name)), 0).label(name) for name in COUNTED]
            moved = (await connection.execute(select(*sums).where(there))).mappings().one()
            deltas = {name: int(kept[name]) - int(moved[name]) for name in COUNTED}
            if any(deltas.values()):
                await _enter(connection, sku, store_id, deltas, key=key, at=at, reason=reason)


async def _enter(
    connection: AsyncConnection,
    sku: Sku,
    store_id: StoreId,
    deltas: dict[str, int],
    *,
    key: OperationKey,
    at: datetime,
    reason: str,
) -> None:
    row = {"key": key, "kind": MovementKind.ADJUSTMENT.value, "sku": sku, "location_id": store_id}
    await connection.execute(insert(StockMovementRow).values(**row, reason=reason, at=at, **deltas))


def _charged(view: Mapping[str, Any]) -> int:
    """What a return shows as taken from a card that stood for its goods."""
    return sum(int((view.get(part) or {}).get("charged", 0)) for part in ("exchange", "card"))


def _booked(return_id: ReturnId, money: OrderMoney, events: Sequence[TimelineEntry]) -> int:
    """What went back under the name of a return: in our ledger, as a balance, or at a till."""
    till = sum(
        getattr(each.data, "amount", 0)
        for each in events
        if each.event in BACK
        and (each.reason == "at the till" or getattr(each.data, "tender", None) == TILL)
        and getattr(each.data, "return_id", None) == return_id
    )
    refunds = sum(
        each.booked
        for each in money.operations
        if each.kind is OperationKind.REFUND and return_of_key(each.key) == return_id
    )
    return till + refunds + sum(each.amount for each in money.redirected if return_of_key(each.key) == return_id)


_RUN = [getattr(ReconciliationRow, name) for name in Reconciliation.model_fields]
_FOUND = [getattr(ReconciliationDifferenceRow, name) for name in Found.model_fields]
