"""The bodies of commands on a whole order."""

from typing import Annotated

from pydantic import Field

from domain.holds import HoldKind, HoldOutcome
from domain.intake import MAX_LINES, Key, Tender
from gateway.fields import Instant, LongText
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


class AssignBody(CommandBody):
    lines: Annotated[list[LineQuantity | Key], Field(min_length=1, max_length=MAX_LINES)]
    """Units of lines, or all of a line that waits to be picked by its id."""
    location_id: Key
    reason: LongText


class HoldBody(CommandBody):
    kind: HoldKind
    reason: LongText
    deadline: Instant | None = None
    default: HoldOutcome = HoldOutcome.CANCEL
    lines: Annotated[list[Key], Field(min_length=1, max_length=MAX_LINES)] | None = None


class ResolveBody(CommandBody):
    outcome: HoldOutcome
    reason: LongText


class PaymentsBody(CommandBody):
    tenders: Annotated[list[Tender], Field(min_length=1, max_length=10)]
