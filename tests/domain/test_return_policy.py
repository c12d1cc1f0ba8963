"""May it come back: every reason is named, under the terms of the version that was fixed at the sale."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.actors import Channel
from domain.ids import Sku
from domain.refunds import RefundTarget, ShippingRule
from domain.returns.decision import (
    DeliveredLine,
    Effect,
    Outcome,
    ReturnDecision,
    ReturnLine,
    Why,
    decide_return,
    may_be_overridden,
    overridden,
)
from domain.returns.policy import Case, ReturnException, ReturnPolicy, ReturnTerms, window_ends
from domain.returns.words import FAULTS, ReturnKind, ReturnReason, ReturnVia
from tests.domain.sample_orders import A

CAME = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IN_TIME = CAME + timedelta(days=10)
BERLIN = "Europe/Berlin"


def decided(
    terms: ReturnTerms = ReturnTerms(), *, units: int = 3, returned: int = 0, at: datetime = IN_TIME, **request: Any
) -> ReturnDecision:
    line = DeliveredLine(line_id=A, sku=Sku("SHOE"), units=units, returned=returned, unit_worth=5000, received_at=CAME)
    wish = ReturnLine(**({"line_id": A, "quantity": 1, "reason": ReturnReason.NO_LONGER_WANTED} | request))
    return decide_return(line, wish, terms, window_ends(terms, CAME, BERLIN) if units else None, at)


def test_a_plain_return_in_time_is_allowed_and_says_until_when():
    decision = decided()
    assert decision.outcome is Outcome.ALLOWED
    [reason] = decision.reasons
    assert (reason.why, reason.until) == (Why.IN_WINDOW, datetime(2026, 4, 1, 22, 0, tzinfo=UTC))


def test_a_day_too_late_is_refused():
    ends = datetime(2026, 4, 1, 22, 0, tzinfo=UTC)
    assert decided(at=ends).outcome is Outcome.ALLOWED
    assert decided(at=ends + timedelta(seconds=1)).why == (Why.TOO_LATE,)


def test_final_sale_is_final_but_for_a_fault():
    terms = ReturnTerms(final_sale=True)
    assert decided(terms).outcome is Outcome.REFUSED
    faulty = decided(terms, reason=ReturnReason.FAULTY)
    assert faulty.outcome is Outcome.ALLOWED
    assert (Why.FINAL_SALE, Effect.SPARES) in [(each.why, each.effect) for each in faulty.reasons]


def test_every_reason_that_applied_is_named():
    terms = ReturnTerms(final_sale=True, fee=499, restocking_percent=10, vias=frozenset({ReturnVia.STORE}))
    decision = decided(
        terms,
        at=CAME + timedelta(days=60),
        quantity=4,
        via=ReturnVia.POST,
        refund_to=RefundTarget.GIFT_CARD,
    )
    assert decision.why == (
        Why.MORE_THAN_RECEIVED,
        Why.TOO_LATE,
        Why.FINAL_SALE,
        Why.WAY_NOT_OFFERED,
        Why.TARGET_NOT_OFFERED,
        Why.FEE,
        Why.RESTOCKING,
    )


def test_units_of_other_returns_are_not_there_any_more_and_nobody_can_override_that():
    decision = decided(returned=2, quantity=2)
    assert (decision.outcome, decision.reasons[0].units) == (Outcome.REFUSED, 1)
    assert not may_be_overridden(decision)
    assert may_be_overridden(decided(at=CAME + timedelta(days=60)))


def test_what_a_person_overrides_keeps_its_reasons():
    late = decided(at=CAME + timedelta(days=60))
    assert overridden(late).outcome is Outcome.ALLOWED
    assert overridden(late).why == (Why.TOO_LATE, Why.OVERRIDDEN)


def test_great_value_is_for_a_person():
    assert decided(ReturnTerms(person_above=9999), quantity=2).outcome is Outcome.PERSON
    assert decided(ReturnTerms(person_above=10_000), quantity=2).outcome is Outcome.ALLOWED


def test_a_fault_costs_the_customer_nothing():
    terms = ReturnTerms(fee=499, restocking_percent=10)
    assert Why.FEE not in decided(terms, reason=ReturnReason.DAMAGED).why
    policy = terms.refund_policy(fault=True)
    assert (policy.fee, policy.restocking_percent, policy.shipping) == (0, 0, ShippingRule.PRO_RATA)


def test_a_small_fault_is_made_good_without_the_article_coming_back():
    terms = ReturnTerms(keep_item_to=5000)
    claim = {"kind": ReturnKind.CLAIM, "reason": ReturnReason.FAULTY}
    assert decided(terms, **claim).keeps_item
    assert not decided(terms, quantity=2, **claim).keeps_item
    assert not decided(terms, reason=ReturnReason.FAULTY).keeps_item, "a return is a return"
    assert decided(kind=ReturnKind.CLAIM, reason=ReturnReason.MISSING).keeps_item, "there is nothing to send back"


def test_the_last_exception_that_matches_wins():
    policy = ReturnPolicy(
        name="shop",
        version=3,
        terms=ReturnTerms(fee=300),
        exceptions=(
            ReturnException(categories=frozenset({"swimwear"}), then={"final_sale": True, "fee": 0}),
            ReturnException(countries=frozenset({"DE"}), then={"window": timedelta(days=100)}),
            ReturnException(
                channels=frozenset({Channel.MARKETPLACE}), categories=frozenset({"swimwear"}), then={"fee": 9}
            ),
        ),
    )
    assert policy.terms_for(Case(channel=Channel.WEB, country="FR")) == ReturnTerms(fee=300)
    german = policy.terms_for(Case(channel=Channel.WEB, country="DE", category="swimwear"))
    assert (german.final_sale, german.fee, german.window.days) == (True, 0, 100)
    assert policy.terms_for(Case(channel=Channel.MARKETPLACE, category="swimwear")).fee == 9


def test_an_exception_names_terms_that_there_are():
    with pytest.raises(ValidationError, match="patience"):
        ReturnPolicy(name="shop", version=1, exceptions=(ReturnException(then={"patience": 3}),))


def test_a_window_ends_with_the_local_day_also_when_clocks_change():
    terms = ReturnTerms(window=timedelta(days=1))
    before_the_change = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
    assert window_ends(terms, before_the_change, BERLIN) == datetime(2026, 3, 29, 22, 0, tzinfo=UTC)
    assert window_ends(terms, before_the_change, "America/New_York") == datetime(2026, 3, 30, 4, 0, tzinfo=UTC)
    leap = datetime(2028, 2, 28, 12, 0, tzinfo=UTC)
    assert window_ends(terms, leap, "UTC") == datetime(2028, 3, 1, 0, 0, tzinfo=UTC)


def test_business_days_leave_out_weekends_and_holidays():
    thursday = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    terms = ReturnTerms(business_days=2)
    assert window_ends(terms, thursday, "UTC", easter) == datetime(2026, 4, 9, 0, 0, tzinfo=UTC)
    assert window_ends(terms, thursday, "UTC") == datetime(2026, 4, 7, 0, 0, tzinfo=UTC)


def test_a_window_of_seconds_ends_to_the_second():
    terms = ReturnTerms(window=timedelta(seconds=20))
    assert window_ends(terms, CAME, BERLIN) == CAME + timedelta(seconds=20)


@given(
    st.builds(
        ReturnTerms, final_sale=st.booleans(), fee=st.integers(0, 900), person_above=st.none() | st.integers(0, 20_000)
    ),
    st.integers(0, 3),
    st.integers(1, 4),
    st.sampled_from(ReturnReason),
    st.integers(-1, 40),
)
def test_the_outcome_follows_from_the_reasons(
    terms: ReturnTerms, returned: int, quantity: int, reason: ReturnReason, days: int
):
    decision = decided(terms, returned=returned, quantity=quantity, reason=reason, at=CAME + timedelta(days=days))
    effects = [each.effect for each in decision.reasons]
    refused, asked = Effect.REFUSES in effects, Effect.ASKS in effects
    assert decision.outcome is (Outcome.REFUSED if refused else Outcome.PERSON if asked else Outcome.ALLOWED)
    assert refused or quantity + returned <= 3, "never more than came"
    if reason in FAULTS:
        assert Effect.COSTS not in effects
