"""Questions that are asked at the same moment are one statement: what can be promised, for all who want to know.

No transaction is opened for it. A question that comes while a statement is under way joins the next one, so that it
sees all that was committed before it was asked.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import AsyncConnection as PooledConnection
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inventory.merging_sql import FREE_OF
from adapters.inventory.port import Availability
from adapters.postgres.outages import database_is_away
from domain.ids import Sku, StoreId
from domain.stock import ANY

MOST_AT_ONCE = 256
"""Questions in one statement."""

Seen = tuple[Sku, StoreId, str]
"""A SKU at a place, seen by a channel."""


@dataclass
class _Question:
    places: list[Seen]
    answer: asyncio.Future[list[Availability]]


class MergedQuestions:
    """See `port.AvailableStock`. One for a process: what it merges is what its callers ask at the same time."""

    def __init__(self, engine: AsyncEngine, most_at_once: int = MOST_AT_ONCE):
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._most = most_at_once
        self._waiting: list[_Question] = []
        self._serving: asyncio.Task[None] | None = None

    async def availability(
        self, skus: list[Sku], locations: list[StoreId], channel: str | None = None
    ) -> list[Availability]:
        where, seen_by = sorted(set(locations)), channel or ANY
        places = [(sku, location, seen_by) for sku in sorted(set(skus)) for location in where]
        if not places:
            return []
        question = _Question(places, asyncio.get_running_loop().create_future())
        self._waiting.append(question)
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve(), name="merged questions")
        return await question.answer

    async def _serve(self) -> None:
        while self._waiting:
            batch: list[_Question] = []
            try:
                async with self._engine.connect() as connection:
                    while self._waiting:
                        await asyncio.sleep(0)  # those whose answers just came may ask again: let them join
                        batch = self._taken()
                        await _answer(connection, batch)
            except Exception as error:
                if batch:
                    await self._one_by_one(batch)
                else:
                    _fail(self._taken(), error)

    def _taken(self) -> list[_Question]:
        batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
        return batch

    async def _one_by_one(self, batch: list[_Question]) -> None:
        """What failed together may be the fault of one, or of the connection: each asks again alone."""
        for question in batch:
            try:
                async with self._engine.connect() as connection:
                    await _answer(connection, [question])
            except Exception as error:
                _fail([question], error)
                if database_is_away(error):
                    _fail(batch, error)
                    return


async def _answer(pooled: PooledConnection, batch: Sequence[_Question]) -> None:
    raw = await pooled.get_raw_connection()
    connection = cast("AsyncConnection[Any]", raw.driver_connection)
    places = dict.fromkeys(chain.from_iterable(question.places for question in batch))
    rows = await connection.execute(FREE_OF, [list(column) for column in zip(*places, strict=True)], binary=True)
    (free,) = await rows.fetchone() or ([],)
    known = {place: Availability(place[0], place[1], units) for place, units in zip(places, free, strict=True)}
    for question in batch:
        if not question.answer.done():
            question.answer.set_result([known[place] for place in question.places])


def _fail(batch: Iterable[_Question], error: Exception) -> None:
    for question in batch:
        if not question.answer.done():
            question.answer.set_exception(error)
