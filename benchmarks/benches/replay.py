"""Replay of recorded histories: how fast a worker takes up orders that it does not remember."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from benchmarks.benches.order_flow import collect, open_and_prepare
from benchmarks.flow import temporal
from benchmarks.flow.orders import Seller
from benchmarks.flow.our_worker import QuickOrderWorkflow
from benchmarks.flow.parties import PLAIN, THROUGHLINE
from benchmarks.flow.party import OpenParty
from benchmarks.flow.plain import Plain, plain, plain_id
from benchmarks.flow.plain_worker import PlainOrder
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.steps import Command
from benchmarks.flow.throughline import Throughline, throughline
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns
from domain.ids import order_workflow_id
from workers.composition import parts
from workers.plugin import throughline_plugin

RECORDED = 20
REPLAYED = 300
REMARKS = {
    THROUGHLINE: "five commands, encrypted payloads, no sandbox",
    PLAIN: "five commands, clear payloads, no sandbox",
}


async def run(options: Run) -> list[Table]:
    recorded = options.sized(RECORDED, quick=2)
    replayed = options.sized(REPLAYED, quick=4)
    async with stage("replay") as shared:
        ours = await record(shared, throughline(temporal.embedded), recorded)
        theirs = await record(shared, plain(temporal.embedded), recorded)
        async with parts(shared.settings("127.0.0.1:1"), "throughline-bench") as made:
            turns = {
                THROUGHLINE: lambda: turn(
                    Replayer(workflows=[QuickOrderWorkflow], plugins=[throughline_plugin(made.keys, sandbox=False)]),
                    ours,
                    replayed,
                ),
                PLAIN: lambda: turn(
                    Replayer(
                        workflows=[PlainOrder],
                        data_converter=pydantic_data_converter,
                        workflow_runner=UnsandboxedWorkflowRunner(),
                    ),
                    theirs,
                    replayed,
                ),
            }
            load = f"{replayed} replays of {recorded} recorded orders with all five commands, one process"
            return [await in_turns("replay", load, turns, rounds=options.rounds, remarks=REMARKS)]


async def record(shared: Stage, opened: OpenParty, count: int) -> list[WorkflowHistory]:
    async with opened(shared) as party:
        seller = Seller(shared.db.dsn)
        histories = []
        for terms in await open_and_prepare(shared, party, seller, count):
            await party.place(terms)
            for command in Command:
                await party.tell(terms, command)
            await collect(party, terms, tuple(Command))
            assert isinstance(party, Throughline | Plain)
            name = order_workflow_id(terms.order_id) if isinstance(party, Throughline) else plain_id(terms)
            handle = party.client.get_workflow_handle(name)
            await handle.result()
            histories.append(await handle.fetch_history())
        return histories


async def turn(replayer: Replayer, histories: Sequence[WorkflowHistory], count: int) -> Figures:
    chosen = [histories[number % len(histories)] for number in range(count)]

    async def each() -> AsyncIterator[WorkflowHistory]:
        for history in chosen:
            yield history

    await replayer.replay_workflow(chosen[0])
    began = time.perf_counter()
    result: Any = await replayer.replay_workflows(each())
    seconds = time.perf_counter() - began
    if result.replay_failures:
        raise next(iter(result.replay_failures.values()))
    events = sum(len(history.events) for history in chosen)
    return {"orders/s": count / seconds, "events/s": events / seconds, "events an order": events / count}
