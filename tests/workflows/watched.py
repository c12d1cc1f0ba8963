"""One order under test: commands go in as updates; what is seen is what an outsider sees.

Seen are the record, the timeline, the stock ledger, the provider's ledger and the outbox; never the workflow's state.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle, WorkflowHistory, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from adapters.payment.port import Payments
from adapters.transaction.port import Transactions
from domain.actors import Actor, ActorKind, Channel
from domain.carriage import ParcelStatus
from domain.dropship import PartnerId, PartnerRequestId, request_status
from domain.ids import CommandId, LineId, OrderId, StoreId, order_workflow_id
from domain.ledger import OrderGoods
from domain.notices import Notice
from domain.parcels import Parcel, Resolution
from domain.refusals import Refusal, RefusalKind, Refused
from domain.returns.exchanging import is_credit
from domain.stock import RejectReason
from domain.terms import OrderTerms
from domain.timeline import TimelineEntry
from domain.views import OrderView
from gateway.commands import Ended, is_not_found
from workflows import messages, options
from workflows.messages import CancelAnswer, GroupAnswer, OrderAnswer, OrderResult, Placed
from workflows.order import OrderWorkflow

PATIENCE = 40.0
OVERTAKEN = ("AcceptedUpdateCompletedWorkflow", "WorkflowUpdateAbortedByWorkflowClosing")
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="customer", channel=Channel.WEB)

ProviderLedger = Callable[[OrderId], Awaitable[list[dict[str, Any]]]]
Answer = TypeVar("Answer")


@dataclass
class WatchedOrder:
    client: Client
    transactions: Transactions
    payments: Payments
    ledger: ProviderLedger
    terms: OrderTerms
    placed: Placed | None

    @property
    def order_id(self) -> OrderId:
        return self.terms.order_id

    @property
    def handle(self) -> WorkflowHandle[OrderWorkflow, OrderResult]:
        return self.client.get_workflow_handle_for(OrderWorkflow.run, order_workflow_id(self.order_id))

    @property
    def refusal(self) -> Refusal:
        """Why the order was refused; that it stands is a failure of the test."""
        assert self.placed is not None
        assert self.placed.refusal is not None, f"it stands: {self.placed}"
        return self.placed.refusal

    # --- what people do ----------------------------------------------------------------------------------------------

    async def tell(self, update: Callable[..., Awaitable[Answer]], command: messages.Command) -> Answer:
        """Send a command and wait for its answer. Raises `Refused`, or `Ended` when the order's process is over."""
        try:
            return await self.handle.execute_update(update, command, id=command.command_id)  # type: ignore[arg-type, no-any-return, call-overload]
        except WorkflowUpdateFailedError as error:
            raise refusal_of(error) from None
        except RPCError as error:
            raise (Ended() if is_not_found(error) else error) from None

    def store(self, n: int = 1, **more: Any) -> dict[str, Any]:
        """What every command of a store carries."""
        place = self.terms.pickups[0].store_id if self.terms.pickups else None
        actor = Actor(kind=ActorKind.STORE, id="store", channel=Channel.STORE, place=place)
        return {"command_id": new_id(), "actor": actor, "n": n} | more

    def customer(self, **more: Any) -> dict[str, Any]:
        return {"command_id": new_id(), "actor": CUSTOMER} | more

    async def accept(self, n: int = 1, **more: Any) -> GroupAnswer:
        return await self.tell(OrderWorkflow.accept, messages.Accept(**self.store(n, **more)))

    async def reject(self, reason: RejectReason, n: int = 1, **more: Any) -> GroupAnswer:
        return await self.tell(OrderWorkflow.reject, messages.Reject(**self.store(n, reason=reason, **more)))

    async def pick(self, quantity: int, n: int = 1, **more: Any) -> GroupAnswer:
        lines = {LineId("1"): quantity}
        return await self.tell(OrderWorkflow.pick, messages.Pick(**self.store(n, lines=lines, **more)))

    async def stage(self, n: int = 1, **more: Any) -> GroupAnswer:
        return await self.tell(OrderWorkflow.ready, messages.MakeReady(**self.store(n, location="A1", **more)))

    async def make_ready(self, quantity: int, n: int = 1) -> GroupAnswer:
        """The store does all its work: accepts, picks everything, stages it."""
        await self.accept(n)
        await self.pick(quantity, n)
        return await self.stage(n)

    async def hand_over(self, quantity: int | None = None, n: int = 1, **more: Any) -> GroupAnswer:
        """The customer shows the first code at the counter and gets `quantity` units, or all that are ready."""
        lines = {LineId("1"): quantity} if quantity is not None else None
        command = self.store(n, lines=lines, **{"code_serials": [1], **more})
        return await self.tell(OrderWorkflow.hand_over, messages.GiveOut(**command))

    async def extend(self, until: datetime, n: int = 1) -> GroupAnswer:
        return await self.tell(OrderWorkflow.extend, messages.ExtendWindow(**self.store(n, until=until)))

    async def put_back(self, n: int = 1) -> GroupAnswer:
        return await self.tell(OrderWorkflow.put_back, messages.PutBack(**self.store(n)))

    # --- what places and carriers do with shipments ------------------------------------------------------------------

    async def pack(self, quantity: int, n: int = 1, **more: Any) -> GroupAnswer:
        lines = {LineId("1"): quantity}
        return await self.tell(OrderWorkflow.pack, messages.Pack(**self.store(n, lines=lines, **more)))

    async def make_packed(self, quantity: int, n: int = 1) -> GroupAnswer:
        """The place does all its work before the carrier comes: accepts, picks, packs."""
        await self.accept(n)
        await self.pick(quantity, n)
        return await self.pack(quantity, n)

    async def ship(self, quantity: int | None = None, n: int = 1, **more: Any) -> Parcel:
        """A carrier takes packed units away, under a number by hand unless `carrier` is none; the parcel."""
        lines = {LineId("1"): quantity} if quantity is not None else None
        by_hand = {"carrier": "Handcart", "tracking_number": f"HC-{new_id()}"}
        command = messages.Ship(**self.store(n, lines=lines, **by_hand | more))
        answer = await self.tell(OrderWorkflow.ship, command)
        return answer.group.parcels[-1]

    async def arrive(self, n: int = 1, **more: Any) -> GroupAnswer:
        """The store receives what another place has sent to it."""
        return await self.tell(OrderWorkflow.arrive, messages.Receive(**self.store(n, **more)))

    async def carrier_says(self, parcel: Parcel, status: ParcelStatus) -> None:
        news = messages.CarrierEvent(
            event_id=new_id(),
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            at=parcel.shipped_at + timedelta(hours=1),
            said=status.value,
            status=status,
        )
        await self.handle.signal(OrderWorkflow.carrier_event, news)

    async def partner_tells(self, said: str, request_id: str, *, event_id: str | None = None, n: int = 1) -> str:
        """An event of the partner's, whatever is true; its id."""
        news = messages.PartnerEvent(
            event_id=event_id or new_id(),
            n=n,
            partner=PartnerId("P001"),
            request_id=PartnerRequestId(request_id),
            at=datetime.now(UTC),
            said=said,
            status=request_status(said),
        )
        await self.handle.signal(OrderWorkflow.partner_event, news)
        return news.event_id

    async def answer_stop(self, *, stopped: bool, n: int = 1) -> GroupAnswer:
        return await self.tell(OrderWorkflow.cancel_answer, messages.AnswerStop(**self.store(n, stopped=stopped)))

    async def decide(self, resolution: Resolution, n: int = 1, **more: Any) -> GroupAnswer:
        command = messages.DecideClaim(**self.customer(n=n, resolution=resolution, **more))
        return await self.tell(OrderWorkflow.decide_claim, command)

    async def assign(self, quantity: int, location_id: StoreId) -> GroupAnswer:
        lines = {LineId("1"): quantity}
        command = messages.Assign(**self.customer(lines=lines, location_id=location_id, reason="by hand"))
        return await self.tell(OrderWorkflow.assign, command)

    async def choose(
        self, option: messages.ChoiceOption, store_id: StoreId | None = None, n: int | None = None
    ) -> GroupAnswer:
        command = messages.Choose(**self.customer(option=option, store_id=store_id, n=n))
        return await self.tell(OrderWorkflow.choose, command)

    async def cancel(self, quantity: int | None = None, **more: Any) -> CancelAnswer:
        lines = {LineId("1"): quantity} if quantity is not None else None
        return await self.tell(OrderWorkflow.cancel, messages.Cancel(**self.customer(lines=lines, **more)))

    async def pay(self, *tenders: Any) -> OrderAnswer:
        return await self.tell(OrderWorkflow.pay, messages.Pay(**self.customer(tenders=list(tenders))))

    async def refused(self, command: Awaitable[Any]) -> RefusalKind:
        """Why a command is refused; that it is done is a failure of the test."""
        try:
            answer = await command
        except Refused as refused:
            return refused.refusal.kind
        raise AssertionError(f"it was done: {answer!r}")

    # --- what an outsider sees ---------------------------------------------------------------------------------------

    async def record(self) -> OrderView:
        async with self.transactions.begin() as books:
            view = await books.records.order(self.order_id, hidden=True)
        assert view is not None, "there is no record of this order"
        return view

    async def is_recorded(self) -> bool:
        async with self.transactions.begin() as books:
            return await books.records.order(self.order_id, hidden=True) is not None

    async def timeline(self) -> list[TimelineEntry]:
        async with self.transactions.begin() as books:
            return [stored.entry for stored in await books.records.timeline(self.order_id, after=0, limit=1000)]

    async def events(self) -> list[str]:
        return [entry.event.value for entry in await self.timeline()]

    async def notices(self) -> list[Notice]:
        async with self.transactions.begin() as books:
            return [entry.notice for entry in await books.outbox.list_for_order(self.order_id)]

    async def money(self) -> list[str]:
        """What the provider did for this order, in its own ledger."""
        return [
            f"{entry['operation']} {entry['amount']}"
            + ("" if entry["status"] == "succeeded" else f" {entry['status']}")
            for entry in await self.ledger(self.order_id)
        ]

    async def until(self, condition: Callable[[OrderView], bool], within: float = PATIENCE) -> OrderView:
        """Wait until the record says so."""
        end = asyncio.get_running_loop().time() + within
        while not condition(view := await self.record()):
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"it did not come to that: {view.status}, waiting for {view.waiting_for}")
            await asyncio.sleep(0.02)
        return view

    async def until_event(self, event: str, times: int = 1) -> list[TimelineEntry]:
        """Wait until the timeline shows `event` so often; those entries."""
        found: list[TimelineEntry] = []
        for _ in range(int(PATIENCE / 0.02)):
            found = [entry for entry in await self.timeline() if entry.event.value == event]
            if len(found) >= times:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"{event} was seen {len(found)} times: {await self.events()}")

    async def waits(self) -> list[str]:
        return [wait.what for wait in (await self.record()).waiting_for]

    async def ended(self, within: float = PATIENCE) -> OrderView:
        """Wait for the order's end, hold all books to what must be true of an ended order; the record."""
        result: OrderResult = await asyncio.wait_for(self.handle.result(), within)
        view = await self.record()
        assert (view.status, view.version, view.payment) == (result.status, result.version, result.payment)
        assert not view.waiting_for
        await self.audit()
        assert not [entry for entry in await self.ledger(self.order_id) if entry["held"]], "money is still held"
        return view

    async def audit(self) -> None:
        """Units, stock and money agree with each other and with the provider, now."""
        view = await self.record()
        for line in view.lines:
            states = (line.open, line.allocated, line.picked, line.ready, line.handed_over, line.cancelled, line.lost)
            assert sum(states) + line.shipped + line.delivered == line.ordered, f"units got lost or doubled: {line}"
        async with self.transactions.begin() as books:
            holdings = await books.inventory.holdings(self.order_id)
        # What is sent to a store stays ours until it is handed over there.
        gone = [parcel for group in view.groups if not group.ship_to_store for parcel in group.parcels]
        left = sum(sum(parcel.lines.values()) for parcel in gone)
        assert sum(each.consumed for each in holdings) == sum(line.handed_over for line in view.lines) + left
        goods = OrderGoods(delivered_or_kept=view.payment.captured - view.payment.refunded)
        statement = await self.payments.statement(self.order_id, goods)
        assert statement.violations == ()
        moved = dict.fromkeys(("capture", "refund"), 0)
        for entry in await self.ledger(self.order_id):
            if entry["operation"] in moved and entry["status"] == "succeeded":
                moved[entry["operation"]] += entry["amount"]
        # What a return's value paid is ours: no provider has heard of it.
        credit = {each.tender_id for each in statement.authorisations if is_credit(each.id)}
        ours = [tender for tender in statement.tenders if tender.tender_id not in credit]
        assert sum(tender.captured for tender in ours) == moved["capture"]
        assert sum(tender.refunded for tender in ours) == moved["refund"]

    async def history(self) -> WorkflowHistory:
        return await self.handle.fetch_history()


def new_id() -> CommandId:
    return CommandId(secrets.token_hex(8))


def refusal_of(error: WorkflowUpdateFailedError) -> Exception:
    """The refusal that a failed update carries, or that the order's end overtook it; any other failure stays."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == options.REFUSED:
        return Refused(Refusal.model_validate(cause.details[0]))
    if isinstance(cause, ApplicationError) and cause.type in OVERTAKEN:
        return Ended()
    return error
