"""Published rates, and what must hold of any flows."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.lending.apr import PeriodFlow, eu_apr, eu_apr_shown, us_apr, us_apr_shown, within_tolerance
from domain.lending.rates import NoRate, NoRateReason
from domain.lending.unit_periods import UnitPeriod, periods_between, single_payment


def row(payment: int, count: int, first: tuple[int, Fraction] = (1, Fraction(0))) -> list[PeriodFlow]:
    return [(payment, first[0] + n, first[1]) for n in range(count)]


REGULATION_Z = {
    "monthly": ([(500000, 0, 0)], row(23000, 24), 12, "9.69"),
    "long first month": ([(600000, 0, 0)], row(20000, 36, (1, Fraction(19, 30))), 12, "11.82"),
    "half months, short first one": ([(500000, 0, 0)], row(21917, 24, (0, Fraction(6, 15))), 24, "10.34"),
    "quarters, long first one": ([(1000000, 0, 0)], row(38500, 40, (1, Fraction(39, 90))), 4, "8.97"),
    "weeks, long first one": ([(50000, 0, 0)], row(1760, 30, (4, Fraction(4, 7))), 52, "14.96"),
    "odd first payment": ([(500000, 0, 0)], [(25000, 1, 0), *row(23000, 23, (2, Fraction(0)))], 12, "10.08"),
    "odd last payment": ([(500000, 0, 0)], [*row(23000, 23), (28000, 24, 0)], 12, "10.50"),
    "one payment within a year": ([(100000, 0, 0)], [(108000, 1, 0)], Fraction(365, 255), "11.45"),
    "three advances": (
        [(2000000, 0, 0), (2000000, 2, Fraction(2, 30)), (2000000, 5, Fraction(8, 30))],
        row(61236, 240, (8, Fraction(0))),
        12,
        "10.25",
    ),
}


@pytest.mark.parametrize(("advances", "payments", "a_year", "rate"), REGULATION_Z.values(), ids=REGULATION_Z)
def test_the_examples_of_regulation_z(
    advances: list[PeriodFlow], payments: list[PeriodFlow], a_year: int | Fraction, rate: str
) -> None:
    assert us_apr_shown(us_apr(advances, payments, a_year)) == Decimal(rate)


@pytest.mark.parametrize(
    ("advance", "first", "unit", "periods"),
    [
        (date(1978, 1, 10), date(1978, 2, 10), UnitPeriod.MONTH, (1, Fraction(0))),
        (date(1978, 2, 10), date(1978, 4, 1), UnitPeriod.MONTH, (1, Fraction(19, 30))),
        (date(1978, 2, 23), date(1978, 3, 1), UnitPeriod.HALF_MONTH, (0, Fraction(6, 15))),
        (date(1978, 5, 23), date(1978, 10, 1), UnitPeriod.QUARTER, (1, Fraction(39, 90))),
        (date(1978, 3, 20), date(1978, 4, 21), UnitPeriod.WEEK, (4, Fraction(4, 7))),
        (date(2024, 1, 31), date(2024, 2, 29), UnitPeriod.MONTH, (1, Fraction(0))),
    ],
)
def test_periods_are_counted_backwards_from_the_first_payment(
    advance: date, first: date, unit: UnitPeriod, periods: tuple[int, Fraction]
) -> None:
    assert periods_between(advance, first, unit) == periods


def test_one_payment_within_a_year_makes_its_term_the_period() -> None:
    assert single_payment(date(1978, 1, 3), date(1978, 9, 15)) == ((1, 0), Fraction(365, 255))
    assert single_payment(date(1978, 7, 15), date(1979, 1, 15)) == ((1, 0), 2)
    assert single_payment(date(1978, 1, 3), date(1980, 1, 3)) == ((2, 0), 1)


DRAWN = [(100000, date(1994, 1, 1))]
DIRECTIVE = {
    "eighteen months": (DRAWN, [(120000, date(1995, 7, 1))], 2, "12.96"),
    "with a charge kept back": ([(95000, date(1994, 1, 1))], [(120000, date(1995, 7, 1))], 1, "16.9"),
    "two yearly repayments": (DRAWN, [(60000, date(1995, 1, 1)), (60000, date(1996, 1, 1))], 1, "13.1"),
    "three uneven repayments": (
        DRAWN,
        [(27200, date(1994, 4, 2)), (27200, date(1994, 7, 2)), (54400, date(1995, 1, 1))],
        1,
        "13.2",
    ),
}


@pytest.mark.parametrize(("drawn", "repaid", "decimals", "rate"), DIRECTIVE.values(), ids=DIRECTIVE)
def test_the_examples_of_the_european_directive(
    drawn: list[tuple[int, date]], repaid: list[tuple[int, date]], decimals: int, rate: str
) -> None:
    assert eu_apr_shown(eu_apr(drawn, repaid), decimals) == Decimal(rate)


def test_a_year_over_a_leap_day_is_a_whole_year() -> None:
    assert abs(eu_apr([(100000, date(2024, 1, 15))], [(110000, date(2025, 1, 15))]) - 10) < Decimal("1e-12")


@given(
    principal=st.integers(1_000, 10**9),
    payment_above=st.integers(0, 10**7),
    count=st.integers(1, 60),
    odd=st.fractions(0, Fraction(29, 30)),
)
@settings(max_examples=25, deadline=None)
def test_the_rate_makes_both_sides_equal(principal: int, payment_above: int, count: int, odd: Fraction) -> None:
    payment = -(-principal // count) + payment_above
    rate = us_apr([(principal, 0, 0)], row(payment, count, (1, odd)), 12) / 1200
    part = Decimal(odd.numerator) / Decimal(odd.denominator)
    worth = sum(payment / ((1 + part * rate) * (1 + rate) ** (1 + n)) for n in range(count))
    assert rate >= 0
    assert abs(worth - principal) < principal * Decimal("1e-15")


@given(
    advances=st.lists(
        st.tuples(st.integers(1_000, 10**8), st.integers(0, 6), st.integers(0, 29)), min_size=2, max_size=6
    ),
    count=st.integers(1, 60),
    above=st.integers(0, 10**6),
)
@settings(max_examples=25, deadline=None)
def test_the_rate_of_several_advances_makes_both_sides_equal(
    advances: list[tuple[int, int, int]], count: int, above: int
) -> None:
    whole = sum(amount for amount, *_ in advances)
    payment = -(-whole // count) + above
    drawn = [(amount, months, Fraction(days, 30)) for amount, months, days in advances]
    rate = us_apr(drawn, row(payment, count, (8, Fraction(0))), 12) / 1200
    got = sum(amount / ((1 + Decimal(days) / 30 * rate) * (1 + rate) ** months) for amount, months, days in advances)
    worth = sum(payment / (1 + rate) ** (8 + n) for n in range(count))
    assert rate >= 0
    assert abs(worth - got) < whole * Decimal("1e-15")


@given(
    drawn=st.lists(st.tuples(st.integers(1_000, 10**8), st.integers(0, 364)), min_size=1, max_size=4),
    repaid=st.lists(st.integers(1, 10**7), min_size=1, max_size=10),
    above=st.integers(0, 10**6),
)
@settings(max_examples=25, deadline=None)
def test_the_effective_rate_makes_both_sides_equal(drawn: list[tuple[int, int]], repaid: list[int], above: int) -> None:
    """Drawn within a common year, repaid at the ends of years."""
    first, whole = date(2025, 3, 1), sum(amount for amount, _ in drawn)
    drawn = [(drawn[0][0], 0), *drawn[1:]]
    payments = [*repaid, max(0, whole - sum(repaid)) + above]
    flows = [(amount, first + timedelta(days=days)) for amount, days in drawn]
    back = [(amount, first.replace(year=2025 + n)) for n, amount in enumerate(payments, start=1) if amount]
    rate = eu_apr(flows, back) / 100
    got = sum(amount / (1 + rate) ** (Decimal(days) / 365) for amount, days in drawn)
    worth = sum(amount / (1 + rate) ** n for n, amount in enumerate(payments, start=1))
    assert rate >= 0
    assert abs(worth - got) < whole * Decimal("1e-15")


@given(amounts=st.lists(st.integers(1, 10**7), min_size=1, max_size=24), gap=st.integers(1, 400))
@settings(max_examples=20, deadline=None)
def test_the_effective_rate_grows_with_what_is_repaid(amounts: list[int], gap: int) -> None:
    start = date(2026, 1, 31)
    repaid = [(amount, start + timedelta(days=gap * n)) for n, amount in enumerate(amounts, start=1)]
    low = eu_apr([(sum(amounts), start)], repaid)
    high = eu_apr([(sum(amounts), start)], [*repaid[:-1], (amounts[-1] + 100, repaid[-1][1])])
    assert low == 0
    assert high > 0


@pytest.mark.parametrize(
    ("advances", "payments", "reason"),
    [
        ([], [(100, 1, 0)], NoRateReason.NOTHING_ADVANCED),
        ([(100, 0, 0)], [], NoRateReason.NOTHING_REPAID),
        ([(100, 0, 0)], [(99, 1, 0)], NoRateReason.REPAID_LESS_THAN_ADVANCED),
        ([(100, 2, 0)], [(200, 1, 0)], NoRateReason.REPAID_BEFORE_ADVANCED),
        ([(100, 1, 0)], [(200, 1, 0)], NoRateReason.WITHOUT_BOUND),
    ],
)
def test_flows_without_a_rate_say_why(
    advances: list[PeriodFlow], payments: list[PeriodFlow], reason: NoRateReason
) -> None:
    with pytest.raises(NoRate) as refused:
        us_apr(advances, payments, 12)
    assert refused.value.reason is reason


def test_a_float_is_no_amount() -> None:
    with pytest.raises(TypeError):
        us_apr([(100.0, 0, 0)], [(110, 1, 0)], 12)  # type: ignore[list-item]


def test_tolerance_is_tested_on_the_unrounded_rate() -> None:
    actual = us_apr([(500000, 0, 0)], row(23000, 24), 12)
    assert within_tolerance(Decimal("9.69"), actual)
    assert not within_tolerance(actual + Decimal("0.12500001"), actual)
    assert within_tolerance(actual + Decimal("0.12500001"), actual, irregular=True)
