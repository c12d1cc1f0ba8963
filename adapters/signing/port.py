"""Electronic signatures as we see them: an envelope for one signer of one text, and what became of it."""

from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from adapters.outside import KeyConflict, NotKnown, NotUnderstood, OutcomeUnknown, OutsideFault, Unavailable
from domain.ids import OperationKey

__all__ = [
    "Envelope",
    "EnvelopeRefused",
    "EnvelopeRequest",
    "EnvelopeState",
    "KeyConflict",
    "NotKnown",
    "NotUnderstood",
    "OutcomeUnknown",
    "OutsideFault",
    "Signatures",
    "Unavailable",
]


class EnvelopeRefused(OutsideFault):
    """The provider does not take such an envelope at all."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The signature provider does not take this envelope: {reason}.")
        self.reason = reason


class EnvelopeState(StrEnum):
    SENT = "sent"
    """The signer has not answered yet."""
    COMPLETED = "completed"
    DECLINED = "declined"
    VOIDED = "voided"


class EnvelopeRequest(BaseModel):
    """Who the signer is, is asserted by the channel in which the signer stands; nothing personal goes out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    reference: str
    """Our application."""
    party: str
    text: str
    """The version of the agreement."""
    terms_hash: str
    consent_text: str
    """The version of what the signer agreed to before anything electronic counts."""
    consent_at: AwareDatetime


class Envelope(BaseModel):
    """An envelope as it is now. `text` and `terms_hash` are what was really shown and signed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    reference: str
    party: str
    text: str
    terms_hash: str
    state: EnvelopeState
    signed_at: AwareDatetime | None = None
    evidence: str | None = None
    """The hash of the provider's audit trail."""


class Signatures(Protocol):
    """Sending and voiding are done once a key: repeating it gives the first answer.

    All raise `Unavailable` (later, same key) and `NotUnderstood` (a person). A lost answer to a change is
    `OutcomeUnknown`: the same key is safe. Changes raise `EnvelopeRefused` (final) and `KeyConflict`.
    """

    async def send(self, request: EnvelopeRequest) -> Envelope:
        """Open the envelope for a signer who is there now. It may be completed at once, or stay `SENT` for a while."""
        ...

    async def envelope(self, envelope_id: str) -> Envelope:
        """The envelope as it is now. Raises `NotKnown`."""
        ...

    async def void(self, envelope_id: str, *, key: OperationKey) -> Envelope:
        """Nobody may sign it any more; one that is completed stays so. Raises `NotKnown`."""
        ...
