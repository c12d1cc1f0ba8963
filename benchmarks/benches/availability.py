"""What can be promised now, read while very many reservations are open: the kept level, or a sum over the ledger."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import psycopg

from adapters.inventory.asking import MergedQuestions
from adapters.postgres.engine import make_engine
from benchmarks.counting import waits
from benchmarks.database import Database, database, folder_for
from benchmarks.load import Stopwatch
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.stock.reservers import connections
from benchmarks.turns import in_turns, must
from domain.ids import Sku, StoreId

ARTICLES, PLACES = 20, 5
ASKED = 10
"""Articles in one question, drawn anew for each, at every place."""
AT_ONCE = 64
CONNECTIONS = 8
SECONDS = 5.0
SUM = """
SELECT sku, location_id, sum(on_hand - allocated - reserved - set_aside - withheld) FROM stock_movements
WHERE sku = ANY(%s) AND location_id = ANY(%s) GROUP BY sku, location_id ORDER BY sku, location_id
"""
Read = Callable[[list[Sku], list[StoreId]], Awaitable[list[int]]]


async def run(options: Run) -> list[Table]:
    tables = []
    sizes = (500,) if options.quick else (10_000, 100_000)
    async with folder_for("availability") as folder, database(folder) as db:
        for open_reservations in sizes:
            await _fill(db, open_reservations)
            await db.settle()
            turns = {
                "throughline, the kept level": lambda: _ours(db, options),
                "sum over the ledger": lambda: _sum(db, options),
            }
            title = f"availability, {open_reservations:,} open reservations"
            load = (
                f"{ASKED} of {ARTICLES} articles at {PLACES} places a question, {AT_ONCE} in flight on {CONNECTIONS} "
                f"connections at most, {SECONDS:.0f} s"
            )
            remarks = {
                "throughline, the kept level": "MergedQuestions, one process, one statement at a time",
                "sum over the ledger": "on the index of article and place, psycopg",
            }
            tables.append(await in_turns(title, load, turns, rounds=options.rounds, remarks=remarks))
    return tables


async def _fill(db: Database, count: int) -> None:
    """So many open reservations in all, with their levels and ledger rows; what is there already counts."""
    now = datetime.now(UTC)
    async with await psycopg.AsyncConnection.connect(db.dsn) as connection:
        await connection.execute(
            """
            INSERT INTO stock_movements (key, kind, sku, location_id, order_id, line_id, reason, at, on_hand, allocated,
                                         reserved, set_aside, withheld)
            SELECT 'fill:' || n, 'reservation', 'A-' || n %% %(skus)s, 'P-' || n / %(skus)s %% %(places)s, 'O-' || n,
                   '1', '', %(now)s, 0, 0, 1, 0, 0
            FROM generate_series((SELECT count(*) FROM reservations) + 1, %(count)s) n
            """,
            {"skus": ARTICLES, "places": PLACES, "now": now, "count": count},
        )
        await connection.execute(
            """
            INSERT INTO reservations (order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside,
                                      consumed, released, expired, expires_at)
            SELECT order_id, line_id, sku, location_id, 1, 1, 0, 0, 0, 0, 0, NULL FROM stock_movements
            WHERE kind = 'reservation' ON CONFLICT DO NOTHING
            """
        )
        await connection.execute("DELETE FROM stock_levels")
        await connection.execute(
            """
            INSERT INTO stock_movements (key, kind, sku, location_id, reason, at, on_hand, allocated, reserved,
                                         set_aside, withheld)
            SELECT 'receipt:' || sku || location_id || %(count)s, 'receipt', sku, location_id, '', %(now)s,
                   sum(reserved) + 7, 0, 0, 0, 0 FROM stock_movements GROUP BY sku, location_id
            """,
            {"count": count, "now": now},
        )
        await connection.execute(
            """
            INSERT INTO stock_levels (sku, location_id, on_hand, allocated, reserved, set_aside, withheld)
            SELECT sku, location_id, sum(on_hand), 0, sum(reserved), 0, 0 FROM stock_movements GROUP BY sku, location_id
            """
        )


async def _ours(db: Database, options: Run) -> Figures:
    engine = make_engine(db.dsn, pool_size=CONNECTIONS)
    questions = MergedQuestions(engine)

    async def read(skus: list[Sku], places: list[StoreId]) -> list[int]:
        return [each.available for each in await questions.availability(skus, places)]

    try:
        return await _for_a_while(db, read, options)
    finally:
        await engine.dispose()


async def _sum(db: Database, options: Run) -> Figures:
    async with connections(db.dsn, CONNECTIONS) as pool:

        async def read(skus: list[Sku], places: list[StoreId]) -> list[int]:
            async with pool.one() as connection:
                rows = await (await connection.execute(SUM, [skus, places])).fetchall()
                return [int(row[2]) for row in rows]

        return await _for_a_while(db, read, options)


async def _for_a_while(db: Database, read: Read, options: Run) -> Figures:
    skus, places = sorted(Sku(f"A-{n}") for n in range(ARTICLES)), [StoreId(f"P-{n}") for n in range(PLACES)]
    dice = random.Random(7)
    everywhere = await read(skus, places)
    must(len(everywhere) == ARTICLES * PLACES and min(everywhere) >= 7, f"wrong answer: {everywhere}")
    right = {sku: everywhere[n * PLACES : (n + 1) * PLACES] for n, sku in enumerate(skus)}

    async def ask() -> None:
        asked = sorted(dice.sample(skus, ASKED))
        free = await watch.time(read(asked, places))
        must(free == [units for sku in asked for units in right[sku]], "the answer changed")

    watch = Stopwatch()
    await asyncio.gather(*(ask() for _ in range(3 * AT_ONCE)))  # opens the connections, prepares the statement
    watch, ends = Stopwatch(), time.perf_counter() + (0.3 if options.quick else SECONDS)

    async def reader() -> None:
        while time.perf_counter() < ends:
            await ask()
            await asyncio.sleep(0)  # who waits for a connection comes first

    began = time.perf_counter()
    async with asyncio.TaskGroup() as readers:
        for _ in range(AT_ONCE):
            readers.create_task(reader())
    return {"reads/s": len(watch.seconds) / (time.perf_counter() - began), **waits(watch.seconds)}
