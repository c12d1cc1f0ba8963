"""Level payments: what is due when, how much of it is interest, and what is left, without a cent lost."""

import calendar
from collections.abc import Sequence
from datetime import date
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from domain.lending.months import months_after, months_before
from domain.lending.rates import Number, decimal, exact, minor


class DayCount(StrEnum):
    THIRTY_360 = "30/360"
    """Every month has 30 days (bond basis)."""
    ACTUAL_365 = "actual/365"
    ACTUAL_360 = "actual/360"
    ACTUAL_ACTUAL = "actual/actual"
    """Days over 365 in common years and 366 in leap years (ISDA)."""


class Instalment(BaseModel):
    """Amounts in minor units; `balance` is what is owed after it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    due: date
    payment: int
    interest: int
    principal: int
    balance: int


class Advance(BaseModel):
    """Money that leaves on a day, in minor units of the principal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: date
    amount: int


class Basis(StrEnum):
    """Which payment a total was made from; said beside every total."""

    ROUNDED = "rounded"
    """The instalments as they are really asked for."""
    UNROUNDED = "unrounded"
    """The exact level payment, times the number of instalments."""


class Totals(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Basis
    amount_financed: int
    finance_charge: int
    total_of_payments: int


def year_fraction(start: date, end: date, day_count: DayCount) -> Fraction:
    if day_count is DayCount.ACTUAL_365:
        return Fraction((end - start).days, 365)
    if day_count is DayCount.ACTUAL_360:
        return Fraction((end - start).days, 360)
    if day_count is DayCount.ACTUAL_ACTUAL:
        return _by_year(start, end)
    months = (end.year - start.year) * 12 + end.month - start.month
    if end == months_after(start, months) or start == months_before(end, months):
        # So a row of monthly payments has equal months, whatever day it began on.
        return Fraction(months, 12)
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return Fraction(months * 30 + last - first, 360)


def level_payment(principal: int, annual_rate: Number, dates: Sequence[date], day_count: DayCount) -> Decimal:
    """The exact payment that repays `principal` in equal parts at `dates[1:]`; `dates[0]` is the advance.

    `annual_rate` in percent a year. Raises `ValueError` on a negative rate or principal, or dates out of order.
    """
    with exact():
        return _level(principal, _period_rates(principal, annual_rate, dates, day_count))


def _level(principal: int, rates: Sequence[Decimal]) -> Decimal:
    worth, factor = Decimal(0), Decimal(1)
    for rate in rates:
        factor /= 1 + rate
        worth += factor
    return principal / worth


def level_schedule(
    principal: int, annual_rate: Number, dates: Sequence[date], day_count: DayCount | str
) -> list[Instalment]:
    """The instalments at `dates[1:]` of an advance at `dates[0]`; the last one takes the rest.

    Each is rounded to whole minor units, half to even. Principal sums to the advance, the last balance is 0.
    """
    with exact():
        rates = _period_rates(principal, annual_rate, dates, DayCount(day_count))
        exactly = _level(principal, rates)
        level = minor(exactly)
        found = _instalments(principal, level, dates, rates)
        if found is None or (found[-1].payment > 2 * level and 2 * found[-1].principal > principal):
            # At such a rate and length the nearest minor unit does not even pay the interest, so that what is owed
            # would grow for ever. One unit above what rounding can take away repays it, some payments early.
            found = _instalments(principal, int(exactly.to_integral_value(ROUND_CEILING)) + 1, dates, rates)
            assert found is not None
        return found


def drawn_schedule(
    advances: Sequence[Advance],
    annual_rate: Number,
    dates: Sequence[date],
    day_count: DayCount | str,
    *,
    drawn_until: date | None = None,
) -> list[Instalment]:
    """The instalments at `dates[1:]` of several advances, the first at `dates[0]`.

    Up to the first date after the last advance, or after `drawn_until` if more could be drawn until then, only the
    interest on what is drawn is due, each day's on its balance and rounded once; from then on equal parts. Principal
    sums to the advances, the last balance is 0. Raises `ValueError` when the last advance leaves no two dates after
    it, or one comes before `dates[0]`.
    """
    count, moves = DayCount(day_count), sorted(advances, key=lambda each: each.on)
    if not moves or moves[0].on < dates[0] or any(each.amount <= 0 for each in moves):
        raise ValueError("advances are amounts from the first date on")
    whole = sum(each.amount for each in moves)
    last = max(moves[-1].on, drawn_until or dates[0])
    if last == dates[0]:
        return level_schedule(whole, annual_rate, dates, count)
    later = [due for due in dates[1:] if due >= last]
    if len(later) < 2:
        later = list(dates[-2:])
    if later[0] < moves[-1].on:
        raise ValueError("nothing is left to repay it in after the last advance")
    found = []
    for start, due in pairwise(dates[: dates.index(later[0]) + 1]):
        interest = _interest(moves, start, due, decimal(annual_rate), count)
        drawn = sum(each.amount for each in moves if each.on <= due)
        found.append(Instalment(due=due, payment=interest, interest=interest, principal=0, balance=drawn))
    return [*found, *level_schedule(whole, annual_rate, later, count)]


def _interest(moves: Sequence[Advance], start: date, end: date, rate: Decimal, day_count: DayCount) -> int:
    """On what was drawn on each day between the two."""
    with exact():
        grown = Decimal(0)
        marks = [start, *sorted({each.on for each in moves if start < each.on < end}), end]
        for begun, until in pairwise(marks):
            part = year_fraction(begun, until, day_count)
            drawn = sum(each.amount for each in moves if each.on <= begun)
            grown += drawn * rate * part.numerator / (100 * part.denominator)
        return minor(grown)


def _instalments(
    principal: int, level: int, dates: Sequence[date], rates: Sequence[Decimal]
) -> list[Instalment] | None:
    """None when the payments never repay it."""
    balance, instalments = principal, []
    for n, (due, rate) in enumerate(zip(dates[1:], rates, strict=True), start=1):
        interest = minor(balance * rate)
        payment = balance + interest if n == len(rates) else min(level, balance + interest)
        balance -= payment - interest
        if balance > 2 * principal:
            return None
        instalments.append(
            Instalment(due=due, payment=payment, interest=interest, principal=payment - interest, balance=balance)
        )
    return instalments


def totals(
    amount_financed: int,
    instalments: Sequence[Instalment],
    *,
    prepaid: int = 0,
) -> Totals:
    """Finance charge (interest and `prepaid` charges) and total of payments of the instalments as they are asked for.

    `amount_financed` is the advance less what of it went to prepaid charges.
    """
    paid = sum(instalment.payment for instalment in instalments)
    if amount_financed + prepaid != sum(instalment.principal for instalment in instalments):
        raise ValueError("the instalments repay something else than what was financed")
    return Totals(
        basis=Basis.ROUNDED,
        amount_financed=amount_financed,
        finance_charge=paid - amount_financed,
        total_of_payments=paid,
    )


def unrounded_totals(
    principal: int, annual_rate: Number, dates: Sequence[date], day_count: DayCount, *, prepaid: int = 0
) -> Totals:
    """The same from the exact payment, rounded once."""
    with exact():
        paid = minor(level_payment(principal, annual_rate, dates, day_count) * (len(dates) - 1))
    financed = principal - prepaid
    return Totals(
        basis=Basis.UNROUNDED, amount_financed=financed, finance_charge=paid - financed, total_of_payments=paid
    )


def _period_rates(principal: int, annual_rate: Number, dates: Sequence[date], day_count: DayCount) -> list[Decimal]:
    rate = decimal(annual_rate)
    if rate < 0:
        raise ValueError("a rate below zero has no level payment here")
    if principal <= 0:
        raise ValueError("nothing is advanced")
    if len(dates) < 2 or any(later <= earlier for earlier, later in pairwise(dates)):
        raise ValueError("dates must be the advance, then at least one payment, each later than the one before")
    known: dict[tuple[int, int], Decimal] = {}
    rates = []
    for start, end in pairwise(dates):
        ratio = year_fraction(start, end, day_count).as_integer_ratio()
        if ratio not in known:
            known[ratio] = rate * ratio[0] / (100 * ratio[1])
        rates.append(known[ratio])
    return rates


def _by_year(start: date, end: date) -> Fraction:
    total, begun = Fraction(0), start
    while begun < end:
        turn = end if end.year == begun.year else date(begun.year + 1, 1, 1)
        total += Fraction((turn - begun).days, 366 if calendar.isleap(begun.year) else 365)
        begun = turn
    return total
