"""The records of orders in PostgreSQL."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    and_,
    cast,
    column,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.intake.port import IntakeState
from adapters.postgres import record_writing, returned
from adapters.postgres.tables.orders import OrderGroupRow, OrderIntakeRow, OrderLineRow, OrderRow, TimelineRow
from adapters.postgres.tables.privacy import CustomerKeyRow, WorkflowKeyRow
from adapters.records.port import (
    OpenIntervention,
    OrderChange,
    OrderFilter,
    StockWait,
    StoredEvent,
    StoreGroup,
    UnpickedUnits,
    open_by_sku,
)
from domain.groups import GroupStatus
from domain.ids import OrderId, ReturnId, Sku, StoreId
from domain.timeline import TimelineEntry
from domain.views import GroupView, LineView, OrderStatus, OrderView

WORK = (
    GroupStatus.OFFERED,
    GroupStatus.ACCEPTED,
    GroupStatus.PICKING,
    GroupStatus.READY,
    GroupStatus.PACKED,
    GroupStatus.REQUESTED,
    GroupStatus.IN_TRANSIT_TO_STORE,
    GroupStatus.ARRIVED,
)
IN_HANDS = tuple({*WORK, GroupStatus.WAITING} - {GroupStatus.IN_TRANSIT_TO_STORE})
ENDED = (OrderStatus.COMPLETED.value, OrderStatus.CANCELLED.value)


class PostgresRecords:
    """See `port.Records`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def write(self, change: OrderChange) -> bool:
        return await record_writing.write(self._connection, change)

    async def _add_events(self, order_id: OrderId, entries: Sequence[TimelineEntry], earliest: int) -> None:
        """Events after the last one, at `earliest` or later. The order's row must be locked: no one else adds then."""
        written = [entry.model_dump(mode="json", exclude_none=True) for entry in entries]
        added = func.jsonb_array_elements(literal(written, JSONB)).table_valued(
            column("entry", JSONB), with_ordinality="place", name="added"
        )
        entry = added.render_derived()
        last = select(func.max(TimelineRow.position)).where(TimelineRow.order_id == order_id).scalar_subquery()
        first = func.greatest(earliest, func.coalesce(last, 0) + 1)
        await self._connection.execute(
            insert(TimelineRow).from_select(
                ["order_id", "position", "entry"],
                select(literal(order_id), first + entry.c.place - 1, entry.c.entry),
            )
        )

    async def forget(self, order_id: OrderId) -> None:
        await self._connection.execute(delete(OrderRow).where(OrderRow.order_id == order_id))

    async def put_back(self, order_id: OrderId, group: GroupView, entry: TimelineEntry) -> None:
        """What a store put back after the order's process had ended: the group's row and one more event."""
        # The order's row first, as a milestone does: two of them in opposite order would wait for each other.
        await self._lock(order_id)
        view = group.model_dump(mode="json", exclude_none=True)
        await self._connection.execute(
            update(OrderGroupRow)
            .where(OrderGroupRow.order_id == order_id, OrderGroupRow.n == group.n)
            .values(status=group.status, to_put_back=bool(group.put_back), view=view)
        )
        await self._add_events(order_id, [entry], 1)

    async def append(self, order_id: OrderId, entry: TimelineEntry) -> None:
        """One more event, after the last one; the order's row is locked meanwhile."""
        await self._lock(order_id)
        await self._add_events(order_id, [entry], 1)

    async def take_back(self, order_id: OrderId, return_id: ReturnId, since: datetime | None) -> None:
        entry = TimelineRow.entry
        told = [TimelineRow.order_id == order_id, entry["data"]["return_id"].astext == return_id]
        if since is not None:
            told.append(entry["at"].astext.cast(DateTime(timezone=True)) > since)
        await self._connection.execute(delete(TimelineRow).where(*told))

    async def _lock(self, order_id: OrderId) -> None:
        await self._connection.execute(select(OrderRow.order_id).where(OrderRow.order_id == order_id).with_for_update())

    # --- reading -----------------------------------------------------------------------------------------------------

    async def group(self, order_id: OrderId, n: int, *, locked: bool = False) -> StoreGroup | None:
        if locked:
            await self._lock(order_id)
        row = (
            await self._connection.execute(
                select(OrderGroupRow.view, OrderRow.external_id, OrderRow.version, OrderRow.status)
                .join(OrderRow, OrderRow.order_id == OrderGroupRow.order_id)
                .where(OrderGroupRow.order_id == order_id, OrderGroupRow.n == n, OrderRow.visible)
            )
        ).first()
        if row is None:
            return None
        lines = await self._views(OrderLineRow, OrderLineRow.position, [order_id])
        return StoreGroup(
            order_id=order_id,
            external_id=row.external_id,
            version=row.version,
            order_status=OrderStatus(row.status),
            group=GroupView.model_validate(row.view),
            lines=[LineView.model_validate(line) for line in lines.get(order_id, [])],
        )

    async def order(self, order_id: OrderId, *, hidden: bool = False) -> OrderView | None:
        found = await self._whole([OrderRow.order_id == order_id], hidden=hidden, limit=1)
        return found[0] if found else None

    async def find(self, wanted: OrderFilter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[OrderView]:
        conditions: list[ColumnElement[bool]] = [
            column == value
            for column, value in (
                (OrderRow.channel, wanted.channel),
                (OrderRow.external_id, wanted.external_id),
                (OrderRow.customer_ref, wanted.customer_ref),
                (OrderRow.status, wanted.status),
            )
            if value is not None
        ]
        if wanted.store_id is not None:
            conditions.append(
                exists().where(OrderGroupRow.order_id == OrderRow.order_id, OrderGroupRow.store_id == wanted.store_id)
            )
        if wanted.created_by is not None:
            conditions.append(
                exists().where(
                    OrderIntakeRow.order_id == OrderRow.order_id, OrderIntakeRow.created_by == wanted.created_by
                )
            )
        if wanted.text is not None:
            conditions.append(
                or_(
                    OrderRow.order_id.startswith(wanted.text, autoescape=True),
                    OrderRow.external_id.startswith(wanted.text, autoescape=True),
                )
            )
        if after is not None:
            conditions.append(tuple_(OrderRow.placed_at, OrderRow.order_id) < after)
        return await self._whole(conditions, limit=limit)

    async def _whole(
        self, conditions: list[ColumnElement[bool]], *, limit: int, hidden: bool = False
    ) -> list[OrderView]:
        if not hidden:
            conditions = [*conditions, OrderRow.visible.is_(True)]
        heads = (
            await self._connection.execute(
                select(OrderRow.order_id, OrderRow.head)
                .where(and_(*conditions))
                .order_by(OrderRow.placed_at.desc(), OrderRow.order_id.desc())
                .limit(limit)
            )
        ).all()
        ids = [row.order_id for row in heads]
        if not ids:
            return []
        lines = await self._views(OrderLineRow, OrderLineRow.position, ids)
        groups = await self._views(OrderGroupRow, OrderGroupRow.n, ids)
        back = await returned.read(self._connection, ids)
        return [
            OrderView.model_validate(
                back.add_to({**row.head, "lines": lines.get(row.order_id, []), "groups": groups.get(row.order_id, [])})
            )
            for row in heads
        ]

    async def _views(self, table: Any, position: Any, ids: list[str]) -> dict[str, list[Any]]:
        rows = await self._connection.execute(
            select(table.order_id, table.view).where(table.order_id.in_(ids)).order_by(table.order_id, position)
        )
        views: dict[str, list[Any]] = {}
        for row in rows:
            views.setdefault(row.order_id, []).append(row.view)
        return views

    async def timeline(self, order_id: OrderId, *, after: int, limit: int) -> Sequence[StoredEvent]:
        rows = await self._connection.execute(
            select(TimelineRow.position, TimelineRow.entry)
            .where(TimelineRow.order_id == order_id, TimelineRow.position > after)
            .order_by(TimelineRow.position)
            .limit(limit)
        )
        return [
            StoredEvent(order_id=order_id, position=row.position, entry=TimelineEntry.model_validate(row.entry))
            for row in rows
        ]

    async def store_groups(self, store_id: StoreId, *, limit: int) -> Sequence[StoreGroup]:
        rows = (
            await self._connection.execute(
                select(
                    OrderGroupRow.order_id,
                    OrderGroupRow.view,
                    OrderRow.external_id,
                    OrderRow.version,
                    OrderRow.status,
                )
                .join(OrderRow, OrderRow.order_id == OrderGroupRow.order_id)
                .where(
                    OrderGroupRow.store_id == store_id,
                    OrderRow.visible,
                    or_(OrderGroupRow.to_put_back, OrderGroupRow.status.in_([status.value for status in WORK])),
                )
                .order_by(OrderGroupRow.promised_ready_at.asc().nulls_last(), OrderGroupRow.order_id, OrderGroupRow.n)
                .limit(limit)
            )
        ).all()
        lines = await self._views(OrderLineRow, OrderLineRow.position, [row.order_id for row in rows]) if rows else {}
        return [
            StoreGroup(
                order_id=OrderId(row.order_id),
                external_id=row.external_id,
                version=row.version,
                order_status=OrderStatus(row.status),
                group=GroupView.model_validate(row.view),
                lines=[LineView.model_validate(line) for line in lines.get(row.order_id, [])],
            )
            for row in rows
        ]

    async def has_work_at(self, order_id: OrderId, store_id: StoreId) -> bool:
        return bool(
            await self._connection.scalar(
                select(
                    exists().where(
                        OrderGroupRow.order_id == order_id,
                        or_(
                            OrderGroupRow.store_id == store_id,
                            OrderGroupRow.view["store_id"].astext == store_id,
                            OrderGroupRow.view["from_store"].astext == store_id,
                        ),
                    )
                )
            )
        )

    async def waiting_for_stock(self, sku: str, store_id: StoreId) -> Sequence[tuple[OrderId, int]]:
        rows = await self._connection.execute(
            select(OrderGroupRow.order_id, OrderGroupRow.n, OrderGroupRow.view, OrderRow.head, OrderLineRow.line_id)
            .join(OrderRow, OrderRow.order_id == OrderGroupRow.order_id)
            .join(OrderLineRow, OrderLineRow.order_id == OrderGroupRow.order_id)
            .where(
                or_(
                    and_(OrderGroupRow.store_id == store_id, OrderGroupRow.status == GroupStatus.WAITING),
                    OrderGroupRow.status == GroupStatus.QUEUED,
                ),
                _is_made_of(sku),
            )
        )
        waits = {
            (datetime.fromisoformat(wait["since"]), row.order_id, row.n)
            for row in rows
            # Another group of the order may have the line.
            if any(line["line_id"] == row.line_id for line in row.view["lines"])
            for wait in row.head.get("waiting_for", [])
            if wait["id"] in (f"stock/{row.n}", f"sourcing/{row.n}")
        }
        return [(OrderId(order_id), n) for _, order_id, n in sorted(waits)]

    async def stock_waits(self, *, after: tuple[datetime, OrderId, int] | None, limit: int) -> Sequence[StockWait]:
        awaited = func.jsonb_array_elements(OrderRow.head["waiting_for"]).table_valued(
            column("value", JSONB), name="awaited", joins_implicitly=True
        )
        since = cast(awaited.c.value["since"].astext, DateTime(timezone=True))
        place = (since, OrderGroupRow.order_id, OrderGroupRow.n)
        rows = (
            await self._connection.execute(
                select(OrderGroupRow.order_id, OrderGroupRow.view, OrderRow.channel, since.label("since"))
                .join(OrderRow, OrderRow.order_id == OrderGroupRow.order_id)
                .where(
                    OrderGroupRow.status == GroupStatus.WAITING,
                    awaited.c.value["id"].astext == func.concat("stock/", OrderGroupRow.n),
                    *([] if after is None else [tuple_(*place) > tuple_(*(literal(each) for each in after))]),
                )
                .order_by(*place)
                .limit(limit)
            )
        ).all()
        lines = await self._views(OrderLineRow, OrderLineRow.position, [row.order_id for row in rows]) if rows else {}
        waits = []
        for row in rows:
            group = GroupView.model_validate(row.view)
            waits.append(
                StockWait(
                    order_id=OrderId(row.order_id),
                    n=group.n,
                    channel=row.channel,
                    since=row.since,
                    store_id=StoreId(group.store_id or ""),
                    wanted=open_by_sku(group, map(LineView.model_validate, lines.get(row.order_id, []))),
                )
            )
        return waits

    async def picked_at(self, sku: Sku, store_id: StoreId) -> Mapping[OrderId, int]:
        units = OrderGroupRow.view["units"][OrderLineRow.line_id]
        picked = func.coalesce(units["picked"].as_integer(), 0) + func.coalesce(units["ready"].as_integer(), 0)
        rows = await self._connection.execute(
            select(OrderGroupRow.order_id, OrderLineRow.view["components"], picked)
            .join(OrderLineRow, OrderLineRow.order_id == OrderGroupRow.order_id)
            .where(
                OrderGroupRow.store_id == store_id,
                OrderGroupRow.status.in_([status.value for status in IN_HANDS]),
                _is_made_of(sku),
            )
        )
        found: Counter[OrderId] = Counter()
        for order_id, components, units_picked in rows:
            kit = {part["sku"]: part["quantity"] for part in components or ()}
            found[OrderId(order_id)] += units_picked * (kit.get(sku, 0) if kit else 1)
        return +found

    async def unpicked_at(self, sku: Sku, store_id: StoreId) -> Sequence[UnpickedUnits]:
        unpicked = OrderGroupRow.view["units"][OrderLineRow.line_id]["allocated"].as_integer()
        rows = await self._connection.execute(
            select(OrderGroupRow.order_id, OrderGroupRow.n, OrderLineRow.line_id, unpicked.label("quantity"))
            .join(OrderLineRow, OrderLineRow.order_id == OrderGroupRow.order_id)
            .where(
                OrderGroupRow.store_id == store_id,
                OrderGroupRow.status.in_([status.value for status in WORK]),
                _is_made_of(sku),
                unpicked > 0,
            )
            .order_by(OrderGroupRow.order_id, OrderGroupRow.n, OrderLineRow.position)
        )
        return [
            UnpickedUnits(order_id=OrderId(row.order_id), n=row.n, line_id=row.line_id, quantity=row.quantity)
            for row in rows
        ]

    async def interventions(self, *, limit: int) -> Sequence[OpenIntervention]:
        asked = func.jsonb_array_elements(OrderRow.head["interventions"]).table_valued(
            column("value", JSONB), name="asked", joins_implicitly=True
        )
        question = asked.c.value
        rows = await self._connection.execute(
            select(OrderRow.order_id, question.label("question"))
            .where(OrderRow.status == OrderStatus.NEEDS_ATTENTION, OrderRow.visible)
            .order_by(cast(question["since"].astext, DateTime(timezone=True)), question["intervention_id"].astext)
            .limit(limit)
        )
        return [OpenIntervention(order_id=OrderId(row.order_id), **row.question) for row in rows]

    async def intervention(self, intervention_id: str) -> OpenIntervention | None:
        order_id = OrderId(intervention_id.rpartition("-")[0])
        head = await self._connection.scalar(select(OrderRow.head).where(OrderRow.order_id == order_id))
        for question in (head or {}).get("interventions", []):
            if question["intervention_id"] == intervention_id:
                return OpenIntervention(order_id=order_id, **question)
        return None

    async def open_orders_of(self, customer_ref: str) -> Sequence[OrderId]:
        rows = await self._connection.scalars(
            select(OrderRow.order_id)
            .where(OrderRow.customer_ref == customer_ref, OrderRow.status.not_in(ENDED))
            .order_by(OrderRow.order_id)
        )
        # An order that was promised a moment ago has no record yet; it is known by the key that its history has.
        promised = await self._connection.scalars(
            select(OrderIntakeRow.order_id)
            .join(WorkflowKeyRow, WorkflowKeyRow.workflow_id == literal("order/") + OrderIntakeRow.order_id)
            .join(CustomerKeyRow, CustomerKeyRow.key_id == WorkflowKeyRow.key_id)
            .where(OrderIntakeRow.state == IntakeState.PROMISED, CustomerKeyRow.customer_ref == customer_ref)
            .order_by(OrderIntakeRow.order_id)
        )
        return [OrderId(order_id) for order_id in dict.fromkeys([*rows, *promised])]


def _is_made_of(sku: str) -> ColumnElement[bool]:
    """Lines of which a unit has pieces of the SKU: that article itself, or a kit with it."""
    return or_(OrderLineRow.sku == sku, OrderLineRow.view["components"].contains([{"sku": sku}]))
