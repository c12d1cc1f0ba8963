"""A run of orders that compete for stock and capacity: decided together, one at a time, and by a solver."""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.sourcing.cases import RULE, RULES, batch
from benchmarks.sourcing.highs import solve_batch, weighted
from benchmarks.turns import in_turns, must
from domain.sourcing import Candidate, SourcingDecision, SourcingRequest, broker, one_at_a_time, totals

TOGETHER, ALONE, HIGHS = "throughline, together", "throughline, one at a time", "HiGHS"
SECONDS = 60.0
SUPPLY = 1.2
Decide = Callable[[Sequence[SourcingRequest], Sequence[Candidate]], tuple[SourcingDecision, ...]]


async def run(options: Run) -> list[Table]:
    orders, stores = options.sized(500, quick=40), options.sized(50, quick=8)
    articles, seconds = options.sized(100, quick=15), 2.0 if options.quick else SECONDS
    requests, candidates = batch(1, orders, stores, articles, supply=SUPPLY)

    async def solver() -> Figures:
        began = time.perf_counter()
        found = solve_batch(requests, candidates, RULE, seconds)
        spent = time.perf_counter() - began
        return {"seconds": spent, "runs/s": 1 / spent, "weighted": found.weighted, "proven": float(found.proven)}

    turns = {
        TOGETHER: lambda: turn(lambda asked, places: broker(asked, places, RULES), requests, candidates),
        ALONE: lambda: turn(lambda asked, places: one_at_a_time(asked, places, RULES), requests, candidates),
        HIGHS: solver,
    }
    load = (
        f"{orders} orders of one to four lines over {articles} articles and {stores} stores; {SUPPLY:g} units for each "
        "that is asked for, capacity for 1.6 parcels an order"
    )
    remarks = {HIGHS: f"its best in {seconds:g} s"}
    return [await in_turns("brokering", load, turns, rounds=options.rounds, remarks=remarks)]


async def turn(decide: Decide, requests: Sequence[SourcingRequest], candidates: Sequence[Candidate]) -> Figures:
    began = time.perf_counter()
    decisions = decide(requests, candidates)
    spent = time.perf_counter() - began
    check(candidates, decisions)
    found = totals(decisions)
    return {
        "seconds": spent,
        "runs/s": 1 / spent,
        "splits": found.splits,
        "cost": found.cost,
        "weighted": sum(weighted(decision) for decision in decisions),
        "orders waiting": sum(found.waiting.values()),
    }


def check(candidates: Sequence[Candidate], decisions: Sequence[SourcingDecision]) -> None:
    """No unit and no capacity was given twice."""
    given = Counter(
        (part.location_id, each.sku) for decision in decisions for part in decision.parts for each in part.allocations
    )
    parcels = Counter(part.location_id for decision in decisions for part in decision.parts)
    for place in candidates:
        must(parcels[place.location_id] <= (place.capacity_today or 0), f"{place.location_id} is over its capacity")
        for (location_id, sku), units in given.items():
            if location_id == place.location_id:
                must(units <= place.stock.get(sku, 0), f"{sku} at {location_id} was given twice")
