"""Orders of many lines over a thousand articles, all or nothing, while reservations that nobody paid for expire."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import psycopg

from adapters.inventory.port import Reserve
from adapters.inventory.postgres import PostgresInventory
from adapters.postgres.engine import make_engine
from benchmarks.counting import Meter, percentile, waits
from benchmarks.database import Database, database, folder_for
from benchmarks.load import Stopwatch, closed_loop
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.stock.reservers import MakeReserver, Reserver, merged, one_by_one, one_statement
from benchmarks.stock.shelf import Shelf
from benchmarks.turns import in_turns, must
from domain.ids import OperationKey, OrderId, Sku

ARTICLES = 1000
LINES = 10
AT_ONCE = 64
PARTIES: dict[str, tuple[MakeReserver, int]] = {
    "throughline, merged": (merged, 6_000),
    "throughline, one by one": (one_by_one, 1_500),
    "one conditional statement a line": (one_statement, 1_500),
}
EXPIRING = 0.05
"""The share of orders whose reservation ends a second after it was asked for."""
EXPIRING_AT_ONCE = 4
"""Each order's time ends by itself: one that waits for a level holds up few others."""


async def run(options: Run) -> list[Table]:
    async with folder_for("many-lines") as folder, database(folder) as db:
        turns = {
            name: lambda make=make, orders=orders: turn(db, make, options.sized(orders, quick=60))
            for name, (make, orders) in PARTIES.items()
        }
        load = (
            f"{LINES} lines an order over {ARTICLES} articles (Zipf), {AT_ONCE} in flight, {EXPIRING:.0%} of the "
            "reservations end after a second and are expired meanwhile"
        )
        remarks = {"one conditional statement a line": "in one transaction, articles in one order, psycopg"}
        return [await in_turns("many lines", load, turns, rounds=options.rounds, remarks=remarks)]


async def turn(db: Database, make: MakeReserver, orders: int) -> Figures:
    shelf, dice = Shelf(db.dsn), random.Random(7)
    weights = [1 / (rank + 1) for rank in range(ARTICLES)]
    demand: dict[Sku, int] = {shelf.sku(number): 0 for number in range(ARTICLES)}
    baskets = []
    for _ in range(orders):
        chosen = {shelf.sku(n) for n in dice.choices(range(ARTICLES), weights, k=LINES * 2)}
        baskets.append(dict.fromkeys(sorted(chosen)[:LINES], 1))
        for sku in baskets[-1]:
            demand[sku] += 1
    await shelf.stock({sku: round(asked * 0.95) + 1 for sku, asked in demand.items()})
    await db.settle()
    watch = Stopwatch()
    granted = 0
    async with make(db.dsn) as party, expiring(db, shelf) as expiry:
        await closed_loop([Shelf(db.dsn).wish(n, {shelf.sku(): 1}) for n in range(32)], 32, _asking(party))

        async def one(number: int) -> None:
            nonlocal granted
            wish = shelf.wish(number, baskets[number])
            if dice.random() < EXPIRING:
                wish = wish.model_copy(update={"expires_at": datetime.now(UTC) + timedelta(seconds=1)})
            if await watch.time(party.reserve(wish)):
                granted += 1

        with Meter({"database": [db.pid]}, {"database": db.dsn}) as meter:
            await closed_loop(range(orders), AT_ONCE, one)
    must(granted > orders * 0.5, f"only {granted} of {orders} were granted")
    await shelf.check(granted)
    must(not expiry.deadlocks, f"{expiry.deadlocks} deadlocks")
    return {
        "orders/s": orders / meter.seconds,
        "reservations/s": granted / meter.seconds,
        **waits(watch.seconds),
        "expired": float(len(expiry.late)),
        "expiry late p99 ms": percentile(expiry.late, 0.99) * 1000,
        **meter.per(granted),
    }


def _asking(party: Reserver) -> Callable[[Reserve], Awaitable[None]]:
    async def ask(wish: Reserve) -> None:
        await party.reserve(wish)

    return ask


class Expiry:
    """Frees reservations whose time is over, as orders' deadlines do, and notes how late."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self.deadlocks = 0


@asynccontextmanager
async def expiring(db: Database, shelf: Shelf) -> AsyncIterator[Expiry]:
    expiry, engine, stop = Expiry(), make_engine(db.dsn, pool_size=EXPIRING_AT_ONCE, wait_seconds=60.0), asyncio.Event()

    async def due() -> list[tuple[str, datetime]]:
        async with await psycopg.AsyncConnection.connect(db.dsn) as connection:
            rows = await connection.execute(
                "SELECT DISTINCT order_id, expires_at FROM reservations WHERE reserved > 0 AND expires_at <= now()"
                " AND order_id LIKE %s",
                [f"{shelf.name}-%"],
            )
            return await rows.fetchall()

    async def expire(order: str, ends: datetime) -> None:
        try:
            async with engine.begin() as connection:
                key = OperationKey(f"{order}:expire")
                await PostgresInventory(connection).expire(OrderId(order), key, datetime.now(UTC))
        except Exception as error:
            if "deadlock" not in str(error):
                raise
            expiry.deadlocks += 1
        else:
            expiry.late.append(time.time() - ends.timestamp())

    async def sweep() -> None:
        async with asyncio.TaskGroup() as side_by_side:
            for order, ends in await due():
                side_by_side.create_task(expire(order, ends))

    async def keep_on() -> None:
        while not stop.is_set():
            await sweep()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(keep_on())
    try:
        yield expiry
    finally:
        await asyncio.sleep(1.1)  # until the last one's time is over
        stop.set()
        await task
        await sweep()
        await engine.dispose()
