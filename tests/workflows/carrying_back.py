"""A return under test: what customers, stores, carriers and operators do with it, and what an outsider sees of it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import WithStartWorkflowOperation, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Replayer

from adapters.keys.port import CustomerRef
from adapters.locker.memory import MemoryLockers
from domain.actors import Actor, ActorKind, Channel
from domain.carriage import ParcelStatus
from domain.ids import LineId, OrderId, ReturnId, return_workflow_id
from domain.locker_stays import LockerNews, LockerStay
from domain.lockers import CompartmentId, LockerId
from domain.returns.carried import ReturnParcel
from domain.returns.policy import ReturnTerms
from domain.returns.returned import Return, ReturnedLine, ReturnView
from domain.returns.standing import StandingCard
from domain.returns.words import ItemCondition, ReturnDisposition, ReturnVia
from gateway.showing import address_subject
from tests.domain.sample_returns import a_return, returned_line
from tests.workflows.shop import OPS, PRICE, Shop
from tests.workflows.watched import PATIENCE, WatchedOrder, new_id
from workers.plugin import throughline_plugin
from workflows import messages, options
from workflows import return_messages as said
from workflows.messages import InterventionAction
from workflows.returns import ReturnWorkflow

LINE = LineId("1")


async def delivered(shop: Shop, quantity: int = 2, **varied: Any) -> WatchedOrder:
    """An order that was shipped, and that its customer has."""
    order = await shop.place_to_ship(quantity, **varied)
    await order.make_packed(quantity)
    await order.carrier_says(await order.ship(quantity), ParcelStatus.DELIVERED)
    await order.ended()
    return order


@dataclass
class WatchedReturn:
    shop: Shop
    order: WatchedOrder
    asked: Return

    @classmethod
    async def of(
        cls,
        shop: Shop,
        order: WatchedOrder,
        via: ReturnVia,
        quantity: int = 2,
        terms: dict[str, Any] | None = None,
        card: str | None = None,
    ) -> "WatchedReturn":
        """Asked for as the gateway does it, and approved by the policy."""
        now = await shop.clock()
        line: ReturnedLine = returned_line(
            LINE,
            quantity,
            sku=shop.sku,
            needs={shop.sku: 1},
            terms=ReturnTerms.model_validate(terms or {}),
            unit_worth=PRICE,
        )
        way: dict[str, Any] = {}
        if via is ReturnVia.POST:
            way = {
                "parcel": ReturnParcel(to=shop.store()),
                "sends_from": "DE",
                "sender": address_subject(order.order_id, 1),
            }
        elif via is ReturnVia.LOCKER:
            way = {"drop": LockerStay(locker_id=LockerId(shop.locker_id), store_id=shop.store())}
        asked = a_return(
            line,
            return_id=secrets.token_hex(12),
            order_id=order.order_id,
            via=via,
            requested_at=now,
            customer_ref=order.terms.customer_ref,
            external_id=order.terms.external_id,
            store_id=shop.store(),
            card=StandingCard(token=card, at_most=quantity * PRICE) if card is not None else None,
            **way,
        )
        found = cls(shop, order, asked)
        await found._start()
        return found

    async def _start(self) -> None:
        workflow_id = return_workflow_id(self.asked.return_id)
        key = await self.shop.keys.key_for_customer(CustomerRef(self.asked.customer_ref), self.asked.requested_at)
        await self.shop.keys.bind(workflow_id, key.id)
        start = WithStartWorkflowOperation(
            ReturnWorkflow.run,
            said.ReturnStart(asked=self.asked),
            id=workflow_id,
            task_queue=options.ORDERS,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
        )
        opened = await self.shop.client.execute_update_with_start_workflow(
            ReturnWorkflow.request, start_workflow_operation=start
        )
        assert opened.refusal is None, opened.refusal

    @property
    def return_id(self) -> ReturnId:
        return self.asked.return_id

    @property
    def handle(self) -> WorkflowHandle[ReturnWorkflow, said.ReturnResult]:
        return self.shop.client.get_workflow_handle_for(ReturnWorkflow.run, return_workflow_id(self.return_id))

    # --- what people do ----------------------------------------------------------------------------------------------

    async def tell(self, update: Callable[..., Awaitable[said.ReturnAnswer]], command: messages.Command) -> ReturnView:
        answer: said.ReturnAnswer = await self.handle.execute_update(update, command, id=command.command_id)  # type: ignore[call-overload]
        return answer.view

    def store(self, **more: Any) -> dict[str, Any]:
        place = self.shop.store()
        return {
            "command_id": new_id(),
            "actor": Actor(kind=ActorKind.STORE, id="store", channel=Channel.STORE, place=place),
        } | more

    async def receive(self, quantity: int, *, accepted: bool = True, inspected: bool = True) -> ReturnView:
        """The store takes it in, and says where it goes at once, if it has looked at it."""
        to = ReturnDisposition.RESTOCK if accepted else ReturnDisposition.BACK_TO_CUSTOMER
        looked = {"condition": ItemCondition.NEW, "disposition": to} if inspected else {}
        units = said.ReceivedUnits(line_id=LINE, quantity=quantity, **looked)
        command = said.ReceiveReturn(**self.store(store_id=self.shop.store(), lines=[units]))
        return await self.tell(ReturnWorkflow.receive, command)

    async def settle(self) -> ReturnView:
        return await self.tell(ReturnWorkflow.settle, said.SettleReturn(**self.store()))

    async def cancel(self) -> ReturnView:
        return await self.tell(ReturnWorkflow.cancel, said.CancelReturn(**self.store()))

    async def decides(self, step: str, action: InterventionAction) -> ReturnView:
        """A person answers the question that has `step` in it, once it is asked."""
        view = await self.until(lambda view: any(step in each.step for each in view.interventions))
        asked = next(each for each in view.interventions if step in each.step)
        assert action.value in asked.choices
        command = messages.Intervene(
            command_id=new_id(), actor=OPS, intervention_id=asked.intervention_id, action=action, reason="seen"
        )
        return await self.tell(ReturnWorkflow.intervene, command)

    # --- what outsiders do -------------------------------------------------------------------------------------------

    async def carrier_says(self, *statuses: ParcelStatus, event_id: str | None = None) -> None:
        view = await self.record()
        assert view.parcel is not None
        assert view.parcel.status_at is not None
        assert view.parcel.tracking_number is not None
        at = view.parcel.status_at
        for status in statuses:
            at += timedelta(hours=1)
            word = said.CarrierWord(
                event_id=event_id or new_id(),
                tracking_number=view.parcel.tracking_number,
                at=at,
                said=status.value,
                status=status,
            )
            await self.handle.signal(ReturnWorkflow.carrier_word, word)

    async def operator_says(self, lockers: MemoryLockers) -> None:
        """How the compartment stands now."""
        view = await self.record()
        assert view.locker is not None
        assert view.locker.compartment_id is not None
        now = await lockers.compartment(CompartmentId(view.locker.compartment_id))
        news = LockerNews(
            event_id=f"{now.id}:{now.status}",
            compartment_id=now.id,
            at=now.status_at,
            said=now.status.value,
            status=now.status,
            collect_by=now.collect_by,
        )
        await self.handle.signal(ReturnWorkflow.locker_news, news)

    # --- what everybody sees -----------------------------------------------------------------------------------------

    async def record(self) -> ReturnView:
        async with self.shop.transactions.begin() as books:
            view = await books.returns.get(self.return_id)
        assert view is not None, "there is no record of this return"
        return view

    async def until(self, condition: Callable[[ReturnView], bool], within: float = PATIENCE) -> ReturnView:
        end = asyncio.get_running_loop().time() + within
        while not condition(view := await self.record()):
            assert asyncio.get_running_loop().time() < end, f"it did not come to that: {view}"
            await asyncio.sleep(0.02)
        return view

    async def ended(self, within: float = PATIENCE) -> ReturnView:
        await asyncio.wait_for(self.handle.result(), within)
        view = await self.record()
        assert view.finished
        assert not view.waiting_for
        # Whoever takes it up after a worker was lost goes the same way.
        replayer = Replayer(
            workflows=[ReturnWorkflow], plugins=[throughline_plugin(self.shop.vault_keys, sandbox=True)]
        )
        await replayer.replay_workflow(await self.handle.fetch_history())
        return view

    async def held(self) -> list[str]:
        """What the provider did with the card that stands for what is paid back in advance."""
        entries = await self.shop.ledger(OrderId(self.return_id))
        return [f"{entry['operation']} {entry['amount']}" for entry in entries]

    async def told(self) -> list[str]:
        """The kinds of notices about the return, in their order."""
        found = await self.order.notices()
        return [notice.kind.value for notice in found if str(self.return_id) in notice.key]
