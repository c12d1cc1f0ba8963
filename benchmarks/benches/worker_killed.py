"""One of two workers is killed with many orders in flight: how much longer it takes, nothing lost, nothing doubled."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from benchmarks.benches.order_flow import carry, open_and_prepare
from benchmarks.flow import temporal
from benchmarks.flow.orders import Seller
from benchmarks.flow.outcome import check_collected
from benchmarks.flow.parties import ON_POSTGRES
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.temporal import OpenServer
from benchmarks.flow.throughline import Throughline, throughline
from benchmarks.load import closed_loop
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns, must
from domain.terms import OrderTerms

ORDERS = 500
KILL_AFTER = 0.3
"""The share of orders that are placed when a worker dies."""


async def run(options: Run) -> list[Table]:
    orders = options.sized(ORDERS, quick=8)
    servers: dict[str, OpenServer] = {"": temporal.embedded}
    if options.durable:
        servers[ON_POSTGRES] = temporal.durable
    async with stage("worker-killed") as shared:
        turns = {
            name + suffix: lambda server=server, kill=kill: turn(shared, server, orders, kill=kill)
            for suffix, server in servers.items()
            for name, kill in (("undisturbed", False), ("one of two workers killed", True))
        }
        load = f"{orders} orders in flight at once, place → collect, two workers; the killed one is not started again"
        return [await in_turns("worker killed", load, turns, rounds=options.rounds)]


async def turn(shared: Stage, server: OpenServer, count: int, *, kill: bool) -> Figures:
    async with throughline(server, workers=2, restarted=False)(shared) as party:
        assert isinstance(party, Throughline)
        await carry(shared, party, (), min(16, count), 8)
        await shared.db.settle(*party.databases().values())
        seller = Seller(shared.db.dsn)
        orders = await open_and_prepare(shared, party, seller, count)
        placed = 0
        enough = asyncio.Event()
        longest = 0.0

        async def one(terms: OrderTerms) -> None:
            nonlocal placed, longest
            began = time.perf_counter()
            await _until_answered(lambda: party.place(terms))
            placed += 1
            if placed >= count * KILL_AFTER:
                enough.set()
            await _until_answered(lambda: party.collect(terms))
            longest = max(longest, time.perf_counter() - began)

        async def killing() -> None:
            await enough.wait()
            victim = party.workers[0]
            victim.signal(signal.SIGKILL)
            must(await victim.gone() == -signal.SIGKILL, "the worker ended otherwise")

        killer = asyncio.create_task(killing()) if kill else None
        began = time.perf_counter()
        await closed_loop(orders, count, one)
        seconds = time.perf_counter() - began
        if killer is not None:
            await killer
        await check_collected(shared, seller.shelf, orders)
        return {"seconds": seconds, "longest order s": longest, "orders/s": count / seconds}


async def _until_answered(ask: Callable[[], Awaitable[None]]) -> None:
    """Ask again, under the same id, as the gateway's callers do when no answer came in time."""
    while True:
        try:
            return await ask()
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCError):
            await asyncio.sleep(0.2)
