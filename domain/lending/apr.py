"""Annual percentage rates: the actuarial one of the United States, the effective one of the European Union."""

import calendar
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from domain.lending.rates import NoRate, NoRateReason, Number, decimal, exact, portion, root

PeriodFlow = tuple[Number, int, Number | float]
"""An amount, the full unit-periods before it and the part of one beside them."""
DatedFlow = tuple[Number, date]

US_TOLERANCE = Decimal("0.125")
"""Percentage points by which a disclosed rate of a regular transaction may be off (12 CFR 1026.22(a)(2))."""
US_TOLERANCE_IRREGULAR = Decimal("0.25")


def us_apr(advances: Sequence[PeriodFlow], payments: Sequence[PeriodFlow], periods_per_year: Number | float) -> Decimal:
    """The rate in percent, unrounded, by the general equation of Regulation Z, Appendix J (b)(8).

    Σ A / ((1 + e·i)(1 + i)^q) = Σ P / ((1 + f·i)(1 + i)^t), and the rate is i times the unit-periods of a year. Raises
    `NoRate` where no rate from zero up solves it.
    """
    with exact():
        flows = [
            (sign * decimal(amount), whole, portion(part))
            for sign, side in ((1, advances), (-1, payments))
            for amount, whole, part in side
        ]
        flows.sort(key=lambda flow: (flow[1], flow[2], -flow[0]))
        _check([(amount, whole + part) for amount, whole, part in flows])
        if sum(amount for amount, _, _ in flows) == 0:
            return Decimal(0)

        def curve(rate: Decimal) -> tuple[Decimal, Decimal]:
            growth = 1 / (1 + rate)
            value = slope = Decimal(0)
            factor, at = Decimal(1), 0
            for amount, whole, part in flows:
                if whole != at:
                    factor *= growth if whole == at + 1 else growth ** (whole - at)
                    at = whole
                worth = amount * factor
                if part:
                    odd = 1 + part * rate
                    worth /= odd
                    slope -= worth * part / odd
                value += worth
                slope -= worth * whole * growth
            return value, slope

        return root(curve) * portion(periods_per_year) * 100


def eu_apr(drawdowns: Sequence[DatedFlow], repayments: Sequence[DatedFlow]) -> Decimal:
    """The effective annual rate in percent, unrounded (Directive 2008/48/EC, Annex I; (EU) 2023/2225, Annex III).

    Time runs from the first drawdown in whole years, then days over 365, or 366 where the year so begun has a leap day.
    Raises `NoRate` where no rate from zero up solves it.
    """
    with exact():
        if not drawdowns:
            raise NoRate(NoRateReason.NOTHING_ADVANCED)
        first = min(day for _, day in drawdowns)
        if any(day < first for _, day in repayments):
            raise NoRate(NoRateReason.REPAID_BEFORE_ADVANCED)
        flows = [
            (sign * decimal(amount), *_years(first, day))
            for sign, side in ((1, drawdowns), (-1, repayments))
            for amount, day in side
        ]
        _check([(amount, years + Decimal(days) / length) for amount, years, days, length in flows])
        if sum(amount for amount, *_ in flows) == 0:
            return Decimal(0)

        # Solved for ln(1 + rate), which stays small where a day's gain makes the yearly rate astronomic.
        def curve(force: Decimal) -> tuple[Decimal, Decimal]:
            yearly = (-force).exp()
            daily = {length: (-force / length).exp() for length in (365, 366)}
            value = slope = Decimal(0)
            for amount, years, days, length in flows:
                worth = amount * yearly**years * daily[length] ** days
                value += worth
                slope -= worth * (years + Decimal(days) / length)
            return value, slope

        return (root(curve).exp() - 1) * 100


def eu_apr_shown(rate: Decimal, decimals: int = 1) -> Decimal:
    """The rate as it is disclosed: at least one decimal, a following 5 or more rounds up."""
    return rate.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def us_apr_shown(rate: Decimal) -> Decimal:
    return rate.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def within_tolerance(disclosed: Decimal, actual: Decimal, *, irregular: bool = False) -> bool:
    """Whether a disclosed rate is accurate; `actual` is the unrounded one."""
    return abs(disclosed - actual) <= (US_TOLERANCE_IRREGULAR if irregular else US_TOLERANCE)


def _check(flows: list[tuple[Decimal, Decimal]]) -> None:
    advances = [(amount, at) for amount, at in flows if amount > 0]
    payments = [(-amount, at) for amount, at in flows if amount < 0]
    if not advances:
        raise NoRate(NoRateReason.NOTHING_ADVANCED)
    if not payments:
        raise NoRate(NoRateReason.NOTHING_REPAID)
    if min(at for _, at in payments) < min(at for _, at in advances):
        raise NoRate(NoRateReason.REPAID_BEFORE_ADVANCED)
    if sum(amount for amount, _ in payments) < sum(amount for amount, _ in advances):
        raise NoRate(NoRateReason.REPAID_LESS_THAN_ADVANCED)


def _years(first: date, day: date) -> tuple[int, int, int]:
    """Whole years from `first` to `day`, the days beyond them, and how many days the year so begun has."""
    years = day.year - first.year
    if _anniversary(first, years) > day:
        years -= 1
    begun = _anniversary(first, years)
    return years, (day - begun).days, (_anniversary(first, years + 1) - begun).days


def _anniversary(first: date, years: int) -> date:
    year = first.year + years
    return first.replace(year=year, day=min(first.day, calendar.monthrange(year, first.month)[1]))
