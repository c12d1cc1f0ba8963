"""An application as people read it; a channel's reader never learns of a screening hold.

Every field of the application itself is always told. Within its parts, what is not there is left out.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.actors import Channel
from domain.lending.application import Application
from domain.lending.clocks import Clock, ClockName
from domain.lending.decisions import Verdict
from domain.lending.missing import MissingItem
from domain.lending.outcomes import ActionTaken
from domain.lending.parts import (
    Archive,
    Check,
    Claim,
    Condition,
    Decision,
    Document,
    HitFinding,
    NoticeRef,
    Offer,
    PartyRole,
    Payout,
    Pen,
    PublicNotice,
    PublicSignature,
    RepaymentDue,
    Tranche,
)
from domain.lending.progress import party_progress
from domain.lending.reasons import DenialReason
from domain.lending.sparse import Sparse
from domain.lending.stages import GroupStatus, Outcome, Overlay, Stage, worst
from domain.lending.terms import LoanTerms
from domain.lending.waiting import SCREENING_HOLD, ApplicationWait
from domain.money import Currency
from domain.views import InterventionView

_OFFICE = ("ops", "underwriter")
REMOVED: Literal["removed"] = "removed"


class View(Sparse):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StepStatus(StrEnum):
    BLOCKED = "blocked"
    """A step that must come before it is not answered."""
    OPEN = "open"
    DONE = "done"
    STALE = "stale"


class StepView(View):
    name: str
    status: StepStatus
    requires: list[str]
    """Steps that must be answered first, and are not."""
    at: datetime | None = None
    channel: Channel | None = None
    digest: str | None = None


class PartyView(View):
    party: str
    ref: str
    role: PartyRole
    status: GroupStatus | Literal["removed"]
    consented: bool


class EnvelopeView(View):
    n: int
    party: str
    envelope_id: str | None = None
    state: str
    at: datetime


class _Told(BaseModel):
    """What everybody who may see the application reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    product: str
    product_version: int
    channel: Channel
    locale: str
    currency: Currency
    version: int
    created_at: datetime
    stage: Stage
    status: GroupStatus
    outcome: Outcome | None = None
    outcome_code: ActionTaken | None = None
    ended_at: datetime | None = None
    overlays: list[Overlay] = []
    steps: list[StepView] = []
    missing: list[MissingItem] = []
    parties: list[PartyView] = []
    documents: list[Document] = []
    offer: Offer | None = None
    terms: LoanTerms | None = None
    terms_hash: str = ""
    signatures: list[PublicSignature] = []
    envelopes: list[EnvelopeView] = []
    clocks: list[Clock] = []
    pen: Pen | None = None
    payouts: list[Payout] = []
    tranches: list[Tranche] = []
    account_id: str | None = None
    repayment: RepaymentDue | None = None
    """After a withdrawal from a loan that had been paid out."""
    waiting_for: list[ApplicationWait] = []


class ApplicationView(_Told):
    """Everything that stands in the record; what staff read."""

    checks: list[Check] = []
    findings: list[HitFinding] = []
    asked_terms: LoanTerms | None = None
    """What the applicant asked for; `terms` are others when a person offers others instead."""
    decision: Decision | None = None
    approvals_left: int | None = None
    """None without a decision, and for more than anybody here may approve."""
    claim: Claim | None = None
    notices: list[NoticeRef] = []
    archive: Archive | None = None
    denial_reasons: list[DenialReason] = []
    """Of the regulator's register, once it has ended."""
    interventions: list[InterventionView] = []
    asks: bool = False
    purged_at: datetime | None = None
    """From then on only the regulator's register is left."""

    @property
    def keep_until(self) -> datetime | None:
        """When the file's time is over; none before that time has begun."""
        return next((each.due_at for each in reversed(self.clocks) if each.name is ClockName.RETENTION), None)


class PublicDecision(View):
    """What was decided, without what it was weighed by."""

    verdict: Verdict
    at: datetime
    conditions: list[Condition] = Field(default_factory=list)


class PublicApplicationView(_Told):
    """For channels and the customer."""

    decision: PublicDecision | None = None
    notices: list[PublicNotice] = []


def view_of(application: Application) -> ApplicationView:
    return ApplicationView(
        application_id=application.application_id,
        product=application.product.product,
        product_version=application.product.version,
        channel=application.channel,
        locale=application.locale,
        currency=application.product.currency,
        version=application.version,
        created_at=application.created_at,
        stage=application.stage,
        status=application.status,
        outcome=application.outcome,
        outcome_code=application.outcome_code,
        ended_at=application.ended_at,
        overlays=application.overlays,
        steps=[_step(application, step.name) for step in application.product.steps if application.asks(step)],
        missing=application.missing if application.outcome is None else [],
        parties=[
            PartyView(
                party=each.party,
                ref=each.ref,
                role=each.role,
                status=application.party_status(each) if each.active else REMOVED,
                consented=each.consented_at is not None,
            )
            for each in application.parties
        ],
        documents=application.documents,
        checks=application.checks,
        findings=application.findings,
        decision=application.decision,
        approvals_left=application.approvals_left if application.decision else None,
        claim=application.claim,
        offer=application.offer,
        terms=application.terms,
        asked_terms=application.asked_terms(),
        terms_hash=application.terms_hash,
        signatures=[each.public for each in application.signatures],
        envelopes=[
            EnvelopeView(n=each.n, party=each.party, envelope_id=each.envelope_id, state=each.state, at=each.at)
            for each in application.envelopes
        ],
        clocks=application.clocks,
        pen=application.pen,
        notices=application.notices,
        payouts=application.payouts,
        tranches=application.tranches,
        account_id=application.account_id,
        repayment=application.repayment,
        archive=application.archive,
        denial_reasons=application.denial_reasons,
        interventions=application.interventions,
        asks=bool(application.interventions),
        waiting_for=application.waits(),
    )


def public(view: ApplicationView) -> PublicApplicationView:
    """Neutral while a screening holds, and without what staff weighed.

    An application that is held reads in every field like one that is referred at the same point.
    """
    told = {name: getattr(view, name) for name in _Told.model_fields}
    told["overlays"] = [each for each in view.overlays if each not in (Overlay.SCREENING_HOLD, Overlay.REFERRED)]
    if _looked_at(view):
        told["overlays"].append(Overlay.REFERRED)
    told["parties"] = [each.model_copy(update={"status": _neutral(view, each)}) for each in view.parties]
    told["status"] = worst([each.status for each in told["parties"] if each.status != REMOVED])
    told["clocks"] = [each for each in view.clocks if each.name is not ClockName.REVIEW]
    told["waiting_for"] = _public_waits(view)
    offered = view.offer.terms if view.offer else None
    if view.asked_terms is not None and view.terms != offered:
        # What a person considers instead is told with the offer of it.
        told |= {"terms": view.asked_terms, "terms_hash": view.asked_terms.hash()}
    return PublicApplicationView(
        **told,
        decision=_public_decision(view) if view.decision else None,
        notices=[each.public for each in view.notices],
    )


def _held(view: ApplicationView) -> bool:
    return Overlay.SCREENING_HOLD in view.overlays


def _looked_at(view: ApplicationView) -> bool:
    """A person decides: it is referred, or would be now if nothing held it."""
    there = not view.missing and all(each.done for each in view.documents if each.condition is None)
    held = _held(view) and view.stage is Stage.IN_REVIEW
    return there and (held or Overlay.REFERRED in view.overlays)


def _neutral(view: ApplicationView, party: PartyView) -> GroupStatus | Literal["removed"]:
    """How far a person is, whatever a list says of him."""
    if party.status == REMOVED:
        return party.status
    documents = [each for each in view.documents if each.party == party.party]
    found = party_progress(party.role, consented=party.consented, documents=documents)
    return GroupStatus.IN_REVIEW if found is GroupStatus.READY and _looked_at(view) else found


def _public_waits(view: ApplicationView) -> list[ApplicationWait]:
    """Whatever the office does, it is one thing to those outside: a hold looks like every other review."""
    told = [each for each in view.waiting_for if each.who not in _OFFICE]
    office = [each.kind for each in view.waiting_for if each.who in _OFFICE]
    looks = [kind for kind in office if kind in (SCREENING_HOLD, ClockName.REVIEW)]
    looked_at = looks and (_looked_at(view) or not told)
    if view.outcome is None and (len(looks) < len(office) or looked_at):
        told.append(ApplicationWait(kind="lender", what="the lender looks at it", who="lender"))
    return told


def _public_decision(view: ApplicationView) -> PublicDecision | None:
    """None while it is one person's alone and another must agree."""
    decision = view.decision
    if decision is None or decision.stale or decision.verdict is Verdict.REFER:
        return None
    if decision.verdict is Verdict.APPROVE and view.approvals_left != 0:
        return None
    return PublicDecision(verdict=decision.verdict, at=decision.at, conditions=decision.conditions)


def _step(application: Application, name: str) -> StepView:
    section = application.sections.get(name)
    step = application.product.step(name)
    assert step is not None
    blocked = [each for each in step.requires if not application.answered(each)]
    if section is None:
        return StepView(name=name, status=StepStatus.BLOCKED if blocked else StepStatus.OPEN, requires=blocked)
    return StepView(
        name=name,
        status=StepStatus.STALE if section.stale else StepStatus.DONE,
        requires=blocked,
        at=section.at,
        channel=section.actor.channel,
        digest=section.digest,
    )
