"""The partners' books: what was asked of them, and what they answered."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from adapters.simulators.books import EventRecord
from adapters.simulators.engine import KeyedBooks, OperationRecord
from domain.dropship import Cancellation, DeclineReason, RequestStatus


class RequestRecord(BaseModel):
    id: str
    partner: str
    reference: str
    shipment: str
    lines: list[dict[str, Any]]
    recipient: tuple[str, ...]
    """A partner must know it; the ledger does not show it."""
    status: RequestStatus = RequestStatus.REQUESTED
    status_at: datetime
    asked_ship_by: datetime
    cancellation: Cancellation = Cancellation.NOT_ASKED
    declined_for: DeclineReason | None = None
    ship_by: datetime | None = None
    tracking_number: str | None = None

    def public(self) -> dict[str, Any]:
        """As `domain.dropship.PartnerRequest`, in JSON."""
        return self.model_dump(mode="json", exclude={"recipient", "asked_ship_by"})


class AnswerRecord(BaseModel):
    """Something that a partner says of a request."""

    id: str
    request_id: str
    reference: str
    answer: str
    at: datetime


Record = RequestRecord | AnswerRecord | OperationRecord
KINDS: dict[str, type[BaseModel]] = {"r": RequestRecord, "a": AnswerRecord, "o": OperationRecord, "e": EventRecord}
"""How records are marked in the journal."""


class PartnerBooks(KeyedBooks):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.requests: dict[str, RequestRecord] = {}
        self.lines: dict[str, AnswerRecord | OperationRecord] = {}
        """What happened, oldest first."""

    def records(self) -> Iterable[Record]:
        return [*self.requests.values(), *self.lines.values()]

    def remember(self, record: Record) -> None:
        match record:
            case RequestRecord():
                self.requests[record.id] = record
            case AnswerRecord():
                self.lines[record.id] = record
            case OperationRecord():
                self.lines[record.id] = record
                self.take_operation(record)

    def ledger(self, reference: str | None) -> list[dict[str, Any]]:
        """What was asked and answered, oldest first."""
        return [self._line(line) for line in self.lines.values() if reference in (None, line.reference)]

    def _line(self, line: AnswerRecord | OperationRecord) -> dict[str, Any]:
        shown: dict[str, Any]
        if isinstance(line, AnswerRecord):
            shown = {"id": line.id, "at": line.at.isoformat(), "operation": "answer", "status": line.answer}
            request = self.requests.get(line.request_id)
            shown |= {"reference": line.reference, "reason": None, "key": None}
        else:
            shown = line.model_dump(
                mode="json", include={"id", "at", "operation", "status", "reference", "reason", "key"}
            )
            request = self.requests.get(line.subject or "")
        return shown | {
            "request_id": request.id if request else None,
            "partner": request.partner if request else None,
            "shipment": request.shipment if request else None,
            "request_status": request.status if request else None,
            "cancellation": request.cancellation if request else None,
        }
