"""What an operator's word does to a compartment."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.hearsay import Effect, Known
from domain.lockers import CompartmentStatus, compartment_status, hear_of_compartment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "report", "minutes", "effect"),
    [
        ("reserved", "deposited", 5, Effect.APPLIED),
        ("reserved", "collected", 5, Effect.APPLIED),
        ("reserved", "released", 5, Effect.APPLIED),
        ("deposited", "deposited", 5, Effect.REPEATED),
        ("collected", "deposited", -5, Effect.OUT_OF_ORDER),
        ("expired", "returned", 5, Effect.APPLIED),
        ("deposited", "unknown", 5, Effect.UNKNOWN),
        ("collected", "expired", 5, Effect.ILLEGAL),
        ("expired", "collected", 5, Effect.ILLEGAL),
        ("expired", "collected", -5, Effect.ILLEGAL),
        ("released", "deposited", 5, Effect.ILLEGAL),
        ("deposited", "released", 5, Effect.ILLEGAL),
    ],
)
def test_what_a_report_does(known: str, report: str, minutes: int, effect: Effect) -> None:
    before = Known[CompartmentStatus](status=CompartmentStatus(known), at=NOON)
    heard = hear_of_compartment(before, compartment_status(report), NOON + timedelta(minutes=minutes))
    assert heard.effect is effect
    assert heard.known.status == (report if effect is Effect.APPLIED else known)


def test_a_word_that_no_status_has_is_unknown() -> None:
    assert compartment_status("door_jammed") is CompartmentStatus.UNKNOWN
