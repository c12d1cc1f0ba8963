"""The provider's books: authorisations, the operations on them, and the events it owes its customers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from adapters.simulators import books as simulators
from adapters.simulators.books import EventRecord, Write
from domain.payments import AuthorisationStatus, OperationStatus


class AuthorisationRecord(BaseModel):
    id: str
    reference: str
    amount: int
    currency: str
    status: AuthorisationStatus
    behaviours: frozenset[str]
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    """Pending refunds count: their money is spoken for."""
    disputed: int = 0
    capture_before: datetime | None = None
    action_before: datetime | None = None
    action_url: str | None = None
    single_capture: bool = False
    extends: str | None = None

    @property
    def live(self) -> bool:
        return self.status in (AuthorisationStatus.AUTHORISED, AuthorisationStatus.PARTLY_CAPTURED)

    @property
    def remaining(self) -> int:
        return self.amount - self.captured - self.voided if self.live else 0

    @property
    def refundable(self) -> int:
        return max(0, self.captured - self.refunded - self.disputed)

    def public(self) -> dict[str, Any]:
        """As `domain.payments.Authorisation`, in JSON."""
        shown = {
            "id", "reference", "amount", "currency", "status", "captured", "voided", "refunded",
            "capture_before", "single_capture", "action_url",
        }  # fmt: skip
        return self.model_dump(mode="json", include=shown)


class OperationRecord(BaseModel):
    """One line of the provider's ledger, and the answer that its key will get for ever."""

    id: str
    at: datetime
    operation: Literal["authorise", "capture", "void", "refund", "dispute", "payout"]
    authorisation_id: str | None
    amount: int
    currency: str
    status: OperationStatus
    key: str
    reference: str
    settled_reference: str | None = None
    """The channel's own reference of a charge that the provider never authorised."""
    cause: str | None = None
    """Why it happened without being asked for: `expired`, `single_capture`, `dispute`."""
    reason: str | None = None
    """Why it failed."""
    fingerprint: str = ""
    answer_status: int = 0
    answer: dict[str, Any] = {}
    settles_at: datetime | None = None
    settles_as: OperationStatus | None = None

    def line(self, authorisation: AuthorisationRecord | None) -> dict[str, Any]:
        """As `GET /ledger` shows it, with what its authorisation is today."""
        shown = {
            "id", "at", "operation", "authorisation_id", "amount", "currency", "status", "key", "reference",
            "settled_reference", "cause", "reason",
        }  # fmt: skip
        return {
            **self.model_dump(mode="json", include=shown),
            "capture_before": authorisation.public()["capture_before"] if authorisation else None,
            "authorisation_status": authorisation.status if authorisation else None,
            "held": authorisation.remaining if authorisation else 0,
        }

    def moved(self) -> dict[str, Any]:
        """As the answer to a capture, void or refund."""
        return self.model_dump(mode="json", include={"id", "authorisation_id", "amount", "currency", "status"})


Record = AuthorisationRecord | OperationRecord
KINDS: dict[str, type[BaseModel]] = {"a": AuthorisationRecord, "o": OperationRecord, "e": EventRecord}
"""How records are marked in the journal."""


class Books(simulators.Books):
    """Everything the provider knows."""

    def __init__(self, write: Write | None = None) -> None:
        super().__init__(write)
        self.authorisations: dict[str, AuthorisationRecord] = {}
        self.operations: dict[str, OperationRecord] = {}
        self.by_key: dict[str, OperationRecord] = {}
        self.by_reference: dict[str, list[OperationRecord]] = {}

    def entries(self, reference: str | None = None) -> list[OperationRecord]:
        """The operations of one reference, or all of them, oldest first."""
        return list(self.operations.values()) if reference is None else self.by_reference.get(reference, [])

    def records(self) -> Iterable[Record]:
        return [*self.authorisations.values(), *self.operations.values()]

    def remember(self, record: Record) -> None:
        match record:
            case AuthorisationRecord():
                self.authorisations[record.id] = record
            case OperationRecord():
                self._remember_operation(record)

    def _remember_operation(self, record: OperationRecord) -> None:
        before = self.operations.get(record.id)
        self.operations[record.id] = self.by_key[record.key] = record
        if before is record:
            return
        for reference in {record.reference, record.settled_reference} - {None}:
            entries = self.by_reference.setdefault(str(reference), [])
            if before is None:
                entries.append(record)
            else:
                entries[entries.index(before)] = record
