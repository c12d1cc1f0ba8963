"""The shipped products are sound; one that cannot work is refused with the place of each fault."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml

from adapters.products.port import DefinitionRefused
from adapters.products.reading import FOLDER, checked, parse_definition, shipped
from domain.lending.answers import beyond_limits, faults_in, json_schema, taken

Change = Callable[[dict[str, Any]], None]


def loan() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / "personal-loan.yaml").read_text())
    return content


def refused(change: Change) -> list[tuple[str, str]]:
    content = loan()
    change(content)
    with pytest.raises(DefinitionRefused) as error:
        checked(content)
    return error.value.faults


def test_the_products_that_ship() -> None:
    assert sorted(shipped()) == ["credit-card", "deposit-account", "mortgage", "personal-loan", "personal-loan-eu"]
    assert [step.name for step in shipped()["personal-loan"].steps] == [
        "applicant",
        "amount",
        "income",
        "obligations",
        "consents",
        "co_income",
    ]


def needs(step: int, *names: str) -> Change:
    return lambda content: content["steps"][step].update(requires=list(names))


FIRST = {"name": "land", "percent": 60}
FAULTS: dict[str, tuple[Change, str, str]] = {
    "a rate finer than terms can hold": (
        lambda content: content["pricing"].update(annual_rate="9.12345"),
        "/pricing/annual_rate",
        "out_of_bounds: should have four decimals at most",
    ),
    "no term at all": (
        lambda content: content["pricing"].update(term_months=0),
        "/pricing/term_months",
        "out_of_bounds: should be between 1 and 600",
    ),
    "terms longer than can be reckoned": (
        lambda content: content["limits"].update(most_term=601),
        "/limits/most_term",
        "out_of_bounds: should be between 1 and 600",
    ),
    "a check that has no time": (
        lambda content: content["checks"][0].update(timeout_seconds=0),
        "/checks/0/timeout_seconds",
        "out_of_bounds: should be between 1 and 3600",
    ),
    "papers due in a million years": (
        lambda content: content["evidence"]["income_proof"].update(due_days=10**9),
        "/evidence/income_proof/due_days",
        "out_of_bounds: should be between 1 and 36500",
    ),
    "a zone on another planet": (
        lambda content: content.update(zone="Mars/Phobos"),
        "/zone",
        "out_of_bounds: should be a time zone, e.g. America/New_York",
    ),
    "an approver whom nobody is": (
        lambda content: content["approvals"][0].update(role="king"),
        "/approvals/0/role",
        "out_of_bounds: should be underwriter or senior_underwriter",
    ),
    "time to think that is another clock": (
        lambda content: content.update(cooling_off="retention"),
        "/cooling_off",
        "out_of_bounds: should be rescission or ccd_withdrawal",
    ),
    "an amount that is a text": (
        lambda content: content["facts"].update(amount="amount.purpose"),
        "/facts/amount",
        "out_of_bounds: amount.purpose should be amount or integer",
    ),
    "an income that only the vault knows": (
        lambda content: content["steps"][2]["fields"][0].update(personal=True),
        "/facts/income/0",
        "out_of_bounds: income.monthly_income is kept apart as personal, so nothing can be reckoned from it",
    ),
    "cycle": (needs(0, "consents"), "/steps/0/requires", "cycle: applicant needs consents needs applicant"),
    "a step that needs itself": (needs(1, "amount"), "/steps/1/requires", "cycle: amount needs amount"),
    "unreachable": (
        lambda content: content["steps"][0].update(channels=[]),
        "/steps/0",
        "unreachable: applicant cannot be reached: no channel takes it",
    ),
    "nobody's step": (
        lambda content: content["steps"][0].update(roles=[]),
        "/steps/0",
        "unreachable: applicant cannot be reached: no role may answer it",
    ),
    "what needs it is unreachable too": (
        lambda content: content["steps"][0].update(channels=[]),
        "/steps/2",
        "unreachable: income cannot be reached: it needs applicant, which cannot be answered",
    ),
    "paid early without a right to withdraw": (
        lambda content: (
            content["facts"].update(early_payout="consents.electronic"),
            content["pricing"].update(origination_fee=0),
        ),
        "/facts/early_payout",
        "early_payout: money goes out early only from a loan with the right to withdraw (cooling_off: ccd_withdrawal)",
    ),
    "unknown step": (needs(1, "moon"), "/steps/1/requires/0", "unknown_step: there is no step moon"),
    "evidence": (
        lambda content: content.pop("evidence"),
        "/steps/2/evidence/0",
        "unknown_evidence: income_proof is no evidence type of this product",
    ),
    "what falls": (
        lambda content: content["steps"][1].update(invalidates=["weather"]),
        "/steps/1/invalidates/0",
        "unknown_target: weather is no step, no check and not decision or offer",
    ),
    "a fact": (
        lambda content: content["facts"].update(income=["income.weekly"]),
        "/facts/income/0",
        "unknown_fact: there is no answer income.weekly",
    ),
    "a name twice": (
        lambda content: content["steps"].append(content["steps"][1]),
        "/steps/6",
        "named_twice: amount is named twice",
    ),
    "tiers": (
        lambda content: content["approvals"].reverse(),
        "/approvals/1",
        "tiers_out_of_order: each tier must reach further than the last",
    ),
    "scores that cross": (
        lambda content: content["decision"].update(decline_score=681),
        "/decision/decline_score",
        "limits_crossed: it declines what it approves",
    ),
    "debts that cross": (
        lambda content: content["decision"].update(refer_dti="43.01"),
        "/decision/refer_dti",
        "limits_crossed: it declines what it refers",
    ),
    "parts that make no whole": (
        lambda content: content.update(tranches=[FIRST, {"name": "roof", "percent": 39}]),
        "/tranches",
        "tranches: the parts make 99 percent together",
    ),
    "a first part that waits": (
        lambda content: content.update(tranches=[{"name": "all", "percent": 100, "released": True}]),
        "/tranches/0",
        "tranches: the first part leaves at once",
    ),
    "parts out of order": (
        lambda content: content.update(
            tranches=[
                FIRST,
                {"name": "roof", "percent": 20, "after_days": 90},
                {"name": "keys", "percent": 20, "after_days": 60},
            ]
        ),
        "/tranches/2/after_days",
        "tranches: it would leave before the one before it",
    ),
    "no time left to repay": (
        lambda content: content.update(tranches=[FIRST, {"name": "roof", "percent": 40}], drawing_days=113),
        "/drawing_days",
        "tranches: of the shortest term no time is left to repay it in",
    ),
    "the shape": (lambda content: content["steps"][0].update(colour="red"), "/steps/0/colour", "Extra inputs"),
}


@pytest.mark.parametrize(("change", "place", "detail"), FAULTS.values(), ids=FAULTS)
def test_a_definition_that_cannot_work_is_refused_at_the_place(change: Change, place: str, detail: str) -> None:
    found = refused(change)
    assert any(where == place and why.startswith(detail) for where, why in found), found


def test_broken_yaml_is_refused_at_its_line() -> None:
    with pytest.raises(DefinitionRefused, match="line 2"):
        parse_definition("product: x\nsteps: [")


AMOUNT = {"amount": 500_000, "term_months": 36, "purpose": "car"}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({**AMOUNT, "amount": "5"}, ("/amount", "Should be an integer")),
        ({**AMOUNT, "amount": True}, ("/amount", "Should be an integer")),
        ({**AMOUNT, "term_months": 0}, ("/term_months", "Should be between 1 and 600")),
        ({**AMOUNT, "extra": 1}, ("/extra", "Unknown field")),
        ({"amount": 1, "term_months": 1}, ("/purpose", "Field required")),
        ({**AMOUNT, "purpose": "yacht"}, ("/purpose", "Should be one of")),
    ],
)
def test_a_steps_body_is_strict(body: dict[str, Any], fault: tuple[str, str]) -> None:
    step = shipped()["personal-loan"].step("amount")
    assert step is not None
    found = faults_in(step, body)
    assert [(each.pointer, each.reason[: len(fault[1])]) for each in found] == [fault]


def test_amounts_beyond_the_product_are_refused_with_its_limits() -> None:
    product = shipped()["personal-loan"]
    step = product.step("amount")
    assert step is not None
    assert not faults_in(step, AMOUNT)
    assert not beyond_limits(product, step, AMOUNT)
    found = beyond_limits(product, step, {**AMOUNT, "amount": 99_999, "term_months": 96})
    assert [each.pointer for each in found] == ["/amount", "/term_months"]


def test_what_identifies_a_person_is_kept_apart() -> None:
    step = shipped()["personal-loan"].step("applicant")
    assert step is not None
    body = {
        "name": "Test Person",
        "email": "person@example.org",
        "birth_date": "1990-02-28",
        "address": {"line1": "Way 1", "postal_code": "10001", "city": "New York", "country": "US"},
    }
    assert not faults_in(step, body)
    answers = taken(step, body)
    assert answers.plain == {}
    assert answers.personal is not None
    assert answers.personal.address == ("Way 1", "10001 New York", "US")
    assert answers.digest != taken(step, {**body, "name": "Other"}).digest
    assert faults_in(step, {**body, "email": "nowhere", "birth_date": "1990-02-30"}) == [
        ("/email", "Should be a mail address"),
        ("/birth_date", "Should be a date, YYYY-MM-DD"),
    ]


def test_callers_learn_what_a_step_takes() -> None:
    step = shipped()["personal-loan"].step("consents")
    assert step is not None
    schema = json_schema(step)
    assert schema["required"] == ["credit_report", "electronic"]
    assert schema["properties"]["credit_report"] == {"type": "boolean", "const": True}


def test_nobody_is_born_tomorrow() -> None:
    step = shipped()["personal-loan"].steps[0]
    address = {"line1": "1 Main Street", "postal_code": "10001", "city": "New York", "country": "US"}
    body = {"name": "Pat", "email": "pat@example.org", "birth_date": "1990-03-01", "address": address}
    assert not faults_in(step, body, date(1990, 3, 1))
    assert faults_in(step, body, date(1990, 2, 28)) == [("/birth_date", "Should not lie in the future")]
