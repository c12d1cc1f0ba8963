"""What callers send about applications; what a step asks is the product's and checked against its definition."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from domain.actors import Channel
from domain.lending.decisions import Verdict
from domain.lending.outcomes import ConditionKind
from domain.lending.parts import PartyRole, SignatureWay
from domain.lending.products import Name, ProductId
from domain.lending.terms import LoanTerms
from domain.notices import LOCALE
from domain.personal import normal_phone
from gateway.fields import Body, LongText, PositiveAmount, Reference, ShortText, Version
from workflows.messages import InterventionAction

Email = Annotated[str, StringConstraints(max_length=254, pattern=r'^[^@\s<>,;:"]{1,64}@[^@\s<>,;:"]{1,190}$')]


def _is_day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("Should be a date, YYYY-MM-DD") from None
    return value


def _is_phone(value: str) -> str:
    if normal_phone(value) is None:
        raise ValueError("Should be a phone number in international form")
    return value


def _says_something(value: str) -> str:
    if not value.strip():
        raise ValueError("Should not be blank")
    return value


Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_is_day)]
Phone = Annotated[ShortText, AfterValidator(_is_phone)]
PersonName = Annotated[ShortText, AfterValidator(_says_something)]
Reasons = Annotated[tuple[int | Name, ...], Field(max_length=10)]


class AddressBody(Body):
    line1: ShortText
    line2: ShortText | None = None
    postal_code: ShortText
    city: ShortText
    region: ShortText | None = None
    country: Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
    name: ShortText | None = None


class PartyBody(Body):
    ref: Reference
    name: PersonName
    email: Email | None = None
    phone: Phone | None = None
    birth_date: Day | None = None
    address: AddressBody | None = None
    role: PartyRole = PartyRole.APPLICANT


class ApplicationBody(Body):
    product: ProductId
    channel: Channel
    party: PartyBody
    locale: Annotated[str, StringConstraints(pattern=LOCALE)] = "en"


class Versioned(Body):
    version: Version | None = None


class PenBody(Versioned):
    holder: Reference | None = None
    """Whose hand it is; without it, whom the caller acts for."""
    take_over: bool = False


class WithdrawBody(Versioned):
    reason: LongText | None = None


class ConsentBody(Versioned):
    electronic: bool = False


class ReceivedBody(Versioned):
    """Of a document that came otherwise than by upload."""

    sha256: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None


class DocumentBody(Versioned):
    reason: ShortText | None = None
    sighted: bool = False
    """Seen in a branch, as paper: it also settles an identity check that failed."""


class OfferBody(Versioned):
    terms_hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None


class SignBody(Versioned):
    party: Reference | None = None
    """The applicant, when not named."""
    way: SignatureWay = SignatureWay.ELECTRONIC
    text: Reference | None = None
    """The version of the agreement that was signed."""
    terms_hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] | None = None
    """The terms that were signed; those that stand, when not named."""
    electronic_consent: bool = False


class ReasonBody(Versioned):
    reason: LongText


class HoldBody(Body):
    reason: LongText


class InterventionBody(ReasonBody):
    action: InterventionAction


class ReassignBody(Versioned):
    to: Reference


class ConditionBody(Body):
    code: Name
    kind: ConditionKind


class TermsBody(Body):
    """What is left out stays as it was asked for."""

    principal: PositiveAmount | None = None
    term_months: Annotated[int, Field(ge=1, le=600)] | None = None
    annual_rate: Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,4})?$")] | None = None
    """In percent."""

    def over(self, asked: LoanTerms) -> LoanTerms:
        principal = self.principal or asked.principal
        return asked.model_copy(
            update={
                "principal": principal,
                "prepaid": asked.prepaid * principal // asked.principal,
                "term_months": self.term_months or asked.term_months,
                "annual_rate": Decimal(self.annual_rate) if self.annual_rate else asked.annual_rate,
            }
        )


class DecideBody(Versioned):
    decision: Verdict
    reasons: Reasons = ()
    conditions: Annotated[tuple[ConditionBody, ...], Field(max_length=20)] = ()
    terms: TermsBody | None = None


class CounterofferBody(Versioned):
    terms: TermsBody
    reasons: Reasons


class ApproveBody(Versioned):
    terms_hash: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    """The terms that were looked at; those of the record, when not named."""


class RepaymentBody(Body):
    amount: PositiveAmount
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] | None = None


FORMATS = Literal["text", "pdf"]
