"""Rule sets that would not do what they seem to say are refused, with the place of the fault."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.sourcing import DEFAULT_RULES, RoutingRules, SourcingRequest
from tests.domain.sourcing.sample_sourcing import line, order

NEAR = {"name": "near"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rules": []}, "at least 1 item"),
        ({"rules": [NEAR, NEAR]}, "another rule has this name; name each differently"),
        ({"rules": [{**NEAR, "ends": "allocate"}, {"name": "far"}]}, "so the rules after it never count"),
        ({"rules": [{**NEAR, "rank": ["sequence"]}]}, "list the places"),
        ({"rules": [{**NEAR, "rank": ["cost", "cost"]}]}, "a criterion is named twice"),
        ({"rules": [{**NEAR, "rank": []}]}, "at least 1 item"),
        ({"rules": [{**NEAR, "sequence": ["S1", "S1"]}]}, "a place is named twice"),
        ({"rules": [{**NEAR, "queue": "Not A Queue"}]}, "match pattern"),
        ({"rules": [{**NEAR, "filters": {"max_km": 0}}]}, "greater than or equal to 1"),
        ({"rules": [{**NEAR, "split": {"min_value": -1}}]}, "greater than or equal to 0"),
        ({"rules": [{**NEAR, "speed": "fast"}]}, "Extra inputs are not permitted"),
        ({"rules": [NEAR], "version": 0}, "greater than or equal to 1"),
    ],
)
def test_a_rule_set_with_a_fault_is_refused(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        RoutingRules.model_validate({"id": "x", **fields})


def test_a_rule_for_some_orders_may_end_before_others() -> None:
    some = {**NEAR, "channels": ["marketplace"], "ends": "queue", "queue": "marketplace"}
    assert RoutingRules.model_validate({"id": "x", "rules": [some, {"name": "far"}]}).rules[1].name == "far"


def test_the_usual_rules_survive_json() -> None:
    assert RoutingRules.model_validate_json(DEFAULT_RULES.model_dump_json()) == DEFAULT_RULES


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"lines": [line(1, "A"), line(1, "B")]}, "line 1 is there twice"),
        ({"pinned": {"9": "S1"}}, "no line 9 is to be sourced"),
        ({"pinned": {"1": "S1", "2": "S2"}, "keep_together": True}, "assigned to S1 and S2"),
    ],
)
def test_a_request_that_contradicts_itself_is_refused(fields: dict[str, Any], said: str) -> None:
    known = order(line(1, "A"), line(2, "B")).model_dump()
    with pytest.raises(ValidationError, match=said):
        SourcingRequest.model_validate({**known, **fields})
