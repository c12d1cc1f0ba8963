"""A place that could serve an order: facts that the caller has prepared, free of zones, calendars and clocks."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from domain.ids import Sku, StoreId
from domain.sourcing.request import Fixed


class PlaceKind(StrEnum):
    STORE = "store"
    WAREHOUSE = "warehouse"


class Candidate(Fixed):
    location_id: StoreId
    kind: PlaceKind
    groups: tuple[str, ...] = ()
    """Free tags by which rules name places: a region, a format, a franchise."""
    latitude: float
    longitude: float
    country: str | None = None
    ships: bool = True
    """It packs parcels at all."""
    paused: bool = False
    """It takes nothing on at the moment."""
    dispatches_at: AwareDatetime | None
    """When goods that it is given now leave at the latest; none: its calendar knows no such day."""
    capacity_today: int | None = None
    """Parcels that it can still take on today; none: no limit."""
    capacity_concurrent: int | None = None
    """Parcels that it can still take on beside the open ones; none: no limit."""
    handling_cost: Annotated[int, Field(ge=0, le=10**9)] = 0
    """Minor units for a parcel."""
    open_load: Annotated[int, Field(ge=0)] = 0
    """Parcels that it has open now."""
    stock: dict[Sku, int] = Field(default_factory=dict)
    """What can be promised there (ATP), by SKU; zero where a SKU is not named."""
    buffers: dict[Sku, int] = Field(default_factory=dict)
    """Units that brokering leaves for the customers in the shop, beside what ATP keeps back."""

    @property
    def capacity_left(self) -> int | None:
        limits = [left for left in (self.capacity_today, self.capacity_concurrent) if left is not None]
        return min(limits) if limits else None
