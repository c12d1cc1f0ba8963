"""`POST /v1/pickups/{order_id}/{n}/extras`: what a customer buys at the counter besides the order.

It is a sale of its own, linked with the order, and paid in one go with it: by the card of the order, unless the store
names another way.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from adapters.keys.port import KeyErased
from adapters.vault.port import Subject
from domain.groups import GroupStatus
from domain.ids import CommandId, OrderId, StoreId, derived_id
from domain.intake import (
    MAX_LINES,
    Amount,
    Customer,
    Fulfilment,
    Key,
    Line,
    Method,
    OrderBody,
    Quantity,
    Tender,
    TenderType,
)
from domain.personal import PersonalData
from domain.terms import SaleOf
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import OrderView
from gateway import commands
from gateway.answering import PENDING, pending
from gateway.channels.placing import place_order
from gateway.channels.tenders import TAKEN
from gateway.commands import PATIENCE, Ended, StillWorking, handle_of, is_not_found
from gateway.fields import Body, Instant
from gateway.happened import check_happened
from gateway.idempotency import CommandRoute
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind, invalid
from gateway.reading import visible_order
from gateway.services import CurrentServices, Services
from gateway.showing import OrderShown, order_shown, person_of
from gateway.stores.sending import Number, pickup_of
from workflows.messages import NoteSale
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/pickups/{order_id}/{n}", route_class=CommandRoute, tags=["stores"])

AT_THE_COUNTER = (GroupStatus.READY, GroupStatus.COLLECTED)


class ExtraLine(Body):
    sku: Key
    quantity: Quantity
    unit_price: Amount
    discount: Amount = 0
    tax: Amount = 0


class ExtrasBody(Body):
    external_id: Key
    """The till's own number of the sale: the same number is the same sale."""
    lines: Annotated[list[ExtraLine], Field(min_length=1, max_length=MAX_LINES)]
    prices_include_tax: bool = True
    sold_at: Instant | None = None
    """When left out, it counts from when the pickup was ready: the same request must be the same sale."""
    tender: Tender | None = None
    """`card` or `pay_in_store`; when left out, the card that pays for the order."""


class ExtrasShown(BaseModel):
    """Two records: the order that was collected, and the sale."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    n: int
    charged: int
    """For the extra items, minor units."""
    sale: OrderShown


@router.post(
    "/extras", status_code=201, summary="Sell more at the counter", response_model=ExtrasShown, responses=PENDING
)
async def extras(
    order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices, body: ExtrasBody, response: Response
) -> Any:
    check_happened(body.sold_at, "/sold_at", services.now())
    found = await pickup_of(services, caller, order_id, n)
    order = await visible_order(services, caller, found.order_id)
    if found.group.status not in AT_THE_COUNTER or found.group.store_id is None:
        detail = "More is sold to who collects: it must be ready first."
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, detail)
    ready_at = found.group.ready_at or order.placed_at
    wanted = await _as_order(services, caller, order, found.group.store_id, ready_at, body)
    try:
        taken = await place_order(services, caller, wanted, SaleOf(order_id=order.order_id, n=n))
    except StillWorking as working:
        return pending(f"/v1/orders/{working}")
    await _note(services, caller, order, n, taken.view)
    response.headers["Location"] = f"/v1/orders/{taken.view.order_id}"
    return ExtrasShown(
        order_id=order.order_id, n=n, charged=taken.view.total, sale=await order_shown(services, caller, taken.view)
    )


async def _as_order(
    services: Services, caller: Caller, order: OrderView, store_id: StoreId, ready_at: datetime, body: ExtrasBody
) -> OrderBody:
    lines = [
        Line(line_id=str(n), fulfilment="counter", **line.model_dump()) for n, line in enumerate(body.lines, start=1)
    ]
    for n, line in enumerate(lines):
        if line.discount > line.quantity * line.unit_price:
            raise invalid(f"/lines/{n}/discount", "Is more than the line's price")
    total = sum(line.total(body.prices_include_tax) for line in lines)
    tender = body.tender or await _card_of(services, order, total)
    if tender.type not in TAKEN:
        raise invalid("/tender/type", "Should be card, gift_card, store_credit or pay_in_store")
    if tender.amount != total:
        raise invalid("/tender/amount", f"The lines cost {total}")
    return OrderBody(
        channel=caller.principal.channel,
        external_id=body.external_id,
        placed_at=body.sold_at or ready_at,
        currency=order.currency,
        customer=await _customer(services, order),
        lines=lines,
        prices_include_tax=body.prices_include_tax,
        fulfilments=[Fulfilment(id="counter", method=Method.PICKUP, store_id=store_id)],
        total=total,
        tenders=[tender],
    )


async def _card_of(services: Services, order: OrderView, amount: int) -> Tender:
    try:
        token = await handle_of(services.temporal, order.order_id).query(
            OrderWorkflow.card_on_file, rpc_timeout=PATIENCE
        )
    except RPCError as fault:
        if not is_not_found(fault):
            raise
        token = None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError, KeyErased):
        token = None
    if token is None:
        raise invalid("/tender", "No card pays for this order: say how the extra items are paid")
    return Tender(type=TenderType.CARD, token=token, amount=amount)


async def _customer(services: Services, order: OrderView) -> Customer:
    """So that who bought more hears of it where the order's news go."""
    person = await person_of(services, Subject(order.order_id))
    if not isinstance(person, PersonalData):
        return Customer(ref=order.customer_ref)
    return Customer(ref=order.customer_ref, name=person.name, email=person.email, phone=person.phone)


async def _note(services: Services, caller: Caller, order: OrderView, n: int, sale: OrderView) -> None:
    """In the order's timeline too, once: by its process, or in its record when that is over."""
    command = NoteSale(
        command_id=CommandId(derived_id("sale", sale.order_id)),
        actor=caller.actor,
        n=n,
        sale_id=sale.order_id,
        amount=sale.total,
    )
    try:
        await commands.update(services.temporal, order.order_id, OrderWorkflow.note_sale, command)
    except StillWorking:
        return  # taken: it is written when the order gets to it
    except Ended:
        await _note_after_the_end(services, order, command)


async def _note_after_the_end(services: Services, order: OrderView, command: NoteSale) -> None:
    fact = {"group": command.n, "sale": command.sale_id, "amount": command.amount}
    entry = TimelineEntry(
        at=services.now(), event=Event.EXTRAS_SOLD, actor=command.actor, data=Fact.model_validate(fact)
    )
    async with services.transactions.begin() as books:
        await books.records.group(order.order_id, command.n, locked=True)
        known = await books.records.timeline(order.order_id, after=0, limit=10_000)
        if all(each.entry.data.model_dump().get("sale") != command.sale_id for each in known):
            await books.records.append(order.order_id, entry)
