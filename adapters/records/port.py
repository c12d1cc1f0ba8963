"""The records that people read: orders, their timelines, and what waits for a person.

Written by the same transaction that makes a step real. Every change carries the workflow's sequence number, so that a
late retry cannot overwrite a newer one.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import LineId, OrderId, ReturnId, Sku, StoreId
from domain.kits import pieces
from domain.timeline import TimelineEntry
from domain.views import GroupView, LineView, OrderStatus, OrderView


class OrderChange(BaseModel):
    """What one milestone changed. Lines and groups that stayed the same are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    sequence: int
    """1 for the first milestone, then one more each time; the order's `version`."""
    at: datetime
    head: OrderView
    """The order without its lines and groups (both lists empty)."""
    lines: list[LineView]
    groups: list[GroupView]
    events: list[TimelineEntry]
    visible: bool = True
    """False while the order is being placed: nobody sees an order that may still be refused."""
    instead: bool = False
    """It replaces what stands under its number and after it; lines and groups are all there."""


class AnotherTryStands(Exception):
    """Something else is recorded under this number: a workflow task recorded it and died before Temporal heard of it.

    The task is being done again, with what has come meanwhile; its milestone is to be written `instead`.
    """


class OvertakenTry(Exception):
    """A try that is late: the same workflow task has been done again, and that is what counts."""


class OrderFilter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str | None = None
    external_id: str | None = None
    customer_ref: str | None = None
    status: OrderStatus | None = None
    store_id: str | None = None
    created_by: str | None = None
    """Only what this principal created (marketplace and partner keys)."""
    text: str | None = None
    """Order id or external id, whole or its beginning."""


class StoredEvent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    position: int
    entry: TimelineEntry


class StoreGroup(BaseModel):
    """A group that has work at a store, with what a task list shows of its order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    external_id: str
    version: int
    order_status: OrderStatus
    group: GroupView
    lines: list[LineView]


class StockWait(BaseModel):
    """A group that waits for stock at its store, and all that it needs there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    n: int
    store_id: StoreId
    channel: str
    since: datetime
    wanted: dict[Sku, int]


class UnpickedUnits(BaseModel):
    """Units of one line that a place has for an order and has not picked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    n: int
    line_id: LineId
    quantity: int


class OpenIntervention(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    intervention_id: str
    order_id: OrderId | None = None
    application_id: str | None = None
    """Instead of an order's."""
    step: str
    error: str
    since: datetime
    choices: list[str]


def open_by_sku(group: GroupView, lines: Iterable[LineView]) -> dict[Sku, int]:
    """Units of a group that have no stock yet."""
    wanted: dict[Sku, int] = {}
    for line in lines:
        if units := group.units.get(line.line_id, {}).get("open", 0):
            for sku, asked in pieces(line.needs, units).items():
                wanted[sku] = wanted.get(sku, 0) + asked
    return wanted


class Records(Protocol):
    async def write(self, change: OrderChange) -> bool:
        """Apply a change once. False: the same was written before, nothing is changed.

        Raises `AnotherTryStands` where an older try wrote something else under this sequence, `OvertakenTry` where a
        younger one did.
        """
        ...

    async def forget(self, order_id: OrderId) -> None:
        """Remove an order that was never confirmed; its timeline goes with it."""
        ...

    async def group(self, order_id: OrderId, n: int, *, locked: bool = False) -> StoreGroup | None:
        """One group; `locked`: nobody else changes the order until the transaction ends."""
        ...

    async def put_back(self, order_id: OrderId, group: GroupView, entry: TimelineEntry) -> None:
        """What a store put back after the order's process had ended: the group as it is now, and one more event."""
        ...

    async def append(self, order_id: OrderId, entry: TimelineEntry) -> None:
        """One more event after the last one, for what happens once the order's process has ended."""
        ...

    async def take_back(self, order_id: OrderId, return_id: ReturnId, since: datetime | None) -> None:
        """Events of a return after `since` never happened: the try that told them died."""
        ...

    async def order(self, order_id: OrderId, *, hidden: bool = False) -> OrderView | None: ...

    async def find(self, wanted: OrderFilter, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[OrderView]:
        """Newest first by (placed_at, order_id); `after` is the last row of the page before."""
        ...

    async def timeline(self, order_id: OrderId, *, after: int, limit: int) -> Sequence[StoredEvent]: ...

    async def store_groups(self, store_id: StoreId, *, limit: int) -> Sequence[StoreGroup]:
        """Groups with something for the store to do, by promised time: offered to packed or ready; put back."""
        ...

    async def has_work_at(self, order_id: OrderId, store_id: StoreId) -> bool: ...

    async def waiting_for_stock(self, sku: str, store_id: StoreId) -> Sequence[tuple[OrderId, int]]:
        """Orders (and group numbers) that wait for this SKU here, or anywhere (queued), the longest wait first."""
        ...

    async def stock_waits(self, *, after: tuple[datetime, OrderId, int] | None, limit: int) -> Sequence[StockWait]:
        """Every group that waits for stock, the longest wait first; `after`: since, order and n of the last."""
        ...

    async def picked_at(self, sku: Sku, store_id: StoreId) -> Mapping[OrderId, int]:
        """Units of the SKU that the store has picked or made ready and not handed over, by order."""
        ...

    async def unpicked_at(self, sku: Sku, store_id: StoreId) -> Sequence[UnpickedUnits]:
        """Units of the SKU that the store has yet to pick, by order and group."""
        ...

    async def interventions(self, *, limit: int) -> Sequence[OpenIntervention]: ...

    async def intervention(self, intervention_id: str) -> OpenIntervention | None: ...

    async def open_orders_of(self, customer_ref: str) -> Sequence[OrderId]: ...


def says_the_same(known: Sequence[TimelineEntry], events: Sequence[TimelineEntry]) -> bool:
    """Whether a milestone that was recorded tells what this one would, at whatever time."""
    return [entry.model_copy(update={"at": None}) for entry in known] == [
        entry.model_copy(update={"at": None}) for entry in events
    ]


WHOLE_PAGE = 500


async def whole_timeline(records: Records, order_id: OrderId) -> list[TimelineEntry]:
    """However long it is, oldest first."""
    after, found = 0, list[TimelineEntry]()
    while page := await records.timeline(order_id, after=after, limit=WHOLE_PAGE):
        found += [each.entry for each in page]
        after = page[-1].position
    return found
