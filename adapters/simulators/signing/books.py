"""The provider's books: its envelopes, and how the signers of an application behave."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from adapters.signing.port import EnvelopeState
from adapters.simulators.books import EventRecord
from adapters.simulators.engine import KeyedBooks, OperationRecord


class Behaviour(StrEnum):
    SIGNS = "signs"
    """At once."""
    LATE = "late"
    """After some seconds."""
    SILENT = "silent"
    """Not before it is told to (`POST /envelopes/{id}/answers`)."""
    WRONG = "wrong"
    """At once, and the provider showed another text."""
    DECLINES = "declines"


class SignerRecord(BaseModel):
    """How the signers of one application behave from now on."""

    id: str
    """The application."""
    behaviour: Behaviour
    seconds: float = 0.0


class EnvelopeRecord(BaseModel):
    id: str
    reference: str
    party: str
    text: str
    terms_hash: str
    consent_text: str
    consent_at: str
    sent_at: datetime
    state: EnvelopeState = EnvelopeState.SENT
    signed_at: datetime | None = None
    evidence: str | None = None

    def public(self) -> dict[str, Any]:
        """As `adapters.signing.port.Envelope`, in JSON."""
        return self.model_dump(mode="json", exclude={"consent_text", "consent_at", "sent_at"})


Record = SignerRecord | EnvelopeRecord | OperationRecord
KINDS: dict[str, type[BaseModel]] = {"s": SignerRecord, "v": EnvelopeRecord, "o": OperationRecord, "e": EventRecord}
"""How records are marked in the journal."""


class SigningBooks(KeyedBooks):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.signers: dict[str, SignerRecord] = {}
        self.envelopes: dict[str, EnvelopeRecord] = {}

    def records(self) -> Iterable[Record]:
        return [*self.signers.values(), *self.envelopes.values(), *self.operations.values()]

    def remember(self, record: Record) -> None:
        match record:
            case SignerRecord():
                self.signers[record.id] = record
            case EnvelopeRecord():
                self.envelopes[record.id] = record
            case OperationRecord():
                self.take_operation(record)

    def shown(self, reference: str | None) -> list[dict[str, Any]]:
        """The envelopes, oldest first, with the consent that came with each."""
        return [each.model_dump(mode="json") for each in self.envelopes.values() if reference in (None, each.reference)]
