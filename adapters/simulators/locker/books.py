"""The operator's books: compartments from their reservation to their end, and what was asked and seen of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from adapters.simulators.books import EventRecord
from adapters.simulators.engine import KeyedBooks, OperationRecord
from adapters.simulators.locker.machines import Capacity
from domain.lockers import CompartmentSize, CompartmentStatus

TAKING_SPACE = (CompartmentStatus.RESERVED, CompartmentStatus.DEPOSITED, CompartmentStatus.EXPIRED)


class CompartmentRecord(BaseModel):
    id: str
    locker_id: str
    size: CompartmentSize
    reference: str
    group: str
    status: CompartmentStatus = CompartmentStatus.RESERVED
    status_at: datetime
    reserved_until: datetime
    collect_by: datetime | None = None
    return_at: datetime | None = None
    tracking_number: str | None = None
    deposit_code: str
    pickup_code: str | None = None
    """The ledger and the pages do not show it."""

    def public(self) -> dict[str, Any]:
        """As `domain.lockers.Compartment`, in JSON."""
        return self.model_dump(mode="json", exclude={"deposit_code", "pickup_code", "return_at"})


class SightingRecord(BaseModel):
    """Something that the operator says of a compartment."""

    id: str
    compartment_id: str
    reference: str
    status: str
    at: datetime


class MachineRecord(BaseModel):
    """A machine that was told how large it is."""

    id: str
    capacity: Capacity


Record = CompartmentRecord | SightingRecord | MachineRecord | OperationRecord
KINDS: dict[str, type[BaseModel]] = {
    "c": CompartmentRecord,
    "s": SightingRecord,
    "m": MachineRecord,
    "o": OperationRecord,
    "e": EventRecord,
}
"""How records are marked in the journal."""


class LockerBooks(KeyedBooks):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.compartments: dict[str, CompartmentRecord] = {}
        self.machines: dict[str, MachineRecord] = {}
        self.lines: dict[str, SightingRecord | OperationRecord] = {}
        """What happened, oldest first."""

    def taken(self, locker_id: str) -> Counter[CompartmentSize]:
        """How many compartments of each size cannot be had."""
        here = (each for each in self.compartments.values() if each.locker_id == locker_id)
        return Counter(each.size for each in here if each.status in TAKING_SPACE)

    def records(self) -> Iterable[Record]:
        return [*self.machines.values(), *self.compartments.values(), *self.lines.values()]

    def remember(self, record: Record) -> None:
        match record:
            case CompartmentRecord():
                self.compartments[record.id] = record
            case MachineRecord():
                self.machines[record.id] = record
            case SightingRecord():
                self.lines[record.id] = record
            case OperationRecord():
                self.lines[record.id] = record
                self.take_operation(record)

    def ledger(self, reference: str | None) -> list[dict[str, Any]]:
        """What was asked, refused, put in and taken out, oldest first."""
        lines = (line for line in self.lines.values() if reference in (None, line.reference))
        return [self._sighting(each) if isinstance(each, SightingRecord) else self._operation(each) for each in lines]

    def _operation(self, operation: OperationRecord) -> dict[str, Any]:
        shown = {"id", "at", "operation", "reference", "status", "reason", "key"}
        line = operation.model_dump(mode="json", include=shown)
        return line | self._about(self.compartments.get(operation.subject or ""))

    def _sighting(self, sighting: SightingRecord) -> dict[str, Any]:
        line = sighting.model_dump(mode="json", exclude={"compartment_id"})
        about = self._about(self.compartments[sighting.compartment_id])
        return line | {"operation": "sighting", "reason": None, "key": None} | about

    @staticmethod
    def _about(compartment: CompartmentRecord | None) -> dict[str, Any]:
        now = compartment.public() if compartment else {}
        return {
            "compartment_id": now.get("id"),
            "locker_id": now.get("locker_id"),
            "size": now.get("size"),
            "group": now.get("group"),
            "compartment_status": now.get("status"),
            "collect_by": now.get("collect_by"),
            "tracking_number": now.get("tracking_number"),
        }
