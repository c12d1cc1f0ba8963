from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.lending.approvals import Approval, ApprovalTier, Reviewer, missing, tier_for
from domain.lending.schedule import DayCount
from domain.lending.terms import LoanTerms, figures

AT = datetime(2026, 11, 2, tzinfo=UTC)
MATRIX = [
    ApprovalTier(up_to=1_000_000, approvers=1, role="underwriter"),
    ApprovalTier(up_to=5_000_000, approvers=2, role="underwriter"),
    ApprovalTier(up_to=9_000_000, approvers=2, role="senior_underwriter"),
]
TERMS = LoanTerms(
    principal=1_200_000,
    currency="USD",
    annual_rate=Decimal("9.9"),
    term_months=36,
    day_count=DayCount.THIRTY_360,
)


def by(login: str, *roles: str, person: str | None = None, terms: str = "t") -> Approval:
    reviewer = Reviewer(login=login, person=person or login, roles=frozenset(roles or {"underwriter"}))
    return Approval(reviewer=reviewer, terms_hash=terms, at=AT)


@pytest.mark.parametrize(
    ("amount", "approvals", "left"),
    [
        (1_000_000, [by("una")], 0),
        (1_000_001, [by("una")], 1),
        (2_000_000, [by("una"), by("ben")], 0),
        (2_000_000, [by("una"), by("una")], 1),
        (2_000_000, [by("una"), by("una2", person="una")], 1),
        (2_000_000, [by("una"), by("max")], 1),  # max made it
        (2_000_000, [by("una"), by("ben", terms="other")], 1),
        (6_000_000, [by("una"), by("zoe", "senior_underwriter")], 1),
        (9_000_001, [by("zoe", "senior_underwriter")], None),
    ],
)
def test_who_counts(amount: int, approvals: list[Approval], left: int | None) -> None:
    assert missing(MATRIX, amount, approvals, terms_hash="t", makers=frozenset({"max"})) == left


def test_beyond_every_tier_nobody_may_approve() -> None:
    assert tier_for(MATRIX, 10**9) is None


def test_a_changed_term_has_another_hash() -> None:
    assert TERMS.hash() == LoanTerms.model_validate_json(TERMS.model_dump_json()).hash()
    assert TERMS.hash() == TERMS.model_copy(update={"annual_rate": Decimal("9.9000")}).hash()
    assert TERMS.hash() != TERMS.model_copy(update={"term_months": 48}).hash()
    assert TERMS.hash() != TERMS.model_copy(update={"annual_rate": Decimal("9.91")}).hash()


def test_the_figures_of_terms() -> None:
    found = figures(TERMS, date(2026, 11, 2))
    assert found.totals.total_of_payments == sum(each.payment for each in found.instalments)
    assert abs(found.apr - Decimal("9.9")) < Decimal("0.01")
    charged = figures(TERMS.model_copy(update={"prepaid": 24_000}), date(2026, 11, 2))
    assert charged.apr > found.apr
    assert charged.totals.amount_financed == 1_176_000
    european = figures(TERMS, date(2026, 11, 2), european=True)
    assert Decimal("10.3") < european.apr < Decimal("10.4")


def test_more_cannot_be_kept_back_than_is_lent() -> None:
    with pytest.raises(ValueError, match="more is kept back"):
        LoanTerms.model_validate({**TERMS.model_dump(), "prepaid": TERMS.principal})


@given(
    principal=st.integers(100_000, 10**9),
    rate=st.decimals(0, 100, places=2),
    count=st.integers(1, 360),
    fee=st.integers(0, 1000),
    european=st.booleans(),
)
@settings(max_examples=20, deadline=None)
def test_what_is_kept_back_makes_a_loan_dearer_and_without_it_the_rate_is_the_notes(
    principal: int, rate: Decimal, count: int, fee: int, european: bool
) -> None:
    terms = TERMS.model_copy(update={"principal": principal, "annual_rate": rate, "term_months": count})
    start = date(2026, 11, 2)
    plain = figures(terms, start, european=european)
    charged = figures(terms.model_copy(update={"prepaid": principal * fee // 10_000}), start, european=european)
    assert charged.apr >= plain.apr
    assert charged.totals.finance_charge == plain.totals.finance_charge + principal * fee // 10_000
    assert charged.totals.total_of_payments == plain.totals.total_of_payments
    if not european:
        # Cents that are rounded away move the rate of a small loan a little.
        assert abs(plain.apr - rate) <= Decimal(1200 * count) / principal
