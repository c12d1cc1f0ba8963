"""Decisions of people, the papers that their conditions ask for, and what can be taken back until when."""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow

import workflows.application_messages as messages
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId
from domain.lending.application import Application
from domain.lending.approvals import Reviewer
from domain.lending.clocks import ClockName, ClockState
from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.parts import (
    Check,
    CheckState,
    Decision,
    Document,
    DocumentState,
    NoticeRef,
    NoticeState,
    OfferState,
    PartyRole,
    Payout,
    Tranche,
)
from domain.lending.products import CheckKind
from domain.lending.reasons import Basis, DenialReason
from domain.lending.stages import Stage
from domain.refusals import Refused
from tests.domain.lending.test_application import AT, loan
from tests.workflows.test_lending_moments import offered
from workflows.application import ApplicationWorkflow
from workflows.application_desk import ApplicationDesk
from workflows.applying import Applying
from workflows.crew import Crew
from workflows.underwriting import Underwriting
from workflows.withdrawing import Withdrawing

OFFICE = Actor(kind=ActorKind.UNDERWRITER, id="una", channel=Channel.OPS)
WEB = Actor(kind=ActorKind.CHANNEL, id="web", channel=Channel.WEB)
UNA = Reviewer(login="una", person="una", roles=frozenset({"underwriter"}))
APPRAISAL = messages.GivenCondition(code="appraisal", kind=ConditionKind.UNDERWRITING)
TITLE = messages.GivenCondition(code="clear_title", kind=ConditionKind.CLOSING)


@pytest.fixture(autouse=True)
def outside_of_a_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "now", lambda: AT)
    monkeypatch.setattr(workflow, "patched", lambda _: True)
    monkeypatch.setattr(Crew, "start", lambda _, __, process: process.close())


class Office:
    """An application on a desk, and those who work on it."""

    def __init__(self, application: Application):
        self.application = application
        self.desk = ApplicationDesk(started(application))
        self.desk.application = application
        self.applying = Applying(self.desk)
        self.underwriting = Underwriting(self.desk, self.applying)

    @property
    def papers(self) -> list[tuple[str, str, str]]:
        return [(each.doc, each.type, each.state.value) for each in self.application.documents]

    async def decides(self, verdict: Verdict = Verdict.APPROVE, **more: Any) -> None:
        command = messages.Decide(command_id=once(), actor=OFFICE, reviewer=UNA, verdict=verdict, **more)
        await self.underwriting.decide(command)

    async def finds(self, doc: str, decision: str, reason: str | None = None) -> None:
        await self.applying.decide_document(
            messages.DecideDocument(command_id=once(), actor=OFFICE, doc=doc, decision=decision, reason=reason)
        )

    async def gets(self, doc: str) -> None:
        await self.applying.document_received(
            messages.DocumentReceived(
                command_id=once(), actor=WEB, doc=doc, sha256="a" * 64, media_type="application/pdf", size=1
            )
        )


def started(application: Application, person: str | None = None) -> messages.ApplicationStart:
    return messages.ApplicationStart(
        application_id="a",
        product=application.product,
        policy=application.policy,
        channel=Channel.WEB,
        locale="en",
        applicant=messages.NewParty(party="p1", ref="P-1", role=PartyRole.APPLICANT, digest="0"),
        actor=WEB,
        created_by="web",
        person=person,
    )


def once() -> CommandId:
    return CommandId(secrets.token_hex(12))


def referred(**more: Any) -> Office:
    """What the rules were not sure of waits for a person."""
    decision = Decision(
        verdict=Verdict.REFER,
        at=AT,
        automatic=True,
        basis=Basis.BOTH,
        reasons=["short_history"],
        denial=[DenialReason.CREDIT_HISTORY],
        rules="personal-loan/1",
    )
    return Office(loan(stage=Stage.IN_REVIEW, decision=decision, **more))


async def refused(action: Any) -> str:
    with pytest.raises(Refused) as caught:
        await action
    return caught.value.refusal.detail


async def test_with_a_decision_fall_the_papers_that_it_alone_asked_for() -> None:
    office = referred()
    await office.decides(conditions=(APPRAISAL,))
    assert office.papers == [("d1", "appraisal", "requested")]
    office.desk.invalidate(["decision", "offer"])
    assert office.papers == [("d1", "appraisal", "expired")]
    assert office.application.overlays == []
    assert await refused(office.gets("d1")) == "It is not needed any more."
    assert await refused(office.finds("d1", "waive")) == "It is not needed any more."


async def test_a_condition_that_is_made_again_asks_for_the_same_paper_again() -> None:
    office = referred()
    await office.decides(conditions=(APPRAISAL,))
    office.desk.invalidate(["decision"])
    office.application.decision = referred().application.decision
    await office.decides(conditions=(APPRAISAL,))
    assert office.papers == [("d1", "appraisal", "requested")]
    assert office.application.unmet == {ConditionKind.UNDERWRITING}


async def test_a_condition_whose_paper_was_accepted_before_is_met() -> None:
    office = referred()
    await office.decides(conditions=(APPRAISAL,))
    await office.gets("d1")
    await office.finds("d1", "accept")
    office.desk.invalidate(["decision"])
    office.application.decision = referred().application.decision
    await office.decides(conditions=(APPRAISAL,))
    assert (office.papers, office.application.unmet) == ([("d1", "appraisal", "accepted")], frozenset())


async def test_a_condition_named_like_a_paper_of_a_step_asks_for_one_of_its_own() -> None:
    proof = Document(
        doc="d1", type="income_proof", title="Proof", party="p1", reason="income", requested_at=AT, due_at=AT
    )
    proof.state = DocumentState.ACCEPTED
    office = referred(documents=[proof])
    again = messages.GivenCondition(code="income_proof", kind=ConditionKind.UNDERWRITING)
    await office.decides(conditions=(again,))
    assert office.papers == [("d1", "income_proof", "accepted"), ("d2", "income_proof", "requested")]
    await office.gets("d2")
    await office.finds("d2", "accept")
    assert office.application.unmet == frozenset()


async def test_a_paper_that_turns_out_to_be_no_good_meets_its_condition_no_more() -> None:
    office = referred()
    await office.decides(conditions=(APPRAISAL,))
    await office.gets("d1")
    await office.finds("d1", "accept")
    office.application.offers = offered(OfferState.OPEN).offers
    office.application.stage = Stage.OFFERED
    await office.finds("d1", "reject", "another house")
    assert office.application.unmet == {ConditionKind.UNDERWRITING}
    assert office.application.offers[0].state is OfferState.WITHDRAWN


@pytest.mark.parametrize(
    ("condition", "stage", "stands"),
    [
        (APPRAISAL, Stage.SIGNING, True),
        (TITLE, Stage.SIGNING, False),
        (TITLE, Stage.COOLING_OFF, True),
        (None, Stage.OFFERED, False),
        (None, Stage.ACCEPTED, True),
        (None, Stage.BOOKED, True),
    ],
)
async def test_what_was_agreed_upon_a_paper_stands(
    condition: messages.GivenCondition | None, stage: Stage, stands: bool
) -> None:
    paper = Document(
        doc="d1", type="income_proof", title="Proof", party="p1", reason="income", requested_at=AT, due_at=AT
    )
    paper.state = DocumentState.RECEIVED
    office = referred(documents=[] if condition else [paper])
    await office.decides(conditions=(condition,) if condition else ())
    if condition:
        await office.gets("d1")
    await office.finds("d1", "accept")
    office.application.stage = stage
    if stands:
        detail = await refused(office.finds("d1", "reject", "blurred"))
        assert detail == f"It is {stage}: what was agreed stands on this document."
        assert office.application.documents[0].state is DocumentState.ACCEPTED
    else:
        await office.finds("d1", "reject", "blurred")
        assert office.application.documents[0].state is DocumentState.REJECTED


async def test_only_an_approval_has_terms_and_conditions() -> None:
    office = referred()
    asked = office.application.asked_terms()
    assert asked is not None
    other = asked.model_copy(update={"principal": 400_000, "prepaid": 4_000})
    for wrong in ({"conditions": (APPRAISAL,)}, {"terms": other}):
        for verdict in (Verdict.DECLINE, Verdict.REFER):
            detail = await refused(office.decides(verdict, reasons=("dti",), **wrong))
            assert detail == "Terms and conditions belong to an approval."
    assert (office.papers, office.application.counter_terms, office.application.claim) == ([], None, None)


async def test_other_terms_are_offered_with_the_reasons_against_those_that_were_asked_for() -> None:
    office = referred()
    asked = office.application.asked_terms()
    assert asked is not None
    other = asked.model_copy(update={"principal": 400_000, "prepaid": 4_000})
    await office.decides(terms=other)
    decision = office.application.decision
    assert decision is not None
    assert (decision.reasons, decision.denial) == (["short_history"], [DenialReason.CREDIT_HISTORY])
    office = referred()
    await office.decides(terms=other, reasons=("dti",))
    assert office.application.decision is not None
    assert office.application.decision.reasons == ["dti"]
    office = referred()
    office.application.sections["amount"].data["amount"] = 3_000_000
    await office.decides()
    assert office.application.decision is not None
    assert (office.application.decision.reasons, office.application.approvals_left) == ([], 1)
    assert await refused(office.decides(terms=other)) == "give one to four reasons."
    asked = office.application.asked_terms()
    assert asked is not None
    same = messages.Counteroffer(command_id=once(), actor=OFFICE, reviewer=UNA, terms=asked, reasons=("dti",))
    detail = await refused(office.underwriting.counteroffer(same))
    assert detail == "These are the terms that were asked for: approve them."


async def test_what_nobody_has_claimed_is_not_released() -> None:
    office = referred()
    release = messages.ReleaseReview(command_id=once(), actor=OFFICE, reviewer=UNA)
    assert await refused(office.underwriting.release(release)) == "Nobody has claimed it."
    await office.underwriting.claim(messages.ClaimReview(command_id=once(), actor=OFFICE, reviewer=UNA))
    await office.underwriting.release(release)
    assert office.application.claim is None


async def test_after_its_time_nothing_is_rescinded_even_while_money_waits_for_the_office() -> None:
    office = referred()
    application = office.application
    application.product = application.product.model_copy(update={"cooling_off": ClockName.RESCISSION})
    application.stage = Stage.COOLING_OFF
    application.checks = [Check(kind=CheckKind.SANCTIONS, party="p1", state=CheckState.HIT)]
    application.start_clock(ClockName.RESCISSION, AT)
    application.end_clock(ClockName.RESCISSION, ClockState.MET, "not used")
    rescind = messages.Rescind(command_id=once(), actor=WEB)
    withdrawing = Withdrawing(office.desk, None)  # type: ignore[arg-type]
    notice = NoticeRef(n=1, kind="right_to_cancel", party="p1", at=AT, state=NoticeState.SENT, sent_at=AT)
    application.notices = [notice]
    assert "The time for it is over" in await refused(withdrawing.rescind(rescind))
    assert application.rescinded_at is None
    notice.sent_at = AT + timedelta(days=2)
    await withdrawing.rescind(rescind)
    assert application.rescinded_at == AT, "it runs from a notice that came later, whose clock is about to begin"


async def test_a_loan_whose_parts_were_stopped_is_not_stopped_again() -> None:
    parts = [Tranche(n=1, name="land", amount=1, drawn_on=AT.date()), Tranche(n=2, name="roof", amount=1)]
    office = referred(tranches=parts, payouts=[Payout(tranche=1, amount=1, state="paid")])
    office.application.stage = Stage.DISBURSING
    withdraw = messages.Withdraw(command_id=once(), actor=WEB)
    await office.applying.withdraw(withdraw)
    assert office.application.drawing_stopped_at == AT
    assert await refused(office.applying.withdraw(withdraw)) == "It is stopped already: no further part leaves."


async def test_who_keyed_any_person_of_it_has_no_say_in_it() -> None:
    office = referred()
    who = messages.NewParty(party="p2", ref="P-2", role=PartyRole.CO_APPLICANT, digest="0")
    await office.applying.add_party(messages.AddParty(command_id=once(), actor=WEB, joins=who, person="una"))
    office.application.decision = referred().application.decision
    assert await refused(office.decides()) == "Who keyed it has no say in it."
    assert ApplicationWorkflow(started(loan(), "una")).desk.application.makers == ["una"]
