"""Stands in for Temporal: orders that start, take updates and signals as a test says, and write their record."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from adapters.postgres.transaction import PostgresTransactions
from adapters.records.port import OrderChange
from domain.cancellation import plan_cancel
from domain.changes import plan_change
from domain.group_views import group_view
from domain.groups import Ending, WaitsFor
from domain.ids import OrderId, order_workflow_id
from domain.order import Order
from domain.refusals import Refusal, RefusalKind
from domain.terms import OrderTerms
from domain.timeline import TimelineEntry
from domain.units import UnitState
from workflows import options
from workflows.messages import ChangePreview, Command, GroupAnswer, OrderResult, Placed

Answers = Callable[[Any], Any]


def refused(kind: RefusalKind, detail: str = "No.", **more: Any) -> WorkflowUpdateFailedError:
    refusal = Refusal(kind=kind, detail=detail, **more)
    return WorkflowUpdateFailedError(ApplicationError(detail, refusal.model_dump(mode="json"), type=options.REFUSED))


def rpc(status: RPCStatusCode) -> RPCError:
    return RPCError(status.name, status, b"")


@dataclass
class Running:
    """One order's process."""

    order: Order
    placed: Placed | None = None
    over: bool = False
    answers: dict[str, Answers] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)
    signals: list[tuple[str, Any]] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Engine:
    """The part of `temporalio.client.Client` that the gateway uses."""

    def __init__(self, transactions: PostgresTransactions):
        self.transactions = transactions
        self.forget()

    def forget(self) -> None:
        """As new: nothing runs, nothing is away."""
        self.running: dict[str, Running] = {}
        self.starts: list[OrderTerms] = []
        self.fate: Callable[[OrderTerms], Refusal | None] = lambda terms: None
        self.away: Exception | None = None
        """What every call raises while Temporal is away."""
        self.slow = False
        """Starts and updates are taken, their answers do not come."""
        self.deaf = False
        """Nobody takes an update: no worker polls."""

    def of(self, order_id: str) -> Running:
        return self.running[order_workflow_id(OrderId(order_id))]

    async def write(self, order_id: str, *events: TimelineEntry) -> None:
        """The order's record as its process has it now; its version is one more."""
        order = self.of(order_id).order
        order.version += 1
        view = order.view()
        change = OrderChange(
            order_id=view.order_id,
            sequence=order.version,
            at=order.terms.received_at,
            head=view.model_copy(update={"lines": [], "groups": []}),
            lines=view.lines,
            groups=view.groups,
            events=list(events),
        )
        async with self.transactions.begin() as books:
            await books.records.write(change)

    async def start_update_with_start_workflow(
        self,
        _: Any,
        *,
        id: str,  # noqa: A002 - Temporal's word
        start_workflow_operation: Any,
        wait_for_stage: Any,
        rpc_timeout: timedelta,
    ) -> "Update":
        if self.away:
            raise self.away
        asked = start_workflow_operation._start_workflow_input
        terms: OrderTerms = asked.args[0].terms
        known = self.running.get(asked.id)
        if known is not None and known.over:
            raise WorkflowAlreadyStartedError(asked.id, "OrderWorkflow")
        if known is None:
            self.starts.append(terms)
            known = self.running[asked.id] = Running(Order.opened(terms))
        return Update(self._place(known), slow=self.slow)

    async def _place(self, running: Running) -> Placed:
        async with running.turn:
            return await self._placed(running)

    async def _placed(self, running: Running) -> Placed:
        if running.placed is None:
            order = running.order
            refusal = self.fate(order.terms)
            if refusal is None:
                await self.write(order.terms.order_id)
                async with self.transactions.begin() as books:
                    await books.intake.taken(order.terms.order_id)
            else:
                async with self.transactions.begin() as books:
                    await books.intake.forget(order.terms.order_id)
            running.placed = Placed(
                order_id=order.terms.order_id, status=order.status, version=order.version, refusal=refusal
            )
            running.over = refusal is not None
        return running.placed

    def get_workflow_handle_for(self, _: Any, workflow_id: str) -> "Handle":
        return Handle(self, workflow_id)

    def get_workflow_handle(self, workflow_id: str, *, result_type: Any) -> "Handle":
        return Handle(self, workflow_id)


@dataclass
class Handle:
    engine: Engine
    id: str

    def _running(self) -> Running:
        if self.engine.away:
            raise self.engine.away
        found = self.engine.running.get(self.id)
        if found is None or found.over:
            raise rpc(RPCStatusCode.NOT_FOUND)
        return found

    async def start_update(
        self,
        update: Any,
        command: Command,
        *,
        id: str,  # noqa: A002 - Temporal's word
        wait_for_stage: Any,
        rpc_timeout: timedelta,
    ) -> "Update":
        running = self._running()
        assert id == command.command_id
        if self.engine.deaf:
            raise WorkflowUpdateRPCTimeoutOrCancelledError
        running.commands.append(command)
        answer = running.answers[update.__name__]

        async def work() -> Any:
            given = answer(command)
            given = await given if asyncio.iscoroutine(given) else given
            if isinstance(given, Exception):
                raise given
            return given

        return Update(work(), slow=self.engine.slow)

    async def signal(self, signal: Any, message: Any, *, rpc_timeout: timedelta) -> None:
        self._running().signals.append((signal.__name__, message))

    async def query(self, what: Any, asked: Any, *, rpc_timeout: timedelta) -> Any:
        """Temporal answers for orders that have ended too, as long as it keeps them."""
        if self.engine.away:
            raise self.engine.away
        found = self.engine.running.get(self.id)
        if found is None:
            raise rpc(RPCStatusCode.NOT_FOUND)
        if what.__name__ == "change_plan":
            return ChangePreview(plan=plan_change(found.order, asked))
        return plan_cancel(found.order, asked)

    async def describe(self, *, rpc_timeout: timedelta) -> None:
        if self.id not in self.engine.running:
            raise rpc(RPCStatusCode.NOT_FOUND)

    async def result(self, *, rpc_timeout: timedelta) -> OrderResult:
        running = self.engine.running[self.id]
        placed = running.placed
        assert placed is not None
        order = running.order
        return OrderResult(
            order_id=order.terms.order_id,
            status=None if placed.refusal else order.status,
            version=order.version,
            payment=order.payment,
            refusal=placed.refusal,
        )


@dataclass
class Update:
    work: Awaitable[Any]
    slow: bool

    async def result(self, *, rpc_timeout: timedelta) -> Any:
        answer = await self.work
        if self.slow:
            raise WorkflowUpdateRPCTimeoutOrCancelledError
        return answer


def offered(order: Order, n: int = 1) -> None:
    """The order stands and its store is asked."""
    group = order.group(n)
    for line, units in list(group.units.items()):
        group.move(line, UnitState.ALLOCATED, units.open, UnitState.OPEN)
    group.waits_for = None


def waiting_for_stock(order: Order, n: int = 1) -> None:
    order.group(n).waits_for = WaitsFor.STOCK


def answers_with_group(engine: Engine, order_id: str, change: Callable[[Order], None] | None = None) -> Answers:
    """An update that changes the order, writes its record and answers with the pickup."""

    async def answer(command: Any) -> GroupAnswer:
        order = engine.of(order_id).order
        if change is not None:
            change(order)
        await engine.write(order_id)
        group = order.group(command.n if command.n is not None else 1)
        return GroupAnswer(version=order.version, status=order.status, group=group_view(group))

    return answer


def collected(order: Order) -> None:
    """Everything was handed over and the order is final."""
    offered(order)
    group = order.group(1)
    group.code_serial = 1
    way = (UnitState.ALLOCATED, UnitState.PICKED, UnitState.READY, UnitState.HANDED_OVER)
    for line, units in list(group.units.items()):
        for source, target in pairwise(way):
            group.move(line, target, units.count(source), source)
    order.finished = True


def expired(order: Order) -> None:
    """Nobody came: the units wait to be put back, the order is final."""
    offered(order)
    group, at = order.group(1), order.terms.received_at
    group.code_serial = 1
    group.ready_at, group.deadline = at, at + timedelta(days=7)
    for line, units in list(group.units.items()):
        group.put_back = {**group.put_back, line: units.allocated}
        group.move(line, UnitState.CANCELLED, units.allocated, UnitState.ALLOCATED)
    group.ending = Ending.EXPIRED
    order.finished = True
