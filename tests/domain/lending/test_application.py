"""What a changed answer makes of the rest of an application."""

from datetime import UTC, datetime
from typing import Any

from adapters.products.reading import shipped
from domain.actors import ENGINE, Channel
from domain.lending.application import Application
from domain.lending.application_view import public, view_of
from domain.lending.clocks import ClockName, ClockState, LendingPolicy
from domain.lending.decisions import Verdict
from domain.lending.parts import Check, CheckState, Decision, Document, DocumentState, Party, PartyRole, Section
from domain.lending.products import CheckKind
from domain.lending.reasons import Basis
from domain.lending.stages import Outcome, Stage

AT = datetime(2026, 11, 2, 15, tzinfo=UTC)


def loan(**more: Any) -> Application:
    return Application(
        application_id="a",
        product=shipped()["personal-loan"],
        policy=LendingPolicy(),
        channel=Channel.WEB,
        locale="en",
        created_at=AT,
        parties=[Party(party="p1", ref="P-1", role=PartyRole.APPLICANT, digest="0", joined_at=AT)],
        sections={"amount": Section(data={"amount": 500_000, "term_months": 12}, digest="0", at=AT, actor=ENGINE)},
        **more,
    )


def test_an_answer_that_is_under_way_is_to_another_question_by_then() -> None:
    checks = [Check(kind=CheckKind.IDENTITY, party=name, state=state) for name, state in ASKED.items()]
    application = loan(checks=checks)
    fell = application.invalidate(["identity"])
    assert fell == ["identity/p2"]
    assert [(each.state, each.outdated) for each in checks] == [(CheckState.RUNNING, True), (CheckState.STALE, False)]


ASKED = {"p1": CheckState.RUNNING, "p2": CheckState.PASSED}


def test_what_was_countered_falls_with_the_decision() -> None:
    application = loan()
    asked = application.asked_terms()
    assert asked is not None
    application.counter_terms = asked.model_copy(update={"principal": 100_000})
    application.invalidate(["offer"])
    assert application.terms == application.counter_terms
    application.invalidate(["decision", "offer"])
    assert application.terms == asked


def test_a_party_that_nobody_could_screen_is_no_clean_one() -> None:
    found = loan(checks=[Check(kind=CheckKind.SANCTIONS, party="p1", state=CheckState.UNANSWERED)])
    clean = loan(checks=[Check(kind=CheckKind.SANCTIONS, party="p1", state=CheckState.PASSED)])
    assert (found.decision_input(AT).unscreened, clean.decision_input(AT).unscreened) == (True, False)
    assert found.decision_input(AT).found_out != clean.decision_input(AT).found_out


def test_whoever_is_outside_sees_a_hold_as_every_other_review() -> None:
    """Held by a hit, or with a paper that is looked at: the lender looks at it, and no more is said."""
    held = loan(stage=Stage.IN_REVIEW, checks=[Check(kind=CheckKind.SANCTIONS, party="p1", state=CheckState.HIT)])
    paper = Document(
        doc="d1", type="income_proof", title="Proof", party="p1", reason="income", requested_at=AT, due_at=AT
    )
    paper.state = DocumentState.RECEIVED
    looked_at = loan(stage=Stage.IN_REVIEW, documents=[paper])
    looked_at.start_clock(ClockName.REVIEW, AT)
    for application in (held, looked_at):
        told = public(view_of(application))
        assert [(each.kind, each.what, each.who) for each in told.waiting_for] == [
            ("lender", "the lender looks at it", "lender")
        ]
        assert told.clocks == []
    held.outcome = Outcome.WITHDRAWN
    assert public(view_of(held)).waiting_for == []


def test_a_review_that_is_late_is_still_waited_for_until_somebody_decides() -> None:
    found = loan(stage=Stage.IN_REVIEW)
    found.decision = Decision(verdict=Verdict.REFER, at=AT, automatic=True, basis=Basis.BOTH, rules="r/1")
    clock = found.start_clock(ClockName.REVIEW, AT)
    found.end_clock(ClockName.REVIEW, ClockState.BREACHED)
    (wait,) = found.waits()
    assert (wait.kind, wait.who, wait.deadline) == ("review", "underwriter", clock.due_at)
    found.decision = found.decision.model_copy(update={"verdict": Verdict.DECLINE})
    assert found.waits() == []
