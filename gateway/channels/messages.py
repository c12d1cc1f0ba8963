"""`/v1/orders/{order_id}/messages`: what was told to whom, and telling it again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict

from adapters.access.port import PrincipalKind
from adapters.notification.port import NoticeState, OutboxEntry, UnknownNotice
from domain.ids import OrderId
from domain.notices import Audience, NoticeKind
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import CurrentCaller
from gateway.problems import not_found
from gateway.reading import visible_order
from gateway.rights import must_act_as
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/orders/{order_id}/messages", route_class=CommandRoute, tags=["orders"])


class MessageShown(BaseModel):
    """One notice and what became of it; never its words, and never the address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: NoticeKind
    audience: Audience
    group_id: str | None
    store_id: str | None
    at: datetime
    state: NoticeState
    attempts: int
    next_attempt_at: datetime | None
    settled_at: datetime | None
    last_error: str | None
    requested_by: str | None
    """Who asked for this copy."""


class Resent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str


@router.get("", summary="Messages about the order, in their order")
async def messages(
    order_id: str, caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> Page[MessageShown]:
    await visible_order(services, caller, OrderId(order_id))
    async with services.transactions.begin() as books:
        entries = await books.outbox.list_for_order(OrderId(order_id))
    return page_of(page, [message_shown(entry) for entry in entries])


@router.post("/{message_id}/resend", status_code=202, summary="Send a copy")
async def resend(
    order_id: str,
    message_id: Annotated[str, Path(max_length=200)],
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Resent:
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.OPS)
    order = await visible_order(services, caller, OrderId(order_id))
    async with services.transactions.begin() as books:
        entries = await books.outbox.list_for_order(OrderId(order_id))
        if message_id not in {entry.notice.key for entry in entries}:
            raise not_found()
        try:
            key = await books.outbox.resend(message_id, services.now(), caller.actor, order.contact)
        except UnknownNotice:
            raise not_found() from None
    return Resent(id=key)


def message_shown(entry: OutboxEntry) -> MessageShown:
    notice = entry.notice
    return MessageShown(
        id=notice.key,
        kind=notice.kind,
        audience=notice.audience,
        group_id=notice.group_id,
        store_id=notice.store_id,
        at=notice.at,
        state=entry.state,
        attempts=entry.attempts,
        next_attempt_at=entry.next_attempt_at,
        settled_at=entry.settled_at,
        last_error=entry.last_error,
        requested_by=entry.requested_by.id if entry.requested_by else None,
    )
