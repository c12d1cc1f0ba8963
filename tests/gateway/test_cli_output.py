"""What the command line prints reads as words: units, money and times with their zone."""

import time

import pytest

from gateway.cli import application, output

ORDER = {"currency": "EUR", "lines": [{"line_id": "1", "sku": "SHOE-42"}]}


def test_an_events_facts_are_units_and_money() -> None:
    said = output.facts({"group": 1, "lines": {"1": 2, "9": 1}, "amount": 4999, "proof_ref": "SIG-1"}, ORDER)
    assert said == "group: 1; 2 x SHOE-42, 1 x 9; 49.99 EUR; proof ref: SIG-1"
    assert output.facts({"groups": [1, 2]}, ORDER) == "groups: 1, 2"
    assert output.facts({}, ORDER) == ""


def test_a_time_names_its_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert output.time("2026-11-22T10:00:00Z") == "2026-11-22 11:00:00 CET"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert output.time(None) == ""


def test_what_a_group_kept_is_told_apart_from_what_was_cancelled_of_it() -> None:
    assert output.off({"units": {"1": {"shipped": 1, "cancelled": 2}, "2": {"lost": 1}}}) == " (2 cancelled, 1 lost)"
    assert output.off({"units": {"1": {"allocated": 1, "cancelled": 2}}}) == "", "its lines are what is owed"
    assert output.off({"units": {"1": {"cancelled": 2}}}) == "", "its status says so"


def test_an_event_of_an_application_says_what_it_is_about() -> None:
    notice = {"n": 3, "party": "p1", "proof": "<4f@example>", "notice": "document_reminder"}
    assert application.facts(notice, "USD") == "n: 3; party: p1; notice: document reminder"
    answered = {"step": "co_income", "changed": False, "fell": ["decision", "offer"]}
    assert application.facts(answered, "USD") == "step: co_income; fell: decision, offer"
    assert application.facts({"amount": 990_000, "terms_hash": "4f"}, "USD") == "amount: 9900.00 USD"


def test_what_a_step_asks_names_its_fields_and_choices() -> None:
    fields = {"amount": {"type": "integer"}, "purpose": {"enum": ["refinance", "cash_out"]}, "payout_token": {}}
    asked = application.asked({"properties": fields, "required": ["amount", "purpose"]})
    assert asked == "amount, purpose: refinance or cash_out, [payout_token]"
