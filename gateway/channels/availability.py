"""`GET /v1/availability`: what can be promised where, by which method, and when it would be ready."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from adapters.access.port import PrincipalKind
from adapters.backorders.port import BackorderRule
from adapters.inventory.port import Availability as Stock
from adapters.items.port import Item
from adapters.places.port import Place, PlaceKind
from domain.ids import Sku, StoreId
from domain.intake import Method, PickupMode
from domain.kits import Needs, whole_units
from domain.pickup_windows import check_requested, promised_ready_at
from domain.supply import ANYWHERE
from gateway.channels.checks import paused_until
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import CallerRoute, CurrentCaller
from gateway.problems import invalid
from gateway.services import CurrentServices, Services

router = APIRouter(prefix="/v1/availability", route_class=CallerRoute, tags=["orders"])

LOW = 5
"""So few that a shop says "only a few left"."""
MOST = 100

Names = Annotated[list[Annotated[str, Query(min_length=1, max_length=64)]], Query(max_length=MOST)]


class Availability(StrEnum):
    IN_STOCK = "in_stock"
    LOW = "low"
    OUT = "out"


class MethodShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Method
    modes: list[PickupMode]
    ready_at: datetime | None
    """When it would be ready if it were ordered now; none while the store takes nothing on."""


class BackorderShown(BaseModel):
    """Beyond `available`: so many more may be ordered, and wait for supply in the order of placing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    left: int | None
    """The number, for the seller's own channels only."""
    expected_at: datetime | None


class AvailabilityShown(BaseModel):
    """One SKU at one place, seen with the caller's buffer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    store_id: StoreId
    availability: Availability
    available: int | None
    """The number, for the seller's own channels only."""
    backorder: BackorderShown | None = None
    """What may be sold beyond stock there; of a kit that is decided by its components."""
    methods: list[MethodShown]


@router.get("", summary="Available to promise, per SKU and place")
async def availability(
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    sku: Names,
    store: Names = [],  # noqa: B006 - FastAPI copies it
) -> Page[AvailabilityShown]:
    if not sku:
        raise invalid("/query/sku", "Name one SKU at least")
    now, channel = services.now(), caller.principal.channel
    async with services.transactions.reading() as books:
        known = {item.sku: needs_of(item) for item in await books.items.items(sorted(set(sku)))}
        places = [
            place
            for place in await books.places.places([StoreId(each) for each in sorted(set(store))] if store else None)
            if place.kind is PlaceKind.STORE
        ]
        rules = {
            (rule.sku, rule.location_id): rule
            for rule in await books.backorders.rules(sorted(known))
            if rule.left and rule.sku in known[rule.sku]
        }
    found = await services.transactions.stock.availability(
        sorted({piece for needs in known.values() for piece in needs}),
        [place.location_id for place in places],
        channel,
    )
    methods = {place.location_id: _methods(services, place, now) for place in places}
    exact = caller.sees_all_orders or caller.principal.kind is PrincipalKind.STORE
    return page_of(
        page,
        [
            AvailabilityShown(
                sku=each.sku,
                store_id=each.location_id,
                availability=_word(each.available),
                available=each.available if exact else None,
                backorder=_beyond(
                    rules.get((each.sku, each.location_id)) or rules.get((each.sku, StoreId(ANYWHERE))), exact
                ),
                methods=methods[each.location_id],
            )
            for each in kits_counted(known, found)
        ],
    )


def needs_of(item: Item) -> dict[Sku, int]:
    """The pieces of one unit: of a kit its components."""
    return {part.sku: part.quantity for part in item.components} or {item.sku: 1}


def kits_counted(wanted: Mapping[Sku, Needs], levels: Sequence[Stock]) -> list[Stock]:
    """What can be promised of each item, per place: of a kit as many as its scarcest component makes there."""
    there: dict[StoreId, dict[Sku, int]] = {}
    for level in levels:
        there.setdefault(level.location_id, {})[level.sku] = level.available
    return [
        Stock(sku, location, whole_units(available, needs))
        for sku, needs in sorted(wanted.items())
        for location, available in sorted(there.items())
    ]


def _beyond(rule: BackorderRule | None, exact: bool) -> BackorderShown | None:
    if rule is None:
        return None
    return BackorderShown(left=rule.left if exact else None, expected_at=rule.expected_at)


def _word(available: int) -> Availability:
    if available <= 0:
        return Availability.OUT
    return Availability.LOW if available < LOW else Availability.IN_STOCK


def _methods(services: Services, place: Place, now: datetime) -> list[MethodShown]:
    policy = services.policy.pickup
    closed = check_requested(place.hours, policy, now, None, paused_until(place, now))
    ready_at = None if closed is not None else promised_ready_at(place.hours, policy, now)
    modes = [PickupMode.COUNTER, *([PickupMode.CURBSIDE] if place.curbside else [])]
    return [MethodShown(method=Method.PICKUP, modes=modes, ready_at=ready_at)]
