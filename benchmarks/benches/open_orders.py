"""Five thousand shipping orders open over five hundred stores: placing them, brokering all in one run, and the memory.

Nothing is made up: every order is placed as any other, waits for the run of its class with stock reserved, and is told
by the run. So it takes minutes and is done once: what changes while more and more orders are open is seen within it.
"""

import os
import time
from datetime import timedelta

from temporalio.client import WorkflowHandle

from benchmarks.benches.order_flow import measured
from benchmarks.benches.placing_beside_brokering import opened
from benchmarks.counting import forget_peak, peak_bytes, resident_bytes, waits
from benchmarks.flow.outcome import check_open
from benchmarks.flow.queueing import IN_FLIGHT, begin_run, in_the_queue, let_them_wait, waiting
from benchmarks.flow.region import Region
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.throughline import Throughline
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.shown import say
from benchmarks.turns import in_turns, must
from domain.intake import Service
from domain.terms import OrderTerms
from workflows.brokering import BrokeringRun

ORDERS = 5000
STORES = 500
EVERY = 5
"""Every fifth store has an article."""
PARTS = 5
"""In so many parts the orders are placed, each with figures of its own."""
AS_FAST_AS_IT_GOES = 1000
"""Orders told in a second at most: more than can be."""


async def run(options: Run) -> list[Table]:
    # Fewer orders show the same sooner; fewer stores would show something else.
    count, stores = options.sized(ORDERS, quick=20), 10 if options.quick else STORES
    each = -(-count // PARTS)
    async with stage("open-orders") as shared, opened(shared, apart=False) as party:
        region = Region(shared.db.dsn, stores, every=EVERY)
        await region.open(party.made.transactions, count)
        await let_them_wait(party, AS_FAST_AS_IT_GOES)
        await shared.db.settle()
        forget_peak(os.getpid())
        orders: list[OrderTerms] = []
        placing = {
            f"{begin:,} to {min(begin + each, count):,} open": lambda begin=begin: _place(
                shared, party, region, orders, min(begin + each, count)
            )
            for begin in range(0, count, each)
        }
        load = (
            f"shipping orders placed, {IN_FLIGHT} in flight, over {stores} stores, each article in every fifth; "
            "each is placed and none is made up, all stay open and wait for a run; one worker, its cache as by default"
        )
        tables = [await in_turns("open orders, placing", load, placing, rounds=1)]
        brokering = {"one run": lambda: _broker(shared, party, region, orders)}
        load = (
            f"one run of all {count:,} queued orders over {stores} stores, decided page by page, orders told as fast "
            "as they take it; deciding and orders share one worker process"
        )
        return [*tables, await in_turns("open orders, brokering", load, brokering, rounds=1)]


async def _place(shared: Stage, party: Throughline, region: Region, orders: list[OrderTerms], until: int) -> Figures:
    """Place orders until so many are open."""
    new = [region.shipped(number, Service.ECONOMY) for number in range(len(orders), until)]
    await party.prepare(new)
    with measured(shared, party) as meter:
        seconds = await in_the_queue(party, new)
    orders += new
    return {
        "orders/s": len(new) / meter.seconds,
        **waits(seconds, "placing"),
        **_memory(party),
        **meter.per(len(new)),
    }


async def _broker(shared: Stage, party: Throughline, region: Region, orders: list[OrderTerms]) -> Figures:
    queued = await waiting(party)
    must(queued == len(orders), f"{queued} of {len(orders)} orders wait for the run")
    began = time.perf_counter()
    with measured(shared, party) as meter:
        handle = await begin_run(party)
        counts = await handle.result()
    seconds = time.perf_counter() - began
    must(counts.brokered == len(orders), f"of {len(orders)} orders {counts.brokered} were brokered: {counts}")
    must(await waiting(party) == 0, "somebody still waits for a run that has brokered all")
    say("    checking the outcome …")
    await check_open(shared, region, orders)
    spent = await _spent(handle)
    return {
        "orders/s": len(orders) / seconds,
        "seconds": seconds,
        "seconds of deciding": spent.get("decide", timedelta()).total_seconds(),
        "seconds of telling": spent.get("tell_orders", timedelta()).total_seconds(),
        "parcels an order": counts.parts / counts.brokered,
        **_memory(party),
        **meter.per(len(orders)),
    }


def _memory(party: Throughline) -> dict[str, float]:
    """The caller stands for the API. Its peak and the worker's are those since the bench began."""
    (worker,), servers = party.processes()["worker"], party.processes()["server"]
    return {
        "worker peak MB": peak_bytes(worker) / 1e6,
        "caller peak MB": peak_bytes(os.getpid(), alone=True) / 1e6,
        "server MB": sum(map(resident_bytes, servers)) / 1e6,
    }


async def _spent(handle: WorkflowHandle[BrokeringRun, object]) -> dict[str, timedelta]:
    """How long the steps of a run took, by name."""
    names: dict[int, str] = {}
    began, spent = dict[int, timedelta](), dict[str, timedelta]()
    async for event in handle.fetch_history_events():
        at = timedelta(microseconds=event.event_time.ToMicroseconds())
        if event.HasField("activity_task_scheduled_event_attributes"):
            names[event.event_id] = event.activity_task_scheduled_event_attributes.activity_type.name
        elif event.HasField("activity_task_started_event_attributes"):
            began[event.activity_task_started_event_attributes.scheduled_event_id] = at
        elif event.HasField("activity_task_completed_event_attributes"):
            step = event.activity_task_completed_event_attributes.scheduled_event_id
            spent[names[step]] = spent.get(names[step], timedelta()) + at - began[step]
    return spent
