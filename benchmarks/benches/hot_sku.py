"""Everyone wants one article: durable reservations a second on a single level, with its ledger rows."""

import time

from adapters.inventory.port import Reserve
from benchmarks.counting import Meter, waits
from benchmarks.database import Database, database, folder_for
from benchmarks.load import Stopwatch, closed_loop
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.stock.reservers import MakeReserver, for_update, merged, one_by_one, one_statement
from benchmarks.stock.shelf import Shelf
from benchmarks.turns import in_turns, must

SHARE_IN_STOCK = 0.8

PARTIES: dict[str, tuple[MakeReserver, int]] = {
    "throughline, merged": (merged, 40_000),
    "throughline, one by one": (one_by_one, 6_000),
    "one conditional statement": (one_statement, 10_000),
    "SELECT FOR UPDATE": (for_update, 5_000),
}
"""Each with the orders that fill some seconds of its turn."""
REMARKS = {
    "throughline, merged": "MergedReservations, one process, one transaction at a time",
    "throughline, one by one": "the statement that an order's milestone uses, one order a transaction",
    "one conditional statement": "UPDATE … WHERE enough is free, with all rows of ledger and order, psycopg",
    "SELECT FOR UPDATE": "lock, look, write, commit, psycopg",
}


async def run(options: Run) -> list[Table]:
    tables = []
    async with folder_for("hot-sku") as folder, database(folder) as db:
        for at_once in (64, 256):
            parties = {
                name: lambda make=make, orders=orders, at_once=at_once: turn(
                    db, make, options.sized(orders, quick=200), at_once
                )
                for name, (make, orders) in PARTIES.items()
            }
            load = f"{at_once} in flight, stock for {SHARE_IN_STOCK:.0%} of the demand, one unit an order"
            table = await in_turns(
                f"hot SKU, {at_once} in flight", load, parties, rounds=options.rounds, remarks=REMARKS
            )
            tables.append(table)
    return tables


async def turn(db: Database, make: MakeReserver, orders: int, at_once: int) -> Figures:
    shelf = Shelf(db.dsn)
    stock = int(orders * SHARE_IN_STOCK)
    await shelf.stock({shelf.sku(): stock})
    await db.settle()
    wishes = [shelf.wish(number, {shelf.sku(): 1}) for number in range(orders)]
    watch = Stopwatch()
    granted, last = 0, 0.0

    async with make(db.dsn) as party:

        async def ask(wish: Reserve) -> None:
            nonlocal granted, last
            if await watch.time(party.reserve(wish)):
                granted += 1
                last = time.perf_counter()

        await _warm(party.reserve, Shelf(db.dsn))
        with Meter({"database": [db.pid]}, {"database": db.dsn}) as meter:
            began = time.perf_counter()
            await closed_loop(wishes, at_once, ask)
    must(granted == stock, f"{stock} units were there, {granted} reservations were granted")
    await shelf.check(granted)
    return {"reservations/s": granted / (last - began), **waits(watch.seconds), **meter.per(granted)}


async def _warm(reserve: object, shelf: Shelf) -> None:
    """Open the connections and prepare the statements; what is asked for is not in stock."""
    await closed_loop(
        [shelf.wish(number, {shelf.sku(): 1}) for number in range(64)],
        32,
        reserve,  # type: ignore[arg-type]
    )
