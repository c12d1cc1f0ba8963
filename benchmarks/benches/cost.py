"""What one settled order costs: history events, workflow tasks, commits and WAL, ours and Temporal's. One at a time."""

import asyncio
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from benchmarks.aims import SHORT, WHOLE
from benchmarks.benches.order_flow import collect, measured, open_and_prepare
from benchmarks.counting import written
from benchmarks.flow.orders import Seller
from benchmarks.flow.outcome import check_collected
from benchmarks.flow.parties import DBOS, DBOS_SHORT, ON_POSTGRES, PLAIN, REMARKS, RESTATE, THROUGHLINE, parties
from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.plain import Plain, plain_id
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.steps import Command
from benchmarks.flow.throughline import Throughline
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns
from domain.ids import order_workflow_id
from domain.terms import OrderTerms

ORDERS = 30
IDLE = 5.0
"""Seconds in which nothing is asked, to know what the servers write by themselves."""


async def run(options: Run) -> list[Table]:
    on_postgres = ON_POSTGRES if options.durable else ""
    wanted = (THROUGHLINE + on_postgres, PLAIN + on_postgres, DBOS, DBOS_SHORT, RESTATE)
    orders = options.sized(ORDERS, quick=2)
    tables = []
    async with stage("cost") as shared:
        for title, commands in ((SHORT, ()), (WHOLE, tuple(Command))):
            turns = {
                name: lambda opened=opened, commands=commands: turn(shared, opened, commands, orders, options)
                for name, opened in parties(options, wanted).items()
            }
            load = f"{orders} orders, one after the other"
            tables.append(await in_turns(title, load, turns, rounds=options.rounds, remarks=REMARKS))
    return tables


async def turn(shared: Stage, opened: OpenParty, commands: tuple[Command, ...], count: int, options: Run) -> Figures:
    async with opened(shared) as party:
        seller = Seller(shared.db.dsn)
        orders = await open_and_prepare(shared, party, seller, count + 1)
        await _carry(party, orders[0], commands)  # prepares the statements
        databases = {"our database": shared.db.dsn, **party.databases()}
        before = {name: written(dsn) for name, dsn in databases.items()}
        idle = 0.5 if options.quick else IDLE
        await asyncio.sleep(idle)
        by_itself = {name: written(dsn).since(before[name]) for name, dsn in databases.items()}
        with measured(shared, party) as meter:
            for terms in orders[1:]:
                await _carry(party, terms, commands)
        figures = await _history(party, orders[1:])
        for name, wrote in meter.pg.items():
            share = meter.seconds / idle
            figures[f"{name} commits"] = max(0.0, wrote.commits - by_itself[name].commits * share) / count
            figures[f"{name} WAL kB"] = max(0.0, wrote.wal - by_itself[name].wal * share) / 1000 / count
        figures["commits in all"] = sum(figures[f"{name} commits"] for name in meter.pg)
        figures["WAL kB in all"] = sum(figures[f"{name} WAL kB"] for name in meter.pg)
        await check_collected(shared, seller.shelf, orders)
        return figures


async def _carry(party: Party, terms: OrderTerms, commands: tuple[Command, ...]) -> None:
    await party.place(terms)
    for command in commands:
        await party.tell(terms, command)
    await collect(party, terms, commands)
    if (handle := _handle(party, terms)) is not None:
        await handle.result()


def _handle(party: Party, terms: OrderTerms) -> WorkflowHandle[Any, Any] | None:
    if isinstance(party, Throughline):
        return party.client.get_workflow_handle(order_workflow_id(terms.order_id))
    return party.client.get_workflow_handle(plain_id(terms)) if isinstance(party, Plain) else None


async def _history(party: Party, orders: list[OrderTerms]) -> dict[str, float]:
    """Events and workflow tasks of an order, where there is a history; the mean: a busy machine adds one at times."""
    events = tasks = size = counted = 0
    for terms in orders:
        if (handle := _handle(party, terms)) is None:
            return {}
        history = (await handle.fetch_history()).events
        events += len(history)
        tasks += sum(event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED for event in history)
        size += sum(event.ByteSize() for event in history)
        counted += 1
    return {"events": events / counted, "workflow tasks": tasks / counted, "history kB": size / 1000 / counted}
