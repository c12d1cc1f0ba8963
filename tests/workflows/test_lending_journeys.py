"""Months with a lender, from the first answer to the end: across channels, with others, with things that go wrong."""

from datetime import datetime
from typing import Any

import pytest

from domain.lending.approvals import Reviewer
from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.parts import SignatureWay
from domain.lending.products import CheckKind, Provider
from domain.lending.terms import LoanTerms
from tests.workflows.borrower import (
    BEN,
    BRANCH,
    HOME,
    LOAN,
    OFFICE,
    PHONE,
    UNA,
    WEB,
    Begins,
    Borrower,
    clock,
    kinds,
    once,
    replays,
)
from tests.workflows.lenders import AWAY, Outside
from tests.workflows.skipping import Calendar
from workflows.application import ApplicationWorkflow
from workflows.application_messages import (
    AnswerOffer,
    Approve,
    ClearScreening,
    Consent,
    Counteroffer,
    Decide,
    GivenCondition,
    RemoveParty,
    Submit,
    Withdraw,
)

pytestmark = pytest.mark.stack

LARGE = {**LOAN, "amount": {**LOAN["amount"], "amount": 2_000_000}}
VERY_LARGE = {**LOAN, "amount": {**LOAN["amount"], "amount": 6_000_000}, "income": {"monthly_income": 2_000_000}}
ZOE = Reviewer(login="zoe", person="zoe", roles=frozenset({"underwriter"}))
BUREAUS = (Provider.BUREAU_ONE, Provider.BUREAU_TWO)


async def decides(loan: Borrower, by: Reviewer = UNA, **more: Any) -> None:
    await loan.act(Decide(command_id=once(), actor=OFFICE, reviewer=by, verdict=Verdict.APPROVE, **more))


async def approves(loan: Borrower, by: Reviewer) -> None:
    terms = (await loan.view())["terms_hash"]
    await loan.act(Approve(command_id=once(), actor=OFFICE, reviewer=by, terms_hash=terms))


async def counters(loan: Borrower, principal: int = 400_000) -> None:
    view = await loan.referred()
    terms = LoanTerms.model_validate({**view["terms"], "principal": principal, "prepaid": principal // 100})
    given = Counteroffer(command_id=once(), actor=OFFICE, reviewer=UNA, terms=terms, reasons=("credit_history",))
    await loan.act(given)
    await loan.stage("offered")


async def test_from_the_web_over_the_phone_to_a_branch_in_four_months(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await begins()
    await loan.answers("applicant", LOAN["applicant"])
    await loan.answers("amount", LOAN["amount"])
    await calendar.skip(days=6)
    for step in ("income", "obligations"):
        await loan.answers(step, LOAN[step], PHONE, person="olga")
    electronic = loan.step("consents", LOAN["consents"], PHONE)
    assert (await loan.refused(electronic)).kind == "not-allowed-now"
    await loan.answers("consents", {"credit_report": True, "electronic": False}, PHONE, person="olga")
    await calendar.skip(days=5)
    await loan.act(Submit(command_id=once(), actor=PHONE))
    await loan.comes_to(lambda view: "incompleteness" in kinds(view))
    await calendar.skip(days=28)
    await loan.brings_documents()
    await loan.stage("offered")
    await calendar.skip(days=29)
    await loan.accepts()
    await loan.stage("signing")
    await calendar.skip(days=60)
    await loan.signs(way=SignatureWay.WET, by=BRANCH)
    end = await loan.ends()
    assert (end["outcome"], end["outcome_code"], outside.payouts.for_application[loan.id]) == ("originated", 1, 1)
    assert "sign_reminder" in kinds(end)
    span = datetime.fromisoformat(end["ended_at"]) - datetime.fromisoformat(end["created_at"])
    assert span.days >= 120
    timeline = await loan.made.applications.timeline(loan.id)
    assert [each.actor.channel for each in timeline if each.event == "pen_handed_over"] == ["call_centre"]
    # When it was submitted, once more before an offer four weeks later, and just before the money.
    assert outside.checks.count(loan.id, CheckKind.SANCTIONS) == 3
    await replays(loan)


async def test_a_joint_application_whose_other_party_stays_silent_is_closed_or_goes_on_without(
    begins: Begins, calendar: Calendar
) -> None:
    closed, alone, joined = [await begins() for _ in range(3)]
    others = {}
    for loan in (closed, alone, joined):
        for step in (await loan.view())["steps"]:
            await loan.answers(step["name"], LOAN[step["name"]])
        others[loan.id] = await loan.joins()
        await loan.act(Submit(command_id=once(), actor=WEB))
        await loan.brings_documents()
        await loan.comes_to(lambda view: "incompleteness" in kinds(view))
    await calendar.skip(days=20)
    waiting = await joined.view()
    assert (waiting["status"], waiting["overlays"]) == ("awaiting_party", ["awaiting_party"])
    await alone.act(RemoveParty(command_id=once(), actor=WEB, party=others[alone.id]))
    await alone.agrees()
    other = others[joined.id]
    await joined.act(Consent(command_id=once(), actor=WEB, party=other, electronic=True))
    await joined.agrees()
    assert (await joined.view())["stage"] == "signing"
    await joined.signs(other)
    await calendar.skip(days=12)
    assert (await alone.ends())["outcome"] == "originated"
    both = await joined.ends()
    assert (both["outcome"], sorted(each["party"] for each in both["signatures"])) == (
        "originated",
        sorted(["p1", other]),
    )
    assert sorted(each["party"] for each in both["checks"] if each["kind"] == "bureau") == sorted(["p1", other])
    end = await closed.ends()
    assert (end["outcome"], end["outcome_code"]) == ("closed_incomplete", 5)
    assert not [each for each in end["checks"] if each["party"] == others[closed.id]]
    reminded = [each["party"] for each in end["notices"] if each["kind"] == "party_reminder"]
    assert reminded == [others[closed.id]] * 3
    # The other party had all of them before it agreed.
    assert kinds(both).count("party_reminder") == 3
    await replays(closed)


async def test_referred_then_four_eyes_and_the_terms_changed_in_between(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    await loan.submits(VERY_LARGE)
    await loan.referred()
    await decides(loan)
    await approves(loan, BEN)
    left = await loan.view()
    assert (left["stage"], left["approvals_left"]) == ("in_review", 1)
    await calendar.skip(days=3)
    await loan.answers("amount", {**VERY_LARGE["amount"], "term_months": 48})
    again = await loan.comes_to(
        lambda view: view["terms_hash"] != left["terms_hash"] and "referred" in view["overlays"]
    )
    assert again["decision"]["verdict"] == "refer"
    await decides(loan, ZOE)
    assert (await loan.view())["approvals_left"] == 2
    for each in (UNA, BEN):
        await approves(loan, each)
    offered = await loan.stage("offered")
    assert offered["offer"]["terms"]["term_months"] == 48
    assert clock(offered, "review")["state"] == "met"
    await loan.agrees()
    assert (await loan.ends())["outcome"] == "originated"
    await replays(loan)


async def test_a_counteroffer_is_taken_or_declined_after_two_months(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    taken, declined = await begins("THIN"), await begins("THIN")
    for loan in (taken, declined):
        await loan.submits()
        await counters(loan)
    await calendar.skip(days=65)
    await taken.agrees()
    end = await taken.ends()
    assert (end["outcome_code"], end["payouts"][0]["amount"]) == (1, 396_000)
    await declined.act(AnswerOffer(command_id=once(), actor=WEB, accept=False))
    end = await declined.ends()
    assert (end["outcome"], end["outcome_code"], end["payouts"]) == ("denied", 3, [])
    told = next(each for each in end["notices"] if each["kind"] == "adverse_action")
    assert told["facts"]["reasons"] == ["credit_history"]
    await replays(declined)


async def _conditional(loan: Borrower) -> None:
    await loan.referred()
    await decides(loan, conditions=(GivenCondition(code="appraisal", kind=ConditionKind.UNDERWRITING),))
    await loan.stage("conditionally_approved")


async def test_withdrawn_at_each_later_moment_nothing_is_paid(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    for moment, code in {
        "awaiting_documents": 4,
        "conditionally_approved": 4,
        "countered": 3,
        "signing": 2,
        "cooling_off": 2,
        "held_before_payout": 2,
    }.items():
        product = "mortgage" if moment == "cooling_off" else "personal-loan"
        loan = await begins("THIN" if moment in ("conditionally_approved", "countered") else "GOOD", product)
        await loan.submits(HOME if product == "mortgage" else LOAN, documents=moment != "awaiting_documents")
        match moment:
            case "conditionally_approved":
                await _conditional(loan)
            case "countered":
                await counters(loan)
            case "signing":
                await loan.accepts()
                await loan.stage("signing")
            case "cooling_off":
                await loan.accepts()
                await loan.comes_to(lambda view: "closing_disclosure" in kinds(view))
                await calendar.skip(days=14)
                await loan.signs()
                await loan.stage("cooling_off")
            case "held_before_payout":
                outside.checks.told(loan.id, Provider.SANCTIONS, answer="hit")
                await loan.accepts()
                await loan.signs()
                await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
        await loan.act(Withdraw(command_id=once(), actor=WEB))
        end = await loan.ends()
        assert (end["outcome"], end["outcome_code"], end["payouts"]) == ("withdrawn", code, []), moment
        assert kinds(end)[-1] == "withdrawn"
        assert not {"adverse_action", "offer_lapsed"} & set(kinds(end))
        assert not outside.payouts.for_application[loan.id]


async def test_a_hit_before_the_payout_holds_the_money_until_somebody_has_looked(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await begins()
    await loan.submits()
    outside.checks.told(loan.id, Provider.SANCTIONS, answer="hit")
    await loan.agrees()
    held = await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
    assert (held["status"], held["account_id"]) == ("screening_hold", None)
    await calendar.skip(days=20)
    assert not outside.payouts.for_application[loan.id]
    outside.checks.silent_no_more(loan.id)
    await loan.act(ClearScreening(command_id=once(), actor=OFFICE, reason="another birth date"))
    end = await loan.ends()
    assert (end["outcome"], outside.payouts.for_application[loan.id]) == ("originated", 1)
    await replays(loan)


async def test_bureaus_that_are_down_leave_it_to_a_person_and_an_old_report_is_asked_for_again(
    begins: Begins, calendar: Calendar, outside: Outside
) -> None:
    loan = await begins()
    outside.checks.told(loan.id, *BUREAUS, answer=AWAY)
    await loan.submits()
    await calendar.skip(minutes=2)
    referred = await loan.referred()
    bureau = next(each for each in referred["checks"] if each["kind"] == "bureau")
    assert (bureau["state"], bureau["tried"]) == ("unanswered", ["bureau_one", "bureau_two"])
    outside.checks.silent_no_more(loan.id)
    outside.checks.told(loan.id, Provider.BUREAU_ONE, answer=AWAY)
    await calendar.skip(days=95)
    await decides(loan)
    # What was decided without a report falls when there is one; the rules see it first.
    await calendar.skip(minutes=2)
    offered = await loan.stage("offered")
    bureau = next(each for each in offered["checks"] if each["kind"] == "bureau")
    assert (bureau["state"], bureau["provider"], bureau["report"]["score"]) == ("passed", "bureau_two", 742)
    assert offered["decision"]["automatic"] is True
    assert "decision_fell" in await loan.events()
    await loan.agrees()
    assert (await loan.ends())["outcome"] == "originated"
    await replays(loan)


async def test_a_product_that_changes_leaves_running_applications_as_they_began(begins: Begins) -> None:
    first = await begins()
    old = (await first.handle.query(ApplicationWorkflow.snapshot)).product
    steps = tuple(each for each in old.steps if each.name != "obligations")
    facts = old.facts.model_copy(update={"obligations": ()})
    dearer = old.pricing.model_copy(update={"annual_rate": old.pricing.annual_rate + 2})
    new = old.model_copy(update={"version": 2, "steps": steps, "facts": facts, "pricing": dearer})
    second = await begins("GOOD", new)
    for loan in (first, second):
        await loan.submits()
        await loan.agrees()
    ends = [await loan.ends() for loan in (first, second)]
    assert [each["product_version"] for each in ends] == [1, 2]
    assert [len(each["steps"]) for each in ends] == [5, 4]
    rates = [each["offer"]["terms"]["annual_rate"] for each in ends]
    assert rates == ["9.9", "11.9"]
    assert [each["decision"]["rules"] for each in ends] == ["personal-loan/1", "personal-loan/2"]
    for loan in (first, second):
        await replays(loan)
