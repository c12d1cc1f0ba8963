"""How much of a place's capacity orders use: parcels by day, and parcels open at a time."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, NamedTuple, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from domain.ids import OperationKey, StoreId


class HoldState(StrEnum):
    HELD = "held"
    DONE = "done"
    """The parcel left: it is not open any more, and its day stays used."""
    RETURNED = "returned"
    """It was declined, moved or cancelled: nothing of it stays used."""


class TakeCapacity(BaseModel):
    """Parcels that a place is to take on, within its limits as they are now; a limit of none is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    at: AwareDatetime
    location_id: StoreId
    day: date
    """As the place's calendar has it."""
    parcels: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    per_day: Annotated[int, Field(strict=True, ge=0)] | None = None
    concurrent: Annotated[int, Field(strict=True, ge=0)] | None = None


class Used(NamedTuple):
    today: int = 0
    open: int = 0


class NoCapacity(Exception):
    """The place cannot take on so much; nothing was changed. Source the lines elsewhere."""

    def __init__(self, location_id: StoreId, day: date) -> None:
        self.location_id, self.day = location_id, day
        super().__init__(
            f"{location_id} can take on no more parcels on {day}; source them elsewhere, or raise its limit"
        )


class CapacityKeyConflict(Exception):
    """The key was used for other parcels, or its capacity was given back. A new wish needs a key of its own."""

    def __init__(self, key: OperationKey) -> None:
        self.key = key
        super().__init__(f"operation key {key} was used for other parcels or is over; give this wish a key of its own")


class CapacityUse(Protocol):
    async def take(self, wish: TakeCapacity) -> None:
        """Use up capacity, never beyond a limit, however many ask at once. Repeating the key changes nothing.

        Raises: NoCapacity, CapacityKeyConflict.
        """
        ...

    async def give_back(self, key: OperationKey, at: AwareDatetime) -> bool:
        """Free all that was taken under `key`; False when nothing was held under it any more."""
        ...

    async def finish(self, key: OperationKey, at: AwareDatetime) -> bool:
        """The parcels left: free their place among the open ones; False when nothing was held under `key`."""
        ...

    async def used(self, days: Mapping[StoreId, date]) -> Mapping[StoreId, Used]:
        """What each place uses on its day, and what it has open; every place that was asked for is in the answer."""
        ...

    async def hold(self, key: OperationKey) -> HoldState | None:
        """How what was taken under `key` stands; none: nothing ever was."""
        ...
