"""Used capacity in memory: for tests."""

from collections.abc import Mapping
from datetime import date, datetime

from adapters.capacity.port import CapacityKeyConflict, HoldState, NoCapacity, TakeCapacity, Used
from domain.ids import OperationKey, StoreId


class MemoryCapacity:
    """See `port.CapacityUse`."""

    def __init__(self) -> None:
        self._wishes: dict[OperationKey, TakeCapacity] = {}
        self._states: dict[OperationKey, HoldState] = {}

    async def take(self, wish: TakeCapacity) -> None:
        known = self._wishes.get(wish.key)
        if known is not None:
            same = (known.location_id, known.day, known.parcels) == (wish.location_id, wish.day, wish.parcels)
            if not same or self._states[wish.key] is HoldState.RETURNED:
                raise CapacityKeyConflict(wish.key)
            return
        used = (await self.used({wish.location_id: wish.day}))[wish.location_id]
        for so_far, limit in ((used.today, wish.per_day), (used.open, wish.concurrent)):
            if limit is not None and so_far + wish.parcels > limit:
                raise NoCapacity(wish.location_id, wish.day)
        self._wishes[wish.key] = wish
        self._states[wish.key] = HoldState.HELD

    async def give_back(self, key: OperationKey, at: datetime) -> bool:
        return self._end(key, HoldState.RETURNED)

    async def finish(self, key: OperationKey, at: datetime) -> bool:
        return self._end(key, HoldState.DONE)

    async def used(self, days: Mapping[StoreId, date]) -> Mapping[StoreId, Used]:
        found = {}
        for location_id, day in days.items():
            held = [wish for wish in self._wishes.values() if wish.location_id == location_id]
            today = sum(w.parcels for w in held if w.day == day and self._states[w.key] is not HoldState.RETURNED)
            found[location_id] = Used(today, sum(w.parcels for w in held if self._states[w.key] is HoldState.HELD))
        return found

    async def hold(self, key: OperationKey) -> HoldState | None:
        return self._states.get(key)

    def _end(self, key: OperationKey, state: HoldState) -> bool:
        if self._states.get(key) is not HoldState.HELD:
            return False
        self._states[key] = state
        return True
