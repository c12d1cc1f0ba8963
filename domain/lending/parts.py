"""What an application is made of: parties, sections, documents, checks, the decision, the offer, signatures."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field

from domain.actors import Actor, Channel
from domain.lending.decisions import BureauFacts, DecisionInput, Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.products import CheckKind, Name
from domain.lending.reasons import Basis, DenialReason
from domain.lending.sparse import Sparse
from domain.lending.terms import LoanTerms


class Part(Sparse):
    model_config = ConfigDict(extra="forbid")


class PartyRole(StrEnum):
    APPLICANT = "applicant"
    CO_APPLICANT = "co_applicant"
    GUARANTOR = "guarantor"


CONSENT_TEXT = "electronic-records-1"
"""The version of what somebody agrees to before an electronic signature counts."""


class PublicConsent(Part):
    """That somebody agreed to electronic records: to which text, when and where."""

    text: str
    at: datetime
    channel: Channel


class ConsentEvidence(PublicConsent):
    """And who took it."""

    actor: Actor


class Party(Part):
    """One person of the application. Who it is stands in the vault; `digest` names what was said there."""

    party: str
    """`p1`, `p2` …: the number within the application."""
    ref: str
    role: PartyRole
    digest: str
    joined_at: datetime
    consented_at: datetime | None = None
    """The party's own consent: to the report, and for co-applicants to apply jointly."""
    electronic: bool = False
    consent_evidence: ConsentEvidence | None = None
    reminders: int = 0
    """To agree; afterwards, to sign."""
    removed_at: datetime | None = None

    @property
    def active(self) -> bool:
        return self.removed_at is None

    @property
    def borrows(self) -> bool:
        return self.active and self.role is not PartyRole.GUARANTOR


class Section(Part):
    """The answers to one step, as last given."""

    data: dict[str, Any]
    digest: str
    at: datetime
    actor: Actor
    stale: bool = False
    """They must be given again: an earlier answer changed, or they are too old."""


class DocumentState(StrEnum):
    REQUESTED = "requested"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    """It is asked for again."""
    WAIVED = "waived"
    EXPIRED = "expired"


class Document(Part):
    """A request and what came of it; the file is in the document store under its hash."""

    doc: str
    type: Name
    title: str
    party: str
    reason: str
    state: DocumentState = DocumentState.REQUESTED
    requested_at: datetime
    due_at: datetime
    received_at: datetime | None = None
    sha256: str | None = None
    media_type: str | None = None
    size: int | None = None
    rejected_for: str | None = None
    reminders: int = 0
    condition: str | None = None
    """The condition of an approval that it meets."""

    @property
    def missing(self) -> bool:
        return self.state in (DocumentState.REQUESTED, DocumentState.REJECTED)

    @property
    def done(self) -> bool:
        return self.state in (DocumentState.ACCEPTED, DocumentState.WAIVED)


class CheckState(StrEnum):
    RUNNING = "running"
    PASSED = "passed"
    UNSURE = "unsure"
    """Answered, and for a person to judge."""
    FAILED = "failed"
    HIT = "hit"
    CLEARED = "cleared"
    """A hit that a person has found to be somebody else."""
    UNANSWERED = "unanswered"
    """No provider answered."""
    STALE = "stale"


class HitVerdict(StrEnum):
    CLEAR = "clear"
    """Somebody else of the same name."""
    CONFIRM = "confirm"
    """It is the listed person."""


class HitFinding(Part):
    """What one person has found about a sanctions hit."""

    person: str
    verdict: HitVerdict
    reason: str
    at: datetime


class Check(Part):
    kind: CheckKind
    party: str
    state: CheckState = CheckState.RUNNING
    provider: str | None = None
    """Who answered."""
    tried: list[str] = Field(default_factory=list)
    at: datetime | None = None
    report: BureauFacts | None = None
    reference: str | None = None
    entry: str | None = None
    """Of a hit: which entry of a list."""
    cleared: list[str] = Field(default_factory=list)
    """Entries that were found to be somebody else: they hold nothing again."""
    outdated: bool = False
    """What was asked about has changed since: the answer that comes is to another question."""

    @property
    def settled(self) -> bool:
        return self.state not in (CheckState.RUNNING, CheckState.STALE)


class Condition(Part):
    code: Name
    kind: ConditionKind
    met_at: datetime | None = None


class Decision(Part):
    """What was decided, by whom, from what; kept for years."""

    verdict: Verdict
    at: datetime
    actor: Actor | None = None
    """None once the file is purged."""
    person: str | None = None
    """Behind the login; none: the rules alone."""
    automatic: bool
    basis: Basis
    reasons: list[str] = Field(default_factory=list)
    denial: list[DenialReason] = Field(default_factory=list)
    conditions: list[Condition] = Field(default_factory=list)
    input: DecisionInput | None = None
    rules: str
    """The product version whose rules decided."""
    stale: bool = False


class Claim(Part):
    login: str
    person: str
    at: datetime
    until: datetime


class OfferState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


class Offer(Part):
    """Frozen terms. `apr` in percent, two decimals; the totals come from the rounded payment."""

    n: int
    terms: LoanTerms
    terms_hash: str
    counter: bool
    """Other terms than were asked for."""
    payment: int
    apr: str
    finance_charge: int
    total_of_payments: int
    totals_from: str
    issued_at: datetime
    expires_at: datetime
    state: OfferState = OfferState.OPEN
    answered_at: datetime | None = None


class SignatureWay(StrEnum):
    ELECTRONIC = "electronic"
    WET = "wet"


class PublicSignature(Part):
    """As everybody reads it."""

    party: str
    text: str
    """The version of the agreement."""
    terms_hash: str
    way: SignatureWay
    at: datetime
    channel: Channel
    envelope_id: str | None = None
    """The provider's, of an electronic one."""
    evidence: str | None = None
    """The hash of the provider's audit trail."""
    consent: PublicConsent | None = None


class Signature(PublicSignature):
    actor: Actor
    consent: ConsentEvidence | None = None

    @property
    def public(self) -> PublicSignature:
        return PublicSignature.model_validate(self.model_dump(exclude={"actor": True, "consent": {"actor"}}))


class EnvelopeRef(Part):
    """An electronic signature that a provider was asked for."""

    n: int
    party: str
    text: str
    terms_hash: str
    at: datetime
    channel: Channel
    actor: Actor
    envelope_id: str | None = None
    tries: int = 0
    open: bool = True
    """Nothing has come of it yet."""
    state: str = "sent"
    """sent, completed, declined, voided, or wrong: of another text than was to be signed."""


class Pen(Part):
    """Who writes now: one person in one channel, until the lease ends or another takes over."""

    holder: str
    channel: Channel
    since: datetime
    until: datetime
    asked_for: bool = False
    """Taken on purpose: others must take it over."""


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    """Withdrawn before it went out: nobody is owed it any more."""


class PublicNotice(Part):
    """A notice and its proof, as everybody reads it; text and page are in the document store."""

    n: int
    kind: str
    party: str
    at: datetime
    state: NoticeState = NoticeState.PENDING
    sent_at: datetime | None = None
    proof: str | None = None
    """The message's id at the system that took it."""
    sha256: str | None = None
    pdf_sha256: str | None = None


class NoticeRef(PublicNotice):
    facts: dict[str, Any] = Field(default_factory=dict)
    """What it is written from."""

    @property
    def public(self) -> PublicNotice:
        return PublicNotice.model_validate(self.model_dump(exclude={"facts"}))


class ReasonsOwed(Part):
    """The reasons of an adverse action whose notice gave the right to them, and not the reasons themselves."""

    reasons: list[str]
    until: datetime | None = None
    """When the right to ask ends; known once the notice has gone out."""
    asked_at: datetime | None = None
    over: bool = False
    """Nobody asked in time."""


class RepaymentDue(Part):
    """A loan that was withdrawn from after its payout: principal and the interest of each day, and no fee."""

    withdrawn_at: datetime
    principal: int
    daily_interest: int
    """On the whole principal, rounded; the sum of a day is the account's payoff."""
    repay_by: datetime
    repaid_at: datetime | None = None


class Archive(Part):
    """The whole file, sealed and signed, in the document store."""

    sha256: str
    size: int
    at: datetime


class TrancheState(StrEnum):
    PLANNED = "planned"
    DRAWN = "drawn"
    """Paid, and booked."""
    LAPSED = "lapsed"
    """It will not be paid any more."""


class Tranche(Part):
    """One part of a loan. `prepaid` is kept back of it; `after`: not before, once the first part has been paid."""

    n: int
    name: Name
    title: str = ""
    amount: int
    prepaid: int = 0
    after: datetime | None = None
    needs_release: bool = False
    released_at: datetime | None = None
    state: TrancheState = TrancheState.PLANNED
    drawn_on: date | None = None
    tries: int = 0
    """How often it was refused: each further try is another payment."""


class Payout(Part):
    tranche: int
    amount: int
    state: str = "pending"
    """pending, paid, declined, unknown, reversed."""
    reference: str | None = None
    at: datetime | None = None
