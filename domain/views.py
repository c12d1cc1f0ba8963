"""What every role reads of an order. The same shape is written to the record, answered over HTTP and shown to ops."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from domain.actors import Channel
from domain.groups import GroupStatus
from domain.holds import Hold
from domain.ids import GroupId, LineId, OrderId, Sku, StoreId
from domain.intake import PickupMode, Service
from domain.locker_stays import CounterReason, StayStatus
from domain.lockers import CompartmentId, CompartmentSize, LockerId
from domain.money import Currency
from domain.open_changes import MadeChange, Totals
from domain.parcels import Box, Parcel
from domain.pickups import HandOver, Proposal
from domain.sourcing.rules import Queue
from domain.terms import ExchangeOf
from domain.waits import Wait


class View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OrderStatus(StrEnum):
    HELD = "held"
    IN_PROGRESS = "in_progress"
    NEEDS_ATTENTION = "needs_attention"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ComponentView(View):
    """One component of a kit line."""

    sku: str
    quantity: int
    """Pieces in one unit of the kit."""
    share: int
    """What it bears of the line's total, by its usual price."""


class LineView(View):
    line_id: LineId
    sku: str
    ordered: int
    open: int = 0
    allocated: int = 0
    picked: int = 0
    ready: int = 0
    handed_over: int = 0
    shipped: int = 0
    delivered: int = 0
    cancelled: int = 0
    lost: int = 0
    returned: int = 0
    unit_price: int
    discount: int
    tax: int
    total: int
    earned: int | None = None
    """What the units are worth that left for the customer, in minor units, with their share of the shipping."""
    components: list[ComponentView] = []
    """What one unit is made of, when it is a kit."""

    @property
    def needs(self) -> dict[Sku, int]:
        """What one unit asks of the shelves."""
        return {Sku(each.sku): each.quantity for each in self.components} or {Sku(self.sku): 1}


class GroupLineView(View):
    line_id: LineId
    quantity: int
    """Units that are still owed, or were when the group ended."""


class LockerView(View):
    """A pickup's stay in a parcel machine. Its codes are the operator's, and never here."""

    locker_id: LockerId
    status: StayStatus
    compartment_id: CompartmentId | None = None
    size: CompartmentSize | None = None
    reserved_until: datetime | None = None
    """Until when the store must have put it in."""
    collect_by: datetime | None = None
    counter: CounterReason | None = None
    """Why it waits at the counter instead."""
    asked_to_take_out: bool = False
    """It was cancelled, and the operator is asked to have it back before the customer is there."""


class GroupView(View):
    id: GroupId
    n: int
    kind: str = "pickup"
    ship_to_store: bool = False
    """A pickup whose goods are, or were, sent to its store from another place."""
    mode: PickupMode | None = None
    """How a pickup is handed over."""
    store_id: StoreId | None = None
    """The store or warehouse, that is where the customer collects; none while a place for a shipment is looked for."""
    from_store: StoreId | None = None
    """Which place sends it to the store; none while one is looked for."""
    sending: GroupStatus | None = None
    """How far that place is, until the goods have left."""
    in_transit: bool = False
    """Goods of it, wanted or not, are on their way to the store."""
    status: GroupStatus
    lines: list[GroupLineView]
    units: dict[LineId, dict[str, int]]
    backordered: bool = False
    """Sold beyond stock: it waits for supply."""
    expected_at: datetime | None = None
    """When supply is expected."""
    promised_ready_at: datetime | None = None
    accept_by: datetime | None = None
    """Until when its place must accept or reject it, while it has done neither."""
    accepted_at: datetime | None = None
    ready_at: datetime | None = None
    deadline: datetime | None = None
    latest_deadline: datetime | None = None
    location: str | None = None
    arrived_at: datetime | None = None
    bay: str | None = None
    locked: bool = False
    put_back: dict[LineId, int] = {}
    locker: LockerView | None = None
    proposal: Proposal | None = None
    """Another article that the store has instead, for the customer to choose."""
    hand_overs: list[HandOver] = []

    origin: int | None = None
    """The shipment of the order as it was placed that this one is a part of."""
    service: Service | None = None
    country: str | None = None
    promised_at: datetime | None = None
    """When a shipment's customer was told to expect it."""
    hops: int = 0
    declined_by: list[StoreId] = []
    queue: Queue | None = None
    auto_cancel_at: datetime | None = None
    replaces: int | None = None
    packed: dict[LineId, int] = {}
    boxes: list[Box] = []
    parcels: list[Parcel] = []
    asked_to_stop: dict[LineId, int] = {}
    answer_by: datetime | None = None
    """Until when the place must say whether it could stop."""
    returned: dict[LineId, int] = {}
    """Units among `put_back` that came back from the carrier."""

    @property
    def at_work(self) -> StoreId | None:
        """The place that has something to do with it: the sender until the goods have left, then the store."""
        return self.from_store if self.sending is not None else self.store_id


class PaymentView(View):
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0
    due: int = 0


class NextAction(View):
    kind: str
    url: str
    deadline: datetime | None = None


class InterventionView(View):
    intervention_id: str
    step: str
    error: str
    since: datetime
    choices: list[str]


class ChangeView(View):
    """A change that is made when the customer has paid for it."""

    change_id: str
    since: datetime
    deadline: datetime
    default: str = "drop"
    owed: int
    before: Totals
    after: Totals


class SaleOfView(View):
    """Of which order's pickup it is a sale of extra items."""

    order_id: OrderId
    n: int


class OrderView(View):
    order_id: OrderId
    version: int
    channel: Channel
    external_id: str
    customer_ref: str
    status: OrderStatus
    currency: Currency
    total: int
    placed_at: datetime
    return_policy: int = 0
    """The version of the returns policy that was in force when it was placed; 0 is the one that is built in."""
    lines: list[LineView]
    groups: list[GroupView]
    holds: list[Hold]
    payment: PaymentView
    waiting_for: list[Wait]
    next_action: NextAction | None = None
    interventions: list[InterventionView] = []
    linked_to: SaleOfView | None = None
    exchange_of: ExchangeOf | None = None
    """The return whose value pays for it, and the order that it was of."""
    change: ChangeView | None = None
    changes: list[MadeChange] = []
    contact: int | None = None
    """Under which the customer's changed mail address and phone number are kept; none: as the order was placed."""

    def public(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_none=True)
