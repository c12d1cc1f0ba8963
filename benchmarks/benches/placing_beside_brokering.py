"""How long a caller waits for an order to be placed while a brokering run goes on, and while none does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from adapters.brokering.port import RunCounts
from benchmarks.counting import percentile, waits
from benchmarks.flow import temporal
from benchmarks.flow.outcome import check_open
from benchmarks.flow.queueing import PER_SECOND, begin_run, in_the_queue, let_them_wait
from benchmarks.flow.region import Region
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.temporal import until_polled
from benchmarks.flow.throughline import Throughline, throughline
from benchmarks.load import Stopwatch, at_rate
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns, must
from domain.intake import Service
from domain.terms import OrderTerms
from workers.process import python
from workflows.options import BROKERING, ORDERS, PAYMENT

QUIET, BESIDE, APART = "quiet", "beside a run", "beside a run in a worker of its own"
QUEUED = 200
STORES = 50
PLACED_PER_SECOND = 4.0
LONGEST = 60.0
REMARKS = {
    QUIET: "as many orders wait in the queue; their run comes afterwards",
    BESIDE: "one worker process serves all pools, as `throughline up` has it",
    APART: "a second worker process serves the brokering pool and nothing else",
}


async def run(options: Run) -> list[Table]:
    queued, stores = options.sized(QUEUED, quick=8), options.sized(STORES, quick=5)
    # A smoke test spares the second one's start: the other two do all that it does.
    parties = (QUIET, APART) if options.quick else (QUIET, BESIDE, APART)
    async with stage("placing-beside-brokering") as shared:
        turns = {name: lambda name=name: turn(shared, name, queued, stores) for name in parties}
        load = (
            f"{PLACED_PER_SECOND:g} orders a second are placed, half to be collected and half to be shipped at once, "
            f"while a run brokers {queued} queued orders over {stores} stores and tells at most {PER_SECOND} of them a "
            "second"
        )
        return [await in_turns("placing beside brokering", load, turns, rounds=options.rounds, remarks=REMARKS)]


async def turn(shared: Stage, name: str, queued: int, stores: int) -> Figures:
    async with opened(shared, apart=name == APART) as party:
        region = Region(shared.db.dsn, stores)
        most = round(LONGEST * PLACED_PER_SECOND)
        await region.open(party.made.transactions, queued + most)
        await let_them_wait(party, PER_SECOND)
        waiting = [region.shipped(number, Service.ECONOMY) for number in range(queued)]
        await in_the_queue(party, waiting)
        placed = [
            region.shipped(number) if number % 2 else region.collected(number)
            for number in range(queued, queued + most)
        ]
        await party.prepare(placed)
        await shared.db.settle()
        if name == QUIET:
            ends = time.perf_counter() + queued / PER_SECOND
            watch, begun = await _place(party, placed, lambda: time.perf_counter() < ends)
        began = time.perf_counter()
        running = asyncio.create_task((await begin_run(party)).result())
        if name != QUIET:
            watch, begun = await _place(party, placed, lambda: not running.done())
        # After the quiet it comes too: the next turn finds the queue empty.
        counts: RunCounts = await running
        seconds = time.perf_counter() - began
        must(counts.brokered == queued, f"of {queued} orders {counts.brokered} were brokered: {counts}")
        await check_open(shared, region, [*waiting, *begun])
        return {
            "p95 ms": percentile(watch.seconds, 0.95) * 1000,
            **waits(watch.seconds),
            "orders placed": len(begun),
            "seconds of the run": seconds,
        }


async def _place(
    party: Throughline, orders: list[OrderTerms], goes_on: Callable[[], bool]
) -> tuple[Stopwatch, list[OrderTerms]]:
    """Place orders at their rate as long as it goes on; how long each took."""
    watch, begun = Stopwatch(), list[OrderTerms]()

    def while_it_goes_on() -> Iterator[OrderTerms]:
        for terms in orders:
            if not goes_on():
                return
            yield terms

    async def place(terms: OrderTerms) -> None:
        begun.append(terms)
        await watch.time(party.place(terms))

    await at_rate(while_it_goes_on(), PLACED_PER_SECOND, place)
    return watch, begun


@asynccontextmanager
async def opened(shared: Stage, *, apart: bool) -> AsyncIterator[Throughline]:
    """Throughline with a brokering pool: in the one worker, or in a second one."""
    pools = (ORDERS, PAYMENT) if apart else (ORDERS, PAYMENT, BROKERING)
    async with throughline(temporal.embedded, pools=pools)(shared) as party:
        assert isinstance(party, Throughline)
        second = shared.child(
            "brokering worker",
            python("workers.worker"),
            environment=shared.settings(party.server.address, pools=(BROKERING,)).environment(),
        )
        try:
            if apart:
                await second.start()
            await until_polled(party.client, BROKERING)
            yield party
        finally:
            await second.stop()
