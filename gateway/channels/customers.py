"""`GET /v1/customers/{ref}`: one customer with the orders of every channel."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import ConfigDict

from adapters.access.port import PrincipalKind
from adapters.records.port import OrderFilter
from gateway.channels.orders import list_orders
from gateway.paging import CurrentPage
from gateway.principals import CallerRoute, CurrentCaller
from gateway.problems import not_found
from gateway.reading import visible_order
from gateway.services import CurrentServices
from gateway.showing import CustomerShown, OrderShown, order_shown

router = APIRouter(prefix="/v1/customers/{ref}", route_class=CallerRoute, tags=["customers"])


class CustomerView(CustomerShown):
    """As the newest order has the person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orders: list[OrderShown]
    next_cursor: str | None


@router.get("", summary="A customer, with the orders of every channel")
async def read(
    ref: Annotated[str, Path(max_length=64)], caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> CustomerView:
    await caller.must_be(PrincipalKind.CHANNEL, PrincipalKind.OPS)
    found = await list_orders(services, caller, page, OrderFilter(customer_ref=ref))
    if not found.items and page.after is None:
        raise not_found()
    person = CustomerShown(ref=ref)
    if found.items:
        newest = await visible_order(services, caller, found.items[0].order_id)
        person = (await order_shown(services, caller, newest)).customer
    return CustomerView(**dict(person), orders=list(found.items), next_cursor=found.next_cursor)
