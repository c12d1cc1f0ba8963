"""Level payments: the published tables, and what must hold of every schedule."""

import calendar
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.lending.months import monthly
from domain.lending.schedule import (
    Basis,
    DayCount,
    level_payment,
    level_schedule,
    totals,
    unrounded_totals,
    year_fraction,
)

START = date(2026, 1, 15)


def test_the_first_published_table() -> None:
    found = level_schedule(10000, Decimal("9.4822"), monthly(START, 6), DayCount.THIRTY_360)
    assert [each.payment for each in found] == [1713] * 6
    assert [each.interest for each in found] == [79, 66, 53, 40, 27, 13]


def test_the_last_instalment_takes_the_rest() -> None:
    found = level_schedule(10000, 7, monthly(START, 6), DayCount.THIRTY_360)
    assert [each.payment for each in found] == [1701] * 5 + [1700]


@pytest.mark.parametrize(
    ("start", "end", "count", "fraction"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), DayCount.THIRTY_360, "30/360"),
        (date(2026, 2, 28), date(2026, 3, 31), DayCount.THIRTY_360, "30/360"),
        (date(2026, 1, 30), date(2026, 2, 28), DayCount.THIRTY_360, "30/360"),
        (date(2026, 1, 15), date(2026, 3, 1), DayCount.THIRTY_360, "46/360"),
        (date(2024, 1, 1), date(2025, 1, 1), DayCount.ACTUAL_360, "366/360"),
        (date(2024, 1, 1), date(2025, 1, 1), DayCount.ACTUAL_365, "366/365"),
        (date(2024, 1, 1), date(2025, 1, 1), DayCount.ACTUAL_ACTUAL, "1"),
    ],
)
def test_day_counts(start: date, end: date, count: DayCount, fraction: str) -> None:
    assert str(year_fraction(start, end, count)) == str(Fraction(fraction))


def test_a_row_of_months_keeps_its_day_after_a_short_one() -> None:
    assert monthly(date(2026, 1, 31), 4)[1:] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
        date(2026, 5, 31),
    ]
    assert monthly(date(2026, 1, 20), 2, first=date(2026, 3, 1))[1:] == [date(2026, 3, 1), date(2026, 4, 1)]


def test_a_month_is_a_twelfth_whatever_day_it_begins_on() -> None:
    for day in range(1, 32):
        dates = monthly(date(2027, 12, 1).replace(day=day), 24)
        rates = [year_fraction(a, b, DayCount.THIRTY_360) for a, b in pairwise(dates)]
        assert set(rates) == {year_fraction(START, date(2026, 2, 15), DayCount.THIRTY_360)}


@pytest.mark.parametrize(
    ("day_count", "interest"),
    [
        (DayCount.THIRTY_360, [10_00, 6_70, 3_37]),
        (DayCount.ACTUAL_365, [9_53, 6_82, 3_32]),
        (DayCount.ACTUAL_360, [9_67, 6_92, 3_37]),
        (DayCount.ACTUAL_ACTUAL, [9_51, 6_81, 3_31]),
    ],
)
def test_three_months_of_a_leap_year_by_each_day_count(day_count: DayCount, interest: list[int]) -> None:
    """1,000.00 at 12 % over 29, 31 and 30 days."""
    found = level_schedule(1000_00, 12, monthly(date(2024, 1, 31), 3), day_count)
    assert [each.interest for each in found] == interest


def test_a_month_over_new_year_counts_each_year_by_its_own_length() -> None:
    found = level_schedule(1000_00, 12, [date(2023, 12, 15), date(2024, 1, 15)], DayCount.ACTUAL_ACTUAL)
    assert found[0].interest == 10_18  # 12,000 times (17/365 + 14/366)


def part_of_a_year(start: date, end: date, day_count: DayCount) -> Fraction:
    """Of a month in a row of months, day by day."""
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    match day_count:
        case DayCount.THIRTY_360:
            return Fraction(1, 12)
        case DayCount.ACTUAL_365:
            return Fraction(len(days), 365)
        case DayCount.ACTUAL_360:
            return Fraction(len(days), 360)
        case DayCount.ACTUAL_ACTUAL:
            return sum((Fraction(1, 366 if calendar.isleap(day.year) else 365) for day in days), Fraction())


@given(
    principal=st.integers(1, 10**10),
    rate=st.decimals(0, 60, places=4),
    count=st.integers(1, 60),
    day_count=st.sampled_from(DayCount),
    start=st.dates(date(2000, 1, 1), date(2060, 1, 1)),
)
@settings(max_examples=30, deadline=None)
def test_nothing_is_lost_among_the_cents(
    principal: int, rate: Decimal, count: int, day_count: DayCount, start: date
) -> None:
    dates = monthly(start, count)
    found = level_schedule(principal, rate, dates, day_count)
    assert [each.due for each in found] == dates[1:]
    balance = principal
    for begun, each in zip(dates, found, strict=False):
        assert each.interest == round(balance * Fraction(rate) / 100 * part_of_a_year(begun, each.due, day_count))
        balance -= each.principal
        assert each.balance == balance
    assert sum(each.principal for each in found) == principal
    assert found[-1].balance == 0
    assert all(each.payment == each.interest + each.principal for each in found)
    assert all(each.balance >= 0 for each in found)
    if day_count is DayCount.THIRTY_360:  # elsewhere a long month may cost more than the level payment
        assert all(each.principal >= 0 for each in found)
    assert len({each.payment for each in found[:-1] if each.balance}) <= 1


def test_totals_say_which_payment_they_come_from() -> None:
    dates = monthly(START, 6)
    rounded = totals(9900, level_schedule(10000, 7, dates, DayCount.THIRTY_360), prepaid=100)
    exact = unrounded_totals(10000, 7, dates, DayCount.THIRTY_360, prepaid=100)
    assert (rounded.basis, exact.basis) == (Basis.ROUNDED, Basis.UNROUNDED)
    assert rounded.total_of_payments == 10205
    assert exact.total_of_payments == round(level_payment(10000, 7, dates, DayCount.THIRTY_360) * 6)
    assert rounded.finance_charge == 305


@pytest.mark.parametrize(("principal", "rate", "count"), [(0, 5, 6), (100, -1, 6), (100, 5, 0)])
def test_what_is_no_loan_is_refused(principal: int, rate: int, count: int) -> None:
    with pytest.raises(ValueError, match=r"rate|advanced|dates"):
        level_schedule(principal, rate, monthly(START, count), DayCount.THIRTY_360)


@given(
    principal=st.integers(1, 10**15),
    rate=st.decimals(0, 1000, places=4),
    count=st.integers(1, 600),
    day_count=st.sampled_from(DayCount),
    start=st.dates(date(2000, 1, 1), date(2060, 1, 1)),
)
@example(1_000_000, Decimal(60), 600, DayCount.THIRTY_360, date(2026, 1, 31))
@example(624, Decimal(1000), 600, DayCount.ACTUAL_ACTUAL, date(2043, 2, 28))
@settings(max_examples=25, deadline=None)
def test_any_legal_terms_are_repaid_without_a_balloon(
    principal: int, rate: Decimal, count: int, day_count: DayCount, start: date
) -> None:
    found = level_schedule(principal, rate, monthly(start, count), day_count)
    assert sum(each.principal for each in found) == principal
    assert found[-1].balance == 0
    level = found[0].payment
    assert all(0 <= each.payment <= max(level, each.interest + 1) for each in found[:-1])
    # The rest in the last one is what rounding left, never the loan itself.
    assert found[-1].payment <= 2 * level or 2 * found[-1].principal <= principal
