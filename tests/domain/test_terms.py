"""An order's terms: numbered pickups and tenders, no personal data, a payable amount."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from domain.actors import ENGINE
from domain.ids import OrderId
from domain.intake import Relation, reconcile
from domain.policy_packs import STANDARD
from domain.terms import ChannelRules, OrderTerms, terms_of
from tests.domain.sample_orders import after
from tests.domain.test_intake import body, line


def terms(**changes: Any) -> OrderTerms:
    taken = body(**changes)
    return terms_of(
        taken,
        order_id=OrderId("o1"),
        received_at=after(seconds=2),
        actor=ENGINE,
        policy=STANDARD,
        rules=ChannelRules(holds_discrepancies=True),
        discrepancy=reconcile(taken),
    )


def pickup(name: str, store: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "method": "pickup", "store_id": store, **more}


TWO = {
    "fulfilments": [pickup("later", "S2"), pickup("now", "S1", mode="curbside")],
    "lines": [line("l1", fulfilment="now"), line("l2", fulfilment="later"), line("l3", fulfilment="now")],
}


def test_pickups_are_numbered_from_one_in_the_order_of_the_fulfilments():
    fixed = terms(**TWO)
    assert [(each.n, each.fulfilment, each.store_id, each.mode) for each in fixed.pickups] == [
        (1, "later", "S2", "counter"),
        (2, "now", "S1", "curbside"),
    ]
    assert [(each.line_id, each.group) for each in fixed.lines] == [("l1", 2), ("l2", 1), ("l3", 2)]


def test_tenders_are_numbered_in_the_order_of_use():
    tenders = [{"type": "pay_in_store", "amount": 5}, {"type": "card", "amount": 7, "token": "tok_1"}]
    fixed = terms(tenders=tenders)
    assert [(each.tender_id, each.type, each.amount, each.token) for each in fixed.tenders] == [
        ("t1", "pay_in_store", 5, None),
        ("t2", "card", 7, "tok_1"),
    ]
    assert fixed.payable == 12


def test_the_price_evidence_of_a_line_is_kept():
    (_, second) = terms(prices_include_tax=False).lines
    assert (second.quantity, second.unit_price, second.discount, second.tax, second.total) == (1, 999, 100, 19, 918)


def test_the_time_asked_for_one_pickup_stands_before_that_of_the_order():
    asked = [pickup("later", "S2", requested_pickup_at="2026-03-05T10:00:00+01:00"), pickup("now", "S1")]
    fixed = terms(**{**TWO, "fulfilments": asked}, requested_pickup_at="2026-03-03T10:00:00Z")
    assert [each.requested_at for each in fixed.pickups] == [after(days=3), after(days=1, hours=1)]


def test_who_may_collect_is_kept_as_a_relation_and_not_by_name():
    named = [pickup("later", "S2", person={"name": "Bob", "relation": "friend"}), pickup("now", "S1")]
    fixed = terms(**{**TWO, "fulfilments": named}, pickup={"person": {"name": "Carl", "relation": "family"}})
    assert [each.proxy for each in fixed.pickups] == [Relation.FRIEND, Relation.FAMILY]
    assert [each.proxy for each in terms().pickups] == [None]


def test_terms_hold_no_personal_data():
    written = terms(pickup={"person": {"name": "Carl"}}).model_dump_json()
    for personal in ("Ada", "ada@example.com", "Carl"):
        assert personal not in written


def test_terms_are_fixed_and_keep_the_body_s_hash():
    fixed = terms()
    assert fixed.content_hash == body().content_hash()
    assert (fixed.received_at, fixed.policy, fixed.rules.holds_discrepancies) == (after(seconds=2), STANDARD, True)
    with pytest.raises(ValidationError, match="frozen"):
        fixed.total = 1


def test_a_discrepancy_goes_with_the_terms():
    fixed = terms(total=2900)
    assert fixed.discrepancy is not None
    assert not fixed.discrepancy.adds_up
    assert (fixed.total, fixed.payable) == (2900, 2899)


def test_tokens_are_not_printed_and_terms_survive_json():
    assert "tok_1" not in repr(terms())
    assert OrderTerms.model_validate(json.loads(terms().model_dump_json())) == terms()
