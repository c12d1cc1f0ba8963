"""The records of orders in memory: for tests."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from adapters.intake.memory import MemoryIntake
from adapters.records.port import (
    AnotherTryStands,
    OpenIntervention,
    OrderChange,
    OrderFilter,
    OvertakenTry,
    StockWait,
    StoredEvent,
    StoreGroup,
    UnpickedUnits,
    open_by_sku,
    says_the_same,
)
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, Sku, StoreId
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
ENDED = (OrderStatus.COMPLETED, OrderStatus.CANCELLED)
POSITIONS_A_MILESTONE = 1000
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Order:
    """One order as it was last written; a change makes a new one, so that a transaction can go back to the old."""

    version: int
    at: datetime
    visible: bool
    head: OrderView
    lines: dict[LineId, LineView]
    groups: dict[int, GroupView]
    events: tuple[StoredEvent, ...]

    @property
    def order_id(self) -> OrderId:
        return self.head.order_id

    @property
    def newest(self) -> tuple[datetime, str]:
        return self.head.placed_at, self.order_id

    @property
    def next_position(self) -> int:
        return self.events[-1].position + 1 if self.events else 1

    def view(self) -> OrderView:
        groups = [group for _, group in sorted(self.groups.items())]
        return self.head.model_copy(update={"lines": list(self.lines.values()), "groups": groups})

    def at_store(self, group: GroupView) -> StoreGroup:
        return StoreGroup(
            order_id=self.order_id,
            external_id=self.head.external_id,
            version=self.version,
            order_status=self.head.status,
            group=group,
            lines=list(self.lines.values()),
        )

    def with_events(self, entries: Iterable[TimelineEntry], start: int) -> "_Order":
        added = [
            StoredEvent(order_id=self.order_id, position=position, entry=entry)
            for position, entry in enumerate(entries, start=start)
        ]
        return replace(self, events=(*self.events, *added))


class MemoryRecords:
    """See `port.Records`. `intake` knows who created an order; `customer_of` whose a promised order is (its key's)."""

    def __init__(
        self, intake: MemoryIntake | None = None, customer_of: Callable[[OrderId], str | None] = lambda order_id: None
    ) -> None:
        self._orders: dict[OrderId, _Order] = {}
        self._intake = intake or MemoryIntake()
        self._customer_of = customer_of

    async def write(self, change: OrderChange) -> bool:
        known = self._orders.get(change.order_id)
        begins = change.sequence * POSITIONS_A_MILESTONE
        if known is not None and change.instead:
            events = tuple(event for event in known.events if event.position < begins)
            known = replace(known, version=change.sequence - 1, lines={}, groups={}, events=events)
        if known is not None and known.version >= change.sequence:
            ends = begins + POSITIONS_A_MILESTONE
            told = [event.entry for event in known.events if begins <= event.position < ends]
            if known.at == change.at or says_the_same(told, change.events):
                return False
            raise AnotherTryStands if known.at < change.at else OvertakenTry
        order = _Order(
            version=change.sequence,
            at=change.at,
            visible=change.visible,
            head=change.head,
            lines=(known.lines if known else {}) | {line.line_id: line for line in change.lines},
            groups=(known.groups if known else {}) | {group.n: group for group in change.groups},
            events=known.events if known else (),
        )
        self._orders[change.order_id] = order.with_events(change.events, max(begins, order.next_position))
        return True

    async def forget(self, order_id: OrderId) -> None:
        self._orders.pop(order_id, None)

    async def put_back(self, order_id: OrderId, group: GroupView, entry: TimelineEntry) -> None:
        order = self._known(order_id)
        if group.n in order.groups:
            order = replace(order, groups=order.groups | {group.n: group})
        self._orders[order_id] = order.with_events([entry], order.next_position)

    async def append(self, order_id: OrderId, entry: TimelineEntry) -> None:
        order = self._known(order_id)
        self._orders[order_id] = order.with_events([entry], order.next_position)

    # --- reading -----------------------------------------------------------------------------------------------------

    async def group(self, order_id: OrderId, n: int, *, locked: bool = False) -> StoreGroup | None:
        order = self._orders.get(order_id)
        if order is None or not order.visible or n not in order.groups:
            return None
        return order.at_store(order.groups[n])

    async def order(self, order_id: OrderId, *, hidden: bool = False) -> OrderView | None:
        order = self._orders.get(order_id)
        return order.view() if order is not None and (order.visible or hidden) else None

    async def find(self, wanted: OrderFilter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[OrderView]:
        found = [order for order in self._visible() if await self._matches(order, wanted)]
        found.sort(key=lambda order: order.newest, reverse=True)
        return [order.view() for order in found if after is None or order.newest < after][:limit]

    async def _matches(self, order: _Order, wanted: OrderFilter) -> bool:
        head = order.head
        asked: list[tuple[Any, Any]] = [
            (wanted.channel, head.channel),
            (wanted.external_id, head.external_id),
            (wanted.customer_ref, head.customer_ref),
            (wanted.status, head.status),
        ]
        if any(value is not None and value != there for value, there in asked):
            return False
        if wanted.store_id is not None and not await self.has_work_at(order.order_id, StoreId(wanted.store_id)):
            return False
        if wanted.created_by is not None:
            intake = await self._intake.by_order(order.order_id)
            if intake is None or intake.created_by != wanted.created_by:
                return False
        return wanted.text is None or any(
            name.startswith(wanted.text) for name in (order.order_id, order.head.external_id)
        )

    async def timeline(self, order_id: OrderId, *, after: int, limit: int) -> Sequence[StoredEvent]:
        order = self._orders.get(order_id)
        return [event for event in order.events if event.position > after][:limit] if order else []

    async def store_groups(self, store_id: StoreId, *, limit: int) -> Sequence[StoreGroup]:
        found = [
            order.at_store(group)
            for order in self._visible()
            for group in order.groups.values()
            if group.at_work == store_id and (group.put_back or group.status in WORK)
        ]
        found.sort(key=lambda each: (each.group.promised_ready_at or _NEVER, each.order_id, each.group.n))
        return found[:limit]

    async def has_work_at(self, order_id: OrderId, store_id: StoreId) -> bool:
        order = self._orders.get(order_id)
        return order is not None and any(
            store_id in (group.store_id, group.from_store) for group in order.groups.values()
        )

    async def waiting_for_stock(self, sku: str, store_id: StoreId) -> Sequence[tuple[OrderId, int]]:
        found = []
        for order in self._orders.values():
            since = {wait.id: wait.since for wait in order.head.waiting_for}
            wanted = {line.line_id for line in order.lines.values() if sku in line.needs}
            for group in order.groups.values():
                here = group.at_work == store_id and group.status is GroupStatus.WAITING
                wait = f"stock/{group.n}" if here else f"sourcing/{group.n}"
                waits = here or group.status is GroupStatus.QUEUED
                if waits and wait in since and any(line.line_id in wanted for line in group.lines):
                    found.append((since[wait], order.order_id, group.n))
        return [(order_id, n) for _, order_id, n in sorted(found)]

    async def stock_waits(self, *, after: tuple[datetime, OrderId, int] | None, limit: int) -> Sequence[StockWait]:
        found = []
        for order in self._orders.values():
            since = {wait.id: wait.since for wait in order.head.waiting_for}
            found += [
                StockWait(
                    order_id=order.order_id,
                    n=group.n,
                    store_id=StoreId(group.store_id or ""),
                    channel=order.head.channel,
                    since=since[f"stock/{group.n}"],
                    wanted=open_by_sku(group, order.lines.values()),
                )
                for group in order.groups.values()
                if group.status is GroupStatus.WAITING and f"stock/{group.n}" in since
            ]
        found.sort(key=lambda wait: (wait.since, wait.order_id, wait.n))
        return [wait for wait in found if after is None or (wait.since, wait.order_id, wait.n) > after][:limit]

    async def picked_at(self, sku: Sku, store_id: StoreId) -> Mapping[OrderId, int]:
        picked: Counter[OrderId] = Counter()
        for order in self._orders.values():
            for group in order.groups.values():
                if group.at_work == store_id and group.status in IN_HANDS:
                    picked[order.order_id] += sum(
                        (units.get("picked", 0) + units.get("ready", 0)) * order.lines[line_id].needs.get(sku, 0)
                        for line_id, units in group.units.items()
                    )
        return +picked

    async def unpicked_at(self, sku: Sku, store_id: StoreId) -> Sequence[UnpickedUnits]:
        return [
            UnpickedUnits(order_id=order.order_id, n=n, line_id=line_id, quantity=quantity)
            for order in sorted(self._orders.values(), key=lambda each: each.order_id)
            for n, group in sorted(order.groups.items())
            if group.store_id == store_id and group.status in WORK
            for line_id, units in group.units.items()
            if sku in order.lines[line_id].needs and (quantity := units.get("allocated", 0))
        ]

    async def interventions(self, *, limit: int) -> Sequence[OpenIntervention]:
        asking = [order for order in self._visible() if order.head.status is OrderStatus.NEEDS_ATTENTION]
        found = [question for order in asking for question in _questions(order)]
        return sorted(found, key=lambda each: (each.since, each.intervention_id))[:limit]

    async def intervention(self, intervention_id: str) -> OpenIntervention | None:
        order = self._orders.get(OrderId(intervention_id.rpartition("-")[0]))
        questions = _questions(order) if order is not None else []
        return next((each for each in questions if each.intervention_id == intervention_id), None)

    async def open_orders_of(self, customer_ref: str) -> Sequence[OrderId]:
        open_orders = [
            order.order_id
            for order in self._orders.values()
            if order.head.customer_ref == customer_ref and order.head.status not in ENDED
        ]
        promised = [intake.order_id for intake in self._intake.promised()]
        theirs = [order_id for order_id in promised if self._customer_of(order_id) == customer_ref]
        return list(dict.fromkeys([*sorted(open_orders), *sorted(theirs)]))

    def _visible(self) -> list[_Order]:
        return [order for order in self._orders.values() if order.visible]

    def _known(self, order_id: OrderId) -> _Order:
        if order_id not in self._orders:
            raise LookupError(f"order {order_id} has no record to add an event to; write the order first")
        return self._orders[order_id]


def _questions(order: _Order) -> list[OpenIntervention]:
    return [OpenIntervention(order_id=order.order_id, **asked.model_dump()) for asked in order.head.interventions]
