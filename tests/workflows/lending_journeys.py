"""Applications from beginning to end on a server that keeps real time: what is recorded, and must replay for ever."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.products.reading import shipped
from domain.lending.approvals import Reviewer
from domain.lending.clocks import LendingPolicy
from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.products import Provider, ReasonsTold, TrancheDefinition
from domain.lending.terms import LoanTerms
from tests.workflows.borrower import BEN, HOME, LOAN, OFFICE, UNA, WEB, Begins, Borrower, once
from tests.workflows.lenders import Outside
from workflows.application import ApplicationWorkflow
from workflows.application_messages import (
    AnswerOffer,
    Approve,
    AskReasons,
    ClearScreening,
    ConfirmScreening,
    Consent,
    Counteroffer,
    Decide,
    GivenCondition,
    Recuse,
    ReleaseTranche,
    Rescind,
    Submit,
    Withdraw,
)
from workflows.messages import InterventionAction

LARGE = {**LOAN, "amount": {**LOAN["amount"], "amount": 2_000_000}}
QUICK = LendingPolicy(name="quick", day=timedelta(milliseconds=100))
"""Thirty days are three seconds."""
HOUSE = shipped()["mortgage"].model_copy(
    update={
        "product": "house",
        "cooling_off": None,
        "kind": shipped()["personal-loan"].kind,
        "tranches": (
            TrancheDefinition(name="land", title="the land", percent=40),
            TrancheDefinition(name="roof", title="the roof", percent=30, after_days=60, released=True),
            TrancheDefinition(name="keys", title="the keys", percent=30, after_days=150),
        ),
    }
)
"""Of 200,000.00: 80,000.00 less the charge of 2,000.00, then twice 60,000.00."""
Journey = Callable[[Begins, Outside], Awaitable[Borrower]]


async def decides(loan: Borrower, by: Reviewer = UNA, verdict: Verdict = Verdict.APPROVE, **more: Any) -> None:
    await loan.referred()
    await loan.act(Decide(command_id=once(), actor=OFFICE, reviewer=by, verdict=verdict, **more))


async def approves(loan: Borrower, by: Reviewer) -> None:
    terms = (await loan.view())["terms_hash"]
    await loan.act(Approve(command_id=once(), actor=OFFICE, reviewer=by, terms_hash=terms))


async def counters(loan: Borrower) -> None:
    view = await loan.referred()
    terms = LoanTerms.model_validate({**view["terms"], "principal": 400_000, "prepaid": 4_000})
    given = Counteroffer(command_id=once(), actor=OFFICE, reviewer=UNA, terms=terms, reasons=("credit_history",))
    await loan.act(given)


async def paid_out(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    await loan.submits()
    await loan.agrees()
    return loan


async def denied(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins("BAD")
    await loan.submits()
    return loan


async def two_pairs_of_eyes(begins: Begins, outside: Outside) -> Borrower:
    """One approver steps aside after the offer, and another takes the place."""
    loan = await begins("THIN")
    await loan.submits(LARGE)
    await decides(loan)
    await approves(loan, BEN)
    await loan.stage("offered")
    await loan.act(Recuse(command_id=once(), actor=OFFICE, reviewer=BEN, reason="a cousin"))
    await loan.referred()
    await approves(loan, BEN.model_copy(update={"login": "zoe", "person": "zoe"}))
    await loan.agrees()
    return loan


async def terms_changed_after_the_offer(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    await loan.submits()
    await loan.stage("offered")
    await loan.answers("amount", {**LOAN["amount"], "term_months": 48})
    await loan.comes_to(lambda view: view["stage"] == "offered" and view["offer"]["n"] == 2)
    await loan.agrees()
    return loan


async def condition_met(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins("THIN")
    await loan.submits()
    await decides(loan, conditions=(GivenCondition(code="appraisal", kind=ConditionKind.UNDERWRITING),))
    await loan.stage("conditionally_approved")
    await loan.brings_documents()
    await loan.agrees()
    return loan


async def counteroffer_taken(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins("THIN")
    await loan.submits()
    await counters(loan)
    await loan.agrees()
    return loan


async def counteroffer_declined(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins("THIN")
    await loan.submits()
    await counters(loan)
    await loan.stage("offered")
    await loan.act(AnswerOffer(command_id=once(), actor=WEB, accept=False))
    return loan


async def joint(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    for step in (await loan.view())["steps"]:
        await loan.answers(step["name"], LOAN[step["name"]])
    other = await loan.joins()
    await loan.act(Submit(command_id=once(), actor=WEB))
    await loan.brings_documents()
    await loan.act(Consent(command_id=once(), actor=WEB, party=other, electronic=True))
    await loan.agrees()
    await loan.signs(other)
    return loan


async def joint_and_silent(begins: Begins, outside: Outside) -> Borrower:
    """The other party is reminded, and never agrees."""
    loan = await begins(policy=QUICK.model_copy(update={"day": timedelta(milliseconds=300)}))
    for step in (await loan.view())["steps"]:
        await loan.answers(step["name"], LOAN[step["name"]])
    await loan.joins()
    await loan.act(Submit(command_id=once(), actor=WEB))
    await loan.brings_documents()
    return loan


async def withdrawn_when_offered(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    await loan.submits()
    await loan.stage("offered")
    await loan.act(Withdraw(command_id=once(), actor=WEB, reason="bought no car"))
    return loan


async def abandoned(begins: Begins, outside: Outside) -> Borrower:
    return await begins(policy=QUICK)


async def closed_incomplete(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins(policy=QUICK)
    await loan.submits(documents=False)
    return loan


async def offer_lapsed(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins(policy=QUICK.model_copy(update={"day": timedelta(milliseconds=300)}))
    await loan.submits()
    return loan


async def home_bought(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins("GOOD", "mortgage", policy=QUICK)
    await loan.submits(HOME)
    await loan.agrees()
    return loan


async def home_rescinded(begins: Begins, outside: Outside) -> Borrower:
    # Days short enough for its disclosures, and long enough to change one's mind in three of them.
    loan = await begins("GOOD", "mortgage", policy=QUICK.model_copy(update={"day": timedelta(seconds=1)}))
    await loan.submits(HOME)
    await loan.agrees()
    await loan.stage("cooling_off")
    await loan.act(Rescind(command_id=once(), actor=WEB))
    return loan


async def held_before_the_payout(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    await loan.submits()
    outside.checks.told(loan.id, Provider.SANCTIONS, answer="hit")
    await loan.agrees()
    await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
    await loan.act(ClearScreening(command_id=once(), actor=OFFICE, reason="another birth date"))
    return loan


async def payout_declined(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    outside.payouts.moods[loan.id] = ["declined"]
    await loan.submits()
    await loan.agrees()
    return loan


async def booking_given_up(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins()
    outside.banking.refuses.add(loan.id)
    await loan.submits()
    await loan.agrees()
    await loan.settled(InterventionAction.GIVE_UP)
    return loan


async def account_opened(begins: Begins, outside: Outside) -> Borrower:
    """A product without terms: no offer, no payout."""
    loan = await begins("GOOD", "deposit-account")
    account = {"purpose": "salary", "tax_resident": True}
    await loan.submits({"applicant": {}, "account": account, "consents": {"terms": True, "electronic": True}})
    await loan.signs()
    return loan


async def paid_out_in_parts(begins: Begins, outside: Outside) -> Borrower:
    """A house is built: one part waits for its release, one for its time."""
    loan = await begins("GOOD", HOUSE, policy=QUICK)
    await loan.submits(HOME)
    await loan.agrees()
    await loan.comes_to(lambda view: view["tranches"][:1] and view["tranches"][0]["state"] == "drawn")
    await loan.act(ReleaseTranche(command_id=once(), actor=OFFICE, n=2, person="ada", reason="the roof is on"))
    return loan


async def withdrawn_between_the_parts(begins: Begins, outside: Outside) -> Borrower:
    loan = await begins("GOOD", HOUSE)
    await loan.submits(HOME)
    await loan.agrees()
    await loan.comes_to(lambda view: view["tranches"][:1] and view["tranches"][0]["state"] == "drawn")
    await loan.act(Withdraw(command_id=once(), actor=WEB, reason="the land is sold"))
    return loan


async def hit_confirmed(begins: Begins, outside: Outside) -> Borrower:
    """Two people say that it is the person on the list."""
    loan = await begins("HIT")
    await loan.submits()
    for person in ("ada", "max"):
        await loan.comes_to(lambda view: "screening_hold" in view["overlays"])
        said = ConfirmScreening(command_id=once(), actor=OFFICE, person=person, reason="the same passport")
        await loan.act(said)
    return loan


async def reasons_told_on_request(begins: Begins, outside: Outside) -> Borrower:
    on_request = shipped()["personal-loan"].model_copy(update={"reasons": ReasonsTold.ON_REQUEST})
    loan = await begins("BAD", on_request)
    await loan.submits()
    await loan.comes_to(lambda view: "reasons_asked" in [each["kind"] for each in view["waiting_for"]])
    await loan.act(AskReasons(command_id=once(), actor=WEB))
    return loan


async def paid_early_and_repaid(begins: Begins, outside: Outside) -> Borrower:
    """Paid out before the time to withdraw is over; then withdrawn, and repaid at a counter."""
    loan = await begins("GOOD", "personal-loan-eu")
    await loan.submits({**LOAN, "consents": {"credit_report": True, "electronic": True, "early_payout": True}})
    await loan.agrees()
    await loan.comes_to(lambda view: view["stage"] == "booked")
    await loan.act(Rescind(command_id=once(), actor=WEB))
    view = await loan.comes_to(lambda view: view["repayment"])
    now = datetime.now(UTC)
    owed, today = view["repayment"]["principal"], LendingPolicy().local_date(now)
    await loan.made.banking.repay(view["account_id"], owed, once(), now, today, "branch")
    await loan.handle.signal(ApplicationWorkflow.account_changed)
    return loan


LENDING_JOURNEYS: dict[str, Journey] = {
    f"application_{journey.__name__}": journey
    for journey in (
        paid_out,
        denied,
        two_pairs_of_eyes,
        terms_changed_after_the_offer,
        condition_met,
        counteroffer_taken,
        counteroffer_declined,
        joint,
        joint_and_silent,
        withdrawn_when_offered,
        abandoned,
        closed_incomplete,
        offer_lapsed,
        home_bought,
        home_rescinded,
        held_before_the_payout,
        payout_declined,
        booking_given_up,
        account_opened,
        paid_out_in_parts,
        withdrawn_between_the_parts,
        hit_confirmed,
        reasons_told_on_request,
        paid_early_and_repaid,
    )
}
