"""May it come back? A decision for each line, with every reason that applied, under the policy fixed at the sale."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, NonNegativeInt

from domain.ids import LineId, Sku
from domain.refunds import RefundTarget
from domain.returns.policy import ReturnTerms, Value
from domain.returns.words import FAULTS, NEVER_CAME, ReturnKind, ReturnReason, ReturnVia


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"
    PERSON = "person"
    """Somebody with the right to must decide."""


class Effect(StrEnum):
    ALLOWS = "allows"
    REFUSES = "refuses"
    ASKS = "asks"
    """A person is asked."""
    COSTS = "costs"
    SPARES = "spares"
    """Something that would cost or refuse does not, for the seller is at fault."""


class Why(StrEnum):
    IN_WINDOW = "in_window"
    TOO_LATE = "too_late"
    FINAL_SALE = "final_sale"
    FAULT = "fault"
    REASON_NOT_TAKEN = "reason_not_taken"
    WAY_NOT_OFFERED = "way_not_offered"
    TARGET_NOT_OFFERED = "target_not_offered"
    NOT_RECEIVED = "not_received"
    """Nothing of the line has come to the customer."""
    MORE_THAN_RECEIVED = "more_than_received"
    HIGH_VALUE = "high_value"
    FEE = "fee"
    RESTOCKING = "restocking"
    CREDIT_INSTEAD = "credit_instead"
    """The money goes to store credit, not back the way it was paid."""
    KEEPS_ITEM = "keeps_item"
    """It need not be sent back."""
    OVERRIDDEN = "overridden"


class Applied(Value):
    """One reason that applied, with its numbers."""

    why: Why
    effect: Effect
    until: datetime | None = None
    amount: int | None = None
    percent: int | None = None
    units: int | None = None


class DeliveredLine(Value):
    """What the customer has of a line. Of a claim for what never came: what was sent."""

    line_id: LineId
    sku: Sku
    units: NonNegativeInt
    returned: NonNegativeInt = 0
    """Units of other returns, under way or done."""
    unit_worth: NonNegativeInt = 0
    """What one unit was paid, in minor units, rounded down."""
    received_at: datetime | None = None

    @property
    def left(self) -> int:
        return max(0, self.units - self.returned)


class ReturnLine(Value):
    """What the customer wants to bring back, and why."""

    line_id: LineId
    quantity: Annotated[int, Field(strict=True, ge=1)]
    reason: ReturnReason
    kind: ReturnKind = ReturnKind.RETURN
    via: ReturnVia = ReturnVia.STORE
    refund_to: RefundTarget = RefundTarget.ORIGINAL
    credit_instead: bool = False
    """Nobody wished it: the policy sends the money there."""


class ReturnDecision(Value):
    line_id: LineId
    outcome: Outcome
    reasons: tuple[Applied, ...]
    keeps_item: bool = False

    @property
    def why(self) -> tuple[Why, ...]:
        return tuple(reason.why for reason in self.reasons)


def decide_return(
    line: DeliveredLine, request: ReturnLine, terms: ReturnTerms, ends: datetime | None, at: datetime
) -> ReturnDecision:
    """Allowed, refused or for a person, with every reason that applied.

    `ends`: when the window of this line ends; none when nothing of it has come.
    """
    fault = request.reason in FAULTS
    reasons = [
        *_units(line, request),
        *_time(ends, at),
        *_sale(terms, fault),
        *_wishes(request, terms),
        *_costs(terms, fault),
    ]
    value = line.unit_worth * request.quantity
    if terms.person_above is not None and value > terms.person_above:
        reasons.append(Applied(why=Why.HIGH_VALUE, effect=Effect.ASKS, amount=terms.person_above))
    keeps = request.reason in NEVER_CAME or (request.kind is ReturnKind.CLAIM and fault and value <= terms.keep_item_to)
    if keeps:
        reasons.append(Applied(why=Why.KEEPS_ITEM, effect=Effect.ALLOWS))
    effects = {reason.effect for reason in reasons}
    if Effect.REFUSES in effects:
        outcome = Outcome.REFUSED
    elif Effect.ASKS in effects:
        outcome = Outcome.PERSON
    else:
        outcome = Outcome.ALLOWED
    return ReturnDecision(line_id=request.line_id, outcome=outcome, reasons=tuple(reasons), keeps_item=keeps)


def target_of(
    wish: RefundTarget | None, terms: ReturnTerms, received_at: datetime | None, at: datetime
) -> RefundTarget:
    """Where the money goes: as wished, or by the policy where nobody says so or the original payment is too old."""
    late = terms.original_for is not None and received_at is not None and at > received_at + terms.original_for
    credit = RefundTarget.STORE_CREDIT
    if late and wish in (None, RefundTarget.ORIGINAL):
        return credit
    if wish is None and RefundTarget.ORIGINAL not in terms.targets:
        return credit if credit in terms.targets else RefundTarget.GIFT_CARD
    return wish or RefundTarget.ORIGINAL


def overridden(decision: ReturnDecision) -> ReturnDecision:
    """A person with the right to has approved what the policy refuses or asks about."""
    by_person = Applied(why=Why.OVERRIDDEN, effect=Effect.ALLOWS)
    return decision.model_copy(update={"outcome": Outcome.ALLOWED, "reasons": (*decision.reasons, by_person)})


BINDING = frozenset({Why.NOT_RECEIVED, Why.MORE_THAN_RECEIVED})
"""What nobody can override: units that are not there."""


def may_be_overridden(decision: ReturnDecision) -> bool:
    return not BINDING.intersection(decision.why)


def _units(line: DeliveredLine, request: ReturnLine) -> list[Applied]:
    if not line.units:
        return [Applied(why=Why.NOT_RECEIVED, effect=Effect.REFUSES)]
    if request.quantity > line.left:
        return [Applied(why=Why.MORE_THAN_RECEIVED, effect=Effect.REFUSES, units=line.left)]
    return []


def _time(ends: datetime | None, at: datetime) -> list[Applied]:
    if ends is None:
        return []
    late = at > ends
    return [
        Applied(
            why=Why.TOO_LATE if late else Why.IN_WINDOW,
            effect=Effect.REFUSES if late else Effect.ALLOWS,
            until=ends,
        )
    ]


def _sale(terms: ReturnTerms, fault: bool) -> list[Applied]:
    if not terms.final_sale:
        return []
    return [Applied(why=Why.FINAL_SALE, effect=Effect.SPARES if fault else Effect.REFUSES)]


def _wishes(request: ReturnLine, terms: ReturnTerms) -> list[Applied]:
    found = []
    if request.reason not in terms.reasons:
        found.append(Applied(why=Why.REASON_NOT_TAKEN, effect=Effect.REFUSES))
    if request.via not in terms.vias and request.reason not in NEVER_CAME:
        found.append(Applied(why=Why.WAY_NOT_OFFERED, effect=Effect.REFUSES))
    if request.refund_to not in terms.targets:
        found.append(Applied(why=Why.TARGET_NOT_OFFERED, effect=Effect.REFUSES))
    elif request.credit_instead:
        found.append(Applied(why=Why.CREDIT_INSTEAD, effect=Effect.ALLOWS))
    return found


def _costs(terms: ReturnTerms, fault: bool) -> list[Applied]:
    if fault:
        return [Applied(why=Why.FAULT, effect=Effect.SPARES)]
    found = []
    if terms.fee:
        found.append(Applied(why=Why.FEE, effect=Effect.COSTS, amount=terms.fee))
    if terms.restocking_percent:
        found.append(Applied(why=Why.RESTOCKING, effect=Effect.COSTS, percent=terms.restocking_percent))
    return found
