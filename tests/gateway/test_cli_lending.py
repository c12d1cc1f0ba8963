"""`throughline underwrite|account …`: words of a person become the calls of the API, and its answers words again."""

import json
from pathlib import Path
from typing import Any

import pytest
import respx
from typer import Typer
from typer.testing import CliRunner, Result

from gateway.cli import account, underwrite

API = "http://127.0.0.1:9"
DECIDE = f"{API}/v1/underwriting/applications/a1/decide"
VIEW: dict[str, Any] = {
    "application_id": "a1",
    "product": "personal-loan",
    "stage": "in_review",
    "outcome": None,
    "currency": "USD",
    "missing": [],
    "offer": None,
    "repayment": None,
    "account_id": None,
    "tranches": [],
    "waiting_for": [],
    "clocks": [],
    "notices": [],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("URL", "KEY", "DATA"):
        monkeypatch.delenv(f"THROUGHLINE_{name}", raising=False)
    keys = {"web": "tl_web", "underwriters": {"una": "tl_una"}}
    (tmp_path / "stack.json").write_text(json.dumps({"api": API, "keys": keys}))
    return tmp_path


def run(app: Typer, folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["--data", str(folder), *words], catch_exceptions=False)


@respx.mock
def test_a_decision_is_given_in_words(folder: Path) -> None:
    route = respx.post(DECIDE).respond(200, json=VIEW)
    conditions = ("--condition", "clear_title=closing")
    result = run(underwrite.app, folder, "decide", "a1", "approve", "--reason", "Credit history", *conditions)
    assert result.exit_code == 0, result.output
    assert json.loads(route.calls.last.request.content) == {
        "decision": "approve",
        "reasons": ["credit_history"],
        "conditions": [{"code": "clear_title", "kind": "closing"}],
    }


@respx.mock
def test_a_condition_without_its_kind_is_not_sent(folder: Path) -> None:
    route = respx.post(DECIDE).respond(200, json=VIEW)
    result = run(underwrite.app, folder, "decide", "a1", "approve", "--condition", "clear_title")
    assert (result.exit_code, route.called) == (1, False)
    assert "--condition clear_title=closing" in result.output


@respx.mock
def test_what_does_not_fit_is_named_field_by_field(folder: Path) -> None:
    errors = [{"pointer": "/decision", "reason": "Should be 'approve', 'refer' or 'decline'"}]
    problem = {"title": "The request does not fit the contract", "detail": "See errors.", "errors": errors}
    respx.post(DECIDE).respond(422, json=problem)
    result = run(underwrite.app, folder, "decide", "a1", "maybe")
    assert result.exit_code == 1
    assert "/decision: Should be 'approve'" in result.output
    assert "See errors" not in result.output


@respx.mock
def test_a_repayment_says_what_is_left_as_money(folder: Path) -> None:
    respx.post(f"{API}/v1/accounts/c1/repayments").respond(201, json={"kind": "repayment", "amount": 10_000})
    left = {"total": 990_000, "currency": "USD", "on": "2026-12-01"}
    respx.get(f"{API}/v1/accounts/c1/payoff").respond(200, json=left)
    result = run(account.app, folder, "repay", "c1", "10000")
    assert result.output.strip() == "✓ 100.00 USD repaid; 9900.00 USD would settle it on 2026-12-01."
