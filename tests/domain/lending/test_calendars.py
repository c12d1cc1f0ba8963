from datetime import date

import pytest

from domain.lending.calendars import (
    OfficeDays,
    general_business_days,
    is_precise_business_day,
    legal_holidays,
    precise_business_days,
    rescission_ends,
)


def test_signed_on_a_wednesday_before_the_fourth_of_july() -> None:
    assert is_precise_business_day(date(2026, 7, 3))  # only observed, so it counts
    assert not is_precise_business_day(date(2026, 7, 4))
    assert rescission_ends([date(2026, 7, 1)]) == date(2026, 7, 6)


@pytest.mark.parametrize(
    ("last", "ends"),
    [
        (date(2026, 11, 25), date(2026, 11, 30)),  # Thanksgiving and a Sunday between
        (date(2026, 12, 24), date(2026, 12, 29)),
        (date(2026, 6, 18), date(2026, 6, 23)),
        (date(2026, 5, 22), date(2026, 5, 27)),  # Memorial Day
    ],
)
def test_rescission_leaves_out_sundays_and_holidays(last: date, ends: date) -> None:
    assert rescission_ends([date(2026, 5, 1), last]) == ends


def test_saturdays_count_precisely_but_only_where_the_office_is_open_in_general() -> None:
    friday = date(2026, 8, 7)
    assert precise_business_days(friday, 1) == date(2026, 8, 8)
    assert general_business_days(friday, 1, OfficeDays()) == date(2026, 8, 10)
    assert general_business_days(friday, 3, OfficeDays(closed=frozenset({date(2026, 8, 11)}))) == date(2026, 8, 13)


def test_the_legal_holidays_of_a_year() -> None:
    assert sorted(legal_holidays(2026)) == [
        date(2026, 1, 1),
        date(2026, 1, 19),
        date(2026, 2, 16),
        date(2026, 5, 25),
        date(2026, 6, 19),
        date(2026, 7, 4),
        date(2026, 9, 7),
        date(2026, 10, 12),
        date(2026, 11, 11),
        date(2026, 11, 26),
        date(2026, 12, 25),
    ]
    assert date(2019, 6, 19) not in legal_holidays(2019)
