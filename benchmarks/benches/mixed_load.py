"""Orders to their very end, collected or delivered, some declined on the way; beside pickups alone in the same run."""

from benchmarks.benches.order_flow import measured
from benchmarks.counting import percentile, waits
from benchmarks.flow import temporal
from benchmarks.flow.journeys import Journeys
from benchmarks.flow.outcome import check_ended
from benchmarks.flow.region import Region
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.throughline import Throughline, throughline
from benchmarks.load import closed_loop, within
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import LONGEST, in_turns
from domain.terms import OrderTerms

PICKUPS, MIXED = "pickups", "half pickups, half shipments, 10% declined"
ORDERS = 1500
IN_FLIGHT = 32
WARM_UP = 40
STORES = 10
REMARKS = {
    PICKUPS: "accepted, picked, staged and handed over; nobody declines",
    MIXED: "one of ten is declined once: a pickup's customer chooses the engine's next store, a shipment is sourced "
    "anew by the rules; a shipment is packed, leaves under a number by hand, and ends when its carrier says delivered",
}


async def run(options: Run) -> list[Table]:
    orders = options.sized(ORDERS, quick=10)
    async with stage("mixed-load") as shared:
        turns = {
            PICKUPS: lambda: turn(shared, orders, options, mixed=False),
            MIXED: lambda: turn(shared, orders, options, mixed=True),
        }
        in_flight = 4 if options.quick else IN_FLIGHT
        load = f"{orders} orders or as many as a minute holds, {in_flight} in flight, {STORES} stores"
        return [await in_turns("mixed load", load, turns, rounds=options.rounds, remarks=REMARKS)]


async def turn(shared: Stage, orders: int, options: Run, *, mixed: bool) -> Figures:
    async with throughline(temporal.embedded)(shared) as party:
        assert isinstance(party, Throughline)
        if not options.quick:
            await carry(shared, party, WARM_UP, IN_FLIGHT, mixed=mixed)
            await shared.db.settle()
        return await carry(shared, party, orders, 4 if options.quick else IN_FLIGHT, mixed=mixed)


async def carry(shared: Stage, party: Throughline, count: int, in_flight: int, *, mixed: bool) -> Figures:
    region = Region(shared.db.dsn, STORES)
    await region.open(party.made.transactions, count)
    orders = [region.shipped(number) if mixed and number % 2 else region.collected(number) for number in range(count)]
    await party.prepare(orders)
    # Of twenty, one pickup and one shipment.
    unlucky = {terms.order_id for number, terms in enumerate(orders) if mixed and number % 20 in (4, 9)}
    journeys, carried = Journeys(party), list[OrderTerms]()

    async def one(terms: OrderTerms) -> None:
        await journeys.carry(terms, declined=terms.order_id in unlucky)

    with measured(shared, party) as meter:
        await closed_loop(within(LONGEST, orders, carried), in_flight, one)
    await check_ended(shared, region, carried, sum(terms.order_id in unlucky for terms in carried))
    rate = len(carried) / meter.seconds
    whole = {f"{kind} p50 s": percentile(seconds, 0.5) for kind, seconds in journeys.whole.items()}
    return {
        "orders/s": rate,
        "orders/h": rate * 3600,
        "commands an order": journeys.commands / len(carried),
        "commands/s": journeys.commands / meter.seconds,
        **waits(journeys.placing.seconds, "placing"),
        **whole,
        **meter.per(len(carried)),
    }
