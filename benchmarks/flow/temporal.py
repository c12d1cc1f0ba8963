"""Temporal servers for a turn: the embedded one with its file, or a server whose state is in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from benchmarks.durable_temporal import DurableTemporal
from benchmarks.flow.stage import Stage
from benchmarks.shown import say
from workers.stack.servers import search_attributes
from workers.stack.temporal import TemporalServer, register
from workers.stack.temporal_cli import obtain


@dataclass(frozen=True)
class Server:
    address: str
    pids: list[int]
    databases: dict[str, str] = field(default_factory=dict)


STARTING_SECONDS = 60.0
OpenServer = Callable[[Stage], AbstractAsyncContextManager[Server]]


async def until_polled(client: Client, queue: str, workers: int = 1) -> None:
    """Wait until so many processes ask for workflow tasks of a queue: no order waits for a worker that still starts."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(STARTING_SECONDS):
        while True:
            described = await client.workflow_service.describe_task_queue(request)
            if len({poller.identity for poller in described.pollers}) >= workers:
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def embedded(stage: Stage) -> AsyncIterator[Server]:
    """The server of `throughline up`: Temporal's development server with a file database, its log synced."""
    found = await asyncio.to_thread(obtain, say)
    server = TemporalServer(
        found.path,
        stage.folder,
        port=stage.port(),
        ui_port=stage.port(),
        log=stage.folder / "temporal.log",
        search_attributes=search_attributes(),
    )
    try:
        await server.start()
        assert server.child.pid is not None
        yield Server(server.address, [server.child.pid])
    finally:
        await server.stop()


@asynccontextmanager
async def durable(stage: Stage) -> AsyncIterator[Server]:
    """Temporal's server with 4 shards on a PostgreSQL of its own."""
    server = DurableTemporal(stage.folder / "durable-temporal", stage.ports)
    try:
        await server.start()
        await register(server.address, "default", search_attributes())
        yield Server(server.address, server.pids(), {"Temporal's database": server.dsn})
    finally:
        await server.stop()
