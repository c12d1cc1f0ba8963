"""Temporal servers for a turn: the embedded one with its file, or a server whose state is in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from benchmarks.flow.stage import Stage
from benchmarks.shown import say
from workers.stack.postgres import Postgres
from workers.stack.servers import search_attributes
from workers.stack.system_postgres import system_postgres
from workers.stack.temporal import TemporalServer
from workers.stack.temporal_cli import obtain
from workers.stack.temporal_programs import obtain_programs
from workers.stack.temporal_server import DurableTemporal


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
    """The server that a team runs, with 4 shards, on a PostgreSQL of its own; both are new for each turn.

    The system's PostgreSQL, since the embedded stack's wheel lacks the extension that Temporal's visibility needs.
    """
    programs = await asyncio.to_thread(obtain_programs, say)
    folder = stage.folder / "durable-temporal"
    folder.mkdir(exist_ok=True)
    database = Postgres(
        folder / "postgres",
        port=stage.port(),
        name="postgres",
        password="benchmarks",
        log=folder / "postgres.log",
        programs=system_postgres(),
    )
    server: DurableTemporal | None = None
    try:
        await database.start()
        server = DurableTemporal(
            programs,
            folder,
            database=database.dsn,
            log=folder / "temporal.log",
            search_attributes=search_attributes(),
            pick_port=stage.port,
        )
        await server.start()
        pids = [child.pid for child in (server.child, database.child) if child and child.pid]
        yield Server(server.address, pids, {"Temporal's database": f"{database.dsn.rpartition('/')[0]}/temporal"})
    finally:
        if server is not None:
            await server.stop()
        await database.stop()
        database.discard()
