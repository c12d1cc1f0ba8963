"""The two business days of Regulation Z: those on which the lender is open, and those that the law counts precisely."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

_SUNDAY = 6
MONDAY, THURSDAY = 0, 3


class CalendarKind(StrEnum):
    CALENDAR = "calendar"
    """Every day counts."""
    GENERAL = "general"
    """Days on which the lender's offices are open to the public for substantially all business."""
    PRECISE = "precise"
    """All days but Sundays and the legal public holidays of 5 U.S.C. 6103(a) (12 CFR 1026.2(a)(6))."""
    BUSINESS_HOURS = "business_hours"
    CLOCK = "clock"
    MONTHS = "months"


class OfficeDays(BaseModel):
    """When the lender's offices are open: data of its policy pack."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekdays: frozenset[int] = frozenset(range(5))
    """0 is Monday."""
    closed: frozenset[date] = frozenset()

    def is_open(self, day: date) -> bool:
        return day.weekday() in self.weekdays and day not in self.closed


def legal_holidays(year: int) -> frozenset[date]:
    """The statutory dates of the year's public holidays, never the day on which one is observed instead."""
    days = [
        date(year, 1, 1),
        _nth(year, 1, MONDAY, 3),
        _nth(year, 2, MONDAY, 3),
        _last_monday_of_may(year),
        date(year, 7, 4),
        _nth(year, 9, MONDAY, 1),
        _nth(year, 10, MONDAY, 2),
        date(year, 11, 11),
        _nth(year, 11, THURSDAY, 4),
        date(year, 12, 25),
    ]
    if year >= 2021:
        days.append(date(year, 6, 19))
    return frozenset(days)


def is_precise_business_day(day: date) -> bool:
    return day.weekday() != _SUNDAY and day not in legal_holidays(day.year)


def precise_business_days(after: date, count: int) -> date:
    """The `count`-th precise business day after the day `after`, which itself does not count."""
    return _walk(after, count, is_precise_business_day)


def general_business_days(after: date, count: int, offices: OfficeDays) -> date:
    """The `count`-th day after `after` on which the offices are open."""
    if not offices.weekdays:
        raise ValueError("these offices never open")
    return _walk(after, count, offices.is_open)


def rescission_ends(events: Iterable[date]) -> date:
    """The last day to rescind: the third precise business day after the last of consummation, notice and disclosures.

    The right ends at its midnight; money may leave the day after.
    """
    return precise_business_days(max(events), 3)


def _walk(after: date, count: int, counts: Callable[[date], bool]) -> date:
    if count < 0:
        raise ValueError("business days are counted forwards")
    day = after
    while count:
        day += timedelta(days=1)
        if counts(day):
            count -= 1
    return day


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())
