"""Stores and warehouses: where they are, when they are open, what they can take on."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Annotated, Protocol, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.carriage import Country, PostalArea
from domain.dropship import PartnerId
from domain.ids import StoreId
from domain.lockers import LockerId
from domain.notices import LOCALE
from domain.sourcing.candidates import PlaceKind as PlaceKind
from domain.store_hours import DayHours, StoreHours, Weekday

_DAY_NAMES = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
}


class Capacity(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    per_day: int | None = None
    concurrent: int | None = None


class Pause(BaseModel):
    """A place that takes nothing on; `until` none means until further notice."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    until: datetime | None = None
    reason: str = ""


class Place(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    location_id: StoreId
    kind: PlaceKind
    name: str
    address: str
    latitude: float
    longitude: float
    email: str
    hours: StoreHours
    capacity: Capacity = Capacity()
    pause: Pause | None = None
    curbside: bool = True
    country: Country | None = None
    postal_code: Annotated[str, StringConstraints(min_length=1, max_length=16)] | None = None
    """Where it ships from, for carriers; none: it buys no labels here."""
    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"
    """In which the place is written to."""
    groups: tuple[str, ...] = ()
    """Free tags by which routing rules name places: a region, a format, a franchise."""
    handling_cost: Annotated[int, Field(strict=True, ge=0, le=10**9)] = 0
    """What packing a parcel costs there, minor units."""
    ships: bool = True
    """It packs parcels; otherwise customers only collect there."""
    lockers: tuple[LockerId, ...] = ()
    """The parcel machines at its door, which its people fill."""
    partner: PartnerId | None = None
    """Who ships from here in our name; none: it is a place of ours."""

    @property
    def origin(self) -> PostalArea | None:
        if self.country is None or self.postal_code is None:
            return None
        return PostalArea(country=self.country, postal_code=self.postal_code)

    def paused(self, at: datetime) -> bool:
        return self.pause is not None and (self.pause.until is None or at < self.pause.until)

    def hours_text(self, locale: str = "en") -> str:
        """The usual week as the sign on the door has it; a line for each run of equal days.

        Days that are always closed are left out. English for a language that has no day names here.
        """
        names = _DAY_NAMES.get(locale[:2].lower(), _DAY_NAMES["en"])
        week = [self.hours.weekly.get(day, ()) for day in get_args(Weekday)]
        lines = []
        for hours, run in groupby(range(len(week)), key=lambda day: week[day]):
            days = list(run)
            if hours:
                lines.append(f"{'–'.join(dict.fromkeys([names[days[0]], names[days[-1]]]))} {_on_the_sign(hours)}")
        return "\n".join(lines)


def _on_the_sign(hours: DayHours) -> str:
    return ", ".join(f"{opens}–{closes}" for opens, closes in hours)


class Places(Protocol):
    async def place(self, location_id: StoreId, *, locked: bool = False) -> Place | None:
        """`locked`: nobody else changes it until the transaction ends; what is put is made of what it is now."""
        ...

    async def places(self, location_ids: Sequence[StoreId] | None = None) -> Sequence[Place]:
        """The named places, or all of them, by id. Unknown ids are left out."""
        ...

    async def put(self, place: Place) -> None: ...
