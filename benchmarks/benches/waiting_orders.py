"""Many orders wait for their customers: what they cost while nothing happens, and how fast one of them is taken up.

The waiting orders begin as orders do that go on in a new run, ready for pickup and to be paid at the till; so no minute
is spent on placing them. Those whose resumption is timed were placed before them and have left the worker's cache.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

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
from benchmarks.results import Figures, Table, summed_up
from benchmarks.run import Run
from benchmarks.shown import say
from benchmarks.turns import must
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

TITLE = "waiting orders"
WAITING = 10_000
RESUMED = 30
CACHE = 1000
IDLE_SECONDS = 15.0
BEGUN_WITHIN = 600.0
FIRST_TASK_DONE = 4
"""Events: started, and a task that was scheduled, started and completed."""


async def run(options: Run) -> list[Table]:
    """Filling cannot be undone: a server is measured `rounds` times while empty, then as often while it is full."""
    waiting = options.sized(WAITING, quick=20)
    rounds = 1 if options.quick else options.rounds
    servers: dict[str, OpenServer] = {"": temporal.embedded}
    if options.durable:
        servers[ON_POSTGRES] = temporal.durable
    load = f"one worker, a cache of {CACHE} orders, {IDLE_SECONDS:.0f} s of idleness"
    turns: dict[str, list[Figures]] = {}
    for suffix, server in servers.items():
        async with stage("waiting-orders") as shared, _party(shared, server, options) as party:
            empty, full = "none waiting" + suffix, f"{waiting:,} waiting" + suffix
            turns[empty] = [
                await _look(shared, party, await _made_ready(shared, party, options), options)
                for _ in _rounds(rounds, empty)
            ]
            timed = [await _made_ready(shared, party, options) for _ in range(rounds)]
            say(f"  starting {waiting:,} orders{suffix} …")
            started = {"started/s": waiting / await _fill(shared, party, waiting)}
            turns[full] = [
                {**await _look(shared, party, each, options), **started}
                for each, _ in zip(timed, _rounds(rounds, full), strict=True)
            ]
    return [summed_up(TITLE, load, turns, {})]


def _rounds(rounds: int, party: str) -> Iterator[int]:
    for number in range(1, rounds + 1):
        say(f"  {TITLE}, round {number} of {rounds}: {party} …")
        yield number


@asynccontextmanager
async def _party(shared: Stage, server: OpenServer, options: Run) -> AsyncIterator[Throughline]:
    async with throughline(server, workflow_cache=4 if options.quick else CACHE)(shared) as party:
        assert isinstance(party, Throughline)
        yield party


class Timed(NamedTuple):
    """Orders whose resumption is timed; they have been made ready."""

    seller: Seller
    orders: list[OrderTerms]


async def _made_ready(shared: Stage, party: Throughline, options: Run) -> Timed:
    seller = Seller(shared.db.dsn)
    orders = await open_and_prepare(shared, party, seller, options.sized(RESUMED, quick=3))
    for terms in orders:
        await party.place(terms)
        for command in Command:
            await party.tell(terms, command)
    return Timed(seller, orders)


async def _look(shared: Stage, party: Throughline, timed: Timed, options: Run) -> Figures:
    """What idleness costs; then how fast each of these orders is taken up."""
    (worker,), servers = party.processes()["worker"], party.processes()["server"]

    def used() -> tuple[float, float, float]:
        return cpu_seconds(worker), sum(map(cpu_seconds, servers)), cpu_seconds(shared.db.pid)

    await asyncio.sleep(1.0 if options.quick else 5.0)
    before, seconds = used(), 1.0 if options.quick else IDLE_SECONDS
    await asyncio.sleep(seconds)
    idle = [100 * (now - then) / seconds for now, then in zip(used(), before, strict=True)]
    memory = resident_bytes(worker)
    watch = Stopwatch()
    for terms in timed.orders:
        await watch.time(party.hand_over(terms))
    await check_collected(shared, timed.seller.shelf, timed.orders)
    figures = {
        "idle worker CPU %": idle[0],
        "idle server CPU %": idle[1],
        "idle database CPU %": idle[2],
        "worker memory MB": memory / 1e6,
        "resuming one p50 ms": percentile(watch.seconds, 0.5) * 1000,
        "resuming one p99 ms": percentile(watch.seconds, 0.99) * 1000,
    }
    say("    " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
    return figures


async def _fill(shared: Stage, party: Throughline, count: int) -> float:
    """Start so many orders that are ready for pickup; the seconds it took."""
    seller = Seller(shared.db.dsn)
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
    await _is_begun(party, orders[-1])
    handle: WorkflowHandle[Any, Any] = party.client.get_workflow_handle(order_workflow_id(orders[-1].order_id))
    view = await handle.query(OrderWorkflow.view)
    must(len(view.waiting_for) == 1, f"the order waits for {view.waiting_for}")
    return time.perf_counter() - began


async def _is_begun(party: Throughline, last: OrderTerms) -> None:
    """The worker takes them in turn: when the last has had its first task, all have."""
    handle: WorkflowHandle[Any, Any] = party.client.get_workflow_handle(order_workflow_id(last.order_id))
    ends = time.perf_counter() + BEGUN_WITHIN
    while (await handle.describe()).history_length < FIRST_TASK_DONE:
        must(time.perf_counter() < ends, f"after {BEGUN_WITHIN:.0f} s the worker has not begun the last order")
        await asyncio.sleep(0.5)


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
