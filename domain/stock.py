"""Stock in words: what a unit may be, which moves are legal, and what a store's answer does to the numbers.

A level is kept per SKU and location. `on_hand` is physical; `reserved`, `allocated` and `set_aside` are units of it
that belong to orders; `withheld` is stock that is counted but may not be sold. Nothing here counts or stores anything.
"""

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.ids import LineId, Sku, StoreId

Quantity = Annotated[int, Field(strict=True, gt=0, le=1_000_000_000)]
Place = tuple[Sku, StoreId]
"""Where a level is kept: one SKU at one location (a store or a warehouse)."""

ANY = "*"
"""In a buffer rule: every SKU, every location or every channel."""


class MovementKind(StrEnum):
    RESERVATION = "reservation"
    ALLOCATION = "allocation"
    RELEASE = "release"
    EXPIRY = "expiry"
    SET_ASIDE = "set_aside"
    PUT_BACK = "put_back"
    HANDED_OVER = "handed_over"
    TAKEN_BACK = "taken_back"
    SENT = "sent"
    """To another place of ours, as the same order's."""
    RECEIVED = "received"
    """From another place of ours: beside a `SENT` of as many units, or of fewer where a count had been too low."""
    VARIANCE = "variance"
    RECEIPT = "receipt"
    COUNT = "count"
    ADJUSTMENT = "adjustment"
    RETURNED = "returned"
    """A customer brought it back, and it is on the shelf."""
    WRITE_OFF = "write_off"


class StockEffect(StrEnum):
    """What a store's rejection does to the stock of the SKU at that store."""

    ZERO = "zero"
    """Nothing is left on the shelf. What the store has taken off it for orders is elsewhere, and stays counted."""
    MINUS = "minus"
    """The rejected quantity is gone."""
    ATP_ONLY = "atp_only"
    """The rejected quantity is there, but cannot be sold."""
    NONE = "none"


class RejectReason(StrEnum):
    NOT_IN_STOCK = "not_in_stock"
    DAMAGED = "damaged"
    MISMATCH = "mismatch"
    NO_VARIANCE = "no_variance"
    CLOSED = "closed"


_DEFAULT_EFFECTS = {
    RejectReason.NOT_IN_STOCK: StockEffect.ZERO,
    RejectReason.DAMAGED: StockEffect.MINUS,
    RejectReason.MISMATCH: StockEffect.ATP_ONLY,
    RejectReason.NO_VARIANCE: StockEffect.NONE,
    RejectReason.CLOSED: StockEffect.NONE,
}


def default_effect(reason: RejectReason) -> StockEffect:
    """The stock effect of a rejection when the store names none."""
    return _DEFAULT_EFFECTS[reason]


class StockLine(BaseModel):
    """A quantity of one SKU at one location for one order line; a kit's line has one for each component."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    sku: Sku
    location_id: StoreId
    quantity: Quantity

    @property
    def place(self) -> Place:
        return (self.sku, self.location_id)


def merged(lines: Iterable[StockLine]) -> list[StockLine]:
    """The lines in one fixed order, with repeated entries of one line, SKU and location added up."""
    sums: dict[tuple[LineId, Sku, StoreId], StockLine] = {}
    for line in lines:
        place = line.line_id, line.sku, line.location_id
        known = sums.get(place)
        sums[place] = line.model_copy(update={"quantity": known.quantity + line.quantity}) if known else line
    return [sums[place] for place in sorted(sums)]


def total_demand(lines: Iterable[StockLine]) -> dict[Place, int]:
    """How much all lines together ask of each place, so that two lines never both count on the last unit (B4)."""
    demand: dict[Place, int] = defaultdict(int)
    for line in lines:
        demand[line.place] += line.quantity
    return dict(sorted(demand.items()))


class LevelChange(NamedTuple):
    on_hand: int = 0
    allocated: int = 0
    reserved: int = 0
    set_aside: int = 0
    withheld: int = 0


class StockLevel(BaseModel):
    """The stock of one SKU at one store or warehouse, seen with the buffer of one channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    store_id: StoreId
    on_hand: int = 0
    allocated: int = 0
    reserved: int = 0
    set_aside: int = 0
    """Picked for orders that ended otherwise; physical, sellable only once put back."""
    withheld: int = 0
    """Counted, but not to be sold since a store rejected it (`atp_only`)."""
    buffer: int = 0

    @property
    def free(self) -> int:
        """Unspoken for before the buffer; negative when more is promised than is there."""
        return self.on_hand - self.allocated - self.reserved - self.set_aside - self.withheld

    @property
    def available(self) -> int:
        return max(0, self.free - self.buffer)

    @property
    def shortfall(self) -> int:
        """Promised units that are not there: a count, a write-off or a rejection came in below what orders hold."""
        return max(0, self.allocated + self.reserved - self.on_hand)

    def changed(self, change: LevelChange) -> "StockLevel":
        return self.model_copy(
            update={name: getattr(self, name) + difference for name, difference in change._asdict().items()}
        )


class Bucket(StrEnum):
    """Where a unit taken for an order is now. The first three weigh on the level; the last three are ends."""

    RESERVED = "reserved"
    ALLOCATED = "allocated"
    SET_ASIDE = "set_aside"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


ON_LEVEL = (Bucket.RESERVED, Bucket.ALLOCATED, Bucket.SET_ASIDE)


class Transfer(NamedTuple):
    """A legal move of an order's units: from the first source that has some, then the next, to one target."""

    kind: MovementKind
    sources: tuple[Bucket, ...]
    target: Bucket
    on_hand: int = 0
    """-1 when the goods leave the building, 1 when they come back, 0 when only their promise changes."""

    def take(self, held: dict[Bucket, int], quantity: int) -> dict[Bucket, int]:
        """How many units leave each source when up to `quantity` are wanted."""
        taken = {}
        for source in self.sources:
            taken[source] = min(quantity, held[source])
            quantity -= taken[source]
        return taken


ALLOCATE = Transfer(MovementKind.ALLOCATION, (Bucket.RESERVED,), Bucket.ALLOCATED)
RELEASE = Transfer(MovementKind.RELEASE, (Bucket.RESERVED, Bucket.ALLOCATED), Bucket.RELEASED)
EXPIRE = Transfer(MovementKind.EXPIRY, (Bucket.RESERVED,), Bucket.EXPIRED)
SET_ASIDE = Transfer(MovementKind.SET_ASIDE, (Bucket.ALLOCATED,), Bucket.SET_ASIDE)
PUT_BACK = Transfer(MovementKind.PUT_BACK, (Bucket.SET_ASIDE,), Bucket.RELEASED)
HAND_OVER = Transfer(MovementKind.HANDED_OVER, (Bucket.ALLOCATED,), Bucket.CONSUMED, on_hand=-1)
HAND_OVER_LATE = HAND_OVER._replace(sources=(Bucket.ALLOCATED, Bucket.SET_ASIDE))
"""The store's earlier truth wins over a cancel or an expiry that was recorded first."""
TAKE_BACK = Transfer(MovementKind.TAKEN_BACK, (Bucket.CONSUMED,), Bucket.RELEASED, on_hand=1)


def variance_change(
    level: StockLevel, effect: StockEffect, quantity: int, *, touch_on_hand: bool, found: int = 0
) -> LevelChange:
    """What a rejection takes from a level. Without `touch_on_hand` the count stays and the units are withheld instead.

    Release the rejected units first: what an order still holds is not free to be withheld.

    `zero` is what somebody says who stands before an empty shelf. Units in the store's hands are not on it: `found`
    ones (picked or staged, for this order or another) and those set aside stay counted, and can be sold once they are
    put back. Units that other orders were promised but nobody has picked were to come from that shelf: they are not
    there, so they show as a shortfall, each until its own order is rejected, or picked all the same.
    """
    match effect:
        case StockEffect.NONE:
            return LevelChange()
        case StockEffect.ZERO if touch_on_hand:
            in_hands = level.set_aside + min(found, level.allocated)
            return LevelChange(on_hand=-max(0, level.on_hand - in_hands), withheld=-level.withheld)
        case StockEffect.ZERO:
            return LevelChange(withheld=max(0, level.free))
        case StockEffect.MINUS if touch_on_hand:
            return LevelChange(on_hand=-min(quantity, level.on_hand))
        case StockEffect.MINUS | StockEffect.ATP_ONLY:
            return LevelChange(withheld=min(quantity, max(0, level.on_hand - level.withheld)))


def movement_change(level: StockLevel, kind: MovementKind, quantity: int) -> LevelChange:
    """What a store's or ERP's own movement does. `on_hand` may come out below zero: the caller refuses that.

    A count is the newest truth about what can be sold, so it also ends what was withheld; a write-off takes withheld
    units first.
    """
    match kind:
        case MovementKind.COUNT:
            return LevelChange(on_hand=quantity - level.on_hand, withheld=-level.withheld)
        case MovementKind.WRITE_OFF:
            return LevelChange(on_hand=-quantity, withheld=-min(quantity, level.withheld))
        case MovementKind.RECEIPT | MovementKind.ADJUSTMENT | MovementKind.RETURNED:
            return LevelChange(on_hand=quantity)
        case _:
            raise ValueError(f"{kind} is an order's movement; use the command of that name")
