"""`/v1/orders`: placing orders, reading them, and their timelines."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict

from adapters.records.port import OrderFilter, StoredEvent
from domain.actors import Channel
from domain.ids import OrderId
from domain.intake import OrderBody
from domain.timeline import Event
from domain.views import OrderStatus
from gateway.answering import PENDING, pending
from gateway.channels.placing import place_order
from gateway.commands import StillWorking
from gateway.idempotency import CommandRoute
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.reading import visible_order, within_sight
from gateway.services import CurrentServices
from gateway.showing import STAFF, OrderShown, order_in_list, order_shown

router = APIRouter(prefix="/v1/orders", route_class=CommandRoute, tags=["orders"])


class TimelineItem(BaseModel):
    """One business event. `actor` is an account or a customer's reference, never a person's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    event: Event
    actor: str
    actor_kind: str
    on_behalf_of: str | None
    channel: Channel
    place: str | None
    reason: str | None
    data: dict[str, Any]


EXAMPLE = {
    "channel": "web",
    "external_id": "W-1001",
    "placed_at": "2026-11-22T10:00:00Z",
    "currency": "EUR",
    "locale": "de-DE",
    "customer": {"ref": "C-77", "name": "Test Customer", "email": "customer@example.org", "phone": "+49301234567"},
    "lines": [
        {
            "line_id": "1",
            "sku": "SHOE-42",
            "quantity": 2,
            "unit_price": 4999,
            "discount": 0,
            "tax": 1596,
            "fulfilment": "f1",
        }
    ],
    "prices_include_tax": True,
    "fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S001", "mode": "counter"}],
    "shipping_total": 0,
    "total": 9998,
    "tenders": [{"type": "card", "token": "tok_ok", "amount": 9998}],
}


@router.post(
    "",
    status_code=201,
    summary="Place an order; the answer is its fate",
    openapi_extra={"requestBody": {"content": {"application/json": {"example": EXAMPLE}}}},
    response_model=OrderShown,
    responses={200: {"model": OrderShown, "description": "The same order again"}, **PENDING},
)
async def place(body: OrderBody, caller: CurrentCaller, services: CurrentServices, response: Response) -> Any:
    try:
        taken = await place_order(services, caller, body)
    except StillWorking as working:
        return pending(f"/v1/orders/{working}")
    response.status_code = 201 if taken.is_new else 200
    response.headers["Location"] = f"/v1/orders/{taken.view.order_id}"
    return await order_shown(services, caller, taken.view)


@router.get("", summary="Find orders, newest first")
async def find(
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    channel: Channel | None = None,
    external_id: Annotated[str | None, Query(max_length=64)] = None,
    customer: Annotated[str | None, Query(max_length=64)] = None,
    status: OrderStatus | None = None,
    store: Annotated[str | None, Query(max_length=64)] = None,
) -> Page[OrderShown]:
    wanted = OrderFilter(channel=channel, external_id=external_id, customer_ref=customer, status=status, store_id=store)
    return await list_orders(services, caller, page, wanted)


async def list_orders(
    services: CurrentServices, caller: Caller, page: CurrentPage, wanted: OrderFilter
) -> Page[OrderShown]:
    seen = within_sight(caller, wanted)
    if seen is None:
        return page.page([], None)
    async with services.transactions.begin() as books:
        found = await books.records.find(seen, after=_position(page), limit=page.limit + 1)
    views = found[: page.limit]
    last = views[-1] if len(found) > page.limit else None
    items = [order_in_list(services, caller, view) for view in views]
    return page.page(items, (last.placed_at.isoformat(), last.order_id) if last else None)


def _position(page: CurrentPage) -> tuple[datetime, str] | None:
    if page.after is None:
        return None
    placed_at, order_id = page.after
    return datetime.fromisoformat(str(placed_at)), str(order_id)


@router.get("/{order_id}", summary="One order")
async def read(order_id: str, caller: CurrentCaller, services: CurrentServices) -> OrderShown:
    view = await visible_order(services, caller, OrderId(order_id))
    return await order_shown(services, caller, view)


@router.get("/{order_id}/timeline", summary="What happened, in order")
async def timeline(
    order_id: str, caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> Page[TimelineItem]:
    await visible_order(services, caller, OrderId(order_id))
    after = int(page.after[0] or 0) if page.after is not None else 0
    async with services.transactions.begin() as books:
        found = await books.records.timeline(OrderId(order_id), after=after, limit=page.limit + 1)
    events = found[: page.limit]
    items = [_item(event, caller) for event in events]
    return page.page(items, (events[-1].position,) if len(found) > page.limit else None)


def _item(event: StoredEvent, caller: Caller) -> TimelineItem:
    entry = event.entry
    actor = entry.actor
    # Other sellers' systems see that a store or an office acted, not who.
    hidden = not caller.sees_all_orders and actor.kind.value in _STAFF_KINDS and actor.id != caller.principal.id
    return TimelineItem(
        at=entry.at,
        event=entry.event,
        actor=STAFF if hidden else actor.id,
        actor_kind=actor.kind,
        on_behalf_of=None if hidden else actor.on_behalf_of,
        channel=actor.channel,
        place=actor.place,
        reason=entry.reason,
        data=entry.data.model_dump(mode="json"),
    )


_STAFF_KINDS: frozenset[Literal["store", "ops"]] = frozenset({"store", "ops"})
