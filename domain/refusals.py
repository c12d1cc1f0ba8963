"""Why a command was not done: a stable kind that callers can act upon, and a sentence that says what to do next."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class RefusalKind(StrEnum):
    """The slug of the problem type that a caller sees."""

    OUT_OF_STOCK = "out-of-stock"
    PAYMENT_DECLINED = "payment-declined"
    PAYMENT_DUE = "payment-due"
    STALE_VERSION = "stale-version"
    NOT_ALLOWED_NOW = "not-allowed-now"
    HELD = "held"
    NOT_FOUND = "not-found"
    NO_SUCH_HOLD = "no-such-hold"
    WRONG_CODE = "wrong-code"
    LOCKED = "locked"
    PROOF_NEEDED = "proof-needed"
    CONSENT_NEEDED = "consent-needed"
    TOO_MANY_UNITS = "too-many-units"
    BEYOND_LIMIT = "beyond-limit"
    WRONG_UNIT = "wrong-unit"
    NO_LABEL = "no-label"
    NOT_SUPPORTED = "not-supported"


class Shortfall(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: str
    location_id: str
    asked: int
    available: int


class Refusal(BaseModel):
    """Carried from a workflow to its caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: RefusalKind
    detail: str
    shortfalls: list[Shortfall] = []
    reason: str | None = None
    """A finer code, e.g. a payment provider's decline reason."""


class Refused(Exception):
    """Raised by pure decisions; the edges translate it."""

    def __init__(self, refusal: Refusal):
        super().__init__(f"{refusal.kind}: {refusal.detail}")
        self.refusal = refusal
