"""The data that rules need: `GET|PUT /v1/items`, `/v1/locations`, `/v1/buffers`, `/v1/channels`."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditOutcome
from adapters.inventory.port import BufferRule
from adapters.items.port import Item, KitRefused
from adapters.places.port import Capacity, Place, PlaceKind
from domain.actors import Channel
from domain.dropship import PartnerId
from domain.ids import Sku, StoreId
from domain.intake import COUNTRY, EMAIL, Key
from domain.notices import LOCALE
from domain.stock import ANY
from domain.store_hours import StoreHours
from domain.terms import ChannelRules
from gateway.audit import trail_of
from gateway.fields import KEY_OR_ANY, Body, ShortText
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CallerRoute, CurrentCaller
from gateway.problems import invalid
from gateway.rights import must_run_operations
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1", route_class=CallerRoute, tags=["data"])

KeyOrAny = Annotated[str, StringConstraints(pattern=KEY_OR_ANY)]


class LocationBody(Body):
    location_id: Key
    kind: PlaceKind
    name: ShortText
    address: ShortText
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    email: Annotated[str, StringConstraints(max_length=254, pattern=EMAIL)]
    hours: StoreHours
    capacity: Capacity = Capacity()
    curbside: bool = True
    country: Annotated[str, StringConstraints(pattern=COUNTRY)] | None = None
    postal_code: Annotated[str, StringConstraints(min_length=1, max_length=16)] | None = None
    """Where it ships from, for carriers; none: it buys no labels here."""
    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"
    groups: Annotated[tuple[Key, ...], Field(max_length=50)] = ()
    """Free tags by which routing rules name places."""
    handling_cost: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Of a parcel, minor units."""
    ships: bool = True
    lockers: Annotated[tuple[Key, ...], Field(max_length=50)] = ()
    """The parcel machines at its door."""
    partner: Annotated[PartnerId, StringConstraints(min_length=1, max_length=64)] | None = None
    """Who ships from here in our name; null: it is a place of ours."""


class BufferBody(Body):
    """Safety stock for what is named; `*` is every one. The exact rule wins."""

    sku: KeyOrAny = ANY
    location_id: KeyOrAny = ANY
    channel: KeyOrAny = ANY
    quantity: Annotated[int, Field(ge=0, le=1_000_000_000)]


class ChannelBody(ChannelRules):
    """A channel and its rules for orders."""

    channel: Channel
    approval_above: Annotated[int, Field(ge=0, le=10**12)] | None = None


async def _reads(caller: Caller) -> None:
    """The seller's own people and systems; other sellers' keys learn nothing of the house."""
    if not caller.sees_all_orders:
        await caller.must_be(PrincipalKind.STORE)


@router.get("/items", summary="Items by SKU")
async def items(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[Item]:
    await _reads(caller)
    after = str(page.after[0]) if page.after is not None else None
    async with services.transactions.begin() as books:
        found = await books.items.page(after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    return page.page(shown, (shown[-1].sku,) if len(found) > page.limit else None)


@router.put("/items", summary="Add an item or replace it")
async def put_item(body: Item, caller: CurrentCaller, services: CurrentServices) -> Item:
    await must_run_operations(caller)
    try:
        async with services.transactions.begin() as books:
            await books.items.put(body)
    except KitRefused as refused:
        at = "/components" if refused.position is None else f"/components/{refused.position}/sku"
        raise invalid(at, refused.reason) from None
    await _note(caller, "set item", body.sku)
    return body


@router.get("/locations", summary="Stores and warehouses")
async def locations(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[Place]:
    await _reads(caller)
    async with services.transactions.begin() as books:
        return page_of(page, await books.places.places())


@router.put("/locations", summary="Add a place or replace it; its pause stays")
async def put_location(body: LocationBody, caller: CurrentCaller, services: CurrentServices) -> Place:
    await must_run_operations(caller)
    location_id = StoreId(body.location_id)
    async with services.transactions.begin() as books:
        before = await books.places.place(location_id, locked=True)
        fields = dict(body) | {"location_id": location_id, "pause": before.pause if before else None}
        place = Place.model_validate(fields)
        await books.places.put(place)
    await _note(caller, "set location", location_id)
    return place


@router.get("/buffers", summary="Safety stock rules")
async def buffers(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[BufferRule]:
    await _reads(caller)
    async with services.transactions.begin() as books:
        return page_of(page, await books.inventory.buffers())


@router.put("/buffers", summary="Set safety stock")
async def put_buffer(body: BufferBody, caller: CurrentCaller, services: CurrentServices) -> BufferRule:
    await must_run_operations(caller)
    if body.channel != ANY and body.channel not in set(Channel):
        raise invalid("/channel", "Should be a channel or *")
    rule = BufferRule(
        sku=Sku(body.sku), location_id=StoreId(body.location_id), channel=body.channel, quantity=body.quantity
    )
    async with services.transactions.begin() as books:
        await books.inventory.set_buffer(rule)
    await _note(caller, "set buffer", f"{body.sku}/{body.location_id}/{body.channel}")
    return rule


@router.get("/channels", summary="Channels with their rules")
async def channels(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[ChannelBody]:
    await _reads(caller)
    async with services.transactions.begin() as books:
        found = await books.channels.all()
    return page_of(page, [ChannelBody(channel=each, **dict(rules)) for each, rules in found.items()])


@router.put("/channels", summary="Set a channel's rules; they count for orders from now on")
async def put_channel(body: ChannelBody, caller: CurrentCaller, services: CurrentServices) -> ChannelBody:
    await must_run_operations(caller)
    rules = ChannelRules.model_validate(body.model_dump(exclude={"channel"}))
    async with services.transactions.begin() as books:
        await books.channels.put(body.channel, rules)
    await _note(caller, "set channel", body.channel)
    return body


async def _note(caller: Caller, action: str, name: str) -> None:
    await trail_of(caller.request).write(caller.actor, action, name, AuditOutcome.DONE)
