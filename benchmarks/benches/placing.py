"""How long a caller waits for an order to be placed: alone, and while orders flow at half of what the party carries."""

import time

from benchmarks.benches.order_flow import collect, open_and_prepare
from benchmarks.counting import waits
from benchmarks.flow.orders import Seller
from benchmarks.flow.outcome import check_collected
from benchmarks.flow.parties import REMARKS, parties
from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.stage import Stage, stage
from benchmarks.load import Stopwatch, at_rate, closed_loop
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns
from domain.terms import OrderTerms

ALONE = 100
MOST = 200
"""Orders that find the rate to take half of."""
HALF_LOAD_SECONDS = 15.0


async def run(options: Run) -> list[Table]:
    async with stage("placing") as shared:
        turns = {name: lambda opened=opened: turn(shared, opened, options) for name, opened in parties(options).items()}
        load = (
            f"alone: {options.sized(ALONE, quick=4)} orders, one after the other; half load: orders placed and "
            "collected at half the rate that the party reached with 32 in flight"
        )
        return [await in_turns("placing", load, turns, rounds=options.rounds, remarks=REMARKS)]


async def turn(shared: Stage, opened: OpenParty, options: Run) -> Figures:
    async with opened(shared) as party:
        await _flow(shared, party, options.sized(10, quick=2), 2, None)
        await shared.db.settle(*party.databases().values())
        alone, _ = await _flow(shared, party, options.sized(ALONE, quick=4), 1, None)
        count = options.sized(MOST, quick=4)
        _, seconds = await _flow(shared, party, count, 32, None)
        half = count / seconds / 2
        count = max(4, round(half * (1.0 if options.quick else HALF_LOAD_SECONDS * min(1.0, options.scale * 2))))
        loaded, _ = await _flow(shared, party, count, 0, half)
        return {**waits(alone, "alone"), **waits(loaded, "half load"), "orders/s at half load": half}


async def _flow(
    shared: Stage, party: Party, count: int, at_once: int, per_second: float | None
) -> tuple[list[float], float]:
    """The time that each placing took, and that of all orders; each is collected at once, so that all work is done."""
    watch = Stopwatch()
    seller = Seller(shared.db.dsn)
    orders = await open_and_prepare(shared, party, seller, count)

    async def one(terms: OrderTerms) -> None:
        await watch.time(party.place(terms))
        await collect(party, terms, ())

    began = time.perf_counter()
    if per_second is None:
        await closed_loop(orders, at_once, one)
    else:
        await at_rate(orders, per_second, one)
    seconds = time.perf_counter() - began
    await check_collected(shared, seller.shelf, orders)
    return watch.seconds, seconds
