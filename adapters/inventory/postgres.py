"""Inventory on PostgreSQL, inside the transaction of its caller, who commits.

One command a transaction is the rule where it can be: locks are taken in one order within a command, and a caller who
sends several in one transaction has to send them in an order that all others share. A refusal is decided before
anything is written, so the transaction stays usable.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.inventory import statements
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
    PUT_BACK,
    RELEASE,
    SET_ASIDE,
    TAKE_BACK,
    Bucket,
    LevelChange,
    MovementKind,
    StockEffect,
    StockLevel,
    StockLine,
    merged,
    movement_change,
    variance_change,
)

_ALLOCATE = statements.transfer(ALLOCATE, strict=True)
_RELEASE = statements.transfer(RELEASE)
_SET_ASIDE = statements.transfer(SET_ASIDE)
_PUT_BACK = statements.transfer(PUT_BACK)
_HAND_OVER = statements.transfer(HAND_OVER, strict=True)
_HAND_OVER_LATE = statements.transfer(HAND_OVER_LATE, strict=True)
_TAKE_BACK = statements.transfer(TAKE_BACK)
_EXPIRE = statements.transfer(EXPIRE)
_RELOCATE = {bucket: statements.relocation(bucket) for bucket in (Bucket.ALLOCATED, Bucket.SET_ASIDE)}


_BOTH = (False, True)
_LEVELS = {
    (skus, locations, after): statements.levels(skus=skus, locations=locations, after=after)
    for skus, locations, after in product(_BOTH, repeat=3)
}
_LEDGER = {
    (sku, location, order): statements.ledger(sku=sku, location=location, order=order)
    for sku, location, order in product(_BOTH, repeat=3)
}


def _arrays(lines: Iterable[StockLine]) -> dict[str, list[Any]]:
    """The lines as one array a column."""
    rows = [(line.line_id, line.sku, line.location_id, line.quantity) for line in lines]
    return dict(zip(("line_ids", "skus", "locations", "quantities"), map(list, zip(*rows, strict=True)), strict=True))


class PostgresInventory:
    """`Inventory` on one connection."""

    def __init__(self, connection: AsyncConnection, picked_at: PickedAt = nobody_has_picked) -> None:
        self._connection = connection
        self._picked_at = picked_at

    async def reserve(self, request: Reserve) -> Reserved:
        return await self._reserve(request, "reserve", statements.RESERVE)

    async def allocate_directly(self, request: Reserve) -> Reserved:
        return await self._reserve(request, "allocate_directly", statements.RESERVE_AND_ALLOCATE)

    async def _reserve(self, request: Reserve, command: str, statement: TextClause) -> Reserved:
        lines = merged(request.lines)
        answer = Reserved(order_id=request.order_id, lines=tuple(lines), expires_at=request.expires_at)
        row = await self._one(
            statement,
            **self._command(request, command),
            **_arrays(lines),
            order_id=request.order_id,
            channel=request.channel or ANY,
            expires_at=request.expires_at,
            answer=answer.model_dump_json(),
        )
        if row["done"]:
            return answer
        # The twin of a repeated request may have taken the very units that are missing now: ask for its answer first.
        if (first := await self._first_answer(request, command)) is not None:
            return Reserved.model_validate(first)
        raise OutOfStock([Shortage(*each) for each in row["missing"]])

    async def extend(self, request: Extend) -> Reserved:
        row = await self._connection.execute(
            statements.EXTEND,
            {
                **self._command(request, "extend"),
                "order_id": request.order_id,
                "expires_at": request.expires_at.isoformat(),
            },
        )
        answer = row.scalar_one_or_none() or await self._first_answer(request, "extend")
        return Reserved.model_validate({"order_id": request.order_id, **(answer or {})})

    async def allocate(self, request: Allocate) -> None:
        await self._transfer(request, "allocate", _ALLOCATE)

    async def release(self, request: Release) -> Released:
        return await self._transfer(request, "release", _RELEASE, request.reason)

    async def set_aside(self, request: Release) -> Released:
        return await self._transfer(request, "set_aside", _SET_ASIDE, request.reason)

    async def put_back(self, request: Release) -> Released:
        return await self._transfer(request, "put_back", _PUT_BACK, request.reason)

    async def consume(self, request: Consume) -> None:
        await self._transfer(request, "consume", _HAND_OVER_LATE if request.late else _HAND_OVER)

    async def relocate(self, request: Relocate) -> None:
        lines = _arrays(merged(request.lines))
        # A refusal leaves nothing, also not the empty levels that were opened for what does not come.
        async with self._connection.begin_nested():
            await self._connection.execute(statements.OPEN_LEVELS, {"skus": lines["skus"], "target": request.to})
            row = await self._one(
                _RELOCATE[Bucket.SET_ASIDE if request.aside else Bucket.ALLOCATED],
                **self._command(request, "relocate"),
                **lines,
                order_id=request.order_id,
                target=request.to,
            )
            if row["answer"] is None and await self._first_answer(request, "relocate") is None:
                raise NotHeld(request.order_id, [Shortage(*each) for each in row["missing"]])

    async def take_back(self, request: Release) -> Released:
        return await self._transfer(request, "take_back", _TAKE_BACK, request.reason)

    async def _transfer(
        self, request: Allocate | Release | Consume, command: str, statement: TextClause, reason: str = ""
    ) -> Released:
        row = await self._one(
            statement,
            **self._command(request, command),
            **_arrays(merged(request.lines)),
            order_id=request.order_id,
            reason=reason,
        )
        answer = row["answer"]
        if answer is None:
            answer = await self._first_answer(request, command)
        if answer is None:
            raise NotHeld(request.order_id, [Shortage(*each) for each in row["missing"]])
        return Released(order_id=request.order_id, lines=answer["lines"])

    async def expire(self, order_id: OrderId, key: OperationKey, at: datetime) -> Released:
        request = Expire(key=key, at=at, order_id=order_id)
        row = await self._one(_EXPIRE, **self._command(request, "expire"), order_id=order_id, reason="")
        answer = row["answer"] or await self._first_answer(request, "expire")
        return Released(order_id=order_id, lines=answer["lines"] if answer else ())

    async def record_variance(self, request: Variance) -> None:
        found = await in_hands(request, self._picked_at) if request.effect is StockEffect.ZERO else 0

        def change(level: StockLevel) -> LevelChange:
            return variance_change(
                level, request.effect, request.quantity, touch_on_hand=request.touch_on_hand, found=found
            )

        await self._change(
            request, "record_variance", MovementKind.VARIANCE, change, line_id=request.line_id, always=False
        )

    async def move(self, request: StockMovement) -> StockLevel:
        return await self._change(
            request, "move", request.kind, lambda level: movement_change(level, request.kind, request.quantity)
        )

    async def _change(
        self,
        request: Variance | StockMovement,
        command: str,
        kind: MovementKind,
        decide: Callable[[StockLevel], LevelChange],
        *,
        line_id: LineId | None = None,
        always: bool = True,
    ) -> StockLevel:
        place = {"sku": request.sku, "location_id": request.location_id}
        while True:
            kept = (await self._connection.execute(statements.LOCK_LEVEL, place)).mappings().one_or_none()
            if (first := await self._first_answer(request, command)) is not None:
                return StockLevel.model_validate(first)
            level = StockLevel(sku=request.sku, store_id=request.location_id, **(kept or {}))
            change = decide(level)
            if level.on_hand + change.on_hand < 0:
                raise NotEnoughOnHand(request.sku, request.location_id, -change.on_hand, level.on_hand)
            if kept is not None:
                break
            await self._connection.execute(statements.OPEN_LEVEL, place)
        (before,) = await self.levels([request.sku], [request.location_id])
        after = before.changed(change)
        row = await self._one(
            statements.CHANGE_LEVEL,
            **self._command(request, command),
            **place,
            kind=kind,
            order_id=request.order_id,
            line_id=line_id,
            reason=request.reason,
            on_hand=change.on_hand,
            withheld=change.withheld,
            record=always or any(change),
            answer=after.model_dump_json(),
        )
        if not row["done"]:
            return StockLevel.model_validate(await self._first_answer(request, command))
        return after

    async def set_buffer(self, rule: BufferRule) -> None:
        await self._connection.execute(statements.SET_BUFFER, rule.model_dump())

    async def buffers(self) -> list[BufferRule]:
        rows = await self._connection.execute(statements.BUFFERS)
        return [BufferRule.model_validate(row._asdict()) for row in rows]

    async def levels(
        self,
        skus: list[Sku] | None,
        locations: list[StoreId] | None,
        channel: str | None = None,
        *,
        after: tuple[Sku, StoreId] | None = None,
        limit: int | None = None,
    ) -> list[StockLevel]:
        statement = _LEVELS[skus is not None, locations is not None, after is not None]
        after_sku, after_location = after or (None, None)
        wanted = {
            "skus": skus,
            "locations": locations,
            "after_sku": after_sku,
            "after_location": after_location,
            "channel": channel or ANY,
            "limit": limit,
        }
        rows = await self._connection.execute(statement, wanted)
        return [StockLevel.model_validate(dict(row)) for row in rows.mappings()]

    async def availability(
        self, skus: list[Sku], locations: list[StoreId], channel: str | None = None
    ) -> list[Availability]:
        rows = await self._connection.execute(
            statements.AVAILABILITY,
            {"skus": list(dict.fromkeys(skus)), "locations": list(dict.fromkeys(locations)), "channel": channel or ANY},
        )
        return [Availability(*row) for row in rows]

    async def holdings(self, order_id: OrderId) -> list[Holding]:
        rows = await self._connection.execute(statements.HOLDINGS, {"order_id": order_id})
        return [Holding.model_validate(dict(row)) for row in rows.mappings()]

    async def ledger(
        self,
        sku: Sku | None = None,
        location: StoreId | None = None,
        after: int = 0,
        limit: int = 100,
        *,
        order_id: OrderId | None = None,
    ) -> list[Movement]:
        statement = _LEDGER[sku is not None, location is not None, order_id is not None]
        wanted = {"sku": sku, "location_id": location, "order_id": order_id, "after": after, "limit": limit}
        rows = await self._connection.execute(statement, wanted)
        return [Movement.model_validate(dict(row)) for row in rows.mappings()]

    def _command(self, request: StockCommand, command: str) -> dict[str, Any]:
        return {"key": request.key, "at": request.at, "fingerprint": request.fingerprint(command)}

    async def _one(self, statement: TextClause, **parameters: Any) -> Mapping[Any, Any]:
        return (await self._connection.execute(statement, parameters)).mappings().one()

    async def _first_answer(self, request: StockCommand, command: str) -> dict[str, Any] | None:
        found = (await self._connection.execute(statements.REMEMBERED, {"key": request.key})).one_or_none()
        if found is None:
            return None
        fingerprint, answer = found
        if fingerprint != request.fingerprint(command):
            raise KeyConflict(request.key)
        return answer if isinstance(answer, dict) else dict(json.loads(answer))
