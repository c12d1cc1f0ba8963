"""What must not happen to an application, whoever tries it, in whatever second."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from domain.actors import Actor, ActorKind, Channel
from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.products import CheckKind, Provider, StepRole
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
from tests.workflows.lenders import AWAY, SLOW, Outside
from tests.workflows.skipping import Calendar
from workflows.application import ApplicationWorkflow
from workflows.application_messages import (
    AnswerOffer,
    Approve,
    ClaimReview,
    Counteroffer,
    Decide,
    DecideDocument,
    DocumentReceived,
    GivenCondition,
    Recuse,
    Submit,
    TakePen,
    Withdraw,
)
from workflows.messages import InterventionAction

pytestmark = pytest.mark.stack

LARGE = {**LOAN, "amount": {**LOAN["amount"], "amount": 2_000_000}}
SANCTIONS = (Provider.SANCTIONS, Provider.SANCTIONS_TWO)


def decided(verdict: Verdict = Verdict.APPROVE, by: object = UNA, **more: object) -> Decide:
    return Decide(command_id=once(), actor=OFFICE, reviewer=by, verdict=verdict, **more)  # type: ignore[arg-type]


def approved(by: object, terms_hash: str) -> Approve:
    return Approve(command_id=once(), actor=OFFICE, reviewer=by, terms_hash=terms_hash)  # type: ignore[arg-type]


def _settled(view: dict[str, Any]) -> bool:
    return bool(view["checks"]) and all(each["state"] not in ("running", "stale") for each in view["checks"])


async def refers(begins: Begins, answers: dict[str, dict[str, object]] = LOAN) -> Borrower:
    loan = await begins("THIN")
    await loan.submits(answers)
    await loan.referred()
    return loan


async def test_a_step_out_of_order_or_channel_or_role_or_version_or_without_the_pen_changes_nothing(
    begins: Begins,
) -> None:
    loan = await begins()
    before = await loan.view()
    kiosk = Actor(kind=ActorKind.CHANNEL, id="kiosk", channel=Channel.KIOSK)
    assert (await loan.refused(loan.step("income", LOAN["income"]))).detail == "First answer applicant."
    assert (await loan.refused(loan.step("amount", LOAN["amount"], kiosk))).kind == "not-allowed-now"
    assert (await loan.refused(loan.step("amount", LOAN["amount"], version=99))).kind == "stale-version"
    assert (await loan.refused(loan.step("moon", {}))).kind == "not-found"
    assert (await loan.view())["version"] == before["version"]
    await loan.act(TakePen(command_id=once(), actor=WEB, holder="customer/pat"))
    held = await loan.refused(loan.step("amount", LOAN["amount"], PHONE))
    assert held.kind == "held"
    mine = WEB.model_copy(update={"on_behalf_of": "customer/pat"})
    await loan.answers("amount", LOAN["amount"], mine)
    await loan.act(TakePen(command_id=once(), actor=PHONE, holder="person/olga", take_over=True))
    assert (await loan.refused(loan.step("amount", LOAN["amount"], mine))).kind == "held"
    assert {each["name"]: each["status"] for each in (await loan.view())["steps"]}["applicant"] == "open"


async def test_a_step_of_the_officers_is_not_answered_by_the_applicant(begins: Begins, outside: Outside) -> None:
    shipped = await begins()
    product = (await shipped.handle.query(ApplicationWorkflow.snapshot)).product
    steps = [
        each.model_copy(update={"roles": (StepRole.OFFICER,)}) if each.name == "amount" else each
        for each in product.steps
    ]
    loan = await begins("GOOD", product.model_copy(update={"steps": tuple(steps)}))
    assert (await loan.refused(loan.step("amount", LOAN["amount"]))).detail == "This step is answered by officer only."
    await loan.answers("amount", LOAN["amount"], BRANCH, person="olga")


async def test_an_offer_stands_for_its_thirty_days_though_checks_grow_old(begins: Begins, calendar: Calendar) -> None:
    loan = await begins()
    await loan.submits()
    offered = await loan.stage("offered")
    await calendar.skip(days=25)
    await loan.accepts()
    signing = await loan.stage("signing")
    assert (signing["offer"]["n"], signing["offer"]["terms_hash"]) == (1, offered["offer"]["terms_hash"])


async def test_a_decision_that_is_refused_changes_neither_terms_nor_claim(begins: Begins) -> None:
    loan = await refers(begins)
    before = await loan.view()
    other = LoanTerms.model_validate({**before["terms"], "principal": 400_000, "prepaid": 4_000})
    assert (await loan.refused(decided(Verdict.DECLINE, terms=other))).kind == "proof-needed"
    too_long = other.model_copy(update={"term_months": 120})
    assert (await loan.refused(decided(terms=too_long))).kind == "beyond-limit"
    vague = Counteroffer(command_id=once(), actor=OFFICE, reviewer=UNA, terms=other, reasons=("internal_policy",))
    assert (await loan.refused(vague)).kind == "proof-needed"
    await loan.act(ClaimReview(command_id=once(), actor=OFFICE, reviewer=BEN))
    after = await loan.view()
    assert (after["terms_hash"], after["claim"]["person"]) == (before["terms_hash"], "ben")


async def test_who_keyed_it_can_neither_claim_nor_decide_nor_approve_it(begins: Begins) -> None:
    loan = await begins("THIN")
    for step in (await loan.view())["steps"]:
        await loan.answers(step["name"], LARGE[step["name"]], BRANCH, person="una")
    await loan.act(Submit(command_id=once(), actor=BRANCH))
    await loan.brings_documents()
    view = await loan.referred()
    una_at_home = UNA.model_copy(update={"login": "una-at-home"})
    for command in (
        ClaimReview(command_id=once(), actor=OFFICE, reviewer=UNA),
        decided(by=una_at_home),
        approved(una_at_home, view["terms_hash"]),
    ):
        assert (await loan.refused(command)).detail == "Who keyed it has no say in it."
    assert (await loan.view())["claim"] is None


async def test_two_underwriters_at_once_one_decides(begins: Begins) -> None:
    loan = await refers(begins, LARGE)
    both = await asyncio.gather(loan.act(decided(by=UNA)), loan.act(decided(by=BEN)), return_exceptions=True)
    assert sorted(type(each) for each in both if each is not None) == [WorkflowUpdateFailedError]
    decision = (await loan.view())["decision"]
    assert decision["person"] == ("una" if both[0] is None else "ben")
    assert (await loan.events()).count("decided") == 2  # the rules', and one person's


async def test_an_approver_who_steps_aside_takes_approval_and_offer_along(begins: Begins) -> None:
    loan = await refers(begins, LARGE)
    await loan.act(decided(by=UNA))
    terms = (await loan.view())["terms_hash"]
    await loan.act(approved(BEN, terms))
    await loan.stage("offered")
    await loan.act(Recuse(command_id=once(), actor=OFFICE, reviewer=BEN, reason="a cousin"))
    again = await loan.referred()
    assert (again["offer"]["state"], again["approvals_left"]) == ("withdrawn", 1)
    assert (await loan.refused(approved(BEN, terms))).detail == "Who has stepped aside has no say in it."
    zoe = BEN.model_copy(update={"login": "zoe", "person": "zoe"})
    await loan.act(approved(zoe, terms))
    assert (await loan.stage("offered"))["offer"]["n"] == 2


async def test_other_terms_void_approvals_and_what_was_countered(begins: Begins) -> None:
    loan = await refers(begins, LARGE)
    await loan.act(decided(by=UNA))
    first = (await loan.view())["terms_hash"]
    await loan.answers("amount", {**LARGE["amount"], "amount": 2_100_000})
    await loan.referred()
    assert (await loan.refused(approved(BEN, first))).kind == "not-allowed-now"
    view = await loan.view()
    counter = LoanTerms.model_validate({**view["terms"], "principal": 400_000, "prepaid": 4_000})
    given = Counteroffer(command_id=once(), actor=OFFICE, reviewer=UNA, terms=counter, reasons=("dti",))
    await loan.act(given)
    assert (await loan.stage("offered"))["offer"]["counter"] is True
    await loan.answers("amount", {**LARGE["amount"], "amount": 300_000})
    again = await loan.referred()
    assert (again["offer"]["state"], again["terms"]["principal"]) == ("withdrawn", 300_000)
    await loan.act(decided(by=UNA))
    offer = (await loan.stage("offered"))["offer"]
    assert (offer["counter"], offer["terms"]["principal"]) == (False, 300_000)


async def test_a_new_address_is_checked_again_wherever_the_application_is(begins: Begins, outside: Outside) -> None:
    loan = await begins()
    await loan.submits(documents=False)
    doc = (await loan.view())["documents"][0]["doc"]
    came = DocumentReceived(
        command_id=once(), actor=WEB, doc=doc, sha256="a" * 64, media_type="application/pdf", size=1
    )
    await loan.act(came)
    await loan.comes_to(lambda view: view["stage"] == "in_review" and _settled(view))
    asked = outside.checks.count(loan.id, CheckKind.IDENTITY)
    await loan.answers("applicant", {"address": "another"})
    await loan.act(DecideDocument(command_id=once(), actor=OFFICE, doc=doc, decision="accept"))
    await loan.stage("offered")
    assert outside.checks.count(loan.id, CheckKind.IDENTITY) == asked + 1
    assert outside.checks.count(loan.id, CheckKind.BUREAU) == 1
    outside.checks.told(loan.id, Provider.IDENTITY, answer="unsure")
    await loan.answers("applicant", {"address": "a third one"})
    fell = await loan.referred()
    assert (fell["offer"]["state"], fell["decision"]["reasons"]) == ("withdrawn", ["identity"])


async def test_who_could_not_be_screened_is_referred_and_paid_only_after_an_answer(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.checks.told(loan.id, *SANCTIONS, answer=AWAY)
    await loan.submits()
    referred = await loan.referred()
    assert "unanswered_checks" in referred["decision"]["reasons"]
    await loan.act(decided())
    await loan.agrees()
    question = await loan.asked()
    assert (question["step"], question["choices"]) == ("screen before money leaves", ["retry", "give_up"])
    assert not outside.payouts.for_application[loan.id]
    await loan.settled(InterventionAction.RETRY)
    assert (await loan.asked())["intervention_id"] != question["intervention_id"]
    outside.checks.silent_no_more(loan.id)
    await loan.settled(InterventionAction.RETRY)
    end = await loan.ends()
    assert (end["outcome"], end["interventions"]) == ("originated", [])


async def test_what_was_withdrawn_is_not_written_to_any_more(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.letters.away.add(loan.id)
    await loan.submits(documents=False)
    await calendar.skip(minutes=5)
    await loan.act(Withdraw(command_id=once(), actor=WEB))
    await loan.comes_to(lambda view: view["outcome"])
    outside.letters.away.discard(loan.id)
    await calendar.skip(days=3)
    end = await loan.ends()
    assert {each["kind"]: each["state"] for each in end["notices"]} == {
        "application_received": "dropped",
        "incompleteness": "dropped",
        "withdrawn": "sent",
    }
    assert [kind for name, kind, _ in outside.letters.sent if name == loan.id] == ["withdrawn"]
    await replays(loan)


async def test_about_who_has_withdrawn_no_other_bureau_is_asked(begins: Begins, outside: Outside) -> None:
    loan = await begins()
    outside.checks.told(loan.id, Provider.BUREAU_ONE, answer=SLOW)
    await loan.submits(documents=False)
    await outside.checks.is_asked(loan.id, Provider.BUREAU_ONE)
    await loan.act(Withdraw(command_id=once(), actor=WEB))
    end = await loan.ends()
    assert [each["state"] for each in end["checks"] if each["kind"] == "bureau"] == ["stale"]
    outside.checks.goes_on(loan.id)
    await loan.handle.result()
    assert Provider.BUREAU_TWO not in {each.provider for each in outside.checks.of(loan.id)}


async def test_a_paper_that_is_no_good_after_all_is_asked_for_like_one_that_never_came(
    begins: Begins, calendar: Calendar
) -> None:
    for comes in (True, False):
        loan = await refers(begins)
        doc = (await loan.view())["documents"][0]["doc"]
        await loan.act(
            DecideDocument(command_id=once(), actor=OFFICE, doc=doc, decision="reject", reason="of another year")
        )
        asked = await loan.comes_to(lambda view: kinds(view).count("incompleteness") == 2)
        assert clock(asked, "incompleteness_answer")["state"] == "running"
        assert "incompleteness_answer" in [each["kind"] for each in asked["waiting_for"]]
        if comes:
            await loan.brings_documents()
            again = await loan.comes_to(lambda view: clock(view, "incompleteness_answer")["state"] == "met")
            assert again["outcome"] is None
            await loan.referred()
            await loan.act(Withdraw(command_id=once(), actor=WEB))
        else:
            await calendar.skip(days=32)
        end = await loan.ends()
        assert (end["outcome"], end["outcome_code"]) == (("withdrawn", 4) if comes else ("closed_incomplete", 5))
        assert kinds(end).count("incompleteness") == 2
        await replays(loan)


async def test_a_check_that_fails_after_the_end_holds_up_nothing(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.checks.told(loan.id, Provider.BUREAU_ONE, answer=SLOW)
    outside.letters.rejects.add((loan.id, "withdrawn"))
    await loan.submits(documents=False)
    await outside.checks.is_asked(loan.id, Provider.BUREAU_ONE)
    await loan.act(Withdraw(command_id=once(), actor=WEB))
    await loan.asked()
    outside.checks.goes_on(loan.id)
    await calendar.skip(minutes=5)
    outside.letters.rejects.clear()
    await loan.settled(InterventionAction.RETRY)
    assert (await loan.ends())["outcome"] == "withdrawn"
    await replays(loan)


async def test_the_notice_of_a_denial_that_cannot_be_sent_for_a_month_is_a_breach(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins("BAD")
    outside.letters.away.add(loan.id)
    await loan.submits()
    await loan.comes_to(lambda view: view["outcome"] == "denied")
    await calendar.skip(days=32)
    late = await loan.comes_to(lambda view: clock(view, "adverse_action")["state"] == "breached")
    assert clock(late, "action_taken")["state"] == "breached"
    outside.letters.away.discard(loan.id)
    await calendar.skip(days=3)
    end = await loan.ends()
    assert kinds(end).count("adverse_action") == 1


async def test_a_letter_that_no_mailbox_takes_is_a_question_and_tried_again(begins: Begins, outside: Outside) -> None:
    loan = await begins("BAD")
    outside.letters.rejects.add((loan.id, "adverse_action"))
    await loan.submits()
    question = await loan.asked()
    assert "adverse action" in question["step"]
    assert (await loan.view())["outcome"] == "denied"
    outside.letters.rejects.clear()
    await loan.settled(InterventionAction.RETRY)
    end = await loan.ends()
    assert clock(end, "adverse_action")["state"] == "met"
    assert not end["interventions"]


async def test_the_time_to_rescind_begins_with_the_notice_of_it(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins("GOOD", "mortgage")
    await loan.submits(HOME)
    await loan.accepts()
    await loan.comes_to(lambda view: "closing_disclosure" in kinds(view))
    await calendar.skip(days=14)
    outside.letters.away.add(loan.id)
    await loan.signs()
    await loan.stage("cooling_off")
    await calendar.skip(days=10)
    assert not outside.payouts.for_application[loan.id]
    outside.letters.away.discard(loan.id)
    await calendar.skip(days=3)
    extended = await loan.comes_to(lambda view: len([c for c in view["clocks"] if c["name"] == "rescission"]) == 2)
    told = next(each["sent_at"] for each in extended["notices"] if each["kind"] == "right_to_cancel")
    assert clock(extended, "rescission")["started_at"] == told
    await calendar.skip(days=8)
    end = await loan.ends()
    assert end["outcome"] == "originated"
    paid, due = (
        datetime.fromisoformat(each) for each in (end["payouts"][0]["at"], clock(extended, "rescission")["due_at"])
    )
    assert paid >= due
    await replays(loan)


async def test_money_waits_for_the_conditions_of_closing(begins: Begins) -> None:
    loan = await refers(begins)
    title = GivenCondition(code="clear_title", kind=ConditionKind.CLOSING)
    await loan.act(decided(conditions=(title,)))
    await loan.agrees()
    waiting = await loan.comes_to(lambda view: view["signatures"])
    assert (waiting["stage"], waiting["overlays"]) == ("signing", ["awaiting_documents"])
    await loan.brings_documents()
    assert (await loan.ends())["outcome"] == "originated"


async def test_a_booking_that_is_refused_is_tried_again_or_given_up_but_never_skipped(
    begins: Begins, outside: Outside
) -> None:
    for action, outcome, paid in (
        (InterventionAction.GIVE_UP, "booking_failed_reversed", 0),
        (InterventionAction.RETRY, "originated", 1),
    ):
        loan = await begins()
        outside.banking.refuses.add(loan.id)
        await loan.submits()
        await loan.agrees()
        question = await loan.asked()
        assert (question["step"], question["choices"]) == ("open the account", ["retry", "give_up"])
        with pytest.raises(WorkflowUpdateFailedError):
            await loan.settled(InterventionAction.SKIP)
        assert (await loan.refused(Withdraw(command_id=once(), actor=WEB))).kind == "not-allowed-now"
        outside.banking.refuses.discard(loan.id)
        await loan.settled(action)
        end = await loan.ends()
        assert (end["outcome"], outside.payouts.for_application[loan.id]) == (outcome, paid)


async def test_a_payout_that_nobody_answered_is_looked_up_before_it_is_sent_again(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.payouts.moods[loan.id] = [AWAY, AWAY, "lost"]
    await loan.submits()
    await loan.agrees()
    await calendar.skip(minutes=5)
    end = await loan.ends()
    assert (end["outcome"], outside.payouts.for_application[loan.id]) == ("originated", 1)
    key = next(key for key, paid in outside.payouts.paid.items() if paid.reference == end["payouts"][0]["reference"])
    mine = [call for call, named in outside.payouts.calls if named == key]
    assert mine == ["find", "pay_out"] * 3 + ["find"]
    account = await outside.banking.account(end["account_id"])
    assert [each.state.value for each in account.transactions] == ["booked"]


async def test_a_workflow_that_is_cancelled_while_money_leaves_goes_on_to_its_end(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.payouts.moods[loan.id] = [AWAY] * 3
    await loan.submits()
    await loan.agrees()
    await loan.comes_to(lambda view: view["payouts"])
    await loan.handle.cancel()
    await calendar.skip(minutes=5)
    end = await loan.ends()
    assert (end["outcome"], outside.payouts.for_application[loan.id]) == ("originated", 1)


async def test_a_command_that_comes_again_in_a_later_run_changes_nothing(begins: Begins) -> None:
    loan = await begins()
    await loan.submits(documents=False)
    document = (await loan.view())["documents"][0]["doc"]
    came = DocumentReceived(
        command_id=once(), actor=WEB, doc=document, sha256="a" * 64, media_type="application/pdf", size=1
    )
    await loan.act(came)
    reject = DecideDocument(command_id=once(), actor=OFFICE, doc=document, decision="reject", reason="blurred")
    await loan.act(reject)
    await loan.comes_to(lambda view: all(each["state"] == "sent" for each in view["notices"]))
    next_run = await begins(resumed=await loan.handle.query(ApplicationWorkflow.snapshot))
    before = (await next_run.handle.query(ApplicationWorkflow.view)).model_dump(mode="json")
    await next_run.act(reject)
    await next_run.act(came)
    after = (await next_run.handle.query(ApplicationWorkflow.view)).model_dump(mode="json")
    assert kinds(after) == kinds(before)
    assert after["documents"] == before["documents"]


async def test_accepted_and_declined_in_the_same_moment_one_counts(begins: Begins) -> None:
    loan = await begins()
    await loan.submits()
    await loan.stage("offered")
    answers = [AnswerOffer(command_id=once(), actor=WEB, accept=accept) for accept in (True, False, True)]
    tried = await asyncio.gather(*(loan.act(each) for each in answers), return_exceptions=True)
    assert sum(each is None for each in tried) == 1
    view = await loan.view()
    assert view["offer"]["state"] in ("accepted", "declined")
    assert (await loan.events()).count(f"offer_{view['offer']['state']}") == 1


async def test_the_time_to_answer_a_notice_runs_from_the_notice_and_not_before(
    begins: Begins, outside: Outside, calendar: Calendar
) -> None:
    loan = await begins()
    outside.letters.away.add(loan.id)
    await loan.submits(documents=False)
    await calendar.skip(days=32)
    late = await loan.comes_to(lambda view: clock(view, "incompleteness")["state"] == "breached")
    assert late["outcome"] is None, "nobody is closed for what nobody was told of"
    outside.letters.away.discard(loan.id)
    await calendar.skip(days=3)
    told = await loan.comes_to(lambda view: kinds(view).count("incompleteness") == 2)
    answer = clock(told, "incompleteness_answer")
    assert answer["started_at"] == told["notices"][1]["sent_at"]
    due = datetime.fromisoformat(answer["due_at"])
    assert (due - datetime.fromisoformat(answer["started_at"])).days >= 30
    assert datetime.fromisoformat(told["notices"][-1]["facts"]["until"]).date() == due.date() - timedelta(days=1)
    await calendar.skip(days=32)
    assert (await loan.ends())["outcome"] == "closed_incomplete"
    await replays(loan)
