"""Reservations that wait for each other are made together: one transaction holds stock for all orders that queued.

On one hot row, transactions of one order each can only follow one another, a commit apart. Here the orders that come
while a transaction is under way queue in this process, and the next one serves them all, in the order of their coming:
lock the levels, decide, write every row that each order needs, commit.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any, cast

from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inventory import merging_sql as sql
from adapters.inventory.port import KeyConflict, OutOfStock, Reserve, Reserved, Shortage, StockRefused
from adapters.inventory.postgres import PostgresInventory
from domain.ids import OperationKey, Sku, StoreId
from domain.stock import ANY, StockLine, merged

MOST_AT_ONCE = 256
"""Orders in one transaction. More makes no order cheaper, and all wait for the last one."""

COMMAND = "reserve"

Place = tuple[Sku, StoreId]


@dataclass
class _Wish:
    """A request that waits, and where its answer goes."""

    request: Reserve
    answer: asyncio.Future[Reserved]
    lines: list[StockLine] = field(init=False)
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        self.lines = merged(self.request.lines)
        self.fingerprint = self.request.fingerprint(COMMAND)

    @cached_property
    def granted(self) -> Reserved:
        return Reserved(order_id=self.request.order_id, lines=tuple(self.lines), expires_at=self.request.expires_at)

    @cached_property
    def demand(self) -> dict[Place, int]:
        asked: dict[Place, int] = {}
        for line in self.lines:
            place = line.sku, line.location_id
            asked[place] = asked.get(place, 0) + line.quantity
        return asked

    def is_answered(self, answer: Reserved | Exception) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)


class MergedReservations:
    """See `port.Reservations`. One for a process: what it merges is what its callers ask at the same time."""

    def __init__(self, engine: AsyncEngine, most_at_once: int = MOST_AT_ONCE):
        self._engine = engine
        self._most = most_at_once
        self._waiting: list[_Wish] = []
        self._serving: asyncio.Task[None] | None = None

    async def reserve(self, request: Reserve) -> Reserved:
        wish = _Wish(request, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve(), name="merged reservations")
        return await wish.answer

    async def _serve(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # those whose answers just came may ask again: let them join
            batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            try:
                await self._together(batch)
            except Exception as error:
                await self._one_by_one(batch, error)

    async def _one_by_one(self, batch: list[_Wish], error: Exception) -> None:
        """What failed together may be the fault of one: each tries alone, as it would have without the others."""
        for wish in batch:
            if wish.answer.done():
                continue
            if len(batch) == 1:
                wish.is_answered(error)
                continue
            try:
                async with self._engine.begin() as connection:
                    answer = await PostgresInventory(connection).reserve(wish.request)
            except Exception as own:
                wish.is_answered(own)
            else:
                wish.is_answered(answer)

    async def _together(self, batch: list[_Wish]) -> None:
        async with self._engine.connect() as pooled:
            raw = await pooled.get_raw_connection()
            connection = cast("AsyncConnection[Any]", raw.driver_connection)
            verdicts = await _decided(connection, batch)
        for wish, verdict in zip(batch, verdicts, strict=True):
            wish.is_answered(verdict)


async def _decided(connection: AsyncConnection[Any], batch: Sequence[_Wish]) -> list[Reserved | StockRefused]:
    """The answer to each wish, committed; nothing is written for those that are refused."""
    try:
        free, known = await _looked_up(connection, batch)
        verdicts: list[Reserved | StockRefused] = []
        granted: dict[OperationKey, _Wish] = {}
        for wish in batch:
            verdict = _again(wish, known, granted) or _first(wish, free)
            verdicts.append(verdict)
            if isinstance(verdict, Reserved) and wish.request.key not in known:
                granted.setdefault(wish.request.key, wish)
        if granted:
            async with connection.pipeline():
                await connection.execute(sql.WRITE, _rows(list(granted.values())))
                await connection.commit()
    finally:
        await connection.rollback()  # the locks, when nothing was written
    return verdicts


async def _looked_up(
    connection: AsyncConnection[Any], batch: Sequence[_Wish]
) -> tuple[dict[Place, dict[str, int]], dict[OperationKey, tuple[str, dict[str, Any]]]]:
    """Lock the levels of all wishes: what is free there, by channel, and which keys have been used."""
    wanted = {(*place, wish.request.channel or ANY) for wish in batch for place in wish.demand}
    skus, locations, channels = zip(*wanted, strict=True)
    async with connection.pipeline():
        levels = await connection.execute(sql.LOCK, [list(skus), list(locations)])
        buffers = await connection.execute(sql.BUFFERS, [list(skus), list(locations), list(channels)])
        # After the locks, so that what a twin has written meanwhile is seen.
        used = await connection.execute(sql.USED, [[wish.request.key for wish in batch]])
        rows, kept, operations = await levels.fetchall(), await buffers.fetchall(), await used.fetchall()
    free: dict[Place, dict[str, int]] = {}
    on_shelf = {(sku, location): units for sku, location, units in rows}
    for sku, location, channel, buffer in kept:
        if (sku, location) in on_shelf:
            free.setdefault((sku, location), {})[channel] = on_shelf[sku, location] - buffer
    return free, {key: (fingerprint, answer) for key, fingerprint, answer in operations}


def _again(
    wish: _Wish, known: dict[OperationKey, tuple[str, dict[str, Any]]], granted: dict[OperationKey, _Wish]
) -> Reserved | StockRefused | None:
    """The first answer to a repeated key."""
    key = wish.request.key
    if key in known:
        fingerprint, answer = known[key]
        return Reserved.model_validate(answer) if fingerprint == wish.fingerprint else KeyConflict(key)
    if key in granted:
        return granted[key].granted if granted[key].fingerprint == wish.fingerprint else KeyConflict(key)
    return None


def _first(wish: _Wish, free: dict[Place, dict[str, int]]) -> Reserved | OutOfStock:
    """All units of the wish or none; what it takes is no longer free for those after it."""
    channel, demand = wish.request.channel or ANY, wish.demand
    missing = [
        Shortage(*place, quantity, available)
        for place, quantity in sorted(demand.items())
        if (available := max(0, free.get(place, {}).get(channel, 0))) < quantity
    ]
    if missing:
        return OutOfStock(missing)
    for place, quantity in demand.items():
        for each in free[place]:
            free[place][each] -= quantity
    return wish.granted


def _rows(wishes: list[_Wish]) -> list[Any]:
    """The parameters of the one writing statement: an array a column."""
    taken: dict[Place, int] = {}
    for place, quantity in chain.from_iterable(wish.demand.items() for wish in wishes):
        taken[place] = taken.get(place, 0) + quantity
    lines: list[tuple[str, str, str, str, str, int, datetime, datetime | None]] = [
        (
            wish.request.key,
            wish.request.order_id,
            line.line_id,
            line.sku,
            line.location_id,
            line.quantity,
            wish.request.at,
            wish.request.expires_at,
        )
        for wish in wishes
        for line in wish.lines
    ]
    return [
        [wish.request.key for wish in wishes],
        [wish.fingerprint for wish in wishes],
        [wish.granted.model_dump_json() for wish in wishes],
        [wish.request.at for wish in wishes],
        [sku for sku, _ in taken],
        [location for _, location in taken],
        list(taken.values()),
        *(list(column) for column in zip(*lines, strict=True)),
    ]
