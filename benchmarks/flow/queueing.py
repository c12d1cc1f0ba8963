"""Orders that wait for the run of their class, and that run."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio.client import WorkflowHandle

from adapters.brokering.port import RunCounts
from benchmarks.flow.throughline import Throughline
from benchmarks.load import Stopwatch, closed_loop
from domain.intake import Service
from domain.sourcing import Ends, RoutingRules, Rule, SplitPolicy
from domain.sourcing.queues import QueueRuns
from domain.sourcing.rules import QueueClass
from domain.terms import OrderTerms
from gateway.brokering import start_run
from workflows.brokering import BrokeringRun

QUEUE = "economy"
IN_FLIGHT = 16
PER_SECOND = 5
"""What a queue's runs tell in a second unless its rules say otherwise."""


async def let_them_wait(party: Throughline, per_second: int) -> None:
    """Economy orders wait for a run that is asked for by hand; all others find their places at once."""
    rules = RoutingRules(
        id="bench",
        rules=(Rule(name="cheapest", split=SplitPolicy(max_parts=6, quantity=True), ends=Ends.ALLOCATE),),
        classes=(QueueClass(queue=QUEUE, services=(Service.ECONOMY,)),),
        runs=(QueueRuns(queue=QUEUE, every_seconds=86_400, orders_per_second=per_second),),
    )
    async with party.made.transactions.begin() as books:
        await books.routing.put_rules(rules, datetime.now(UTC))


async def in_the_queue(party: Throughline, orders: Sequence[OrderTerms]) -> list[float]:
    """Place the orders; the seconds that each took."""
    watch = Stopwatch()
    await party.prepare(orders)

    async def one(terms: OrderTerms) -> None:
        await watch.time(party.place(terms))

    await closed_loop(orders, IN_FLIGHT, one)
    return watch.seconds


async def waiting(party: Throughline) -> int:
    async with party.made.transactions.begin() as books:
        return sum(each.waiting for each in await books.brokering.lengths() if each.queue == QUEUE)


async def begin_run(party: Throughline) -> WorkflowHandle[BrokeringRun, RunCounts]:
    """A brokering run of the queue; its result is what it did."""
    run = await start_run(party.client, QUEUE, secrets.token_hex(4), "bench")
    return party.client.get_workflow_handle_for(BrokeringRun.run, run)
