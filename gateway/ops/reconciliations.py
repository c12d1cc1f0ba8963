"""`POST /v1/ops/reconciliations`: orders, our ledger, the provider and the stock against each other, page by page."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from activities.reconciling import Examiner
from domain.ids import OrderId
from domain.intake import Key
from domain.reconciling import Difference, level_difference
from gateway.fields import Body
from gateway.idempotency import CommandRoute, repeatable
from gateway.problems import invalid
from gateway.rights import Readers
from gateway.services import CurrentServices, Services

router = APIRouter(prefix="/v1/ops/reconciliations", route_class=CommandRoute, tags=["ops"])


class Place(Body):
    """How far a reconciliation has come: `after` is the last order, or the last level as `SKU store`."""

    part: Literal["orders", "stock"] = "orders"
    after: Annotated[str, Field(max_length=200)] = ""


class ReconciliationBody(Body):
    order_ids: Annotated[list[Key], Field(min_length=1, max_length=200)] | None = None
    """Only these; else all of them, a page at a time, and then the stock."""
    place: Place = Place()
    limit: Annotated[int, Field(ge=1, le=200)] = 100


class Reconciled(BaseModel):
    """One page of a reconciliation. Nothing was changed; each difference names what would make it right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    orders: int
    levels: int
    differences: Sequence[Difference]
    next_place: Place | None
    """Send it as `place` for the next page; none at the end."""


@router.post("", summary="Compare a page of orders, or of stock, with the provider and the ledgers")
@repeatable
async def reconcile(caller: Readers, services: CurrentServices, body: ReconciliationBody) -> Reconciled:
    if body.order_ids is not None:
        return await _orders(services, [OrderId(each) for each in body.order_ids], None)
    if body.place.part == "stock":
        return await _stock(services, body.place.after, body.limit)
    async with services.transactions.begin() as books:
        ids = await books.reconciling.orders(after=body.place.after, limit=body.limit)
    more = Place(after=ids[-1]) if len(ids) == body.limit else Place(part="stock")
    return await _orders(services, ids, more)


async def _orders(services: Services, ids: Sequence[OrderId], place: Place | None) -> Reconciled:
    found = await Examiner(services.reconciler, services.payments).all_of(ids)
    return Reconciled(orders=len(ids), levels=0, differences=found, next_place=place)


async def _stock(services: Services, after: str, limit: int) -> Reconciled:
    sku, _, store = after.partition(" ")
    if after and not store:
        raise invalid("/place/after", "Should be the next_place of the page before")
    async with services.transactions.begin() as books:
        found, last = await books.reconciling.unbalanced(after=(sku, store), limit=limit)
    return Reconciled(
        orders=0,
        levels=limit,
        differences=[
            level_difference(each.sku, each.store_id, each.what, each.level, each.movements) for each in found
        ],
        next_place=Place(part="stock", after=f"{last[0]} {last[1]}") if last else None,
    )
