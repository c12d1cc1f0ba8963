"""What callers send to a return and what they get back. Every command carries its id, its actor and its channel."""

from datetime import datetime
from typing import Literal

from pydantic import PositiveInt

from domain.carriage import ParcelStatus
from domain.ids import LineId, OperationKey, ReturnId, Sku, StoreId
from domain.refunds import RefundTarget
from domain.refusals import Refusal
from domain.returns.returned import Return, ReturnView
from domain.returns.words import ItemCondition, ReturnDisposition
from workflows.messages import Command, Message


class ReturnStart(Message):
    """The workflow's one input: the return as the policy decided it."""

    asked: Return
    at_counter: bool = False
    """The customer stands at the counter: nobody is told by mail what is being done there."""


class ReturnOpened(Message):
    """What became of the request."""

    view: ReturnView | None = None
    refusal: Refusal | None = None


class ReturnResult(Message):
    return_id: ReturnId
    version: int
    refund: int


class ApproveReturn(Command):
    kind: Literal["approve"] = "approve"
    lines: dict[LineId, int] | None = None
    reason: str | None = None
    override: bool = False
    """Whoever approves may approve what the policy refuses."""


class RejectReturn(Command):
    kind: Literal["reject"] = "reject"
    lines: dict[LineId, int] | None = None
    reason: str


class DropOff(Command):
    kind: Literal["drop_off"] = "drop_off"
    at: datetime | None = None
    carrier: str | None = None
    tracking_number: str | None = None


class ReceivedUnits(Message):
    """What came: units of a line, or something that belongs to none."""

    line_id: LineId | None = None
    sku: Sku | None = None
    quantity: PositiveInt
    condition: ItemCondition | None = None
    disposition: ReturnDisposition | None = None


class ReceiveReturn(Command):
    kind: Literal["receive"] = "receive"
    store_id: StoreId
    lines: list[ReceivedUnits]


class InspectedUnits(Message):
    line_id: LineId
    quantity: PositiveInt
    accepted: bool
    condition: ItemCondition
    disposition: ReturnDisposition


class InspectReturn(Command):
    kind: Literal["inspect"] = "inspect"
    store_id: StoreId | None = None
    lines: list[InspectedUnits]


class SettleReturn(Command):
    kind: Literal["settle"] = "settle"
    refund_to: RefundTarget | None = None


class CancelReturn(Command):
    kind: Literal["cancel"] = "cancel"
    reason: str | None = None


class DecideGoodwill(Command):
    kind: Literal["decide_goodwill"] = "decide_goodwill"
    approved: bool
    reason: str | None = None


class CarrierWord(Message):
    """What a carrier said of a return's parcel."""

    event_id: str
    tracking_number: str
    at: datetime
    said: str
    status: ParcelStatus


class RefundEvent(Message):
    """The provider has news of a refund: ask for its state under its key."""

    event_id: str
    key: OperationKey


class ReturnAnswer(Message):
    view: ReturnView
    already: bool = False
