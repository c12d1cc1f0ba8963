"""A return under test: commands go in as updates; what is seen is its record and the books."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy

from adapters.keys.port import CustomerRef
from domain.actors import Actor, ActorKind, Channel
from domain.ids import LineId, OrderId, ReturnId, order_id, order_workflow_id, return_workflow_id
from domain.intake import TenderType
from domain.payments import TenderId
from domain.returns.decision import Applied, Effect, Outcome, ReturnDecision, Why
from domain.returns.exchanging import Exchange, ExchangedLine, line_of, tenders_for
from domain.returns.policy import ReturnTerms
from domain.returns.returned import Return, ReturnedLine, ReturnView
from domain.returns.words import NEVER_CAME, ReturnDisposition, ReturnKind, ReturnReason, ReturnVia
from domain.returns.words import ItemCondition as Condition
from domain.terms import ChannelRules, ExchangeOf, OrderTerms, PickupTerms, TenderTerms
from tests.workflows.shop import WEB, Shop
from tests.workflows.watched import PATIENCE, WatchedOrder, new_id, refusal_of
from workflows import options
from workflows import return_messages as messages
from workflows.messages import Command
from workflows.returns import ReturnWorkflow

LINE = LineId("1")
TERMS = ReturnTerms(settle_within=timedelta(hours=1))


@dataclass
class WatchedReturn:
    shop: Shop
    return_id: ReturnId
    opened: messages.ReturnOpened
    exchange: Exchange | None = None

    @property
    def handle(self) -> WorkflowHandle[ReturnWorkflow, messages.ReturnResult]:
        return self.shop.client.get_workflow_handle_for(ReturnWorkflow.run, return_workflow_id(self.return_id))

    @property
    def replacement(self) -> WatchedOrder:
        """The order that replaces what comes back."""
        assert self.exchange is not None
        return self.shop.watch(self.exchange.terms)

    async def tell(self, update: Callable[..., Awaitable[messages.ReturnAnswer]], command: Command) -> ReturnView:
        try:
            answer: messages.ReturnAnswer = await self.handle.execute_update(  # type: ignore[call-overload]
                update, command, id=command.command_id
            )
        except WorkflowUpdateFailedError as error:
            raise refusal_of(error) from None
        return answer.view

    def by_store(self, **more: Any) -> dict[str, Any]:
        actor = Actor(kind=ActorKind.STORE, id="store", channel=Channel.STORE, place=self.shop.store())
        return {"command_id": new_id(), "actor": actor} | more

    async def receive(self, quantity: int, condition: Condition = Condition.NEW) -> ReturnView:
        """The first store takes units in, and puts them back on the shelf."""
        units = messages.ReceivedUnits(
            line_id=LINE, quantity=quantity, condition=condition, disposition=ReturnDisposition.RESTOCK
        )
        command = messages.ReceiveReturn(**self.by_store(store_id=self.shop.store(), lines=[units]))
        return await self.tell(ReturnWorkflow.receive, command)

    async def settle(self) -> ReturnView:
        return await self.tell(ReturnWorkflow.settle, messages.SettleReturn(**self.by_store()))

    async def cancel(self) -> ReturnView:
        return await self.tell(ReturnWorkflow.cancel, messages.CancelReturn(**self.by_store()))

    async def record(self) -> ReturnView:
        async with self.shop.transactions.begin() as books:
            view = await books.returns.get(self.return_id)
        assert view is not None, "there is no record of this return"
        return view

    async def until(self, condition: Callable[[ReturnView], bool]) -> ReturnView:
        end = asyncio.get_running_loop().time() + PATIENCE
        while not condition(view := await self.record()):
            assert asyncio.get_running_loop().time() < end, f"it did not come to that: {view}"
            await asyncio.sleep(0.02)
        return view

    async def ended(self) -> ReturnView:
        """Wait for the return's end; its record."""
        await asyncio.wait_for(self.handle.result(), PATIENCE)
        return await self.record()

    async def events(self) -> list[str]:
        """Of this return, in its order's timeline."""
        view = await self.record()
        async with self.shop.transactions.begin() as books:
            found = await books.records.timeline(view.order_id, after=0, limit=1000)
        return [
            stored.entry.event.value
            for stored in found
            if getattr(stored.entry.data, "return_id", None) == self.return_id
        ]

    async def money(self) -> list[str]:
        """What the provider did under the return's own id: the card that stands for goods sent in advance."""
        entries = await self.shop.ledger(OrderId(self.return_id))
        return [f"{entry['operation']} {entry['amount']}" for entry in entries]

    async def history(self) -> WorkflowHistory:
        return await self.handle.fetch_history()


async def ask(
    shop: Shop,
    order: WatchedOrder,
    quantity: int = 1,
    *,
    kind: ReturnKind = ReturnKind.RETURN,
    reason: ReturnReason = ReturnReason.WRONG_SIZE,
    worth: int = 0,
    costs: int | None = None,
    advance: bool = False,
    token: str = "tok_ok",
    payment: TenderTerms | None = None,
    **terms: Any,
) -> WatchedReturn:
    """Ask for a return of line 1, as the gateway does. `costs`: of what is wanted instead, which is worth `worth`."""
    return_id, now = ReturnId(secrets.token_hex(16)), await shop.clock()
    keeps = reason in NEVER_CAME
    decision = ReturnDecision(
        line_id=LINE,
        outcome=Outcome.ALLOWED,
        reasons=(Applied(why=Why.IN_WINDOW, effect=Effect.ALLOWS),),
        keeps_item=keeps,
    )
    line = ReturnedLine(
        line_id=LINE,
        sku=shop.sku,
        needs={shop.sku: 1},
        quantity=quantity,
        reason=reason,
        decision=decision,
        terms=TERMS.model_copy(update=terms),
        **{"accepted" if keeps else "awaited": quantity},
    )
    exchange = None
    if costs is not None:
        exchanged = ExchangedLine(
            line_id=LINE, units=quantity, sku=shop.sku, quantity=quantity, credit=worth, total=costs
        )
        exchange = Exchange(
            terms=await replacement(shop, order, return_id, exchanged, payment, waits=not advance),
            lines=[exchanged],
            advance=advance,
            token=token if advance else None,
        )
    state = Return(
        return_id=return_id,
        order_id=order.order_id,
        external_id=order.terms.external_id,
        channel=Channel.WEB,
        customer_ref=order.terms.customer_ref,
        locale="en",
        currency="EUR",
        kind=kind,
        via=ReturnVia.STORE,
        store_id=shop.store(),
        requested_at=now,
        requested_by=WEB,
        policy_name="standard",
        policy_version=0,
        lines=[line],
        exchange=exchange,
    )
    key = await shop.keys.key_for_customer(CustomerRef(state.customer_ref), now)
    await shop.keys.bind(return_workflow_id(return_id), key.id)
    start = WithStartWorkflowOperation(
        ReturnWorkflow.run,
        messages.ReturnStart(asked=state),
        id=return_workflow_id(return_id),
        task_queue=options.ORDERS,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    handle = await shop.client.start_update_with_start_workflow(
        ReturnWorkflow.request,
        id="request",
        start_workflow_operation=start,
        wait_for_stage=WorkflowUpdateStage.COMPLETED,
    )
    return WatchedReturn(shop, return_id, await handle.result(), exchange)


async def replacement(
    shop: Shop,
    order: WatchedOrder,
    return_id: ReturnId,
    line: ExchangedLine,
    payment: TenderTerms | None,
    *,
    waits: bool,
) -> OrderTerms:
    """Collected at the first store, like what it replaces."""
    now = await shop.clock()
    wanted = line_of(LINE, line.sku, line.quantity, total=line.total, tax=0, price=line.total // line.quantity)
    terms = OrderTerms(
        order_id=order_id(now, secrets.token_bytes(10)),
        channel=order.terms.channel,
        external_id=f"{order.terms.external_id}-X",
        placed_at=now,
        received_at=now,
        currency="EUR",
        locale="en",
        customer_ref=order.terms.customer_ref,
        lines=[wanted],
        pickups=[PickupTerms(n=1, fulfilment="x1", store_id=shop.store(), mode="counter")],
        tenders=tenders_for(line.credit, line.total, payment),
        shipping_total=0,
        total=line.total,
        content_hash=return_id,
        policy=shop.policy,
        rules=ChannelRules(screening=False, change_window=timedelta(0)),
        actor=WEB,
        exchange=ExchangeOf(return_id=return_id, order_id=order.order_id, waits=waits),
    )
    key = await shop.keys.key_for_customer(CustomerRef(terms.customer_ref), now)
    await shop.keys.bind(order_workflow_id(terms.order_id), key.id)
    return terms


def by_card(amount: int, token: str = "tok_ok") -> TenderTerms:
    return TenderTerms(tender_id=TenderId("t2"), type=TenderType.CARD, amount=amount, token=token)
