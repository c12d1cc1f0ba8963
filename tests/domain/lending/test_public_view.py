"""What channels read: nothing of a hold, at no point, and of a decision only what stands."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actors import ENGINE
from domain.lending.application import Application
from domain.lending.application_view import public, view_of
from domain.lending.approvals import Approval, Reviewer
from domain.lending.clocks import ClockName
from domain.lending.decisions import Verdict
from domain.lending.parts import Check, CheckState, Decision, Document, DocumentState, Party, PartyRole, Section
from domain.lending.products import CheckKind
from domain.lending.reasons import Basis
from domain.lending.stages import Outcome, Overlay, Stage
from tests.domain.lending.test_application import AT, loan

STEPS = ("applicant", "income", "obligations", "consents")
BY_HAND = {"at": AT, "automatic": False, "basis": Basis.JUDGEMENT, "rules": "personal-loan/1"}


def answered(paper: DocumentState, state: CheckState, *, joint: bool = False, **more: Any) -> Application:
    """Everything is answered; `paper`: how far its one document is, `state`: of the sanctions check."""
    document = Document(
        doc="d1", type="income_proof", title="Proof", party="p1", reason="income", requested_at=AT, due_at=AT
    )
    document.state = paper
    application = loan(
        documents=[document], checks=[Check(kind=CheckKind.SANCTIONS, party="p1", state=state, at=AT)], **more
    )
    application.sections |= {name: Section(data={}, digest="0", at=AT, actor=ENGINE) for name in STEPS}
    if joint:
        application.parties.append(Party(party="p2", ref="P-2", role=PartyRole.CO_APPLICANT, digest="0", joined_at=AT))
    if paper.value in ("requested", "rejected"):
        application.start_clock(ClockName.INCOMPLETENESS_ANSWER, AT)
    return application


def referred(application: Application) -> Application:
    """As the rules do it once all is there and nothing is held."""
    application.decision = Decision(verdict=Verdict.REFER, **{**BY_HAND, "automatic": True})
    application.start_clock(ClockName.REVIEW, AT)
    return application


@pytest.mark.parametrize("joint", [False, True])
@pytest.mark.parametrize("paper", [each for each in DocumentState if each is not DocumentState.EXPIRED])
def test_who_is_held_reads_like_who_is_referred_however_far_the_papers_are(paper: DocumentState, joint: bool) -> None:
    there = paper in (DocumentState.ACCEPTED, DocumentState.WAIVED) and not joint
    complete = paper not in (DocumentState.REQUESTED, DocumentState.REJECTED) and not joint
    stage = Stage.IN_REVIEW if complete else Stage.SUBMITTED
    other = answered(paper, CheckState.PASSED, joint=joint, stage=stage)
    if there:
        referred(other)
    held = answered(paper, CheckState.HIT, joint=joint, stage=stage)
    assert Overlay.SCREENING_HOLD in view_of(held).overlays
    assert public(view_of(held)) == public(view_of(other))
    assert public(view_of(held)).waiting_for


@pytest.mark.parametrize("stage", [Stage.SIGNING, Stage.COOLING_OFF])
def test_who_is_held_before_the_payout_reads_as_if_the_lender_took_its_time(stage: Stage) -> None:
    held, other = (
        answered(DocumentState.ACCEPTED, state, stage=stage) for state in (CheckState.HIT, CheckState.PASSED)
    )
    told, usual = public(view_of(held)), public(view_of(other))
    assert [each.what for each in told.waiting_for] == ["the lender looks at it"]
    assert told.model_copy(update={"waiting_for": []}) == usual


def test_whose_hit_was_confirmed_ends_like_everybody_who_is_denied() -> None:
    ends = {"stage": Stage.IN_REVIEW, "outcome": Outcome.DENIED, "ended_at": AT + timedelta(days=1)}
    held, other = (answered(DocumentState.ACCEPTED, state, **ends) for state in (CheckState.HIT, CheckState.PASSED))
    assert public(view_of(held)) == public(view_of(other))


def test_what_one_person_decides_is_told_once_the_other_has_agreed() -> None:
    application = answered(DocumentState.ACCEPTED, CheckState.PASSED, stage=Stage.IN_REVIEW)
    asked = application.asked_terms()
    assert asked is not None
    application.sections["amount"].data["amount"] = 3_000_000
    application.counter_terms = asked.model_copy(update={"principal": 2_000_000})
    application.decision = Decision(verdict=Verdict.APPROVE, person="una", **BY_HAND)
    view = view_of(application)
    assert (view.approvals_left, view.terms and view.terms.principal) == (1, 2_000_000)
    told = public(view)
    assert (told.decision, told.terms and told.terms.principal) == (None, 3_000_000)
    assert told.terms is not None
    assert told.terms_hash == told.terms.hash() != view.terms_hash
    ben = Reviewer(login="ben", person="ben", roles=frozenset({"underwriter"}))
    application.approvals = [Approval(reviewer=ben, terms_hash=application.terms_hash, at=AT)]
    agreed = public(view_of(application)).decision
    assert agreed is not None
    assert agreed.verdict is Verdict.APPROVE
