"""Stores and warehouses: where they are, when they are open, what they can take on."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import StoreId
from domain.store_hours import StoreHours


class PlaceKind(StrEnum):
    STORE = "store"
    WAREHOUSE = "warehouse"


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

    def paused(self, at: datetime) -> bool:
        return self.pause is not None and (self.pause.until is None or at < self.pause.until)


class Places(Protocol):
    async def place(self, location_id: StoreId) -> Place | None: ...

    async def places(self, location_ids: Sequence[StoreId] | None = None) -> Sequence[Place]:
        """The named places, or all of them, by id. Unknown ids are left out."""
        ...

    async def put(self, place: Place) -> None: ...
