"""`PUT /v1/stores/{store_id}/capacity|hours|pause`: what a place can take on, and when."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from adapters.places.port import Capacity, Pause, Place
from domain.ids import StoreId
from domain.store_hours import OpeningTimes
from gateway.audit import trail_of
from gateway.fields import Body, Instant
from gateway.principals import Caller, CallerRoute, require_store
from gateway.problems import not_found
from gateway.reading import place_of
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services

router = APIRouter(prefix="/v1/stores/{store_id}", route_class=CallerRoute, tags=["stores"])

Here = Annotated[Caller, Depends(require_store)]


class CapacityBody(Body):
    per_day: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    concurrent: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class PauseBody(Body):
    until: Instant | None = None
    """None: until further notice. A moment that has passed ends the pause."""
    reason: Annotated[str, Field(max_length=255)] = ""


@router.get("", summary="A place: its hours, capacity and pause")
async def read(store_id: str, caller: Here, services: CurrentServices) -> Place:
    return await place_of(services, store_id)


@router.put("/capacity", summary="How much it takes on")
async def capacity(store_id: str, caller: Here, services: CurrentServices, body: CapacityBody) -> Place:
    return await _changed(services, caller, store_id, capacity=Capacity(**dict(body)))


@router.put("/hours", summary="When it is open; the zone stays")
async def hours(store_id: str, caller: Here, services: CurrentServices, body: OpeningTimes) -> Place:
    place = await place_of(services, store_id)
    return await _changed(services, caller, store_id, hours=body.in_zone(place.hours.zone))


@router.put("/pause", summary="Take nothing on for a while")
async def pause(store_id: str, caller: Here, services: CurrentServices, body: PauseBody) -> Place:
    over = body.until is not None and body.until <= services.now()
    return await _changed(services, caller, store_id, pause=None if over else Pause(**dict(body)))


@router.delete("/pause", summary="Take things on again")
async def go_on(store_id: str, caller: Here, services: CurrentServices) -> Place:
    return await _changed(services, caller, store_id, pause=None)


async def _changed(services: Services, caller: Caller, store_id: str, **change: object) -> Place:
    """One part of the place is set anew; the change leaves an audit row."""
    await must_act_as(caller, PrincipalKind.STORE, PrincipalKind.OPS)
    async with services.transactions.begin() as books:
        place = await books.places.place(StoreId(store_id), locked=True)
        if place is None:
            raise not_found()
        place = place.model_copy(update=change)
        await books.places.put(place)
    await trail_of(caller.request).write(caller.actor, f"set {', '.join(change)}", store_id, AuditOutcome.DONE)
    return place
