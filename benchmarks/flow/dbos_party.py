"""DBOS: durable functions in the caller's own process, their state in the shared PostgreSQL.

Set up by its documentation: asynchronous workflows; steps that only touch the database as datasource transactions, so
that step and checkpoint are one commit; READ COMMITTED, which its default of SERIALIZABLE would punish with retries;
LISTEN/NOTIFY for messages and events. The caller lives in the same process, which spares DBOS a network hop that the
others have.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from dbos import DBOS, AsyncSQLAlchemyDatasource, DBOSConfig, SetWorkflowID, WorkflowHandleAsync

from adapters.postgres.engine import make_engine
from adapters.postgres.transaction import PostgresTransaction
from benchmarks.flow import steps as durable
from benchmarks.flow.party import OpenParty, Party
from benchmarks.flow.stage import Stage
from benchmarks.flow.steps import Command, Steps
from domain.payments import AuthorisationId
from domain.terms import OrderTerms

COLLECT = "collect"
PATIENCE = 300
POOL = 20


class _Wired:
    """What the workflow functions use, set while a turn runs: they are registered once, at import."""

    steps: Steps
    books: AsyncSQLAlchemyDatasource


async def _transaction(name: str, step: Any, *arguments: Any) -> None:
    async def done() -> bool:
        connection = await _Wired.books.sql_session().connection()
        await step(PostgresTransaction(connection), *arguments)
        return True

    await _Wired.books.run_tx_step_async({"name": name, "isolation_level": "READ COMMITTED"}, done)


@DBOS.step()
async def authorise(terms: dict[str, Any]) -> str:
    return await _Wired.steps.authorise(OrderTerms.model_validate(terms))


@DBOS.step()
async def capture(terms: dict[str, Any], authorisation: str) -> None:
    await _Wired.steps.capture(OrderTerms.model_validate(terms), AuthorisationId(authorisation))


async def _place(terms: dict[str, Any]) -> str:
    order = OrderTerms.model_validate(terms)
    await _transaction("reserve", durable.reserve, order)
    authorisation = await authorise(terms)
    await _transaction("record_placed", durable.record_placed, order)
    return authorisation


async def _tell(terms: dict[str, Any], command: str) -> None:
    await _transaction("record_command", durable.record_command, OrderTerms.model_validate(terms), Command(command))


async def _collect(terms: dict[str, Any], authorisation: str) -> None:
    order = OrderTerms.model_validate(terms)
    await capture(terms, authorisation)
    await _transaction("consume", durable.consume, order)
    await _transaction("record_collected", durable.record_collected, order)


@DBOS.workflow()
async def order_workflow(terms: dict[str, Any]) -> None:
    """The order as one workflow, which waits for what it is told."""
    authorisation = await _place(terms)
    await DBOS.set_event_async("placed", True)
    while (command := await DBOS.recv_async("commands", timeout_seconds=PATIENCE)) != COLLECT:
        await _tell(terms, command)
        await DBOS.set_event_async(command, True)
    await _collect(terms, authorisation)


@DBOS.workflow()
async def place_workflow(terms: dict[str, Any]) -> str:
    return await _place(terms)


@DBOS.workflow()
async def tell_workflow(terms: dict[str, Any], command: str) -> None:
    await _tell(terms, command)


@DBOS.workflow()
async def collect_workflow(terms: dict[str, Any], authorisation: str) -> None:
    await _collect(terms, authorisation)


class _Dbos:
    calls_itself = True

    async def prepare(self, orders: Sequence[OrderTerms]) -> None:
        pass

    def processes(self) -> Mapping[str, Sequence[int]]:
        return {}

    def databases(self) -> Mapping[str, str]:
        return {}


class OneWorkflow(_Dbos):
    """One workflow an order: it can wait, remind and expire, as ours does."""

    def __init__(self) -> None:
        self._running: dict[str, WorkflowHandleAsync[None]] = {}

    async def place(self, terms: OrderTerms) -> None:
        with SetWorkflowID(terms.order_id):
            handle = await DBOS.start_workflow_async(order_workflow, terms.model_dump(mode="json"))
        self._running[terms.order_id] = handle
        if not await DBOS.get_event_async(terms.order_id, "placed", timeout_seconds=PATIENCE):
            raise RuntimeError("the order was not placed in time")

    async def tell(self, terms: OrderTerms, command: Command) -> None:
        await DBOS.send_async(terms.order_id, command.value, topic="commands")
        await DBOS.get_event_async(terms.order_id, command.value, timeout_seconds=PATIENCE)

    async def collect(self, terms: OrderTerms) -> None:
        await DBOS.send_async(terms.order_id, COLLECT, topic="commands")
        await self._running.pop(terms.order_id).get_result()


class WorkflowACommand(_Dbos):
    """One workflow a command: quicker, and nothing waits for what does not come."""

    def __init__(self) -> None:
        self._authorised: dict[str, str] = {}

    async def place(self, terms: OrderTerms) -> None:
        with SetWorkflowID(f"{terms.order_id}-place"):
            handle = await DBOS.start_workflow_async(place_workflow, terms.model_dump(mode="json"))
        self._authorised[terms.order_id] = await handle.get_result()

    async def tell(self, terms: OrderTerms, command: Command) -> None:
        with SetWorkflowID(f"{terms.order_id}-{command}"):
            handle = await DBOS.start_workflow_async(tell_workflow, terms.model_dump(mode="json"), command.value)
        await handle.get_result()

    async def collect(self, terms: OrderTerms) -> None:
        with SetWorkflowID(f"{terms.order_id}-collect"):
            handle = await DBOS.start_workflow_async(
                collect_workflow, terms.model_dump(mode="json"), self._authorised.pop(terms.order_id)
            )
        await handle.get_result()


def dbos(kind: type[OneWorkflow] | type[WorkflowACommand]) -> OpenParty:
    @asynccontextmanager
    async def opened(stage: Stage) -> AsyncIterator[Party]:
        system = await stage.once("dbos_system")
        config: DBOSConfig = {
            "name": "bench-orders",
            "system_database_url": system,
            "sys_db_pool_size": POOL,
            "application_version": "bench",
            "run_admin_server": False,
            "log_level": "WARNING",
        }
        engine = make_engine(stage.db.url, pool_size=POOL)
        async with durable.steps(stage.db.url, stage.payments_url) as made:
            DBOS(config=config)
            _Wired.steps = made
            _Wired.books = await AsyncSQLAlchemyDatasource.create(stage.db.url, engine=engine)
            DBOS.launch()
            try:
                yield kind()
            finally:
                DBOS.destroy()
                # It had made its own the loop's default, and closed it.
                asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
                await engine.dispose()

    return opened
