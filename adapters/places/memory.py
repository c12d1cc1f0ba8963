"""Stores and warehouses in memory: for tests."""

from collections.abc import Sequence

from adapters.places.port import Place
from domain.ids import StoreId


class MemoryPlaces:
    """See `port.Places`."""

    def __init__(self) -> None:
        self._places: dict[StoreId, Place] = {}

    async def place(self, location_id: StoreId, *, locked: bool = False) -> Place | None:
        return self._places.get(location_id)

    async def places(self, location_ids: Sequence[StoreId] | None = None) -> Sequence[Place]:
        known = sorted(self._places.items())
        return [place for location_id, place in known if location_ids is None or location_id in location_ids]

    async def put(self, place: Place) -> None:
        self._places[place.location_id] = place
