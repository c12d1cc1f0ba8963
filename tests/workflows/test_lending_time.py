"""Months of an application's life in skipped time: each clock, on its calendar, and what its end brings."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.terms import LoanTerms
from tests.workflows.borrower import (
    BEN,
    HOME,
    LOAN,
    OFFICE,
    UNA,
    WEB,
    Begins,
    Borrower,
    clock,
    kinds,
    once,
    replays,
)
from tests.workflows.lenders import Outside
from tests.workflows.skipping import Calendar
from workflows.application import ApplicationWorkflow
from workflows.application_messages import (
    AnswerOffer,
    Approve,
    ClaimReview,
    Counteroffer,
    Decide,
    GivenCondition,
    Rescind,
    Withdraw,
)

pytestmark = pytest.mark.stack


def last_day(view: dict[str, Any], name: str) -> str:
    """The day at whose midnight a clock rings, in the lender's zone."""
    due = datetime.fromisoformat(clock(view, name)["due_at"]).astimezone(ZoneInfo("America/New_York"))
    assert due.time() == time()
    return (due.date() - timedelta(days=1)).isoformat()


async def test_a_silent_draft_is_reminded_three_times_and_ends_a_week_after_the_last_act(
    begins: Begins, calendar: Calendar
) -> None:
    loan = await begins()
    await calendar.skip(days=6)
    await loan.answers("amount", LOAN["amount"])
    await calendar.skip(days=5)
    assert (await loan.view())["outcome"] is None
    await calendar.skip(days=4)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("abandoned_draft", None)
    assert kinds(end) == ["draft_reminder"] * 3


async def test_what_stays_incomplete_is_closed_after_the_notice(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    await loan.submits(documents=False)
    told = await loan.comes_to(lambda view: "incompleteness" in kinds(view) and view["notices"][1]["state"] == "sent")
    assert clock(told, "incompleteness")["proof"] == "notice 2"
    assert told["notices"][1]["facts"]["missing"] == ["income_proof"]
    assert told["notices"][1]["facts"]["until"] == last_day(told, "incompleteness_answer")
    await calendar.skip(days=29)
    assert (await loan.view())["outcome"] is None
    await calendar.skip(days=3)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("closed_incomplete", 5)
    assert kinds(end).count("document_reminder") == 3
    # No action was due on what was never complete, so none was missed.
    assert {each["name"] for each in end["clocks"]} & {"action_taken"} == set()
    assert "clock_breached" not in await loan.events()


async def test_the_time_to_send_what_is_missing_begins_with_the_notice_of_it(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.letters.away.add(loan.id)
    await loan.submits(documents=False)
    await loan.comes_to(lambda view: "incompleteness" in kinds(view))
    await calendar.skip(days=25)
    outside.letters.away.discard(loan.id)
    await calendar.skip(days=2)
    told = await loan.comes_to(lambda view: kinds(view).count("incompleteness") == 2)
    answer = clock(told, "incompleteness_answer")
    first, again = (each for each in told["notices"] if each["kind"] == "incompleteness")
    assert answer["started_at"] == first["sent_at"]
    assert again["facts"]["until"] == last_day(told, "incompleteness_answer") > first["facts"]["until"]
    await calendar.skip(days=20)
    await loan.brings_documents()
    await loan.stage("offered")


async def test_completed_in_time_it_is_decided(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    await loan.submits(documents=False)
    await loan.comes_to(lambda view: "incompleteness" in kinds(view))
    await calendar.skip(days=20)
    await loan.brings_documents()
    offered = await loan.comes_to(lambda view: view["stage"] == "offered")
    started = datetime.fromisoformat(clock(offered, "action_taken")["started_at"])
    assert (started - datetime.fromisoformat(offered["created_at"])).days >= 20


async def test_an_offer_lapses_after_thirty_days(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    await loan.submits()
    told = await loan.comes_to(lambda view: view["stage"] == "offered")
    assert told["notices"][-1]["facts"]["until"] == last_day(told, "offer")
    await calendar.skip(days=32)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], end["offer"]["state"]) == ("expired_offer", 2, "lapsed")
    assert kinds(end)[-1] == "offer_lapsed"


async def countered(loan: Borrower) -> None:
    await loan.submits()
    view = await loan.comes_to(lambda view: "referred" in view["overlays"])
    terms = LoanTerms.model_validate({**view["terms"], "principal": 400_000, "prepaid": 4_000})
    given = Counteroffer(command_id=once(), actor=OFFICE, reviewer=UNA, terms=terms, reasons=("credit_history",))
    await loan.act(given)
    offered = await loan.comes_to(lambda view: view["stage"] == "offered")
    assert offered["offer"]["counter"] is True


async def test_a_counteroffer_that_nobody_answers_is_a_denial_after_ninety_days(
    begins: Begins, calendar: Calendar
) -> None:
    loan = await begins("THIN")
    await countered(loan)
    await calendar.skip(days=88)
    assert (await loan.view())["outcome"] is None
    await calendar.skip(days=4)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("denied", 3)
    assert "adverse_action" in kinds(end)
    await replays(loan)


async def test_a_review_that_is_late_is_a_breach_and_still_waits(begins: Begins, calendar: Calendar) -> None:
    loan = await begins("THIN")
    await loan.submits()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    await loan.act(ClaimReview(command_id=once(), actor=OFFICE, reviewer=UNA))
    await calendar.skip(days=4)
    late = await loan.comes_to(lambda view: clock(view, "review")["state"] == "breached")
    assert (late["outcome"], late["claim"]) == (None, None)
    assert [each["what"] for each in late["waiting_for"] if each["kind"] == "review"] == ["an underwriter decides"]
    await loan.act(Decide(command_id=once(), actor=OFFICE, reviewer=BEN, verdict=Verdict.APPROVE))
    await loan.comes_to(lambda view: view["stage"] == "offered")


async def test_a_report_older_than_its_validity_is_asked_for_again_before_an_offer(
    begins: Begins, calendar: Calendar
) -> None:
    loan = await begins("THIN")
    await loan.submits()
    first = await loan.comes_to(lambda view: "referred" in view["overlays"])
    await calendar.skip(days=95)
    await loan.act(Decide(command_id=once(), actor=OFFICE, reviewer=UNA, verdict=Verdict.APPROVE))
    again = await loan.comes_to(lambda view: _report(view) != _report(first) and _report(view))
    assert "too_old" in await loan.events()
    assert _report(again) > _report(first)


def _report(view: dict[str, Any]) -> str:
    return next((each.get("at", "") for each in view["checks"] if each["kind"] == "bureau"), "")


async def signed_home(loan: Borrower, calendar: Calendar) -> dict[str, Any]:
    """Approved, disclosed and signed; what it looked like when it was accepted."""
    await loan.submits(HOME)
    await loan.comes_to(lambda view: view["stage"] == "offered")
    await loan.act(AnswerOffer(command_id=once(), actor=WEB, accept=True))
    accepted = await loan.comes_to(lambda view: "closing_disclosure" in kinds(view))
    await calendar.skip(days=12)
    await loan.signs()
    return accepted


async def test_money_for_a_home_waits_until_the_time_to_rescind_is_over(begins: Begins, calendar: Calendar) -> None:
    loan = await begins("GOOD", "mortgage")
    accepted = await signed_home(loan, calendar)
    assert clock(accepted, "loan_estimate")["calendar"] == "general"
    assert clock(accepted, "loan_estimate_wait")["calendar"] == "precise"
    assert accepted["stage"] == "accepted"
    cooling = await loan.comes_to(lambda view: view["stage"] == "cooling_off")
    assert not cooling["payouts"]
    signed = datetime.fromisoformat(cooling["signatures"][0]["at"])
    for name in ("loan_estimate_wait", "closing_disclosure_wait"):
        assert clock(cooling, name)["state"] == "met"
        assert signed >= datetime.fromisoformat(clock(cooling, name)["due_at"])
    assert clock(cooling, "loan_estimate")["proof"] == "notice 2"
    assert clock(cooling, "rescission")["calendar"] == "precise"
    notice = next(each for each in cooling["notices"] if each["kind"] == "right_to_cancel")
    assert notice["facts"]["until"] == last_day(cooling, "rescission")
    await calendar.skip(days=6)
    end = await loan.ends()
    assert (end["outcome"], end["payouts"][0]["state"]) == ("originated", "paid")
    paid = datetime.fromisoformat(end["payouts"][0]["at"])
    assert paid >= datetime.fromisoformat(clock(cooling, "rescission")["due_at"])
    await replays(loan)


async def test_rescinded_in_time_nothing_is_paid(begins: Begins, calendar: Calendar) -> None:
    loan = await begins("GOOD", "mortgage")
    await signed_home(loan, calendar)
    await loan.comes_to(lambda view: view["stage"] == "cooling_off")
    await loan.act(Rescind(command_id=once(), actor=WEB))
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], end["payouts"], end["account_id"]) == ("rescinded", 2, [], None)
    assert kinds(end).count("rescinded") == 1
    await replays(loan)


async def test_an_underwriting_condition_waits_for_its_document_and_lapses_as_a_denial(
    begins: Begins, calendar: Calendar
) -> None:
    loan = await begins("THIN")
    await loan.submits()
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    condition = GivenCondition(code="asset_verification", kind=ConditionKind.UNDERWRITING)
    wrong = GivenCondition(code="clear_title", kind=ConditionKind.UNDERWRITING)
    given = Decide(command_id=once(), actor=OFFICE, reviewer=UNA, verdict=Verdict.APPROVE, conditions=(wrong,))
    assert (await loan.refused(given)).kind == "not-allowed-now"
    await loan.act(given.model_copy(update={"command_id": once(), "conditions": (condition,)}))
    await loan.comes_to(lambda view: view["stage"] == "conditionally_approved")
    await calendar.skip(days=32)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"]) == ("approved_not_accepted", 3)
    (told,) = [each for each in end["notices"] if each["kind"] == "adverse_action"]
    assert told["facts"]["reasons"] == ["asset_verification"]
    (approved,) = [each for each in end["notices"] if each["kind"] == "conditional_approval"]
    assert (approved["facts"]["conditions"], approved["state"]) == (["asset_verification"], "sent")
    assert clock(end, "action_taken")["proof"] == f"notice {approved['n']}"


async def test_withdrawn_at_each_moment_the_outcome_is_the_regulators(begins: Begins) -> None:
    moments = {"draft": 4, "referred": 4, "offered": 2, "signing": 2}
    for moment, code in moments.items():
        loan = await begins("THIN" if moment == "referred" else "GOOD")
        if moment != "draft":
            await loan.submits()
            await loan.comes_to(lambda view, moment=moment: moment in view["overlays"] or _at(view, moment))
        await loan.act(Withdraw(command_id=once(), actor=WEB))
        end = await loan.ends()
        assert (end["outcome"], end["outcome_code"], end["payouts"]) == ("withdrawn", code, []), moment


def _at(view: dict[str, Any], moment: str) -> bool:
    return view["stage"] == moment or (moment == "signing" and view["stage"] == "offered")


async def test_the_same_person_under_another_login_is_no_second_pair_of_eyes(begins: Begins) -> None:
    loan = await begins("THIN")
    await loan.submits({**LOAN, "amount": {**LOAN["amount"], "amount": 2_000_000}})
    await loan.comes_to(lambda view: "referred" in view["overlays"])
    await loan.act(Decide(command_id=once(), actor=OFFICE, reviewer=UNA, verdict=Verdict.APPROVE))
    terms = (await loan.view())["terms_hash"]
    other = UNA.model_copy(update={"login": "una-at-home"})
    refused = await loan.refused(Approve(command_id=once(), actor=OFFICE, reviewer=other, terms_hash=terms))
    assert refused.detail == "Who decided it may not approve it."
    stale = await loan.refused(Approve(command_id=once(), actor=OFFICE, reviewer=BEN, terms_hash="0" * 64))
    assert stale.kind == "stale-version"
    await loan.act(Approve(command_id=once(), actor=OFFICE, reviewer=BEN, terms_hash=terms))
    await loan.comes_to(lambda view: view["stage"] == "offered")


async def test_what_a_long_run_hands_on_is_all_that_the_next_one_needs(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    await loan.submits()
    before = await loan.comes_to(
        lambda view: view["stage"] == "offered" and all(each["state"] == "sent" for each in view["notices"])
    )
    snapshot = await loan.handle.query(ApplicationWorkflow.snapshot)
    again = await begins(resumed=snapshot)
    await again.act(AnswerOffer(command_id=once(), actor=WEB, accept=True))
    signing = await again.comes_to(lambda view: view["stage"] == "signing")
    assert signing["version"] > before["version"]
    assert signing["offer"]["expires_at"] == before["offer"]["expires_at"]
    await calendar.skip(days=125)
    end = await again.ends()
    assert (end["outcome"], end["outcome_code"]) == ("approved_not_accepted", 2)
    kept = [each["proof"] for each in end["notices"] if each["n"] <= len(before["notices"])]
    assert kept == [each["proof"] for each in (await loan.view())["notices"][: len(kept)]]


async def test_the_time_to_cancel_runs_from_its_notice_and_who_has_longer_is_told_so(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await begins("GOOD", "personal-loan-eu")
    await loan.submits()
    await loan.accepts()
    await loan.stage("signing")
    outside.letters.away.add(loan.id)
    await loan.signs()
    first = clock(await loan.stage("cooling_off"), "ccd_withdrawal")
    await calendar.skip(days=4)
    outside.letters.away.discard(loan.id)
    await calendar.skip(days=3)
    told = await loan.comes_to(lambda view: "cooling_off_extended" in kinds(view))
    longer = next(each for each in told["clocks"] if each["name"] == "ccd_withdrawal" and each["state"] == "running")
    assert longer["due_at"] > first["due_at"]
    notice = next(each for each in told["notices"] if each["kind"] == "cooling_off_extended")
    assert notice["facts"]["until"] == last_day(told, "ccd_withdrawal")
    await calendar.skip(days=10)
    assert (await loan.view())["payouts"] == []
    await calendar.skip(days=6)
    end = await loan.ends()
    assert (end["outcome"], kinds(end).count("cooling_off_extended")) == ("originated", 1)
    await replays(loan)
