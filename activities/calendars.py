"""What the places' calendars say at one instant. Many places keep the same hours, and those are reckoned once."""

from collections.abc import Hashable
from datetime import date, datetime

from adapters.places.port import Place
from domain.pickup_windows import promised_ready_at
from domain.shipping_times import ShippingPolicy
from domain.sourcing import working_day
from domain.store_hours import StoreHours, next_opening


class Calendars:
    def __init__(self, at: datetime, policy: ShippingPolicy):
        self._at = at
        self._policy = policy
        self._days: dict[Hashable, date] = {}
        self._leaves: dict[Hashable, datetime | None] = {}

    def day_of(self, place: Place) -> date:
        """The day of the place's calendar whose capacity a parcel uses that it is given now."""
        same = _same(place.hours)
        if same not in self._days:
            self._days[same] = day_of(place, self._at)
        return self._days[same]

    def dispatches_at(self, place: Place) -> datetime | None:
        """When goods that it is given now leave; none for a place that never opens."""
        same, policy = _same(place.hours), self._policy
        if same not in self._leaves:
            never = not policy.ignores_opening_hours and next_opening(place.hours, self._at) is None
            self._leaves[same] = None if never else promised_ready_at(place.hours, policy, self._at)
        return self._leaves[same]


def day_of(place: Place, at: datetime) -> date:
    """The same for one place."""
    return working_day(place.hours, at) or at.date()


def _same(hours: StoreHours) -> Hashable:
    return hours.zone, hours.holidays, tuple(hours.weekly.items()), tuple(hours.exceptions.items())
