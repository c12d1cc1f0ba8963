"""Inventory in memory, with the same answers as the real one, for tests of what stands on it.

A command never awaits half-way, so commands of one event loop cannot meet inside one another.
"""

from datetime import datetime
from itertools import product
from typing import Any, TypeVar

from adapters.inventory.picked import PickedAt, in_hands, nobody_has_picked
from adapters.inventory.port import (
    Allocate,
    Availability,
    BufferRule,
    Consume,
    Expire,
    Extend,
    Holding,
    KeyConflict,
    Movement,
    NotEnoughOnHand,
    NotHeld,
    OutOfStock,
    Release,
    Released,
    Relocate,
    Reserve,
    Reserved,
    Shortage,
    StockCommand,
    StockMovement,
    Variance,
)
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.stock import (
    ALLOCATE,
    ANY,
    EXPIRE,
    HAND_OVER,
    HAND_OVER_LATE,
    ON_LEVEL,
    PUT_BACK,
    RELEASE,
    SET_ASIDE,
    TAKE_BACK,
    Bucket,
    LevelChange,
    MovementKind,
    Place,
    StockLevel,
    StockLine,
    Transfer,
    merged,
    movement_change,
    total_demand,
    variance_change,
)

Answer = TypeVar("Answer", Reserved, Released, StockLevel)
_HeldBy = tuple[OrderId, LineId, Sku, StoreId]


class MemoryInventory:
    """`Inventory` in dictionaries."""

    def __init__(self, picked_at: PickedAt = nobody_has_picked) -> None:
        self._picked_at = picked_at
        self._levels: dict[Place, StockLevel] = {}
        self._buffers: dict[tuple[str, str, str], int] = {}
        self._holdings: dict[_HeldBy, Holding] = {}
        self._movements: list[Movement] = []
        self._answers: dict[OperationKey, tuple[str, Any]] = {}

    async def reserve(self, request: Reserve) -> Reserved:
        return self._reserve(request, "reserve", Bucket.RESERVED, MovementKind.RESERVATION)

    async def allocate_directly(self, request: Reserve) -> Reserved:
        return self._reserve(request, "allocate_directly", Bucket.ALLOCATED, MovementKind.ALLOCATION)

    def _reserve(self, request: Reserve, command: str, target: Bucket, kind: MovementKind) -> Reserved:
        if (first := self._first_answer(request, command)) is not None:
            return Reserved.model_validate(first)
        shortages = []
        for (sku, location), asked in total_demand(request.lines).items():
            available = self._seen((sku, location), request.channel).available
            if asked > available:
                shortages.append(Shortage(sku, location, asked, available))
        if shortages:
            raise OutOfStock(shortages)
        lines = merged(request.lines)
        for line in lines:
            held = self._held(request.order_id, line)
            shares = {"taken": held.taken + line.quantity, target: getattr(held, target) + line.quantity}
            self._keep(held, **shares, expires_at=request.expires_at)
            self._record(request, kind, line.place, LevelChange(**{target: line.quantity}), line.line_id)
        answer = Reserved(order_id=request.order_id, lines=tuple(lines), expires_at=request.expires_at)
        return self._remember(request, command, answer)

    async def extend(self, request: Extend) -> Reserved:
        if (first := self._first_answer(request, "extend")) is not None:
            return Reserved.model_validate(first)
        reserved = [held for held in await self.holdings(request.order_id) if held.reserved]
        for held in reserved:
            self._keep(held, expires_at=request.expires_at)
        lines = tuple(_line(held, held.reserved) for held in reserved)
        answer = Reserved(order_id=request.order_id, lines=lines, expires_at=request.expires_at)
        return self._remember(request, "extend", answer)

    async def allocate(self, request: Allocate) -> None:
        self._transfer(request, "allocate", ALLOCATE, strict=True)

    async def release(self, request: Release) -> Released:
        return self._transfer(request, "release", RELEASE, request.reason)

    async def set_aside(self, request: Release) -> Released:
        return self._transfer(request, "set_aside", SET_ASIDE, request.reason)

    async def put_back(self, request: Release) -> Released:
        return self._transfer(request, "put_back", PUT_BACK, request.reason)

    async def consume(self, request: Consume) -> None:
        self._transfer(request, "consume", HAND_OVER_LATE if request.late else HAND_OVER, strict=True)

    async def relocate(self, request: Relocate) -> None:
        if self._first_answer(request, "relocate") is not None:
            return
        bucket = Bucket.SET_ASIDE if request.aside else Bucket.ALLOCATED
        lines = merged(request.lines)
        missing = [
            Shortage(line.sku, line.location_id, line.quantity, getattr(held, bucket))
            for line in lines
            if getattr(held := self._held(request.order_id, line), bucket) < line.quantity
        ]
        if missing:
            raise NotHeld(request.order_id, missing)
        there = [line.model_copy(update={"location_id": request.to}) for line in lines]
        for kind, moved, sign in ((MovementKind.SENT, lines, -1), (MovementKind.RECEIVED, there, 1)):
            for line in moved:
                held, change = self._held(request.order_id, line), sign * line.quantity
                self._keep(held, **{"taken": held.taken + change, bucket: getattr(held, bucket) + change})
                seen = max(-self._seen(line.place).on_hand, change)
                self._record(request, kind, line.place, LevelChange(seen, **{bucket: change}), line.line_id)
        self._remember(request, "relocate", Released(order_id=request.order_id, lines=()))

    async def take_back(self, request: Release) -> Released:
        return self._transfer(request, "take_back", TAKE_BACK, request.reason)

    async def expire(self, order_id: OrderId, key: OperationKey, at: datetime) -> Released:
        request = Expire(key=key, at=at, order_id=order_id)
        if (first := self._first_answer(request, "expire")) is not None:
            return Released.model_validate(first)
        due = [
            _line(held, held.reserved)
            for held in await self.holdings(order_id)
            if held.reserved and held.expires_at is not None and held.expires_at <= at
        ]
        if not due:
            return Released(order_id=order_id, lines=())
        return self._move_units(request, "expire", EXPIRE, due, "")

    def _transfer(
        self,
        request: Allocate | Release | Consume,
        command: str,
        move: Transfer,
        reason: str = "",
        *,
        strict: bool = False,
    ) -> Released:
        if (first := self._first_answer(request, command)) is not None:
            return Released.model_validate(first)
        lines = merged(request.lines)
        if strict and (missing := self._missing(request.order_id, move, lines)):
            raise NotHeld(request.order_id, missing)
        return self._move_units(request, command, move, lines, reason)

    def _missing(self, order_id: OrderId, move: Transfer, lines: list[StockLine]) -> list[Shortage]:
        missing = []
        for line in lines:
            held = self._held(order_id, line)
            found = sum(move.take(_shares(held), line.quantity).values())
            if move is ALLOCATE:
                found += held.allocated + held.set_aside + held.consumed
            if found < line.quantity:
                missing.append(Shortage(line.sku, line.location_id, line.quantity, found))
        return missing

    def _move_units(
        self,
        request: Allocate | Release | Consume | Expire,
        command: str,
        move: Transfer,
        lines: list[StockLine],
        reason: str,
    ) -> Released:
        moved = []
        for line in lines:
            held = self._held(request.order_id, line)
            taken = move.take(_shares(held), line.quantity)
            quantity = sum(taken.values())
            if not quantity:
                continue
            shares = {source: getattr(held, source) - units for source, units in taken.items()}
            self._keep(held, **shares, **{move.target: getattr(held, move.target) + quantity})
            change = {source: -units for source, units in taken.items() if source in ON_LEVEL}
            if move.target in ON_LEVEL:
                change[move.target] = quantity
            on_hand = max(-self._levels[line.place].on_hand, move.on_hand * quantity)
            self._record(request, move.kind, line.place, LevelChange(on_hand, **change), line.line_id, reason)
            moved.append(_line(held, quantity))
        return self._remember(request, command, Released(order_id=request.order_id, lines=tuple(moved)))

    async def record_variance(self, request: Variance) -> None:
        if self._first_answer(request, "record_variance") is not None:
            return
        place = (request.sku, request.location_id)
        level = self._seen(place)
        found = await in_hands(request, self._picked_at)
        change = variance_change(
            level, request.effect, request.quantity, touch_on_hand=request.touch_on_hand, found=found
        )
        self._levels.setdefault(place, StockLevel(sku=request.sku, store_id=request.location_id))
        if any(change):
            self._record(request, MovementKind.VARIANCE, place, change, request.line_id, request.reason)
        self._remember(request, "record_variance", self._seen(place))

    async def move(self, request: StockMovement) -> StockLevel:
        if (first := self._first_answer(request, "move")) is not None:
            return StockLevel.model_validate(first)
        place = (request.sku, request.location_id)
        level = self._seen(place)
        change = movement_change(level, request.kind, request.quantity)
        if level.on_hand + change.on_hand < 0:
            raise NotEnoughOnHand(request.sku, request.location_id, -change.on_hand, level.on_hand)
        self._record(request, request.kind, place, change, None, request.reason)
        return self._remember(request, "move", self._seen(place))

    async def set_buffer(self, rule: BufferRule) -> None:
        self._buffers[rule.sku, rule.location_id, rule.channel] = rule.quantity

    async def buffers(self) -> list[BufferRule]:
        return [
            BufferRule(sku=Sku(sku), location_id=StoreId(location), channel=channel, quantity=quantity)
            for (sku, location, channel), quantity in sorted(self._buffers.items())
        ]

    async def levels(
        self,
        skus: list[Sku] | None,
        locations: list[StoreId] | None,
        channel: str | None = None,
        *,
        after: tuple[Sku, StoreId] | None = None,
        limit: int | None = None,
    ) -> list[StockLevel]:
        places = [
            (sku, location)
            for sku, location in sorted(self._levels)
            if (skus is None or sku in skus)
            and (locations is None or location in locations)
            and (after is None or (sku, location) > after)
        ]
        return [self._seen(place, channel) for place in places[:limit]]

    async def availability(
        self, skus: list[Sku], locations: list[StoreId], channel: str | None = None
    ) -> list[Availability]:
        pairs = sorted({(sku, location) for sku in skus for location in locations})
        return [Availability(*place, self._seen(place, channel).available) for place in pairs]

    async def holdings(self, order_id: OrderId) -> list[Holding]:
        return [held for by, held in sorted(self._holdings.items()) if by[0] == order_id]

    async def ledger(
        self,
        sku: Sku | None = None,
        location: StoreId | None = None,
        after: int = 0,
        limit: int = 100,
        *,
        order_id: OrderId | None = None,
    ) -> list[Movement]:
        return [
            movement
            for movement in self._movements
            if movement.id > after
            and sku in (None, movement.sku)
            and location in (None, movement.store_id)
            and order_id in (None, movement.order_id)
        ][:limit]

    def _seen(self, place: Place, channel: str | None = None) -> StockLevel:
        level = self._levels.get(place) or StockLevel(sku=place[0], store_id=place[1])
        return level.model_copy(update={"buffer": self._buffer(place, channel)})

    def _buffer(self, place: Place, channel: str | None) -> int:
        sku, location = place
        for rule in product((sku, ANY), (location, ANY), (channel or ANY, ANY)):
            if rule in self._buffers:
                return self._buffers[rule]
        return 0

    def _held(self, order_id: OrderId, line: StockLine) -> Holding:
        by = (order_id, line.line_id, line.sku, line.location_id)
        nothing = dict.fromkeys(("taken", *Bucket), 0)
        return self._holdings.get(by) or Holding(
            order_id=order_id, **line.model_dump(exclude={"quantity"}), **nothing, expires_at=None
        )

    def _keep(self, held: Holding, **shares: Any) -> None:
        by = (held.order_id, held.line_id, held.sku, held.location_id)
        self._holdings[by] = held.model_copy(update=shares)

    def _record(
        self,
        request: StockCommand,
        kind: MovementKind,
        place: Place,
        change: LevelChange,
        line_id: LineId | None,
        reason: str = "",
    ) -> None:
        level = self._levels.get(place) or StockLevel(sku=place[0], store_id=place[1])
        self._levels[place] = level.changed(change)
        self._movements.append(
            Movement(
                id=len(self._movements) + 1,
                key=request.key,
                kind=kind,
                sku=place[0],
                store_id=place[1],
                order_id=getattr(request, "order_id", None),
                line_id=line_id,
                reason=reason,
                at=request.at,
                **change._asdict(),
            )
        )

    def _first_answer(self, request: StockCommand, command: str) -> Any:
        fingerprint, answer = self._answers.get(request.key, ("", None))
        if answer is not None and fingerprint != request.fingerprint(command):
            raise KeyConflict(request.key)
        return answer

    def _remember(self, request: StockCommand, command: str, answer: Answer) -> Answer:
        self._answers[request.key] = (request.fingerprint(command), answer)
        return answer


def _shares(held: Holding) -> dict[Bucket, int]:
    return {bucket: getattr(held, bucket) for bucket in Bucket}


def _line(held: Holding, quantity: int) -> StockLine:
    return StockLine(line_id=held.line_id, sku=held.sku, location_id=held.location_id, quantity=quantity)


class MemoryReservations:
    """See `port.Reservations`."""

    def __init__(self, inventory: MemoryInventory) -> None:
        self._inventory = inventory

    async def reserve(self, request: Reserve) -> Reserved:
        return await self._inventory.reserve(request)
