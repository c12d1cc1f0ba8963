"""What callers send to an application. Every command carries its id, its actor and its channel."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.actors import Actor, Channel
from domain.lending.application import Application
from domain.lending.approvals import Reviewer
from domain.lending.clocks import LendingPolicy
from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.parts import PartyRole, SignatureWay
from domain.lending.products import Name, ProductDefinition
from domain.lending.stages import Outcome, Stage
from domain.lending.terms import LoanTerms
from workflows.messages import Command, InterventionAction, Message


class NewParty(Message):
    """Who it is stands in the vault already."""

    party: str
    ref: str
    role: PartyRole
    digest: str


class ApplicationStart(Message):
    """The workflow's one input; `resumed` is where the run before ended."""

    application_id: str
    product: ProductDefinition
    policy: LendingPolicy
    channel: Channel
    locale: str
    applicant: NewParty
    actor: Actor
    created_by: str
    person: str | None = None
    """The officer who keys it for the applicant."""
    resumed: Application | None = None


class SubmitStep(Command):
    kind: Literal["submit_step"] = "submit_step"
    step: Name
    data: dict[str, Any]
    digest: str
    person: str | None = None
    """The officer who keys it for the applicant."""


class TakePen(Command):
    kind: Literal["take_pen"] = "take_pen"
    holder: str
    take_over: bool = False


class Submit(Command):
    kind: Literal["submit"] = "submit"


class Withdraw(Command):
    kind: Literal["withdraw"] = "withdraw"
    reason: str | None = None


class AddParty(Command):
    kind: Literal["add_party"] = "add_party"
    joins: NewParty
    person: str | None = None
    """The officer who keys who it is."""


class RemoveParty(Command):
    kind: Literal["remove_party"] = "remove_party"
    party: str


class Consent(Command):
    kind: Literal["consent"] = "consent"
    party: str
    electronic: bool


class DocumentReceived(Command):
    kind: Literal["document_received"] = "document_received"
    doc: str
    sha256: str
    media_type: str
    size: int
    sighted: bool = False
    """Seen by an officer in a branch: it also settles a failed identity check."""


class DecideDocument(Command):
    kind: Literal["decide_document"] = "decide_document"
    doc: str
    decision: Literal["accept", "reject", "waive"]
    reason: str | None = None
    sighted: bool = False


class AnswerOffer(Command):
    kind: Literal["answer_offer"] = "answer_offer"
    accept: bool
    terms_hash: str | None = None


class Sign(Command):
    kind: Literal["sign"] = "sign"
    party: str
    way: SignatureWay
    text: str | None = None
    terms_hash: str | None = None
    electronic_consent: bool = False


class SignatureEvent(Message):
    """The signature provider has told something of an envelope."""

    event_id: str
    envelope_id: str


class Rescind(Command):
    kind: Literal["rescind"] = "rescind"


class AskReasons(Command):
    """The applicant wants to know why; taken after the end too."""

    kind: Literal["ask_reasons"] = "ask_reasons"


class ReleaseTranche(Command):
    """What a part of the loan pays for has come to be."""

    kind: Literal["release_tranche"] = "release_tranche"
    n: int
    person: str
    """Of the office, behind the login."""
    reason: str


class ClearScreening(Command):
    kind: Literal["clear_screening"] = "clear_screening"
    reason: str
    person: str | None = None
    """Of the office, behind the login."""


class ConfirmScreening(Command):
    kind: Literal["confirm_screening"] = "confirm_screening"
    reason: str
    person: str


class UnderwritersCommand(Command):
    reviewer: Reviewer


class ClaimReview(UnderwritersCommand):
    kind: Literal["claim"] = "claim"


class ReleaseReview(UnderwritersCommand):
    kind: Literal["release"] = "release"


class ReassignReview(UnderwritersCommand):
    kind: Literal["reassign"] = "reassign"
    to: Reviewer


class Recuse(UnderwritersCommand):
    kind: Literal["recuse"] = "recuse"
    reason: str


class GivenCondition(Message):
    code: Name
    kind: ConditionKind


class Decide(UnderwritersCommand):
    kind: Literal["decide"] = "decide"
    verdict: Verdict
    reasons: tuple[int | str, ...] = ()
    conditions: tuple[GivenCondition, ...] = ()
    terms: LoanTerms | None = None


class Counteroffer(UnderwritersCommand):
    kind: Literal["counteroffer"] = "counteroffer"
    terms: LoanTerms
    reasons: tuple[int | str, ...]


class Approve(UnderwritersCommand):
    kind: Literal["approve"] = "approve"
    terms_hash: str


class Settle(Command):
    """A person decides about a step in trouble."""

    kind: Literal["settle"] = "settle"
    intervention_id: str
    action: InterventionAction
    reason: str


ApplicationCommand = Annotated[
    SubmitStep
    | TakePen
    | Submit
    | Withdraw
    | AddParty
    | RemoveParty
    | Consent
    | DocumentReceived
    | DecideDocument
    | AnswerOffer
    | Sign
    | Rescind
    | AskReasons
    | ReleaseTranche
    | ClearScreening
    | ConfirmScreening
    | ClaimReview
    | ReleaseReview
    | ReassignReview
    | Recuse
    | Decide
    | Counteroffer
    | Approve
    | Settle,
    Field(discriminator="kind"),
]


class Act(BaseModel):
    """One command, whichever it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: ApplicationCommand


class ApplicationAnswer(Message):
    application_id: str
    version: int
    stage: Stage
    outcome: Outcome | None


class ApplicationResult(Message):
    application_id: str
    version: int
    outcome: Outcome | None
    ended_at: datetime | None
