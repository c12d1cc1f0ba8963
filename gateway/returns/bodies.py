"""The bodies of calls about returns."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from domain.balances import normalised
from domain.intake import (
    COUNTRY,
    EMAIL,
    LOCALE,
    MAX_QUANTITY,
    PHONE,
    TOKEN,
    Address,
    Key,
    Method,
    Service,
    Tender,
    misplaced,
)
from domain.money import CURRENCY
from domain.refunds import RefundTarget
from domain.returns.words import ItemCondition, ReturnDisposition, ReturnKind, ReturnReason, ReturnVia
from gateway.fields import Body, Instant, LongText, Reference
from gateway.stores.bodies import CommandBody, LineQuantity

Units = Annotated[int, Field(ge=1, le=MAX_QUANTITY)]
LEAST_OF_AN_IDENTITY = 4


class Lookup(Body):
    """How a store finds the order: by one of these."""

    order_id: Key | None = None
    external_id: Key | None = None
    email: Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)] | None = None
    phone: Annotated[str, StringConstraints(max_length=32, pattern=PHONE)] | None = None
    code: Key | None = None
    """What is printed on the receipt: the order's own number or the channel's."""
    card: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=TOKEN)] | None = None
    """The provider's token of the card that the customer holds, as the till reads it."""
    customer: Key | None = None

    @model_validator(mode="after")
    def _says_one(self) -> Self:
        if sum(value is not None for _, value in self) != 1:
            raise misplaced((), "Name exactly one of order_id, external_id, email, phone, code, card, customer")
        return self


class Wanted(Body):
    sku: Key
    quantity: Units


class WantedReturn(Body):
    """One line that comes back, and why."""

    line_id: Key
    quantity: Units
    reason: ReturnReason
    wanted: Wanted | None = None
    evidence: Annotated[list[Reference], Field(default_factory=list, max_length=20)]
    """What shows it: references of pictures or papers, where the channel keeps them."""


class Delivery(Body):
    method: Method
    store_id: Key | None = None
    address: Address | None = None
    """Of a shipment; left out: where the goods were sent to."""
    service: Service | None = None

    @model_validator(mode="after")
    def _has_its_place(self) -> Self:
        if self.method is not Method.SHIP and self.store_id is None:
            raise misplaced(("store_id",), f"{self.method} needs store_id")
        return self


class Sender(Body):
    """Where a posted return leaves, as much as a carrier's price needs."""

    country: Annotated[str, StringConstraints(pattern=COUNTRY)]
    postal_code: Annotated[str, StringConstraints(min_length=1, max_length=16)]


class BlindLineBody(Body):
    sku: Key
    quantity: Units
    condition: ItemCondition
    disposition: ReturnDisposition

    @field_validator("disposition")
    @classmethod
    def _stays_here(cls, disposition: ReturnDisposition) -> ReturnDisposition:
        if disposition is ReturnDisposition.BACK_TO_CUSTOMER:
            raise ValueError("What is paid back stays here; what goes back to the customer is not taken in")
        return disposition


class BlindBody(Body):
    """What somebody brings back whose order nobody finds: it is taken in at once, for store credit."""

    identity: Annotated[str, StringConstraints(min_length=LEAST_OF_AN_IDENTITY, max_length=64)] = Field(repr=False)
    """The number of what the person showed: only its keyed hash is kept."""
    customer: Key | None = None
    """Whose store credit it becomes; a credit of its own, when left out."""
    email: Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)] | None = Field(default=None, repr=False)
    """Who wants to be told; left out: where the newest order of that customer is told."""
    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"
    currency: Annotated[str, StringConstraints(pattern=CURRENCY)]
    lines: Annotated[list[BlindLineBody], Field(min_length=1, max_length=50)]

    @field_validator("identity")
    @classmethod
    def _can_be_told_apart(cls, identity: str) -> str:
        if len(normalised(identity)) < LEAST_OF_AN_IDENTITY:
            raise ValueError(f"Should have {LEAST_OF_AN_IDENTITY} letters or digits or more")
        return identity


class ReturnBody(Body):
    order_id: Key | None = None
    lookup: Lookup | None = None
    blind: BlindBody | None = None
    """Neither of the two: no order is found."""
    kind: ReturnKind = ReturnKind.RETURN
    lines: Annotated[list[WantedReturn], Field(max_length=500, default_factory=list)]
    via: ReturnVia = ReturnVia.STORE
    store_id: Key | None = None
    """Where it is brought or sent; a store that asks means itself."""
    locker_id: Key | None = None
    """The parcel machine that it is put into; with `via: locker`."""
    sender: Sender | None = None
    """Where a posted return leaves; left out: where its goods were delivered."""
    refund_to: RefundTarget = RefundTarget.ORIGINAL
    advance: bool = False
    """What is wanted goes out before the goods have come, against the first card in `tenders`."""
    deliver: Delivery | None = None
    """How what is wanted gets to the customer; left out: to the store that asks, or as the goods had come."""
    tenders: Annotated[list[Tender], Field(default_factory=list, max_length=1)]
    """Pays what is owed on top; left out, the customer is asked for it. Of a plain return: the card that stands for
    what is paid back before the goods have come, up to its amount."""

    @model_validator(mode="after")
    def _names_its_way(self) -> Self:
        if (self.locker_id is None) == (self.via is ReturnVia.LOCKER):
            raise misplaced(("locker_id",), "Name the locker_id with via locker, and only then")
        if self.sender is not None and self.via is not ReturnVia.POST:
            raise misplaced(("sender",), "Only a posted return has a sender")
        return self

    @model_validator(mode="after")
    def _names_its_order(self) -> Self:
        if sum(each is not None for each in (self.order_id, self.lookup, self.blind)) != 1:
            raise misplaced(("order_id",), "Name one of order_id, lookup and blind")
        if bool(self.lines) is (self.blind is not None):
            raise misplaced(("lines",), "Name the lines that come back; without an order they stand in blind")
        seen: set[str] = set()
        for position, line in enumerate(self.lines):
            if line.line_id in seen:
                raise misplaced(("lines", position, "line_id"), "The line is named twice")
            seen.add(line.line_id)
        return self

    @model_validator(mode="after")
    def _is_brought_in(self) -> Self:
        if self.blind is not None:
            if self.kind is not ReturnKind.RETURN:
                raise misplaced(("kind",), "Without its order something is only returned")
            if self.via is not ReturnVia.STORE:
                raise misplaced(("via",), "Without its order something is brought to a store")
        return self


class ApproveReturnBody(CommandBody):
    lines: Annotated[list[LineQuantity], Field(min_length=1, max_length=500)] | None = None
    reason: LongText | None = None
    """Needed to approve what the policy refuses."""


class RejectReturnBody(CommandBody):
    lines: Annotated[list[LineQuantity], Field(min_length=1, max_length=500)] | None = None
    reason: LongText


class DropOffBody(CommandBody):
    at: Instant | None = None
    carrier: Key | None = None
    tracking_number: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{3,63}$")] | None = None


class ReceivedLine(Body):
    """Units of a line, or, by its sku, something that belongs to none."""

    line_id: Key | None = None
    sku: Key | None = None
    quantity: Units
    condition: ItemCondition | None = None
    disposition: ReturnDisposition | None = None

    @model_validator(mode="after")
    def _says_what(self) -> Self:
        if (self.line_id is None) == (self.sku is None):
            raise misplaced(("line_id",), "Name line_id, or the sku of what belongs to no line, and not both")
        return self


class ReceiveReturnBody(CommandBody):
    store_id: Key
    lines: Annotated[list[ReceivedLine], Field(min_length=1, max_length=500)]


class InspectedLine(Body):
    line_id: Key
    quantity: Units
    accepted: bool | Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = True
    """Whether these units are taken back, or how many of them are; the others go back to the customer."""
    condition: ItemCondition
    disposition: ReturnDisposition


class InspectReturnBody(CommandBody):
    store_id: Key | None = None
    lines: Annotated[list[InspectedLine], Field(min_length=1, max_length=500)]


class SettleReturnBody(CommandBody):
    refund_to: RefundTarget | None = None


class CancelReturnBody(CommandBody):
    reason: LongText | None = None
