"""`/v1/stock`: counts, receipts and adjustments of a place, its levels and its ledger."""

import asyncio
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from temporalio.service import RPCError

from activities.supply import Supplies
from adapters.access.port import PrincipalKind
from adapters.inventory.port import KeyConflict, Movement, NotEnoughOnHand, StockMovement
from adapters.keys.port import KeyErased, KeyMissing
from domain.ids import OperationKey, OrderId, Sku, StoreId
from domain.intake import Key
from domain.stock import MovementKind, StockLevel
from domain.supply import ANYWHERE
from gateway.commands import PATIENCE, handle_of, is_not_found
from gateway.fields import Body
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind, invalid
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from workflows.messages import StockArrived
from workflows.order import OrderWorkflow

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/v1/stock", route_class=CommandRoute, tags=["stock"])

MOVER = "stock:movements"
"""The right of an ERP to move stock anywhere."""
RISES = frozenset({MovementKind.RECEIPT, MovementKind.COUNT, MovementKind.ADJUSTMENT})
PROMPTLY = 1.0
"""Seconds that a store's request takes at most for telling who waits; the sweeper tells the others (`sweeping`)."""

Filter = Annotated[str | None, Query(min_length=1, max_length=64)]


class MovementBody(Body):
    """`quantity` is signed for an adjustment and the new total for a count."""

    kind: Literal[MovementKind.RECEIPT, MovementKind.COUNT, MovementKind.ADJUSTMENT, MovementKind.WRITE_OFF]
    sku: Key
    store_id: Key
    quantity: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
    reason: Annotated[str, Field(max_length=255)] = ""


class LevelShown(BaseModel):
    """`available` is what can be promised: on hand less allocated, reserved, set aside, withheld and the buffer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    store_id: StoreId
    on_hand: int
    allocated: int
    reserved: int
    set_aside: int
    withheld: int
    buffer: int
    available: int
    shortfall: int


@router.post("/movements", status_code=201, summary="Record a receipt, count, adjustment or write-off")
async def move(
    body: MovementBody, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId
) -> LevelShown:
    await _must_move_at(caller, body.store_id)
    await _check(services, body)
    try:
        async with services.transactions.begin() as books:
            level = await books.inventory.move(
                StockMovement(
                    key=OperationKey(f"movement:{command_id}"),
                    at=services.now(),
                    kind=body.kind,
                    sku=Sku(body.sku),
                    location_id=StoreId(body.store_id),
                    quantity=body.quantity,
                    reason=body.reason,
                )
            )
    except NotEnoughOnHand as refused:
        detail = f"{refused.on_hand} are on hand, so {refused.asked} cannot leave. Send a count instead."
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, detail, current={"on_hand": refused.on_hand}) from None
    except KeyConflict:
        raise Problem(ProblemKind.IDEMPOTENCY_KEY_REUSED, "Send a new Idempotency-Key with a new movement.") from None
    if body.kind in RISES and level.available > 0:
        await _serve_who_waits(services, level)
    return _shown(level)


async def _must_move_at(caller: Caller, store_id: str) -> None:
    if caller.principal.kind is PrincipalKind.SERVICE:
        await caller.must_have_right(MOVER)
        return
    await must_act_as(caller, PrincipalKind.STORE, PrincipalKind.OPS)
    await caller.must_act_at(store_id)


async def _check(services: Services, body: MovementBody) -> None:
    if body.kind is not MovementKind.ADJUSTMENT and body.quantity < (body.kind is not MovementKind.COUNT):
        raise invalid("/quantity", f"Should be positive for a {body.kind}; send an adjustment to go up or down")
    async with services.transactions.begin() as books:
        known = await books.items.items([body.sku])
        place = await books.places.place(StoreId(body.store_id))
    if not known:
        raise invalid("/sku", "Unknown SKU")
    if known[0].components:
        raise invalid("/sku", "A kit is not stocked itself; move its components")
    if place is None:
        raise invalid("/store_id", "Unknown store or warehouse")


async def _serve_who_waits(services: Services, level: StockLevel) -> None:
    """Who bought before the stock was there has it first; then those look again who chose to wait for it."""

    async def told(order_id: OrderId, n: int, at: StoreId) -> None:
        arrival = StockArrived(n=n, store_id=at if at != ANYWHERE else None)
        order = handle_of(services.temporal, order_id)
        await order.signal(OrderWorkflow.stock_arrived, arrival, rpc_timeout=PATIENCE)

    await Supplies(services.transactions, told).came([(level.sku, level.store_id)], services.now())
    async with services.transactions.begin() as books:
        left = await books.inventory.levels([level.sku], [level.store_id])
    if left and left[0].available > 0:
        await _tell_who_waits(services, left[0])


async def _tell_who_waits(services: Services, level: StockLevel) -> None:
    """Orders that wait for this SKU here look again, the longest wait first; each takes what is left when it looks.

    The stock is recorded already: who cannot be told at once is told by the sweeper.
    """
    async with services.transactions.begin() as books:
        waiting = await books.records.waiting_for_stock(level.sku, level.store_id)
    told = 0
    try:
        async with asyncio.timeout(PROMPTLY):
            for order_id, n in waiting:
                if told == level.available:
                    break
                told += await _is_told(services, order_id, n)
    except (RPCError, TimeoutError) as fault:
        log.warning("stock_arrival_not_told", waiting=len(waiting) - told, error=type(fault).__name__)


async def _is_told(services: Services, order_id: OrderId, n: int) -> bool:
    """False for an order that has just ended: the others are told all the same."""
    arrival = StockArrived(n=n)
    try:
        await handle_of(services.temporal, order_id).signal(OrderWorkflow.stock_arrived, arrival, rpc_timeout=PATIENCE)
    except (KeyErased, KeyMissing):
        return False
    except RPCError as fault:
        if not is_not_found(fault):
            raise
        return False
    return True


@router.get("", summary="Levels, by SKU and place")
async def levels(
    caller: CurrentCaller, services: CurrentServices, page: CurrentPage, sku: Filter = None, store: Filter = None
) -> Page[LevelShown]:
    own = await _own_place(caller, store)
    after = None if page.after is None else (Sku(str(page.after[0])), StoreId(str(page.after[1])))
    async with services.transactions.begin() as books:
        found = await books.inventory.levels(
            [Sku(sku)] if sku else None, [own] if own else None, after=after, limit=page.limit + 1
        )
    items = [_shown(level) for level in found[: page.limit]]
    last = items[-1] if len(found) > page.limit else None
    return page.page(items, (last.sku, last.store_id) if last else None)


@router.get("/ledger", summary="Every movement, oldest first")
async def ledger(
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    sku: Filter = None,
    store: Filter = None,
    order_id: Filter = None,
) -> Page[Movement]:
    own = await _own_place(caller, store)
    after = int(page.after[0] or 0) if page.after is not None else 0
    async with services.transactions.begin() as books:
        found = await books.inventory.ledger(
            Sku(sku) if sku else None,
            own,
            after,
            page.limit + 1,
            order_id=OrderId(order_id) if order_id else None,
        )
    items = found[: page.limit]
    return page.page(items, (items[-1].id,) if len(found) > page.limit else None)


async def _own_place(caller: Caller, store: str | None) -> StoreId | None:
    """The seller's own systems look anywhere; a store at itself; nobody else learns what is on the shelves."""
    principal = caller.principal
    if caller.sees_all_orders or MOVER in principal.rights:
        return StoreId(store) if store else None
    await caller.must_be(PrincipalKind.STORE)
    place = store or principal.store_id or ""
    await caller.must_act_at(place)
    return StoreId(place)


def _shown(level: StockLevel) -> LevelShown:
    return LevelShown(**level.model_dump(), available=level.available, shortfall=level.shortfall)
