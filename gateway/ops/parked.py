"""`/v1/ops/parked`: starts and events that could not be brought to their order, so that a person sees them."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from domain.ids import OrderId
from domain.intake import Key
from gateway.audit import trail_of
from gateway.fields import Body
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import CurrentCaller
from gateway.problems import not_found
from gateway.rights import must_run_operations
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/ops/parked", route_class=CommandRoute, tags=["ops"])

MOST = 1_000


class ParkedShown(BaseModel):
    """A start that was promised, or an event; without `next_try_at` it was given up and waits for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["start", "event"]
    order_id: OrderId
    """For an event: the order that it names, which may be nobody's here."""
    since: datetime
    tries: int
    next_try_at: datetime | None
    given_up: bool
    provider: str | None = None
    event_id: str | None = None
    type: str | None = None


class RetryBody(Body):
    order_id: Key


class Retried(BaseModel):
    """How many starts and events of the order are tried again at the next look, within seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    starts: int
    events: int


@router.get("", summary="Starts and events that did not reach their order, those that were given up first")
async def parked(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[ParkedShown]:
    await caller.must_be(PrincipalKind.OPS)
    async with services.transactions.begin() as books:
        starts = await books.intake.late(MOST)
    events = [each for each in await services.events.parked(limit=MOST) if each.tries]
    items = [
        ParkedShown(
            kind="start",
            order_id=each.order_id,
            since=each.promised_at,
            tries=each.tries,
            next_try_at=each.next_try_at,
            given_up=each.next_try_at is None,
        )
        for each in starts
    ] + [
        ParkedShown(
            kind="event",
            order_id=each.event.order_id,
            since=each.event.received_at,
            tries=each.tries,
            next_try_at=each.next_try_at,
            given_up=each.next_try_at is None,
            provider=each.event.provider,
            event_id=each.event.event_id,
            type=each.event.type,
        )
        for each in events
    ]
    return page_of(page, sorted(items, key=lambda each: (not each.given_up, each.since)))


@router.post("/retry", summary="Try an order's start and events again now, given up or not")
async def retry(
    body: RetryBody, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId
) -> Retried:
    await must_run_operations(caller)
    order_id, now = OrderId(body.order_id), services.now()
    async with services.transactions.begin() as books:
        starts = int(await books.intake.try_again(order_id, now))
    events = await services.events.try_again(order_id, now)
    if not starts and not events:
        raise not_found()
    await trail_of(caller.request).write(caller.actor, "retry parked", order_id, AuditOutcome.DONE)
    return Retried(order_id=order_id, starts=starts, events=events)
