"""`GET /v1/ops/messages`: what could not be told, for a person to settle: another way, a corrected address, a copy."""

from fastapi import APIRouter
from pydantic import ConfigDict

from adapters.access.port import PrincipalKind
from domain.ids import OrderId
from gateway.channels.messages import MessageShown, message_shown
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import CallerRoute, CurrentCaller
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/ops/messages", route_class=CallerRoute, tags=["ops"])

MOST = 1_000


class Undelivered(MessageShown):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId


@router.get("", summary="Messages that were given up, newest first")
async def undelivered(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[Undelivered]:
    await caller.must_be(PrincipalKind.OPS)
    async with services.transactions.begin() as books:
        entries = await books.outbox.list_failed(MOST)
    return page_of(page, [Undelivered(**dict(message_shown(e)), order_id=e.notice.order_id) for e in entries])
