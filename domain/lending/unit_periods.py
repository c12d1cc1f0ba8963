"""Dates as unit-periods, as Regulation Z, Appendix J (b)(5) counts them: backwards from the first payment."""

from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction

from domain.lending.months import is_month_end, months_before, on_day

PeriodAt = tuple[int, Fraction]
"""Full unit-periods, and the part of one beside them."""


class UnitPeriod(StrEnum):
    """The common interval between payments."""

    WEEK = "week"
    HALF_MONTH = "half_month"
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half_year"
    YEAR = "year"

    @property
    def per_year(self) -> int:
        return {"week": 52, "half_month": 24, "month": 12, "quarter": 4, "half_year": 2, "year": 1}[self.value]

    @property
    def months(self) -> int:
        return {"month": 1, "quarter": 3, "half_year": 6, "year": 12}.get(self.value, 0)


def periods_between(start: date, end: date, unit: UnitPeriod) -> PeriodAt:
    """From `start` to `end`: full unit-periods counted back from `end`, then the days that are left.

    Odd days are thirtieths of a month, fifteenths of a half month, sevenths of a week; where the unit is several months
    m, full months times 30 and the days, over 30 times m. Raises `ValueError` when `end` is earlier.
    """
    if end < start:
        raise ValueError(f"{end} is before {start}")
    if unit is UnitPeriod.WEEK:
        weeks, days = divmod((end - start).days, 7)
        return weeks, Fraction(days, 7)

    def back(months: int) -> date:
        # A row of last days of months stays on last days.
        earlier = months_before(end, months)
        return on_day(earlier, max(start.day, end.day)) if is_month_end(end) else earlier

    months = 0
    while back(months + 1) >= start:
        months += 1
    days = (back(months) - start).days
    if unit is UnitPeriod.HALF_MONTH:
        # A half month back from the earliest full month, where that still is within the term.
        halves = months * 2
        if days >= 15:
            middle = back(months) - timedelta(days=15)
            halves, days = halves + 1, (middle - start).days
        return halves, Fraction(days, 15)
    full, over = divmod(months, unit.months)
    return full, Fraction(over * 30 + days, 30 * unit.months)


def single_payment(start: date, end: date) -> tuple[PeriodAt, Fraction]:
    """The periods and the unit-periods a year of one advance that one payment repays, (b)(5)(iv) and (v).

    Within a year the term is the unit-period, in months where they are whole, else in days of 365; beyond a year the
    unit is the year and the rest a fraction of it.
    """
    if months_before(end, 12) >= start:
        years = 1
        while months_before(end, 12 * (years + 1)) >= start:
            years += 1
        left = months_before(end, 12 * years)
        months = 0
        while months_before(left, months + 1) >= start:
            months += 1
        days = (months_before(left, months) - start).days
        if days:
            return (years, Fraction((left - start).days, 365)), Fraction(1)
        return (years, Fraction(months, 12)), Fraction(1)
    months = next((n for n in range(1, 12) if months_before(end, n) == start), 0)
    if months:
        return (1, Fraction(0)), Fraction(12, months)
    return (1, Fraction(0)), Fraction(365, (end - start).days)


def regular(advance: date, first: date, unit: UnitPeriod, count: int) -> Sequence[PeriodAt]:
    """Where `count` payments in a regular row stand that begins with `first`."""
    whole, part = periods_between(advance, first, unit)
    return [(whole + n, part) for n in range(count)]
