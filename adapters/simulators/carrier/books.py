"""The carriers' books: labels, what was scanned of their parcels, and who asked for what."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from adapters.simulators.books import EventRecord
from adapters.simulators.engine import KeyedBooks, OperationRecord
from domain.carriage import ParcelStatus


class LabelRecord(BaseModel):
    id: str
    carrier: str
    service: str
    tracking_number: str
    reference: str
    shipment: str
    price: int
    currency: str
    country: str
    postal_code: str
    weight_grams: int
    recipient: tuple[str, ...]
    """What is printed. A carrier must know it; the ledger and the pages do not show it."""
    bought_at: datetime
    deliver_by: datetime
    status: ParcelStatus = ParcelStatus.LABEL_CREATED
    status_at: datetime
    voided_at: datetime | None = None
    ahead: list[str]
    """What its parcel still goes through by itself."""
    next_at: datetime | None = None

    def public(self) -> dict[str, Any]:
        """As `domain.carriage.Label`, in JSON."""
        shown = {
            "id", "carrier", "service", "tracking_number", "reference", "shipment", "bought_at", "deliver_by",
            "status", "status_at", "voided_at",
        }  # fmt: skip
        return {
            **self.model_dump(mode="json", include=shown),
            "price": {"amount": self.price, "currency": self.currency},
        }


class ScanRecord(BaseModel):
    """Something that the carrier says of a parcel."""

    id: str
    label_id: str
    reference: str
    status: str
    at: datetime


Record = LabelRecord | ScanRecord | OperationRecord
KINDS: dict[str, type[BaseModel]] = {"l": LabelRecord, "s": ScanRecord, "o": OperationRecord, "e": EventRecord}
"""How records are marked in the journal."""


class CarrierBooks(KeyedBooks):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.labels: dict[str, LabelRecord] = {}
        self.by_tracking: dict[str, LabelRecord] = {}
        self.lines: dict[str, ScanRecord | OperationRecord] = {}
        """What happened, oldest first."""

    def records(self) -> Iterable[Record]:
        return [*self.labels.values(), *self.lines.values()]

    def remember(self, record: Record) -> None:
        match record:
            case LabelRecord():
                self.labels[record.id] = self.by_tracking[record.tracking_number] = record
            case ScanRecord():
                self.lines[record.id] = record
            case OperationRecord():
                self.lines[record.id] = record
                self.take_operation(record)

    def ledger(self, reference: str | None) -> list[dict[str, Any]]:
        """What was bought, voided, refused and scanned, oldest first."""
        lines = (line for line in self.lines.values() if reference in (None, line.reference))
        return [self._scan_line(each) if isinstance(each, ScanRecord) else self._operation_line(each) for each in lines]

    def _operation_line(self, operation: OperationRecord) -> dict[str, Any]:
        shown = {"id", "at", "operation", "reference", "status", "reason", "key"}
        line = operation.model_dump(mode="json", include=shown)
        return line | self._about(self.labels.get(operation.subject or ""))

    def _scan_line(self, scan: ScanRecord) -> dict[str, Any]:
        line = scan.model_dump(mode="json", exclude={"label_id"})
        return line | {"operation": "scan", "reason": None, "key": None} | self._about(self.labels[scan.label_id])

    @staticmethod
    def _about(label: LabelRecord | None) -> dict[str, Any]:
        return {
            "label_id": label.id if label else None,
            "carrier": label.carrier if label else None,
            "service": label.service if label else None,
            "tracking_number": label.tracking_number if label else None,
            "shipment": label.shipment if label else None,
            "price": label.price if label else None,
            "currency": label.currency if label else None,
            "label_status": ("voided" if label.voided_at else label.status) if label else None,
        }
