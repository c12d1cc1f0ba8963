"""The bodies of commands on a whole order."""

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.holds import HoldKind, HoldOutcome
from domain.intake import (
    EMAIL,
    MAX_LINES,
    MAX_QUANTITY,
    PHONE,
    Address,
    Amount,
    Fulfilment,
    Key,
    Line,
    Service,
    Tender,
    misplaced,
)
from gateway.fields import Body, Deadline, LongText
from gateway.stores.bodies import CommandBody, LineQuantity
from workflows.messages import CancelReason, ChoiceOption


class CancelBody(CommandBody):
    lines: Annotated[list[LineQuantity | Key], Field(min_length=1, max_length=MAX_LINES)] | None = None
    """Units of lines, or whole lines by their ids; none: everything."""
    reason: CancelReason = CancelReason.CUSTOMER
    notify: bool = True
    preview: bool = False


class ChoiceBody(CommandBody):
    option: ChoiceOption
    n: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Which pickup; needed only when several wait for a choice."""
    store_id: Key | None = None
    """With `other_store`: which one; the best when left out."""
    address: Address | None = None
    """With `ship`: where to."""
    service: Service = Service.STANDARD
    tenders: Annotated[list[Tender], Field(max_length=10, default_factory=list)]
    """With `ship`: what pays for it, where the seller charges for that."""

    @model_validator(mode="after")
    def _says_no_more_than_it_chooses(self) -> Self:
        if self.store_id is not None and self.option is not ChoiceOption.OTHER_STORE:
            raise misplaced(("store_id",), "goes with other_store, and with nothing else")
        if self.tenders and self.option is not ChoiceOption.SHIP:
            raise misplaced(("tenders",), "go with ship, and with nothing else")
        return self


class AssignBody(CommandBody):
    lines: Annotated[list[LineQuantity | Key], Field(min_length=1, max_length=MAX_LINES)]
    """Units of lines, or all of a line that waits to be picked by its id."""
    location_id: Key
    reason: LongText


class WayBody(Fulfilment):
    """A fulfilment as an order's, whose id nobody needs."""

    id: Key = "changed"


class MethodBody(Body):
    lines: Annotated[list[Key], Field(min_length=1, max_length=MAX_LINES)]
    fulfilment: WayBody


class ContactBody(Body):
    """What is left out stays as it is."""

    email: Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)] | None = None
    phone: Annotated[str, StringConstraints(max_length=32, pattern=PHONE)] | None = None


class PricesBody(Body):
    """What it costs at the new address, as the customer was told. Minor units."""

    shipping: Amount | None = None
    """For all that goes there; left out: by the channel's rules, else what it did."""
    tax: Annotated[dict[Key, Amount], Field(max_length=MAX_LINES, default_factory=dict)]
    """On the units of a line that go there; a line that is not named is taxed as it was."""


class ChangesBody(CommandBody):
    """All of it is done, or nothing. `tenders` pay for what is owed; without them the customer is asked to pay."""

    add: Annotated[list[Line], Field(max_length=MAX_LINES, default_factory=list)]
    remove: Annotated[list[Key], Field(max_length=MAX_LINES, default_factory=list)]
    quantity: Annotated[
        dict[Key, Annotated[int, Field(ge=0, le=MAX_QUANTITY)]], Field(max_length=MAX_LINES, default_factory=dict)
    ]
    """How many units of a line the customer wants to have in all."""
    address: Address | None = None
    prices: PricesBody | None = None
    """With `address`: where it is dearer or cheaper there."""
    method: MethodBody | None = None
    contact: ContactBody | None = None
    """Where the customer is told from now on."""
    tenders: Annotated[list[Tender], Field(max_length=10, default_factory=list)]
    preview: bool = False
    drop: bool = False
    """Instead of all else: the change that waits for its payment is not wanted any more."""

    @model_validator(mode="after")
    def _is_a_change_or_drops_one(self) -> Self:
        beside = sorted(self.model_fields_set - {"drop", "version"})
        if self.drop and any(getattr(self, each) for each in beside):
            raise misplaced(("drop",), f"goes alone, without {', '.join(beside)}: it drops the change that waits")
        return self


class HoldBody(CommandBody):
    kind: HoldKind
    reason: LongText
    deadline: Deadline | None = None
    default: HoldOutcome = HoldOutcome.CANCEL
    lines: Annotated[list[Key], Field(min_length=1, max_length=MAX_LINES)] | None = None


class ResolveBody(CommandBody):
    outcome: HoldOutcome
    reason: LongText


class PaymentsBody(CommandBody):
    tenders: Annotated[list[Tender], Field(min_length=1, max_length=10)]
