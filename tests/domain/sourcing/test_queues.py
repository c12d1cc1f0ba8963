"""When a queue is brokered: said in one way, and nothing that would never come or come twice."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.intake import Service
from domain.sourcing import DEFAULT_RULES, EXPRESS, REJECTED, STANDARD, UNFILLABLE, Overlap, QueueClass, QueueRuns
from domain.sourcing.rules import RoutingRules
from tests.domain.sourcing.sample_sourcing import line, order

AT_NIGHT = {"queue": "standard", "at": ["03:30"]}


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({"queue": "standard"}, "one of them"),
        (AT_NIGHT | {"every_seconds": 60}, "one of them"),
        ({"queue": "standard", "every_seconds": 60, "days": ["mon"]}, "days go with times of the day"),
        (AT_NIGHT | {"at": ["03:30", "03:30"]}, "named twice"),
        (AT_NIGHT | {"days": ["mon", "mon"]}, "named twice"),
        (AT_NIGHT | {"at": ["24:00"]}, "match pattern"),
        (AT_NIGHT | {"at": ["3:30"]}, "match pattern"),
        (AT_NIGHT | {"days": ["monday"]}, "mon"),
        (AT_NIGHT | {"zone": "Europe/Atlantis"}, "zone"),
        (AT_NIGHT | {"queue": UNFILLABLE}, "it has no runs"),
        (AT_NIGHT | {"queue": "At Night"}, "match pattern"),
        ({"queue": "standard", "every_seconds": 0}, "greater than or equal to 1"),
        ({"queue": "standard", "every_seconds": 86_401}, "less than or equal to 86400"),
        (AT_NIGHT | {"orders_per_second": 0}, "greater than or equal to 1"),
        (AT_NIGHT | {"batch": 501}, "less than or equal to 500"),
        (AT_NIGHT | {"batch": "many"}, "valid integer"),
        (AT_NIGHT | {"catch_up_seconds": 9}, "greater than or equal to 10"),
        (AT_NIGHT | {"overlap": "both"}, "skip"),
        (AT_NIGHT | {"priority": 1}, "Extra inputs"),
    ],
)
def test_runs_that_say_nothing_or_contradict_themselves_are_refused(runs: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        QueueRuns.model_validate(runs)


def test_runs_that_say_no_more_than_when_are_careful() -> None:
    runs = QueueRuns.model_validate(AT_NIGHT)
    assert (runs.overlap, runs.longest_wait) == (Overlap.SKIP, timedelta(days=3))
    assert (runs.zone, runs.days, runs.every_seconds) == ("UTC", (), None)
    assert QueueRuns.model_validate_json(runs.model_dump_json()) == runs


def with_runs(*runs: dict[str, Any]) -> RoutingRules:
    return RoutingRules.model_validate(DEFAULT_RULES.model_dump() | {"runs": runs})


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([AT_NIGHT | {"queue": "economy"}], "no class waits in this queue"),
        ([AT_NIGHT, {"queue": "standard", "every_seconds": 60}], "there twice"),
    ],
)
def test_rules_name_the_runs_of_a_queue_once_and_of_none_that_nobody_is_in(
    runs: list[dict[str, Any]], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        with_runs(*runs)


def test_an_order_waits_for_the_runs_of_its_class_unless_that_is_brokered_at_once() -> None:
    rules = with_runs(AT_NIGHT, {"queue": REJECTED, "every_seconds": 600}, {"queue": EXPRESS, "every_seconds": 5})
    plain, hurried = order(line(1, "A")), order(line(1, "A"), service=Service.EXPRESS)
    declined = order(line(1, "A"), hops=1)
    assert rules.runs_of(STANDARD) == rules.awaits(plain)
    assert rules.awaits(hurried) is None, "its class is brokered when it comes"
    found = rules.awaits(declined)
    assert found is not None
    assert (found.queue, found.every_seconds) == (REJECTED, 600)
    assert DEFAULT_RULES.awaits(plain) is None, "a queue without runs is brokered when its orders come"
    assert DEFAULT_RULES.queue_class(plain) == QueueClass(queue=STANDARD)
