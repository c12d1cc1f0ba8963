"""What each carrier does, for what price and in how many days. All prices are in euro cents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.carriage import Carriage, CarrierId
from domain.intake import Service

CURRENCY = "EUR"
NOWHERE = "00099"
"""A postal code that no carrier delivers to: there are no rates."""


@dataclass(frozen=True)
class Offer:
    base: int
    per_kilogram: int
    """For each kilogram begun after the first."""
    days: int


@dataclass(frozen=True)
class Carrier:
    id: CarrierId
    name: str
    prefix: str
    """The first letters of its tracking numbers."""
    heaviest: int
    """Grams."""
    offers: Mapping[Service, Offer]
    abroad: int
    """Added to a price that crosses a border."""
    days_abroad: int


NORTHWAY = Carrier(
    id=CarrierId("northway"),
    name="Northway",
    prefix="NW",
    heaviest=31_500,
    offers={Service.STANDARD: Offer(459, 90, 2), Service.EXPRESS: Offer(1190, 180, 1)},
    abroad=700,
    days_abroad=2,
)
KESTREL = Carrier(
    id=CarrierId("kestrel"),
    name="Kestrel Post",
    prefix="KP",
    heaviest=20_000,
    offers={
        Service.ECONOMY: Offer(349, 60, 5),
        Service.STANDARD: Offer(519, 70, 3),
        Service.EXPRESS: Offer(1490, 150, 1),
    },
    abroad=450,
    days_abroad=4,
)
CARRIERS: Mapping[str, Carrier] = {carrier.id: carrier for carrier in (NORTHWAY, KESTREL)}


@dataclass(frozen=True)
class Quote:
    carrier: Carrier
    service: Service
    price: int
    deliver_by: datetime


def quotes(carriage: Carriage, at: datetime, day: timedelta) -> Iterator[Quote]:
    """What every carrier asks. `day` is how long a day lasts here."""
    for carrier in CARRIERS.values():
        for service in carrier.offers:
            if quote := quote_of(carrier, service, carriage, at, day):
                yield quote


def quote_of(carrier: Carrier, service: Service, carriage: Carriage, at: datetime, day: timedelta) -> Quote | None:
    """What this carrier asks for this; None when it does not do it."""
    offer = carrier.offers.get(service)
    if offer is None or carriage.weight_grams > carrier.heaviest or carriage.destination.postal_code == NOWHERE:
        return None
    leaves_country = carriage.origin.country != carriage.destination.country
    more_kilograms = (carriage.weight_grams - 1) // 1000
    return Quote(
        carrier,
        service,
        offer.base + more_kilograms * offer.per_kilogram + leaves_country * carrier.abroad,
        at + (offer.days + leaves_country * carrier.days_abroad) * day,
    )
