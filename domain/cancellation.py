"""What a cancel would do, exactly: units freed, money freed or paid back, units to be put back, units that are gone."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from domain.ids import LineId
from domain.order import Order
from domain.pickups import PickupGroup
from domain.refusals import Refusal, RefusalKind, Refused
from domain.settlement import StepKind, plan_money
from domain.shipments import ShipmentGroup
from domain.units import UnitState
from domain.virtual import VirtualGroup

ON_THE_SHELF = (UnitState.OPEN, UnitState.ALLOCATED)
OFF_THE_SHELF = (UnitState.PICKED, UnitState.READY)


class UnitsOf(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    n: int
    line_id: LineId
    quantity: int


class CancelPlan(BaseModel):
    """What a cancel does. Amounts in minor units."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: list[UnitsOf] = []
    """Units that go back on sale at once."""
    void: int = 0
    """Authorised money that is freed."""
    refund: int = 0
    """Captured money that is paid back."""
    recall: list[UnitsOf] = []
    """Units that a store has picked and must put back."""
    asked: list[UnitsOf] = []
    """Units of shipments at work, whose place is asked to stop, and of pickups that lie in a parcel machine, whose
    operator is; other pickups stop at once. Their money is not in the amounts: it follows the answer."""
    refused: list[UnitsOf] = []
    """Units that the customer already has, or that are on their way; they can be returned."""

    @property
    def lines(self) -> dict[LineId, int]:
        """The units that are cancelled, per line."""
        sums: dict[LineId, int] = {}
        for part in (*self.release, *self.recall):
            sums[part.line_id] = sums.get(part.line_id, 0) + part.quantity
        return sums

    @property
    def stops_something(self) -> bool:
        return bool(self.release or self.recall or self.asked)


AnyKind = PickupGroup | ShipmentGroup | VirtualGroup


def plan_cancel(order: Order, asked: dict[LineId, int] | None = None) -> CancelPlan:
    """Plan to cancel `asked` units per line, or all that is owed.

    Units on the shelf go before picked ones, and those before the ones that a place must be asked about; what it was
    asked about already is not asked again. Raises `Refused` for an unknown line.
    """
    known = {line.line_id: line.quantity for line in order.lines}
    wanted = dict(known) if asked is None else dict(asked)
    for line in wanted:
        if line not in known:
            raise Refused(Refusal(kind=RefusalKind.NOT_FOUND, detail=f"This order has no line {line}."))
    release: list[UnitsOf] = []
    recall: list[UnitsOf] = []
    stop: list[UnitsOf] = []
    locked: list[UnitsOf] = []
    taken: dict[LineId, int] = {}
    for states, into, at_work in (
        (ON_THE_SHELF, release, False),
        (OFF_THE_SHELF, recall, False),
        ((*ON_THE_SHELF, *OFF_THE_SHELF), stop, True),
    ):
        for group in order.groups:
            if must_be_asked(group) is not at_work:
                continue
            if at_work and not _can_be_asked(group, wanted, taken):
                locked += _left_in(group, wanted, taken)
                continue
            asked_before = _asked_before(group)
            for line, units in group.units.items():
                there = units.sum(states) - asked_before.get(line, 0)
                part = min(wanted.get(line, 0) - taken.get(line, 0), there)
                if part > 0:
                    taken[line] = taken.get(line, 0) + part
                    into.append(UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=part))
    earned, owed = order.earned - order.written_off, order.secured_worth
    # What is under way without this cancel (an earlier one's void) is none of its doing.
    anyway = plan_money(order.tenders, earned, owed, order.due_back)
    unpaid, paid = by_payment(order, [*release, *recall])
    given_up = order.worth_earned(paid)
    money = plan_money(order.tenders, earned - given_up, owed - order.worth(unpaid), order.due_back + given_up)
    return CancelPlan(
        release=release,
        recall=recall,
        asked=stop,
        refused=[*_gone(order, wanted, taken), *locked],
        void=money.total(StepKind.VOID) - anyway.total(StepKind.VOID),
        refund=money.total(StepKind.REFUND) - anyway.total(StepKind.REFUND),
    )


def must_be_asked(group: AnyKind) -> bool:
    """A shipment whose place has goods in its hands may leave any minute: only the place knows.

    The same is true of a pickup that its customer may be taking out of a parcel machine.
    """
    if isinstance(group, VirtualGroup):
        return False
    return group.begun if isinstance(group, ShipmentGroup) else group.in_locker


def _can_be_asked(group: AnyKind, wanted: dict[LineId, int], taken: dict[LineId, int]) -> bool:
    """What lies in a parcel machine is one parcel: its operator takes all of it out, or nothing.

    A partner that could not stop is not asked again.
    """
    if isinstance(group, ShipmentGroup):
        return group.request is None or not group.request.goes_on
    return all(wanted.get(line, 0) - taken.get(line, 0) >= n for line, n in group.owed_lines().items())


def _left_in(group: AnyKind, wanted: dict[LineId, int], taken: dict[LineId, int]) -> list[UnitsOf]:
    lines = {line: min(wanted.get(line, 0) - taken.get(line, 0), n) for line, n in group.owed_lines().items()}
    return [UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items() if n > 0]


def _asked_before(group: AnyKind) -> dict[LineId, int]:
    if isinstance(group, VirtualGroup):
        return {}
    if isinstance(group, ShipmentGroup):
        return group.stop.lines if group.stop else {}
    return group.locker.take_out.lines if group.locker and group.locker.take_out else {}


def by_payment(order: Order, units: Iterable[UnitsOf]) -> tuple[dict[LineId, int], dict[LineId, int]]:
    """The units per line that have had no share of the money yet, and those that have (they replace lost ones)."""
    sums: tuple[dict[LineId, int], dict[LineId, int]] = ({}, {})
    for part in units:
        among = sums[order.group(part.n).paid]
        among[part.line_id] = among.get(part.line_id, 0) + part.quantity
    return sums


def why_nothing(order: Order, plan: CancelPlan) -> str:
    """Why a plan stops nothing, and what can be done instead."""
    if any(_asked_before(group) for group in order.groups):
        return (
            "It is cancelled already, as far as it can be: who has the rest in hand is asked to stop, and has to say."
        )
    if plan.refused:
        return "Nothing of this can be cancelled any more; what the customer has, or has coming, can be returned."
    return "Nothing is left to cancel."


def _gone(order: Order, wanted: dict[LineId, int], cancelled: dict[LineId, int]) -> list[UnitsOf]:
    gone = []
    for group in order.groups:
        for line, units in group.units.items():
            part = min(wanted.get(line, 0) - cancelled.get(line, 0), units.fulfilled)
            if part > 0:
                gone.append(UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=part))
    return gone
