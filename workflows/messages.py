"""What callers send to an order and what they get back. Every command carries its id, its actor and its channel."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.actors import Actor
from domain.cancellation import CancelPlan
from domain.carriage import ParcelStatus
from domain.change_wishes import ChangeWish, Way
from domain.changes import ChangePlan
from domain.choices import ChoiceOption as ChoiceOption
from domain.dropship import PartnerId, PartnerRequestId, RequestStatus
from domain.holds import HoldKind, HoldOutcome
from domain.ids import CommandId, HoldId, LineId, OperationKey, OrderId, Sku, StoreId
from domain.intake import Relation
from domain.locker_stays import LockerNews
from domain.parcels import Box, Resolution
from domain.pickups import ProofKind
from domain.refusals import Refusal
from domain.sourcing.queues import Queue
from domain.stock import RejectReason, StockEffect
from domain.substitution import Substitute
from domain.terms import TenderTerms
from domain.views import GroupView, NextAction, OrderStatus, PaymentView


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Placed(Message):
    """The fate of a placed order: confirmed or held, or refused with nothing left of it."""

    order_id: OrderId
    status: OrderStatus
    version: int
    next_action: NextAction | None = None
    refusal: Refusal | None = None


class OrderResult(Message):
    """What the workflow returns: the order's final state in short."""

    order_id: OrderId
    status: OrderStatus | None
    version: int
    payment: PaymentView
    refusal: Refusal | None = None
    credit_used: int = 0
    """Of the value of the return whose goods it replaces."""
    unpaid: bool = False
    """Its customer was asked to pay, and did not."""


class Command(Message):
    """`version` is the one that the caller saw; a stale one is refused. `at`: when it truly happened, if not now."""

    command_id: CommandId
    actor: Actor
    version: int | None = None


class GroupCommand(Command):
    n: int


class Accept(GroupCommand):
    kind: Literal["accept"] = "accept"


class Reject(GroupCommand):
    kind: Literal["reject"] = "reject"
    lines: dict[LineId, int] | None = None
    missing: dict[LineId, list[Sku]] = {}
    """Of kit lines, the components that are not there; the stock of no other one is corrected."""
    reason: RejectReason
    stock_effect: StockEffect | None = None
    collateral: bool = False
    """It follows from what the place declined in another order."""


class Pick(GroupCommand):
    kind: Literal["pick"] = "pick"
    lines: dict[LineId, int]
    components: dict[LineId, dict[Sku, int]] = {}
    """Kit lines told by component: the pieces that were found of each."""
    substitutes: list[Substitute] = []
    """Found instead of what is missing. Of pickups only."""
    staged_at: str | None = None


class MakeReady(GroupCommand):
    kind: Literal["ready"] = "ready"
    location: str | None = None


class Arrive(GroupCommand):
    kind: Literal["arrived"] = "arrived"
    bay: str | None = None


class GiveOut(GroupCommand):
    """A hand-over at the counter. The code itself never gets here: the gateway says which serials it fits."""

    kind: Literal["hand_over"] = "hand_over"
    code_serials: list[int]
    lines: dict[LineId, int] | None = None
    refused: dict[LineId, int] = {}
    refusal_reasons: dict[LineId, str] = {}
    """In the customer's words, of those lines where the counter wrote them down."""
    relation: Relation = Relation.SELF
    person_is_named: bool = False
    """The collecting person is the one whom the buyer named."""
    proof: ProofKind = ProofKind.CODE
    proof_ref: str | None = None
    at: datetime | None = None


class ShortageResolution(StrEnum):
    CANCEL = "cancel"
    LATER = "later"
    OTHER_STORE = "other_store"


class ReportShortage(GroupCommand):
    kind: Literal["shortage"] = "shortage"
    lines: dict[LineId, int]
    resolution: ShortageResolution


class Disposition(StrEnum):
    RESTOCK = "restock"
    REFURBISH = "refurbish"
    VENDOR = "vendor"
    DONATE = "donate"
    DESTROY = "destroy"
    BACK_TO_CUSTOMER = "back_to_customer"


class RefuseUnits(GroupCommand):
    kind: Literal["refuse"] = "refuse"
    lines: dict[LineId, int]
    reason: str
    disposition: Disposition = Disposition.RESTOCK


class ExtendWindow(GroupCommand):
    kind: Literal["extend"] = "extend"
    until: datetime


class ResendCode(GroupCommand):
    kind: Literal["resend_code"] = "resend_code"


class Unlock(GroupCommand):
    kind: Literal["unlock"] = "unlock"


class PutBack(GroupCommand):
    kind: Literal["put_back"] = "put_back"
    lines: dict[LineId, int] | None = None


class Pack(GroupCommand):
    """Picked units were checked and are in a box. `scanned`: the article that was read off the unit, by line."""

    kind: Literal["pack"] = "pack"
    lines: dict[LineId, int]
    scanned: dict[LineId, Sku] = {}
    boxes: list[Box] = []


class Unpack(GroupCommand):
    kind: Literal["unpack"] = "unpack"
    lines: dict[LineId, int] | None = None


class Ship(GroupCommand):
    """Packed units leave with a carrier: under a number given by hand, or under a label that is bought."""

    kind: Literal["ship"] = "ship"
    lines: dict[LineId, int] | None = None
    carrier: str | None = None
    tracking_number: str | None = None


class Receive(GroupCommand):
    """What came of goods that another place sent: in good order (by default all that is not damaged), or damaged."""

    kind: Literal["arrive"] = "arrive"
    lines: dict[LineId, int] | None = None
    damaged: dict[LineId, int] = {}


class AnswerStop(GroupCommand):
    """A place that was asked to stop says whether it could."""

    kind: Literal["cancel_answer"] = "cancel_answer"
    stopped: bool


class DecideClaim(GroupCommand):
    """What becomes of a parcel that went wrong."""

    kind: Literal["decide_claim"] = "decide_claim"
    parcel: int | None = None
    resolution: Resolution
    until: datetime | None = None
    """For `wait`: until when the decision is put off."""
    reason: str = ""


class MoveAutoCancel(GroupCommand):
    """Until when a place is looked for; without an end when none is given."""

    kind: Literal["move_auto_cancel"] = "move_auto_cancel"
    until: datetime | None


class Assign(Command):
    """A person chooses the place of units that nobody has picked yet. Rules are overridden, stock is not."""

    kind: Literal["assign"] = "assign"
    lines: dict[LineId, int]
    location_id: StoreId
    reason: str


class BrokeredPart(Message):
    """What one place is to ship, and the key under which the run keeps room there."""

    location_id: StoreId
    lines: dict[LineId, int]
    capacity: OperationKey


class Broker(GroupCommand):
    """A brokering run's decision about a shipment of its queue: it holds for just these units, or not at all."""

    kind: Literal["broker"] = "broker"
    run: str
    queue: Queue
    lines: dict[LineId, int]
    parts: list[BrokeredPart]
    """None: no place can serve it."""
    then: Queue
    """Where units wait that are in no part."""
    moved: bool = False
    """What was reserved for it until now is reserved there already."""


class NameProxy(GroupCommand):
    """The buyer names who else may collect; the name itself goes to the vault."""

    kind: Literal["name_proxy"] = "name_proxy"
    relation: Relation


class NoteSale(GroupCommand):
    """Things beyond the order were sold when it was collected."""

    kind: Literal["note_sale"] = "note_sale"
    sale_id: OrderId
    amount: int


class Choose(Command):
    """The customer's answer after a rejection. Without `n`: for the only group that waits for a choice."""

    kind: Literal["choose"] = "choose"
    n: int | None = None
    option: ChoiceOption
    store_id: StoreId | None = None
    way: Way | None = None
    """With `ship`: how, and where to."""
    tenders: list[TenderTerms] = []


class Change(Command):
    """All of the wish, or nothing. `tenders` pay for what is owed; without them the customer is asked."""

    kind: Literal["change"] = "change"
    wish: ChangeWish
    tenders: list[TenderTerms] = []


class DropChange(Command):
    """The change that waits for its payment is not wanted any more."""

    kind: Literal["drop_change"] = "drop_change"


class CancelReason(StrEnum):
    CUSTOMER = "customer"
    DECLINED = "declined"
    FRAUD = "fraud"
    INVENTORY = "inventory"
    STAFF = "staff"
    EXPIRED = "expired"
    OTHER = "other"


class Cancel(Command):
    kind: Literal["cancel"] = "cancel"
    lines: dict[LineId, int] | None = None
    reason: CancelReason = CancelReason.CUSTOMER
    notify: bool = True


class PlaceHold(Command):
    kind: Literal["place_hold"] = "place_hold"
    hold_kind: HoldKind
    reason: str
    deadline: datetime | None = None
    default: HoldOutcome = HoldOutcome.CANCEL
    lines: list[LineId] | None = None


class ResolveHold(Command):
    kind: Literal["resolve_hold"] = "resolve_hold"
    hold_id: HoldId
    outcome: HoldOutcome
    reason: str = ""


class Pay(Command):
    """Another try to pay a held order, or a payment at the till of a store."""

    kind: Literal["pay"] = "pay"
    tenders: list[TenderTerms]


class InterventionAction(StrEnum):
    RETRY = "retry"
    SKIP = "skip"
    SUPPLY = "supply"
    GIVE_UP = "give_up"


class Intervene(Command):
    kind: Literal["intervene"] = "intervene"
    intervention_id: str
    action: InterventionAction
    reason: str
    value: str | None = None


StoreCommand = Annotated[
    Accept
    | Reject
    | Pick
    | MakeReady
    | Arrive
    | GiveOut
    | ReportShortage
    | RefuseUnits
    | ExtendWindow
    | ResendCode
    | Unlock
    | PutBack
    | Pack
    | Unpack
    | Ship
    | Receive
    | AnswerStop,
    Field(discriminator="kind"),
]
"""What a store may also send without waiting for the answer, as a signal."""


class GroupAnswer(Message):
    """The group after the command, and the order's version."""

    version: int
    status: OrderStatus
    group: GroupView
    already: bool = False
    """Nothing was left to do: this is the first answer again."""


class CancelAnswer(Message):
    version: int
    status: OrderStatus
    plan: CancelPlan


class ChangeAnswer(Message):
    version: int
    status: OrderStatus
    change_id: str
    applied: bool
    """Made; otherwise it waits for its payment, or was dropped."""
    plan: ChangePlan
    next_action: NextAction | None = None


class ChangePreview(Message):
    """What a change would do, or why it cannot be."""

    plan: ChangePlan | None = None
    refusal: Refusal | None = None


class OrderAnswer(Message):
    version: int
    status: OrderStatus
    hold_id: HoldId | None = None
    next_action: NextAction | None = None


class PaymentEvent(Message):
    """A provider's webhook about one of this order's authorisations; its state is asked for, not believed."""

    event_id: str
    type: str
    authorisation_id: str
    came_back: int = 0
    """Of a refund that did not reach the customer after all: how much, minor units."""


class FraudDecision(Message):
    event_id: str
    accept: bool
    actor: Actor


class CarrierEvent(Message):
    """A carrier's news of a parcel."""

    event_id: str
    carrier: str
    tracking_number: str
    at: datetime
    said: str
    status: ParcelStatus


class LockerEvent(Message):
    """The news of an operator of parcel machines. `n`: of which pickup it says that it is."""

    n: int
    news: LockerNews


class PartnerEvent(Message):
    """A partner's news of a request, whose state is asked for, not believed. `n`: which shipment it says that it is."""

    event_id: str
    n: int
    partner: PartnerId
    request_id: PartnerRequestId
    at: datetime
    said: str
    status: RequestStatus


class StockArrived(Message):
    """Stock came for a group that waits for it, or that no place could serve.

    `store_id`: where it is reserved for a group that waited in the queue for supply.
    """

    n: int
    store_id: StoreId | None = None


class SupplyRescheduled(Message):
    """What a group waits for comes at another time; nobody knows when if no date is given."""

    n: int
    expected_at: datetime | None = None
