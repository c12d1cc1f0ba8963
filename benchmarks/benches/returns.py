"""Returns from the request to the money back on the card, many in flight; each is taken in, inspected and settled."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from temporalio.client import WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from adapters.keys.port import CustomerRef
from benchmarks.benches.order_flow import measured, open_and_prepare
from benchmarks.counting import waits
from benchmarks.flow import temporal
from benchmarks.flow.orders import CUSTOMER, PRICE, UNITS, Seller
from benchmarks.flow.outcome import check_returned
from benchmarks.flow.stage import Stage, stage
from benchmarks.flow.throughline import Throughline, throughline
from benchmarks.load import Stopwatch, closed_loop, within
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import LONGEST, in_turns
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId, LineId, ReturnId, return_workflow_id
from domain.policy_packs import STANDARD
from domain.returns.decision import Applied, Effect, Outcome, ReturnDecision, Why
from domain.returns.packs import built_in
from domain.returns.returned import Return, ReturnedLine
from domain.returns.words import ItemCondition, ReturnDisposition, ReturnKind, ReturnReason, ReturnVia
from domain.terms import OrderTerms
from workflows import options as queues
from workflows.return_messages import ReceivedUnits, ReceiveReturn, ReturnStart, SettleReturn
from workflows.returns import ReturnWorkflow

RETURNS = 1000
IN_FLIGHT = 32
OURS = "throughline"
REMARKS = {OURS: "asked for, taken in and inspected at a counter, restocked, settled, refunded by the provider"}


async def run(options: Run) -> list[Table]:
    count, in_flight = options.sized(RETURNS, quick=6), 4 if options.quick else IN_FLIGHT
    async with stage("returns") as shared:
        turns = {OURS: lambda: turn(shared, count, in_flight)}
        load = f"{count} returns of {UNITS} units each, or as many as a minute holds, {in_flight} in flight"
        return [await in_turns("returns", load, turns, rounds=options.rounds, remarks=REMARKS)]


async def turn(shared: Stage, count: int, in_flight: int) -> Figures:
    async with throughline(temporal.embedded)(shared) as party:
        assert isinstance(party, Throughline)
        seller = Seller(shared.db.dsn)
        orders = await open_and_prepare(shared, party, seller, count)
        await closed_loop(orders, in_flight, lambda terms: _bought(party, terms))
        await shared.db.settle()
        return await carry(shared, party, seller, orders, in_flight)


async def _bought(party: Throughline, terms: OrderTerms) -> None:
    await party.place(terms)
    await party.collect(terms)
    await party.order(terms).result()


async def carry(
    shared: Stage, party: Throughline, seller: Seller, orders: Sequence[OrderTerms], in_flight: int
) -> Figures:
    asking, settling = Stopwatch(), Stopwatch()
    carried: list[OrderTerms] = []
    key = await party.made.keys.key_for_customer(CustomerRef(CUSTOMER), datetime.now(UTC))

    async def one(terms: OrderTerms) -> None:
        asked = returned(terms, seller)
        workflow_id = return_workflow_id(asked.return_id)
        await party.made.keys.bind(workflow_id, key.id)
        await asking.time(_ask(party, asked, workflow_id))
        handle = party.client.get_workflow_handle_for(ReturnWorkflow.run, workflow_id)
        await _tell(handle, ReturnWorkflow.receive, _received(asked))
        await settling.time(_settled(handle, asked))

    with measured(shared, party) as meter:
        await closed_loop(within(LONGEST, orders, carried), in_flight, one)
    await check_returned(shared, seller.shelf, carried)
    rate = len(carried) / meter.seconds
    return {
        "returns/s": rate,
        "returns/h": rate * 3600,
        **waits(asking.seconds, "asking"),
        **waits(settling.seconds, "settling"),
        **meter.per(len(carried)),
    }


async def _ask(party: Throughline, asked: Return, workflow_id: str) -> None:
    start = WithStartWorkflowOperation(
        ReturnWorkflow.run,
        ReturnStart(asked=asked, at_counter=True),
        id=workflow_id,
        task_queue=queues.ORDERS,
        task_timeout=queues.TASK_TIMEOUT,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    opened = await party.client.execute_update_with_start_workflow(
        ReturnWorkflow.request, start_workflow_operation=start
    )
    if opened.refusal is not None:
        raise RuntimeError(f"the return was refused: {opened.refusal.detail}")


async def _settled(handle: WorkflowHandle[ReturnWorkflow, Any], asked: Return) -> None:
    """The money is back and the return is over."""
    await _tell(handle, ReturnWorkflow.settle, SettleReturn(**_by(asked, "settle")))
    await handle.result()


async def _tell(handle: WorkflowHandle[ReturnWorkflow, Any], update: Any, command: Any) -> None:
    await handle.execute_update(update, command, id=command.command_id)


def _by(asked: Return, name: str) -> dict[str, Any]:
    store = Actor(kind=ActorKind.STORE, id="store", channel=Channel.STORE, place=asked.store_id)
    return {"command_id": CommandId(f"{name}-{asked.return_id}"), "actor": store}


def _received(asked: Return) -> ReceiveReturn:
    """All of it, as new, and back on the shelf."""
    assert asked.store_id is not None
    units = [
        ReceivedUnits(
            line_id=line.line_id,
            quantity=line.quantity,
            condition=ItemCondition.NEW,
            disposition=ReturnDisposition.RESTOCK,
        )
        for line in asked.lines
    ]
    return ReceiveReturn(**_by(asked, "receive"), store_id=asked.store_id, lines=units)


def returned(terms: OrderTerms, seller: Seller) -> Return:
    """All of an order, as the policy that is built in decides it."""
    policy, sku = built_in(STANDARD), terms.lines[0].sku
    allowed = Applied(why=Why.IN_WINDOW, effect=Effect.ALLOWS)
    line = ReturnedLine(
        line_id=LineId("1"),
        sku=sku,
        needs={sku: 1},
        quantity=UNITS,
        reason=ReturnReason.NO_LONGER_WANTED,
        decision=ReturnDecision(line_id=LineId("1"), outcome=Outcome.ALLOWED, reasons=(allowed,)),
        terms=policy.terms,
        unit_worth=PRICE,
        awaited=UNITS,
    )
    return Return(
        return_id=ReturnId(secrets.token_hex(16)),
        order_id=terms.order_id,
        external_id=terms.external_id,
        channel=Channel.STORE,
        customer_ref=terms.customer_ref,
        locale="de-DE",
        currency=terms.currency,
        kind=ReturnKind.RETURN,
        via=ReturnVia.STORE,
        store_id=seller.shelf.place,
        requested_at=datetime.now(UTC),
        requested_by=terms.actor,
        policy_name=policy.name,
        policy_version=policy.version,
        lines=[line],
    )
