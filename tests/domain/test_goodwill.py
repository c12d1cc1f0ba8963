"""Goodwill: a role's limit holds for all goodwill of an order, and what was given is not given again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.returns.goodwill import Goodwill, limit_of
from domain.returns.policy import ReturnPolicy
from domain.returns.settling import Settled

LIMITS = ReturnPolicy(name="test", version=1).appeasement_limits


@pytest.mark.parametrize(
    ("roles", "limit"),
    [
        ({"associate"}, 500),
        ({"associate", "manager"}, 5_000),
        ({"customer_service"}, 2_000),
        ({"ops"}, 10_000),
        ({"ops", "ops_manager"}, None),
        ({"auditor"}, 0),
        (set(), 0),
    ],
)
def test_each_role_has_its_limit_and_the_highest_counts(roles: set[str], limit: int | None):
    assert limit_of(roles, LIMITS) == limit


def goodwill(amount: int, **more: Any) -> Goodwill:
    return Goodwill(amount=amount, reason="late", **more)


def test_a_limit_holds_for_all_goodwill_of_an_order_together():
    assert goodwill(500, limit=500).within(0)
    assert not goodwill(500, limit=500).within(1)
    assert goodwill(10**9, limit=None).within(10**9)


def settled(refund: int) -> Settled:
    return Settled(n=1, units={}, goods={}, refund=refund)


def test_a_refund_is_less_by_what_goodwill_gave_before():
    cut = settled(1000).at_most(900)
    assert (cut.refund, cut.goodwill) == (900, 100)
    assert settled(1000).at_most(1000) == settled(1000)
    assert (settled(1000).at_most(-5).refund, settled(1000).at_most(-5).goodwill) == (0, 1000)


@given(st.integers(1, 10_000), st.lists(st.integers(0, 3_000), max_size=6), st.lists(st.integers(1, 3_000), max_size=6))
def test_goodwill_and_refunds_together_never_exceed_what_was_taken(taken: int, given_: list[int], refunds: list[int]):
    """In whatever order they come: each refund gets what is left, each goodwill is refused where nothing is."""
    left, back = taken, 0
    for goodwill_amount, refund in zip(given_, refunds, strict=False):
        if goodwill_amount <= left:
            left, back = left - goodwill_amount, back + goodwill_amount
        part = settled(refund).at_most(left)
        assert part.refund + part.goodwill == refund
        left, back = left - part.refund, back + part.refund
    assert 0 <= back <= taken
