"""Ways to reserve stock durably: ours, and the two that everyone writes. All write the same rows and commit each order.

The peers speak psycopg directly, prepared, one pooled connection a reservation; a hot row gains nothing from more
connections than can wait for it, so theirs are few.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import psycopg
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inventory.port import OutOfStock, Reserve
from adapters.inventory.postgres import PostgresInventory
from adapters.postgres.engine import make_engine

CONNECTIONS = 16


class Reserver(Protocol):
    async def reserve(self, wish: Reserve) -> bool:
        """Whether all of it is held, durably."""
        ...


MakeReserver = Callable[[str], AbstractAsyncContextManager[Reserver]]


class Connections:
    """A few prepared connections that take turns; the last used comes first."""

    def __init__(self, free: list[psycopg.AsyncConnection]) -> None:
        self._free: asyncio.LifoQueue[psycopg.AsyncConnection] = asyncio.LifoQueue()
        for connection in free:
            self._free.put_nowait(connection)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[psycopg.AsyncConnection]:
        connection = await self._free.get()
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)


@asynccontextmanager
async def connections(dsn: str, count: int = CONNECTIONS, *, autocommit: bool = True) -> AsyncIterator[Connections]:
    made = [
        await psycopg.AsyncConnection.connect(dsn, autocommit=autocommit, prepare_threshold=0) for _ in range(count)
    ]
    try:
        yield Connections(made)
    finally:
        for connection in made:
            await connection.close()


_ROWS = """
operation AS (
    INSERT INTO stock_operations (key, fingerprint, answer, at)
    SELECT %(key)s, '', '{}', %(at)s FROM level
), held AS (
    INSERT INTO reservations (order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside, consumed,
                              released, expired, expires_at)
    SELECT %(order)s, %(line)s, %(sku)s, %(place)s, %(quantity)s, %(quantity)s, 0, 0, 0, 0, 0, %(expires_at)s FROM level
)
INSERT INTO stock_movements (key, kind, sku, location_id, order_id, line_id, reason, at, on_hand, allocated, reserved,
                             set_aside, withheld)
SELECT %(key)s, 'reservation', %(sku)s, %(place)s, %(order)s, %(line)s, '', %(at)s, 0, 0, %(quantity)s, 0, 0 FROM level
RETURNING 1
"""
_FREE = "on_hand - allocated - reserved - set_aside - withheld"
CONDITIONAL = f"""
WITH level AS (
    UPDATE stock_levels SET reserved = reserved + %(quantity)s
    WHERE sku = %(sku)s AND location_id = %(place)s AND {_FREE} >= %(quantity)s
    RETURNING 1
), {_ROWS}"""
CONDITIONAL_LINE = CONDITIONAL.replace("FROM level\n), held", "FROM level\n    ON CONFLICT DO NOTHING\n), held", 1)
"""As one of several in a transaction, whose key is written by the first."""
LOCK = f"SELECT {_FREE} FROM stock_levels WHERE sku = %(sku)s AND location_id = %(place)s FOR UPDATE"
TAKE = f"""
WITH level AS (
    UPDATE stock_levels SET reserved = reserved + %(quantity)s WHERE sku = %(sku)s AND location_id = %(place)s
    RETURNING 1
), {_ROWS}"""


def _lines(wish: Reserve) -> list[dict[str, object]]:
    return [
        {
            "key": wish.key,
            "at": wish.at,
            "order": wish.order_id,
            "line": line.line_id,
            "sku": line.sku,
            "place": line.location_id,
            "quantity": line.quantity,
            "expires_at": wish.expires_at,
        }
        for line in sorted(wish.lines, key=lambda line: line.sku)  # one order of locks
    ]


class OneStatement:
    """One conditional statement for one line, committed by itself; several lines are as many in a transaction."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def reserve(self, wish: Reserve) -> bool:
        lines = _lines(wish)
        async with self._pool.one() as connection:
            if len(lines) == 1:
                return (await connection.execute(CONDITIONAL, lines[0])).rowcount == 1
            async with connection.transaction():
                for line in lines:
                    if (await connection.execute(CONDITIONAL_LINE, line)).rowcount != 1:
                        raise psycopg.Rollback
                return True
        return False


class ForUpdate:
    """Lock the level, look, write, commit: three round trips with the row locked."""

    def __init__(self, pool: Connections) -> None:
        self._pool = pool

    async def reserve(self, wish: Reserve) -> bool:
        (line,) = _lines(wish)
        async with self._pool.one() as connection, connection.transaction():
            found = await (await connection.execute(LOCK, line)).fetchone()
            if found is None or found[0] < wish.lines[0].quantity:
                return False
            await connection.execute(TAKE, line)
        return True


class OneByOne:
    """Our statement for one order, a transaction each: what an order's milestone does without merging."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def reserve(self, wish: Reserve) -> bool:
        try:
            async with self._engine.begin() as connection:
                await PostgresInventory(connection).reserve(wish)
        except OutOfStock:
            return False
        return True


class Merged:
    """Ours: what queues during a commit is one statement next."""

    def __init__(self, engine: AsyncEngine) -> None:
        from adapters.inventory.merging import MergedReservations

        self._merged = MergedReservations(engine)

    async def reserve(self, wish: Reserve) -> bool:
        try:
            await self._merged.reserve(wish)
        except OutOfStock:
            return False
        return True


@asynccontextmanager
async def merged(dsn: str) -> AsyncIterator[Reserver]:
    engine = make_engine(dsn)
    try:
        yield Merged(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def one_by_one(dsn: str) -> AsyncIterator[Reserver]:
    engine = make_engine(dsn, pool_size=CONNECTIONS, wait_seconds=60.0)
    try:
        yield OneByOne(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def one_statement(dsn: str) -> AsyncIterator[Reserver]:
    async with connections(dsn) as pool:
        yield OneStatement(pool)


@asynccontextmanager
async def for_update(dsn: str) -> AsyncIterator[Reserver]:
    async with connections(dsn) as pool:
        yield ForUpdate(pool)
