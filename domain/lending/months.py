"""Steps of whole months between dates: the same day, or the last one of a month that has no such day."""

import calendar
from collections.abc import Sequence
from datetime import date


def months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return on_day(date(year, month + 1, 1), day.day)


def on_day(month: date, day: int) -> date:
    """That day of the month, or its last where it has no such day."""
    return month.replace(day=day if day <= 28 else min(day, calendar.monthrange(month.year, month.month)[1]))


def is_month_end(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def months_before(day: date, months: int) -> date:
    return months_after(day, -months)


def monthly(start: date, count: int, *, first: date | None = None) -> Sequence[date]:
    """`start`, then `count` dates a month apart; the first of them a month after it unless given.

    From the last day of January they are the last days of February, March and April.
    """
    begun, before = (start, 1) if first is None else (first, 0)
    return [start, *(months_after(begun, n + before) for n in range(count))]
