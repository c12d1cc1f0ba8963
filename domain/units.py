"""Quantities are the truth: every unit of a line is in exactly one state, and only legal moves change it."""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, NonNegativeInt


class UnitState(StrEnum):
    OPEN = "open"
    """Ordered; stock may be reserved, none is committed."""
    ALLOCATED = "allocated"
    PICKED = "picked"
    READY = "ready"
    HANDED_OVER = "handed_over"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    LOST = "lost"


S = UnitState
MOVES: dict[UnitState, frozenset[UnitState]] = {
    S.OPEN: frozenset({S.ALLOCATED, S.CANCELLED}),
    S.ALLOCATED: frozenset({S.OPEN, S.PICKED, S.CANCELLED, S.LOST}),
    S.PICKED: frozenset({S.OPEN, S.ALLOCATED, S.READY, S.SHIPPED, S.CANCELLED, S.LOST}),
    S.READY: frozenset({S.OPEN, S.PICKED, S.HANDED_OVER, S.CANCELLED, S.LOST}),
    S.SHIPPED: frozenset({S.DELIVERED, S.LOST}),
    S.HANDED_OVER: frozenset(),
    S.DELIVERED: frozenset(),
    S.CANCELLED: frozenset({S.HANDED_OVER}),
    S.LOST: frozenset(),
}
"""Where a unit may go next.

Back to OPEN: the place gave it back (rejection, short pick, shortage). CANCELLED to HANDED_OVER is the one way back: an
offline store reports late that it handed the unit over before the expiry.
"""

OWED = frozenset({S.OPEN, S.ALLOCATED, S.PICKED, S.READY})
"""States in which the seller still owes the unit to the customer."""
FULFILLED = frozenset({S.HANDED_OVER, S.SHIPPED, S.DELIVERED})
"""States in which the unit has left for the customer."""


class IllegalMove(ValueError):
    """A move that the table does not allow, or of more units than are there."""


class Units(BaseModel):
    """How many units are in each state."""

    model_config = ConfigDict(extra="forbid")

    open: NonNegativeInt = 0
    allocated: NonNegativeInt = 0
    picked: NonNegativeInt = 0
    ready: NonNegativeInt = 0
    handed_over: NonNegativeInt = 0
    shipped: NonNegativeInt = 0
    delivered: NonNegativeInt = 0
    cancelled: NonNegativeInt = 0
    lost: NonNegativeInt = 0

    def count(self, state: UnitState) -> int:
        return int(getattr(self, state.value))

    def sum(self, states: Iterable[UnitState]) -> int:
        return sum(self.count(state) for state in states)

    @property
    def total(self) -> int:
        return self.sum(UnitState)

    @property
    def owed(self) -> int:
        return self.sum(OWED)

    @property
    def fulfilled(self) -> int:
        return self.sum(FULFILLED)

    def move(self, source: UnitState, target: UnitState, quantity: int) -> None:
        """Move `quantity` units; raises `IllegalMove` and changes nothing when that is not allowed."""
        if quantity < 0 or target not in MOVES[source]:
            raise IllegalMove(f"{quantity} units cannot go from {source} to {target}")
        if self.count(source) < quantity:
            raise IllegalMove(f"only {self.count(source)} units are {source}, not {quantity}")
        setattr(self, source.value, self.count(source) - quantity)
        setattr(self, target.value, self.count(target) + quantity)

    def take_out(self, state: UnitState, quantity: int) -> None:
        """Remove units from this record because another group takes them over: owed ones, or replaced parcels'."""
        if quantity < 0 or state not in OWED | {UnitState.SHIPPED} or self.count(state) < quantity:
            raise IllegalMove(f"{quantity} {state} units cannot leave this group")
        setattr(self, state.value, self.count(state) - quantity)

    def __add__(self, other: "Units") -> "Units":
        return Units(**{state.value: self.count(state) + other.count(state) for state in UnitState})
