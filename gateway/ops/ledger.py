"""`GET /v1/orders/{order_id}/ledger`: the money of one order as our books have it, with what is wrong in them."""

from fastapi import APIRouter

from adapters.access.port import PrincipalKind
from domain.ids import OrderId
from domain.ledger import OrderStatement
from gateway.principals import CallerRoute, CurrentCaller
from gateway.reading import visible_order
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/orders/{order_id}/ledger", route_class=CallerRoute, tags=["orders"])


@router.get("", summary="Our ledger of the order; `violations` names the rules of money that it breaks")
async def ledger(order_id: str, caller: CurrentCaller, services: CurrentServices) -> OrderStatement:
    await caller.must_be(PrincipalKind.CHANNEL, PrincipalKind.OPS)
    await visible_order(services, caller, OrderId(order_id))
    return await services.payments.statement(OrderId(order_id))
