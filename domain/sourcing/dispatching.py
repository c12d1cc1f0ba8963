"""When a place sends what it is given now, and the day whose capacity that uses."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.store_hours import StoreHours, add_open_time, closing_on_or_after, next_possible


def dispatches_at(hours: StoreHours, at: datetime, packing: timedelta) -> datetime | None:
    """The end of the day on which the place has been open for `packing` since `at`; none if that never comes."""
    packed = add_open_time(hours, at, packing)
    return None if packed is None else closing_on_or_after(hours, packed)


def working_day(hours: StoreHours, at: datetime) -> date | None:
    """The place's own date of the day on which it can begin; none if its calendar has no such day."""
    begins = next_possible(hours, at)
    return None if begins is None else begins.astimezone(ZoneInfo(hours.zone)).date()
