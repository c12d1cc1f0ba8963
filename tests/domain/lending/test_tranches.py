"""A loan in parts: nothing of the principal is lost between them, and interest is due on what is drawn."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.products.reading import shipped
from domain.lending.months import monthly
from domain.lending.parts import TrancheState
from domain.lending.products import TrancheDefinition
from domain.lending.schedule import Advance, DayCount, drawn_schedule, level_schedule
from domain.lending.terms import LoanTerms, figures
from domain.lending.tranches import begin, planned_advances, schedule_now, tranches_of

START = date(2026, 1, 15)
HOUSE = shipped()["mortgage"].model_copy(
    update={
        "tranches": (
            TrancheDefinition(name="land", percent=33),
            TrancheDefinition(name="roof", percent=33, after_days=60, released=True),
            TrancheDefinition(name="keys", percent=34, after_days=150),
        )
    }
)
TERMS = LoanTerms(
    principal=100_001,
    currency="USD",
    annual_rate=Decimal(6),
    term_months=36,
    day_count=DayCount.THIRTY_360,
    prepaid=1_000,
)


def test_the_last_part_takes_what_rounding_left_and_the_first_one_the_charge() -> None:
    parts = tranches_of(HOUSE, TERMS)
    assert [(each.amount, each.prepaid) for each in parts] == [(33_000, 1_000), (33_000, 0), (34_001, 0)]
    assert [each.needs_release for each in parts] == [False, True, False]
    planned = planned_advances(HOUSE, TERMS, START)
    assert [(each.on - START).days for each in planned] == [0, 60, 150]


def test_until_the_last_part_only_interest_on_what_is_drawn_is_due_then_equal_parts() -> None:
    advances = [Advance(on=START, amount=60_000), Advance(on=date(2026, 3, 1), amount=40_000)]
    found = drawn_schedule(advances, 12, monthly(START, 6), DayCount.THIRTY_360)
    # One percent a month of 60,000; from the first of March, fourteen days before the date, also of 40,000.
    assert [each.interest for each in found[:2]] == [600, 600 + 187]
    assert [each.principal for each in found[:2]] == [0, 0]
    assert found[2:] == level_schedule(100_000, 12, monthly(date(2026, 3, 15), 4), DayCount.THIRTY_360)


@given(
    st.lists(st.tuples(st.integers(1, 10**9), st.integers(0, 300)), min_size=1, max_size=6),
    st.integers(12, 60),
    st.decimals(0, 30, places=2),
    st.sampled_from(DayCount),
    st.integers(0, 900),
)
def test_whatever_is_drawn_is_repaid_to_the_cent(
    draws: list[tuple[int, int]], months: int, rate: Decimal, day_count: DayCount, until: int
) -> None:
    first = min(day for _, day in draws)
    advances = [Advance(on=START + timedelta(days=day - first), amount=amount) for amount, day in draws]
    drawn_until = START + timedelta(days=until)
    found = drawn_schedule(advances, rate, monthly(START, months), day_count, drawn_until=drawn_until)
    assert len(found) == months
    assert sum(each.principal for each in found) == sum(each.amount for each in advances)
    assert found[-1].balance == 0
    assert all(each.payment == each.interest + each.principal for each in found)
    for earlier, later in pairwise(found):
        came = sum(each.amount for each in advances if earlier.due < each.on <= later.due)
        assert later.balance == earlier.balance + came - later.principal


def test_an_advance_that_leaves_no_time_to_repay_it_is_refused() -> None:
    late = [Advance(on=START, amount=1), Advance(on=date(2026, 7, 1), amount=1)]
    with pytest.raises(ValueError, match="nothing is left"):
        drawn_schedule(late, 5, monthly(START, 6), DayCount.THIRTY_360)


def test_interest_is_paid_on_what_was_there_so_the_rate_is_the_one_that_was_agreed() -> None:
    at_once = figures(TERMS, START)
    in_parts = figures(TERMS, START, advances=planned_advances(HOUSE, TERMS, START))
    assert in_parts.totals.amount_financed == at_once.totals.amount_financed == 99_001
    assert in_parts.instalments[0].payment == 165 < at_once.instalments[0].payment
    free = TERMS.model_copy(update={"prepaid": 0})
    plain = figures(free, START, advances=planned_advances(HOUSE, free, START))
    # Without a charge the rate that is paid is the rate that was agreed, whenever the money came.
    assert abs(plain.apr - 6) < Decimal("0.02")
    assert in_parts.apr > plain.apr
    assert in_parts.payment > in_parts.instalments[0].payment


def test_what_lapses_changes_nothing_that_was_due_before_and_is_not_repaid() -> None:
    parts = tranches_of(HOUSE, TERMS)
    ends = begin(HOUSE, parts, datetime(2026, 1, 15, tzinfo=UTC), timedelta(days=1))
    assert (ends.date(), parts[1].after) == (date(2027, 1, 10), datetime(2026, 3, 16, tzinfo=UTC))
    parts[0].drawn_on, parts[0].state = START, TrancheState.DRAWN
    before = schedule_now(HOUSE, TERMS, parts, START)
    for each in parts[1:]:
        each.state = TrancheState.LAPSED
    after = schedule_now(HOUSE, TERMS, parts, date(2026, 3, 1))
    assert after[0] == before[0]
    assert (after[0].principal, after[1].principal, sum(each.principal for each in after)) == (0, 0, 33_000)
