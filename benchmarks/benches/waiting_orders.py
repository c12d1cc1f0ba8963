"""Many orders wait for their customers: what they cost while nothing happens, and how fast one of them is taken up.

The waiting orders begin as orders do that go on in a new run, ready for pickup and to be paid at the till; so no minute
is spent on placing them. Those whose resumption is timed were placed before them and have left the worker's cache.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowHandle

from benchmarks.benches.order_flow import open_and_prepare
from benchmarks.counting import cpu_seconds, percentile, resident_bytes
from benchmarks.flow import temporal
from benchmarks.flow.orders import Seller
from benchmarks.flow.outcome import check_collected
from benchmarks.flow.parties import ON_POSTGRES
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.steps import Command
from benchmarks.flow.temporal import OpenServer
from benchmarks.flow.throughline import Throughline, throughline
from benchmarks.load import Stopwatch, closed_loop
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns, must
from domain.ids import order_workflow_id
from domain.intake import TenderType
from domain.order import Order
from domain.store_hours import always_open
from domain.terms import OrderTerms
from domain.units import UnitState
from workflows import options as workflow_options
from workflows import visibility
from workflows.desk import OrderStart, Snapshot
from workflows.order import OrderWorkflow

WAITING = 10_000
RESUMED = 30
CACHE = 1000
IDLE_SECONDS = 15.0


async def run(options: Run) -> list[Table]:
    waiting = options.sized(WAITING, quick=20)
    servers: dict[str, OpenServer] = {"": temporal.embedded}
    if options.durable:
        servers[ON_POSTGRES] = temporal.durable
    async with stage("waiting-orders") as shared:
        turns = {
            name + suffix: lambda server=server, count=count: turn(shared, server, count, options)
            for suffix, server in servers.items()
            for name, count in (("none waiting", 0), (f"{waiting:,} waiting", waiting))
        }
        load = f"one worker, a cache of {CACHE} orders, {IDLE_SECONDS:.0f} s of idleness"
        # Filling takes a while and cannot be shared by rounds: each would have to be emptied again.
        rounds = 1 if options.quick else min(options.rounds, 3)
        return [await in_turns("waiting orders", load, turns, rounds=rounds)]


async def turn(shared: Stage, server: OpenServer, waiting: int, options: Run) -> Figures:
    cache = 4 if options.quick else CACHE
    async with throughline(server, workflow_cache=cache)(shared) as party:
        assert isinstance(party, Throughline)
        seller = Seller(shared.db.dsn)
        real = await open_and_prepare(shared, party, seller, options.sized(RESUMED, quick=3))
        for terms in real:
            await party.place(terms)
            for command in Command:
                await party.tell(terms, command)
        filled = await _fill(shared, party, waiting)
        (worker,), servers = party.processes()["worker"], party.processes()["server"]
        await asyncio.sleep(1.0 if options.quick else 5.0)
        before = cpu_seconds(worker), sum(map(cpu_seconds, servers)), cpu_seconds(shared.db.pid)
        seconds = 1.0 if options.quick else IDLE_SECONDS
        await asyncio.sleep(seconds)
        after = cpu_seconds(worker), sum(map(cpu_seconds, servers)), cpu_seconds(shared.db.pid)
        idle = [100 * (now - then) / seconds for now, then in zip(after, before, strict=True)]
        memory = resident_bytes(worker)
        watch = Stopwatch()
        for terms in real:
            await watch.time(party.hand_over(terms))
        await check_collected(shared, seller.shelf, real)
        figures = {
            "idle worker CPU %": idle[0],
            "idle server CPU %": idle[1],
            "idle database CPU %": idle[2],
            "worker memory MB": memory / 1e6,
            "resuming one p50 ms": percentile(watch.seconds, 0.5) * 1000,
            "resuming one p99 ms": percentile(watch.seconds, 0.99) * 1000,
        }
        return figures | ({"started/s": waiting / filled} if waiting else {})


async def _fill(shared: Stage, party: Throughline, count: int) -> float:
    """Start so many orders that are ready for pickup; the seconds it took."""
    seller = Seller(shared.db.dsn)
    if not count:
        return 0.0
    orders = await open_and_prepare(shared, party, seller, min(count, 200))
    orders += [seller.terms(number) for number in range(len(orders), count)]
    await _bind(party, orders)

    async def start(terms: OrderTerms) -> None:
        snapshot = ready_for_pickup(terms)
        await party.client.start_workflow(
            OrderWorkflow.run,
            OrderStart(terms=snapshot.order.terms, resumed=snapshot),
            id=order_workflow_id(terms.order_id),
            task_queue=workflow_options.ORDERS,
            task_timeout=workflow_options.TASK_TIMEOUT,
            search_attributes=visibility.carried(snapshot.order),
        )

    began = time.perf_counter()
    await closed_loop(orders, 64, start)
    # The last is asked, so that all have been begun.
    handle: WorkflowHandle[Any, Any] = party.client.get_workflow_handle(order_workflow_id(orders[-1].order_id))
    view = await handle.query(OrderWorkflow.view)
    must(len(view.waiting_for) == 1, f"the order waits for {view.waiting_for}")
    return time.perf_counter() - began


async def _bind(party: Throughline, orders: list[OrderTerms]) -> None:
    await party.prepare(orders)


def ready_for_pickup(terms: OrderTerms) -> Snapshot:
    """An order that a store has made ready, to be paid at the till."""
    now = datetime.now(UTC)
    tender = terms.tenders[0].model_copy(update={"type": TenderType.PAY_IN_STORE, "token": None})
    order = Order.opened(OrderTerms.model_validate({**terms.model_dump(), "tenders": [tender.model_dump()]}))
    (group,) = order.groups
    for line, units in list(group.units.items()):
        quantity = units.total
        group.move(line, UnitState.ALLOCATED, quantity, UnitState.OPEN)
        group.move(line, UnitState.PICKED, quantity, UnitState.ALLOCATED)
        group.move(line, UnitState.READY, quantity, UnitState.PICKED)
    group.waits_for = None
    group.offered_at = group.accepted_at = group.picking_at = group.ready_at = now
    group.deadline = group.latest_deadline = now + timedelta(days=5)
    group.code_serial = 1
    order.version = 5
    hours = {group.store_id: always_open("Europe/Berlin")}
    return Snapshot(order=order, hours=hours, confirmed=True, holds_placed=0, questions_asked=0)
