"""Which other store to offer when the chosen one cannot serve: one that has all, else the nearest with most."""

from collections.abc import Mapping
from math import asin, cos, radians, sin, sqrt

from pydantic import BaseModel, ConfigDict

from domain.carriage import Country
from domain.ids import LineId, Sku, StoreId
from domain.kits import Needs, pieces, whole_units

EARTH_RADIUS_KM = 6371.0


class StoreOffer(BaseModel):
    """A store with what it could promise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_id: StoreId
    latitude: float
    longitude: float
    country: Country | None = None
    available: dict[Sku, int]


class Alternative(BaseModel):
    """A store that could take over, and how much of each line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store_id: StoreId
    distance_km: float
    lines: dict[LineId, int]
    whole: bool


def rank_alternatives(
    wanted: dict[LineId, tuple[Sku, int]],
    offers: list[StoreOffer],
    origin: StoreId | None,
    excluded: list[StoreId],
    kits: Mapping[LineId, Needs] | None = None,
) -> list[Alternative]:
    """Stores that can serve something, best first: all lines before some, then more units, then nearer, then by id.

    Of a kit, whose components `kits` names, a store serves whole units. The origin and stores that declined are left
    out. Distances are great-circle kilometres (haversine).
    """
    home = next((offer for offer in offers if offer.store_id == origin), None)
    found = []
    for offer in offers:
        if offer.store_id == origin or offer.store_id in excluded:
            continue
        left = dict(offer.available)
        lines: dict[LineId, int] = {}
        for line, (sku, quantity) in wanted.items():
            needs = (kits or {}).get(line) or {sku: 1}
            part = min(quantity, whole_units(left, needs))
            if part > 0:
                lines[line] = part
                for piece, taken in pieces(needs, part).items():
                    left[piece] -= taken
        if lines:
            found.append(
                Alternative(
                    store_id=offer.store_id,
                    distance_km=round(distance_km(home, offer), 1) if home else 0.0,
                    lines=lines,
                    whole=all(lines.get(line, 0) == quantity for line, (_, quantity) in wanted.items()),
                )
            )
    return sorted(found, key=lambda each: (not each.whole, -sum(each.lines.values()), each.distance_km, each.store_id))


def in_reach(offers: list[StoreOffer], origin: StoreId | None, within_km: float | None) -> list[StoreOffer]:
    """Stores that may be offered to a customer who named none: in the origin's country, at most so far from it.

    What is not known of a store, or of the origin, leaves nothing out.
    """
    home = next((offer for offer in offers if offer.store_id == origin), None)
    if home is None:
        return offers
    return [
        offer
        for offer in offers
        if (home.country is None or offer.country in (None, home.country))
        and (within_km is None or distance_km(home, offer) <= within_km)
    ]


def distance_km(one: StoreOffer, other: StoreOffer) -> float:
    """Great-circle distance by the haversine formula on a sphere of the mean Earth radius."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other.longitude - one.longitude) / 2
    haversine = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    # Between opposite ends of the Earth rounding may carry it just over 1.
    return 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, haversine)))
