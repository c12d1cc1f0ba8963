"""The inventory port: the only way to promise, free or move stock.

Every command carries an operation key. Repeating a key returns the first answer; the same key with other parameters
raises `KeyConflict`. Instants are no parameters: a redo after a reset has a new time and is still the same command. A
refused command leaves nothing behind, not even its key.
"""

import hashlib
import json
from typing import Annotated, ClassVar, Literal, NamedTuple, Protocol, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.stock import ANY, MovementKind, RejectReason, StockEffect, StockLevel, StockLine, merged

_WISH = json.JSONEncoder(default=str)

Lines = Annotated[tuple[StockLine, ...], Field(min_length=1)]


class StockRefused(Exception):
    """A command that inventory refused; nothing was changed."""


class Shortage(NamedTuple):
    sku: Sku
    location_id: StoreId
    asked: int
    available: int


class OutOfStock(StockRefused):
    """Less is available than was asked. Offer another location or fewer units."""

    def __init__(self, shortfalls: list[Shortage]) -> None:
        self.shortfalls = shortfalls
        what = ", ".join(f"{s.sku} at {s.location_id}: asked {s.asked}, available {s.available}" for s in shortfalls)
        super().__init__(f"out of stock ({what})")


class NotHeld(StockRefused):
    """The order does not hold the units that the command is about. `available` is what it does hold there."""

    def __init__(self, order_id: OrderId, missing: list[Shortage]) -> None:
        self.order_id, self.missing = order_id, missing
        what = ", ".join(f"{s.sku} at {s.location_id}: asked {s.asked}, held {s.available}" for s in missing)
        super().__init__(f"order {order_id} does not hold these units ({what}); read its holdings, then decide")


class NotEnoughOnHand(StockRefused):
    """A movement would take the physical stock below zero. Send a count instead."""

    def __init__(self, sku: Sku, location_id: StoreId, asked: int, on_hand: int) -> None:
        self.sku, self.location_id, self.asked, self.on_hand = sku, location_id, asked, on_hand
        super().__init__(f"{sku} at {location_id} has {on_hand} on hand, {asked} cannot leave; send a count instead")


class KeyConflict(StockRefused):
    """The key was used for another command. A new command needs a key of its own."""

    def __init__(self, key: OperationKey) -> None:
        self.key = key
        super().__init__(f"operation key {key} was used for another command; give this one a key of its own")


class StockCommand(BaseModel):
    """One command: what is done once under `key`, at business time `at`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    instants: ClassVar[frozenset[str]] = frozenset({"at"})

    key: OperationKey
    at: AwareDatetime

    def fingerprint(self, command: str) -> str:
        """The same for the same wish, however its lines are ordered and whenever it is repeated."""
        wish = [
            [[line.line_id, line.sku, line.location_id, line.quantity] for line in merged(value)]
            if name == "lines"
            else value
            for name, value in self
            if name != "key" and name not in self.instants
        ]
        return hashlib.sha256(_WISH.encode([command, *wish]).encode()).hexdigest()


class Reserve(StockCommand):
    instants: ClassVar[frozenset[str]] = frozenset({"at", "expires_at"})

    order_id: OrderId
    lines: Lines
    channel: str | None = None
    """Whose buffer applies; none: only the rules for every channel."""
    expires_at: AwareDatetime | None = None


class Allocate(StockCommand):
    order_id: OrderId
    lines: Lines


class Release(StockCommand):
    order_id: OrderId
    lines: Lines
    reason: str = ""


class Consume(StockCommand):
    order_id: OrderId
    lines: Lines
    late: bool = False
    """The hand-over was true before a cancel or an expiry was recorded: units set aside count too."""


class Relocate(StockCommand):
    """An order's units leave their lines' places for another, together with the order's right to them."""

    order_id: OrderId
    lines: Lines
    to: StoreId
    aside: bool = False
    """Units set aside; otherwise allocated ones."""

    @model_validator(mode="after")
    def _goes_elsewhere(self) -> Self:
        if any(line.location_id == self.to for line in self.lines):
            raise ValueError(f"units that are at {self.to} cannot go there")
        return self


class Extend(StockCommand):
    order_id: OrderId
    expires_at: AwareDatetime


class Expire(StockCommand):
    order_id: OrderId


class Variance(StockCommand):
    """What a store's rejection says about its stock. Release the rejected units first."""

    order_id: OrderId
    line_id: LineId | None = None
    sku: Sku
    location_id: StoreId
    quantity: Annotated[int, Field(strict=True, ge=0)]
    effect: StockEffect
    found: Annotated[int, Field(strict=True, ge=0)] = 0
    """Units that the store has picked all the same: they stay counted when it says that nothing is left."""
    touch_on_hand: bool = True
    """False: the physical count stays, the units are withheld from sale instead."""
    reason: RejectReason


class StockMovement(StockCommand):
    """A store's or an ERP's own movement. `quantity` is signed for an adjustment and the new total for a count."""

    kind: Literal[
        MovementKind.RECEIPT,
        MovementKind.COUNT,
        MovementKind.ADJUSTMENT,
        MovementKind.RETURNED,
        MovementKind.WRITE_OFF,
    ]
    sku: Sku
    location_id: StoreId
    quantity: Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]
    reason: str = ""
    order_id: OrderId | None = None

    @model_validator(mode="after")
    def _sign_fits_the_kind(self) -> Self:
        if self.kind is not MovementKind.ADJUSTMENT and self.quantity < (self.kind is not MovementKind.COUNT):
            raise ValueError(f"a {self.kind} needs a positive quantity; send an adjustment to go up or down")
        return self


class BufferRule(BaseModel):
    """Safety stock; `*` stands for every SKU, location or channel. The exact wins: SKU, then location, then channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku = Sku(ANY)
    location_id: StoreId = StoreId(ANY)
    channel: str = ANY
    quantity: Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


class Reserved(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    lines: tuple[StockLine, ...]
    expires_at: AwareDatetime | None


class Released(BaseModel):
    """The units that the command really moved; lines of which nothing was held are left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    lines: tuple[StockLine, ...]


class Holding(BaseModel):
    """One line's units at one place: `taken` is always the sum of the six others, so each unit ends once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    line_id: LineId
    sku: Sku
    location_id: StoreId
    taken: int
    reserved: int
    allocated: int
    set_aside: int
    consumed: int
    released: int
    expired: int
    expires_at: AwareDatetime | None


class Movement(BaseModel):
    """A row of the append-only ledger: what one command changed for one line at one place."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: int
    key: OperationKey
    kind: MovementKind
    sku: Sku
    store_id: StoreId
    order_id: OrderId | None
    line_id: LineId | None
    reason: str
    at: AwareDatetime
    on_hand: int
    allocated: int
    reserved: int
    set_aside: int
    withheld: int


class Availability(NamedTuple):
    sku: Sku
    location_id: StoreId
    available: int


class Reservations(Protocol):
    """The way in for new orders, whose first step is to hold stock and nothing else."""

    async def reserve(self, request: Reserve) -> Reserved:
        """`Inventory.reserve` in a transaction of its own, which it may share with other orders that ask now."""
        ...


class AvailableStock(Protocol):
    """For who only reads, and holds no transaction open meanwhile: this may need a connection of its own."""

    async def availability(
        self, skus: list[Sku], locations: list[StoreId], channel: str | None = None
    ) -> list[Availability]:
        """`Inventory.availability` of all that was committed before the question."""
        ...


class Inventory(Protocol):
    async def reserve(self, request: Reserve) -> Reserved:
        """Hold all lines until `expires_at`, or none. Raises: OutOfStock, KeyConflict."""

    async def extend(self, request: Extend) -> Reserved:
        """Move the end of what the order still has reserved; answers what that is. Raises: KeyConflict."""

    async def allocate(self, request: Allocate) -> None:
        """Turn reserved units into allocated ones; units already allocated or beyond count as done.

        Raises: NotHeld (expired or released meanwhile: reserve again), KeyConflict.
        """

    async def allocate_directly(self, request: Reserve) -> Reserved:
        """Reserve and allocate in one step, for a move to another store. Raises: OutOfStock, KeyConflict."""

    async def release(self, request: Release) -> Released:
        """Free up to the named units, reserved ones first, then allocated ones; never more than the order holds."""

    async def set_aside(self, request: Release) -> Released:
        """Allocated units were picked and are no longer wanted: physical, not sellable, waiting for put-back."""

    async def put_back(self, request: Release) -> Released:
        """Units set aside are on the shelf again and may be sold."""

    async def consume(self, request: Consume) -> None:
        """Handed over or shipped: allocated and on hand fall together, on hand never below zero.

        Raises: NotHeld (nothing is consumed), KeyConflict.
        """

    async def relocate(self, request: Relocate) -> None:
        """Goods went to another place: on hand here and held by the order here, then there; taken as often as before.

        Raises: NotHeld (nothing is moved), KeyConflict.
        """

    async def take_back(self, request: Release) -> Released:
        """A hand-over was undone: up to the named units are on hand and sellable again."""

    async def expire(self, order_id: OrderId, key: OperationKey, at: AwareDatetime) -> Released:
        """Free what the order has reserved and whose time is over at `at`.

        A call before its time frees nothing and does not use up the key.
        """

    async def record_variance(self, request: Variance) -> None:
        """Apply the stock effect of a store's rejection. Raises: KeyConflict."""

    async def move(self, request: StockMovement) -> StockLevel:
        """Record a receipt, count, adjustment or write-off. Raises: NotEnoughOnHand, KeyConflict."""

    async def set_buffer(self, rule: BufferRule) -> None:
        """Set the safety stock for what the rule names; zero is a rule too (an exception from a wider one)."""

    async def buffers(self) -> list[BufferRule]:
        """Every rule, by SKU, location and channel."""

    async def levels(
        self,
        skus: list[Sku] | None,
        locations: list[StoreId] | None,
        channel: str | None = None,
        *,
        after: tuple[Sku, StoreId] | None = None,
        limit: int | None = None,
    ) -> list[StockLevel]:
        """The levels kept for these SKUs and locations (none: all), by SKU and location, seen by `channel`."""

    async def availability(
        self, skus: list[Sku], locations: list[StoreId], channel: str | None = None
    ) -> list[Availability]:
        """What can be promised, for every pair asked, zero for pairs never stocked. As fast with any history."""

    async def holdings(self, order_id: OrderId) -> list[Holding]:
        """What the order ever took, and where its units are now."""

    async def ledger(
        self,
        sku: Sku | None = None,
        location: StoreId | None = None,
        after: int = 0,
        limit: int = 100,
        *,
        order_id: OrderId | None = None,
    ) -> list[Movement]:
        """Movements with an id above `after`, oldest first."""
