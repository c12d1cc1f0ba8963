"""A plainly written Temporal workflow on the same server."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.contrib.pydantic import pydantic_data_converter

from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.plain_worker import QUEUE, PlainOrder
from benchmarks.flow.stage import Stage
from benchmarks.flow.steps import Command
from benchmarks.flow.temporal import OpenServer, Server, until_polled
from domain.terms import OrderTerms
from workers.process import Child, python


def plain_id(terms: OrderTerms) -> str:
    return f"plain/{terms.order_id}"


@dataclass
class Plain:
    client: Client
    server: Server
    worker: Child
    calls_itself = False

    async def prepare(self, orders: Sequence[OrderTerms]) -> None:
        pass

    async def place(self, terms: OrderTerms) -> None:
        start = WithStartWorkflowOperation(
            PlainOrder.run,
            terms,
            id=plain_id(terms),
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        await self.client.execute_update_with_start_workflow(PlainOrder.place, start_workflow_operation=start)

    async def tell(self, terms: OrderTerms, command: Command) -> None:
        handle: WorkflowHandle[Any, None] = self.client.get_workflow_handle(plain_id(terms))
        await handle.execute_update(PlainOrder.tell, command)

    async def collect(self, terms: OrderTerms) -> None:
        handle: WorkflowHandle[Any, None] = self.client.get_workflow_handle(plain_id(terms))
        await handle.execute_update(PlainOrder.collect)

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {"worker": [self.worker.pid] if self.worker.pid else [], "server": self.server.pids}

    def databases(self) -> Mapping[str, str]:
        return self.server.databases


def plain(open_server: OpenServer) -> OpenParty:
    @asynccontextmanager
    async def opened(stage: Stage) -> AsyncIterator[Party]:
        async with open_server(stage) as server:
            worker = stage.child(
                "plain worker",
                python("benchmarks.flow.plain_worker", server.address, stage.db.url, stage.payments_url),
            )
            try:
                await worker.start()
                client = await Client.connect(server.address, data_converter=pydantic_data_converter)
                await until_polled(client, QUEUE)
                yield Plain(client, server, worker)
            finally:
                await worker.stop()

    return opened
