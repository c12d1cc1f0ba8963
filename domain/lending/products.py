"""A product is data: its steps, what each asks and needs, what a change makes stale, who decides, what follows."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.actors import Channel
from domain.lending.approvals import ApprovalTier
from domain.lending.clocks import ClockName
from domain.lending.decisions import DecisionRules
from domain.lending.schedule import DayCount
from domain.money import Currency

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ProductId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldType(StrEnum):
    AMOUNT = "amount"
    """Minor units."""
    INTEGER = "integer"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    EMAIL = "email"
    PHONE = "phone"
    ADDRESS = "address"


class FieldDefinition(_Part):
    """One answer of a step. Personal ones are kept in the vault; the application holds only a hash of them."""

    name: Name
    type: FieldType
    required: bool = True
    least: int | None = None
    most: int | None = None
    """Of a number; of a text, its length."""
    choices: tuple[Name, ...] = ()
    must_be: bool | None = None
    """A consent that has to be given."""
    personal: bool = False


class Provider(StrEnum):
    """Whom a check can ask."""

    BUREAU_ONE = "bureau_one"
    BUREAU_TWO = "bureau_two"
    IDENTITY = "identity"
    IDENTITY_BRANCH = "identity_branch"
    SANCTIONS = "sanctions"
    SANCTIONS_TWO = "sanctions_two"
    INCOME = "income"
    FRAUD = "fraud"


class StepRole(StrEnum):
    """Whose hand gives the answers."""

    APPLICANT = "applicant"
    OFFICER = "officer"
    """A named person of the lender who keys them: in a branch, on the phone, in the office."""


class CheckKind(StrEnum):
    IDENTITY = "identity"
    SANCTIONS = "sanctions"
    BUREAU = "bureau"
    INCOME = "income"
    FRAUD = "fraud"


class CheckDefinition(_Part):
    """Asked of each party with one of the roles; the providers one after the other until one answers."""

    kind: CheckKind
    providers: tuple[Provider, ...]
    valid_days: int = 90
    """An older answer is asked for again before an offer."""
    timeout_seconds: int = 10
    alone_up_to: int | None = None
    """Of a sanctions check: up to this amount one person may clear a hit, above it two must; none: always one."""


class EvidenceType(_Part):
    """A kind of document."""

    title: str
    media_types: tuple[str, ...] = ("application/pdf", "image/png", "image/jpeg")
    due_days: int = 14


class StepDefinition(_Part):
    name: Name
    title: str = ""
    requires: tuple[Name, ...] = ()
    channels: tuple[Channel, ...] = (
        Channel.WEB,
        Channel.APP,
        Channel.CALL_CENTRE,
        Channel.BRANCH,
    )
    roles: tuple[StepRole, ...] = (StepRole.APPLICANT, StepRole.OFFICER)
    only_with: Literal["co_applicant", "guarantor"] | None = None
    """Asked only while such a party takes part, and never missing: what is not said does not count."""
    fields: tuple[FieldDefinition, ...]
    evidence: tuple[Name, ...] = ()
    """Documents that are asked for once the step is answered."""
    valid_days: int | None = None
    """After so many days the answers must be given again."""
    invalidates: tuple[Name, ...] = ()
    """What falls when the answers change: later steps, checks, `decision`, `offer`."""


class Kind(StrEnum):
    LOAN = "loan"
    MORTGAGE = "mortgage"
    CARD = "card"
    ACCOUNT = "account"

    @property
    def pays_out(self) -> bool:
        return self in (Kind.LOAN, Kind.MORTGAGE)


class Jurisdiction(StrEnum):
    US = "US"
    EU = "EU"


class Facts(_Part):
    """Which answers the decision reads, as `step.field`."""

    amount: str | None = None
    term_months: str | None = None
    income: tuple[str, ...] = ()
    obligations: tuple[str, ...] = ()
    price: str | None = None
    appraisal: str | None = None
    electronic_consent: str | None = None
    early_payout: str | None = None
    """Asked for on purpose: the money at once, while the right to withdraw still runs."""

    def named(self) -> dict[str, str]:
        """Every reference with where it stands."""
        found = {
            name: value
            for name in ("amount", "term_months", "price", "appraisal", "electronic_consent", "early_payout")
            if (value := getattr(self, name)) is not None
        }
        for name in ("income", "obligations"):
            found |= {f"{name}[{n}]": each for n, each in enumerate(getattr(self, name))}
        return found


class ReasonsTold(StrEnum):
    """The notice of an adverse action names its reasons, or the right to them (12 CFR 1002.9(a)(2))."""

    WITH_NOTICE = "with_notice"
    ON_REQUEST = "on_request"


class Pricing(_Part):
    """`annual_rate` in percent; `origination_fee` in hundredths of a percent of the principal, kept back."""

    annual_rate: Decimal = Field(ge=0, le=100)
    day_count: DayCount = DayCount.THIRTY_360
    origination_fee: int = Field(default=0, ge=0, le=1000)
    term_months: int = 12
    """Where the applicant chooses none."""


class Limits(_Part):
    least_amount: int = Field(default=0, ge=0)
    most_amount: int = Field(default=10**12, ge=0)
    least_term: int = Field(default=1, ge=1)
    most_term: int = Field(default=600, ge=1)


class TrancheDefinition(_Part):
    """One part of a loan that is paid out in parts, e.g. as a house is built. The first one leaves at once."""

    name: Name
    title: str = ""
    percent: int = Field(ge=1, le=100)
    """Of the principal; all together make 100, and the last one takes what rounding left."""
    after_days: int = Field(default=0, ge=0)
    """Since the first one was paid: not before."""
    released: bool = False
    """Not before a person of the office has said that what it pays for has come to be."""


class ProductDefinition(_Part):
    """One version of a product. Applications keep the version under which they were started."""

    product: ProductId
    version: Annotated[int, Field(ge=1)]
    title: str
    kind: Kind
    jurisdiction: Jurisdiction
    currency: Currency
    creditor: str
    agency: str
    """Whom the equal-credit statement names."""
    steps: tuple[StepDefinition, ...]
    evidence: dict[Name, EvidenceType] = {}
    checks: tuple[CheckDefinition, ...] = ()
    facts: Facts = Facts()
    pricing: Pricing
    limits: Limits = Limits()
    decision: DecisionRules = DecisionRules()
    approvals: tuple[ApprovalTier, ...] = ()
    cooling_off: ClockName | None = None
    tranches: tuple[TrancheDefinition, ...] = ()
    """In which parts it is paid out; none: in one sum."""
    drawing_days: int = Field(default=360, ge=1)
    """Since the first part was paid; what is not drawn by then lapses."""
    co_applicants: int = 1
    business: bool = False
    """Asked for by a business: its file is kept for a shorter time."""
    signing_channels: tuple[Channel, ...] = (Channel.WEB, Channel.APP, Channel.BRANCH)
    agreement: str = "agreement-1"
    """The version of the text that is signed."""
    zone: str = "America/New_York"
    reasons: ReasonsTold = ReasonsTold.WITH_NOTICE

    def step(self, name: str) -> StepDefinition | None:
        return next((step for step in self.steps if step.name == name), None)

    def check(self, kind: CheckKind) -> CheckDefinition | None:
        return next((check for check in self.checks if check.kind is kind), None)

    @property
    def discloses_closing(self) -> bool:
        """A loan on a home in the United States: estimate and closing disclosure come before it is signed (TRID)."""
        return self.kind is Kind.MORTGAGE and self.jurisdiction is Jurisdiction.US

    @property
    def needs_report(self) -> bool:
        return self.check(CheckKind.BUREAU) is not None
