"""Which places could ship what: stock and places read at one moment, and the decision made of them. Nothing is held."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from temporalio import activity

from activities.milestones import hours_by_id
from adapters.places.port import Place
from adapters.transaction.port import Transactions
from domain.actors import Channel
from domain.alternatives import StoreOffer, distance_km
from domain.destinations import Destination
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.intake import Service
from domain.kits import pieces
from domain.nearest import Part, PlaceOffer, choose_places
from domain.stock import StockLine
from domain.store_hours import StoreHours


class Wish(BaseModel):
    """What is to be shipped together, and what the order and its past say about where from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    """The shipment's number."""
    lines: dict[LineId, int]
    destination: Destination
    service: Service
    one_place: bool = False
    """Whole from one place, or not at all."""
    exclude: list[StoreId] = []
    """Places that declined it, or may not serve it."""
    hops: int = 0
    promised_at: datetime | None = None


class PlacesWanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    at: datetime
    channel: Channel
    skus: dict[LineId, Sku]
    kits: dict[LineId, dict[Sku, int]] = {}
    """What one unit of a kit's line is made of; its own SKU is stocked nowhere."""
    wishes: list[Wish]
    spoken_for: tuple[StockLine, ...] = ()
    """Units that the same order takes elsewhere in the same step, so that two lines never count on one unit."""

    hours_of: list[StoreId] = []
    """Places whose opening hours are asked for whatever is decided."""


class PlacesFound(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: dict[int, list[Part]]
    """By the shipment's number; lines that nobody can serve are in no part."""
    hours: dict[StoreId, StoreHours]


class SourcingSteps:
    def __init__(self, transactions: Transactions):
        self.transactions = transactions

    @activity.defn
    async def find_places(self, wanted: PlacesWanted) -> PlacesFound:
        """Decide where each wish is shipped from. What is found may be taken by others before it is reserved."""
        async with self.transactions.begin() as books:
            known = await books.places.places()
            places = [place for place in known if not place.paused(wanted.at)]
            skus = {sku for line, own in wanted.skus.items() for sku in wanted.kits.get(line) or {own: 1}}
            levels = await books.inventory.availability(
                sorted(skus), [place.location_id for place in places], wanted.channel
            )
        stock: dict[StoreId, dict[Sku, int]] = {place.location_id: {} for place in places}
        for level in levels:
            stock[level.location_id][level.sku] = level.available
        _take(stock, wanted.spoken_for)
        parts = {}
        for wish in wanted.wishes:
            parts[wish.n] = choose_places(
                {line: (wanted.skus[line], n) for line, n in wish.lines.items()},
                [_offer(place, stock[place.location_id], wish) for place in places if _may_serve(place, wish)],
                one_place=wish.one_place,
                kits=wanted.kits,
            )
            _take(stock, _lines(parts[wish.n], wanted))
        chosen = {part.location_id for found in parts.values() for part in found} | set(wanted.hours_of)
        hours = hours_by_id([place for place in known if place.location_id in chosen], wanted.at)
        return PlacesFound(parts=parts, hours=hours)


def _may_serve(place: Place, wish: Wish) -> bool:
    return place.location_id not in wish.exclude


def _offer(place: Place, available: dict[Sku, int], wish: Wish) -> PlaceOffer:
    return PlaceOffer(location_id=place.location_id, distance_km=_distance(place, wish), available=dict(available))


def _distance(place: Place, wish: Wish) -> float:
    to = wish.destination
    if to.latitude is None or to.longitude is None:
        return 0.0
    here = StoreOffer(store_id=place.location_id, latitude=place.latitude, longitude=place.longitude, available={})
    there = StoreOffer(store_id=StoreId(""), latitude=to.latitude, longitude=to.longitude, available={})
    return distance_km(here, there)


def _lines(parts: Iterable[Part], wanted: PlacesWanted) -> tuple[StockLine, ...]:
    return tuple(
        StockLine(line_id=line, sku=sku, location_id=part.location_id, quantity=asked)
        for part in parts
        for line, n in part.lines.items()
        for sku, asked in pieces(wanted.kits.get(line) or {wanted.skus[line]: 1}, n).items()
    )


def _take(stock: dict[StoreId, dict[Sku, int]], lines: Iterable[StockLine]) -> None:
    for line in lines:
        here = stock.get(line.location_id, {})
        here[line.sku] = max(0, here.get(line.sku, 0) - line.quantity)
