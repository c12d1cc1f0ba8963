"""What an account owes, as of any time, and how a repayment is used."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lending.accounts import (
    AccountKind,
    AccountTerms,
    Allocation,
    Payoff,
    Transaction,
    TransactionKind,
    TransactionState,
    accrued_interest,
    allocate,
    balances,
    deposit_postings,
    disbursement_postings,
    payoff,
    repayment_postings,
)
from domain.lending.schedule import DayCount

OPENED = date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TERMS = AccountTerms(
    account_id="a",
    application_id="x",
    kind=AccountKind.LOAN,
    currency="USD",
    annual_rate=Decimal(10),
    day_count=DayCount.ACTUAL_365,
    opened_on=OPENED,
)


def test_of_a_loan_in_parts_an_account_shows_what_is_drawn_and_what_is_left_to_draw() -> None:
    terms = TERMS.model_copy(update={"agreed": 1_000_000})
    first = paid_out()
    second = first.model_copy(update={"key": "d2", "state": TransactionState.PENDING})
    back = first.model_copy(
        update={"key": "r", "kind": TransactionKind.REPAYMENT, "postings": repayment_postings(PART, 0)}
    )
    now = balances(terms, [first, second, back], NOON, OPENED)
    assert (now.drawn, now.pending, now.undrawn) == (365_000, 365_000, 270_000)
    assert now.principal == 325_000
    assert balances(TERMS, [first], NOON, OPENED).undrawn == 0


PART = Allocation(fees=0, interest=0, principal=40_000, over=0)


def paid_out(state: TransactionState = TransactionState.BOOKED) -> Transaction:
    return Transaction(
        key="d",
        kind=TransactionKind.DISBURSEMENT,
        state=state,
        at=NOON,
        value_date=OPENED,
        postings=disbursement_postings(365_000, 5_000),
    )


def repaid(amount: int, on: date, before: list[Transaction]) -> Transaction:
    owed = payoff(TERMS, before, on)
    accrued = accrued_interest(TERMS, before, on)
    return Transaction(
        key=f"r{on}",
        kind=TransactionKind.REPAYMENT,
        state=TransactionState.BOOKED,
        at=NOON + timedelta(days=(on - OPENED).days),
        value_date=on,
        postings=repayment_postings(allocate(amount, owed), accrued),
    )


def test_interest_grows_a_day_at_a_time_and_is_paid_before_principal() -> None:
    ledger = [paid_out()]
    assert payoff(TERMS, ledger, OPENED).total == 365_000
    assert payoff(TERMS, ledger, date(2026, 1, 31)).interest == 3_000
    ledger.append(repaid(13_000, date(2026, 1, 31), ledger))
    now = payoff(TERMS, ledger, date(2026, 1, 31))
    assert (now.principal, now.interest) == (355_000, 0)
    assert payoff(TERMS, ledger, date(2026, 2, 10)).interest == 973  # 355,000 at 10 % for 10 days


def test_a_balance_can_be_read_as_of_an_earlier_time() -> None:
    ledger = [paid_out()]
    ledger.append(repaid(13_000, date(2026, 1, 31), ledger))
    before = balances(TERMS, ledger, NOON + timedelta(days=29), date(2026, 1, 30))
    after = balances(TERMS, ledger, NOON + timedelta(days=30), date(2026, 1, 31))
    assert (before.principal, before.accrued) == (365_000, 2_900)
    assert (after.principal, after.accrued) == (355_000, 0)


def test_what_is_pending_is_told_apart_and_what_was_reversed_is_gone() -> None:
    pending = balances(TERMS, [paid_out(TransactionState.PENDING)], NOON, OPENED)
    assert (pending.booked, pending.pending) == (0, 365_000)
    assert balances(TERMS, [paid_out(TransactionState.REVERSED)], NOON, OPENED).pending == 0


def test_a_depositors_money_is_available() -> None:
    terms = TERMS.model_copy(update={"kind": AccountKind.DEPOSIT})
    put_in = paid_out().model_copy(update={"kind": TransactionKind.DEPOSIT, "postings": deposit_postings(700)})
    found = balances(terms, [put_in], NOON, OPENED)
    assert (found.booked, found.available, found.accrued) == (700, 700, 0)


@given(amount=st.integers(1, 10**9), fees=st.integers(0, 10**6), interest=st.integers(0, 10**6))
def test_a_repayment_is_used_up_exactly_and_its_postings_balance(amount: int, fees: int, interest: int) -> None:
    total = 10**6 + interest + fees
    owed = Payoff(on=OPENED, currency="USD", principal=10**6, interest=interest, fees=fees, total=total)
    used = allocate(amount, owed)
    assert used.fees + used.interest + used.principal + used.over == amount
    assert used.over == max(0, amount - owed.total)
    assert used.principal == 0 or (used.fees, used.interest) == (fees, interest)
    assert sum(line.amount for line in repayment_postings(used, interest)) == 0
    assert sum(line.amount for line in disbursement_postings(amount, amount // 100)) == 0


@pytest.mark.parametrize("day_count", list(DayCount))
def test_what_settles_a_loan_is_known_to_the_last_day_that_there_is(day_count: DayCount) -> None:
    terms = TERMS.model_copy(update={"day_count": day_count})
    paid_out = Transaction(
        key="k",
        kind=TransactionKind.DISBURSEMENT,
        state=TransactionState.BOOKED,
        at=NOON,
        value_date=OPENED,
        postings=disbursement_postings(100_000, 0),
    )
    assert payoff(terms, [paid_out], date.max).total > payoff(terms, [paid_out], date(9999, 1, 1)).total
