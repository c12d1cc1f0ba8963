"""Times are a place's own: Berlin, nine to six on workdays."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.sourcing import dispatches_at, working_day
from domain.store_hours import StoreHours

BERLIN = StoreHours(
    zone="Europe/Berlin", weekly=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "18:00"),))
)
NEVER_OPEN = StoreHours(zone="Europe/Berlin", weekly={})


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "dispatched", "day"),
    [
        (utc(2, 9), utc(2, 17), date(2026, 3, 2)),
        (utc(2, 15, 30), utc(3, 17), date(2026, 3, 2)),
        (utc(2, 20), utc(3, 17), date(2026, 3, 3)),
        (utc(6, 16), utc(9, 17), date(2026, 3, 6)),
        (utc(7, 12), utc(9, 17), date(2026, 3, 9)),
    ],
)
def test_goods_leave_at_the_end_of_the_day_on_which_they_are_packed(
    at: datetime, dispatched: datetime, day: date
) -> None:
    assert dispatches_at(BERLIN, at, timedelta(hours=2)) == dispatched
    assert working_day(BERLIN, at) == day


def test_the_day_is_that_of_the_place() -> None:
    tokyo = StoreHours(zone="Asia/Tokyo", weekly={"tue": (("00:00", "24:00"),)})
    assert working_day(tokyo, utc(2, 16)) == date(2026, 3, 3)


def test_a_place_without_opening_days_dispatches_never() -> None:
    assert dispatches_at(NEVER_OPEN, utc(2, 9), timedelta(hours=2)) is None
    assert working_day(NEVER_OPEN, utc(2, 9)) is None
