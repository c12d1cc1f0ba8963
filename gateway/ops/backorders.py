"""`/v1/backorders`: how much may be sold beyond stock, until when supply is expected, and who waits for it."""

import asyncio
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from temporalio.service import RPCError

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from adapters.backorders.port import BackorderRule, Party
from adapters.keys.port import KeyErased, KeyMissing
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.intake import Key
from domain.supply import ANYWHERE
from gateway.audit import trail_of
from gateway.commands import PATIENCE, handle_of
from gateway.fields import Body, Deadline
from gateway.listing import page_of
from gateway.ops.data import KeyOrAny
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CallerRoute, CurrentCaller
from gateway.problems import invalid
from gateway.rights import must_run_operations
from gateway.services import CurrentServices, Services
from workflows.messages import SupplyRescheduled
from workflows.order import OrderWorkflow

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/backorders", route_class=CallerRoute, tags=["data"])

PROMPTLY = 1.0
"""Seconds that a call takes at most for telling orders of a new date; the sweeper tells the others."""
MOST = 200

Filter = Annotated[str | None, Query(min_length=1, max_length=64)]


class BackorderBody(Body):
    """How many units of an item may be sold beyond stock. `*`: at all places without a rule of their own, together.

    A new `expected_at` is told to everybody who waits, with the offer to cancel; the end of their wait moves with it.
    A smaller `cap` sends nobody away; 0 ends the selling. For a preorder the date is that of the release.
    """

    sku: Key
    location_id: KeyOrAny = ANYWHERE
    cap: Annotated[int, Field(ge=0, le=1_000_000_000)]
    expected_at: Deadline | None = None
    """When supply is expected; none: nobody knows."""


class RuleShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    location_id: StoreId
    cap: int
    waiting: int
    """Units that are sold beyond stock now."""
    left: int
    expected_at: datetime | None


class WaitingLine(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    line_id: LineId
    sku: Sku
    store_id: StoreId
    quantity: int
    """Pieces; a kit's line waits for each of its components."""


class WaitingShown(BaseModel):
    """One group of an order in the queue. It is served whole, and keeps its position until it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    n: int
    position: int
    since: datetime
    lines: list[WaitingLine]
    expected_at: datetime | None


@router.get("", summary="How much may be sold beyond stock, by item and place")
async def rules(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[RuleShown]:
    await _reads(caller)
    async with services.transactions.begin() as books:
        found = await books.backorders.rules()
    return page_of(page, [_rule_shown(rule) for rule in found])


@router.put("", summary="Set how much of an item may be sold beyond stock, and when supply is expected")
async def put(body: BackorderBody, caller: CurrentCaller, services: CurrentServices) -> RuleShown:
    await must_run_operations(caller)
    await _check(services, body)
    async with services.transactions.begin() as books:
        rule = await books.backorders.put(
            BackorderRule(
                sku=Sku(body.sku),
                location_id=StoreId(body.location_id),
                cap=body.cap,
                expected_at=body.expected_at,
            )
        )
    await trail_of(caller.request).write(
        caller.actor, "set backorder", f"{body.sku}/{body.location_id}", AuditOutcome.DONE
    )
    await _tell_who_waits(services, rule)
    return _rule_shown(rule)


@router.get("/queue", summary="Who waits for supply, first come first")
async def queue(
    caller: CurrentCaller, services: CurrentServices, page: CurrentPage, sku: Filter = None, store: Filter = None
) -> Page[WaitingShown]:
    await _reads(caller)
    async with services.transactions.begin() as books:
        found = await books.backorders.queue()
    wanted = [
        party
        for party in found
        if any(sku in (None, line.sku) and store in (None, line.location_id) for line in party.lines)
    ]
    return page_of(page, [_waiting_shown(party) for party in wanted])


async def _reads(caller: Caller) -> None:
    if not caller.sees_all_orders:
        await caller.must_be(PrincipalKind.STORE)


async def _check(services: Services, body: BackorderBody) -> None:
    async with services.transactions.begin() as books:
        items = await books.items.items([body.sku])
        place = await books.places.place(StoreId(body.location_id))
    if not items:
        raise invalid("/sku", "Unknown SKU")
    if items[0].components:
        raise invalid("/sku", "A kit is stocked as its components: set what may be sold beyond stock of those")
    if place is None and body.location_id != ANYWHERE:
        raise invalid("/location_id", "Unknown store or warehouse")


async def _tell_who_waits(services: Services, rule: BackorderRule) -> None:
    """The date is on record: whoever cannot be told at once is told by the sweeper."""
    async with services.transactions.begin() as books:
        untold = await books.backorders.untold(MOST)
    try:
        async with asyncio.timeout(PROMPTLY):
            for party in untold:
                if any(line.sku == rule.sku for line in party.lines):
                    news = SupplyRescheduled(n=party.n, expected_at=party.expected_at)
                    order = handle_of(services.temporal, party.order_id)
                    await order.signal(OrderWorkflow.supply_rescheduled, news, rpc_timeout=PATIENCE)
    except (RPCError, TimeoutError, KeyErased, KeyMissing) as fault:
        log.warning("supply_date_not_told", waiting=len(untold), error=type(fault).__name__)


def _rule_shown(rule: BackorderRule) -> RuleShown:
    return RuleShown(**dict(rule), left=rule.left)


def _waiting_shown(party: Party) -> WaitingShown:
    return WaitingShown(
        order_id=party.order_id,
        n=party.n,
        position=party.position,
        since=party.since,
        lines=[
            WaitingLine(line_id=line.line_id, sku=line.sku, store_id=line.location_id, quantity=line.quantity)
            for line in party.lines
        ],
        expected_at=party.expected_at,
    )
