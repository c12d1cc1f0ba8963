"""Changes of orders as milestones write them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.records.port import OrderChange
from domain.actors import ENGINE, Channel
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, StoreId, pickup_id
from domain.intake import PickupMode
from domain.timeline import Event, TimelineEntry
from domain.views import GroupLineView, GroupView, InterventionView, LineView, OrderStatus, OrderView, PaymentView
from domain.waits import Wait, WaitKind

PLACED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
STORE = StoreId("S001")


def after(**span: float) -> datetime:
    return PLACED + timedelta(**span)


def head(order_id: str, **fields: Any) -> OrderView:
    given: dict[str, Any] = {
        "order_id": order_id,
        "version": 1,
        "channel": Channel.WEB,
        "external_id": f"W-{order_id}",
        "customer_ref": "C-1",
        "status": OrderStatus.IN_PROGRESS,
        "currency": "EUR",
        "total": 1000,
        "placed_at": PLACED,
        "lines": [],
        "groups": [],
        "holds": [],
        "payment": PaymentView(),
        "waiting_for": [],
    }
    return OrderView(**{**given, **fields})


def line(line_id: str = "1", sku: str = "SKU-1", **units: int) -> LineView:
    return LineView(
        line_id=LineId(line_id), sku=sku, ordered=1, unit_price=1000, discount=0, tax=0, total=1000, **units
    )


def group(order_id: str, n: int = 1, lines: Sequence[str] = ("1",), **fields: Any) -> GroupView:
    given: dict[str, Any] = {
        "id": pickup_id(OrderId(order_id), n),
        "n": n,
        "mode": PickupMode.COUNTER,
        "store_id": STORE,
        "status": GroupStatus.OFFERED,
        "lines": [GroupLineView(line_id=LineId(each), quantity=1) for each in lines],
        "units": {each: {"open": 1} for each in lines},
    }
    return GroupView(**{**given, **fields})


def entry(event: Event = Event.ORDER_PLACED, **fields: Any) -> TimelineEntry:
    return TimelineEntry(at=PLACED, event=event, actor=ENGINE, **fields)


def change(
    order_id: str,
    sequence: int = 1,
    *,
    lines: Sequence[LineView] = (),
    groups: Sequence[GroupView] = (),
    events: Sequence[TimelineEntry] = (),
    visible: bool = True,
    at: datetime | None = None,
    **fields: Any,
) -> OrderChange:
    """One milestone; `fields` are those of the order's head."""
    return OrderChange(
        order_id=OrderId(order_id),
        sequence=sequence,
        at=at or after(minutes=sequence),
        head=head(order_id, **{"version": sequence, **fields}),
        lines=list(lines),
        groups=list(groups),
        events=list(events),
        visible=visible,
    )


def stock_wait(n: int, since: datetime) -> Wait:
    return Wait(id=f"stock/{n}", kind=WaitKind.STOCK, what="stock arrives", who="store", since=since)


def question(order_id: str, number: int, since: datetime) -> InterventionView:
    return InterventionView(
        intervention_id=f"{order_id}-{number}", step="capture", error="declined", since=since, choices=["retry"]
    )
