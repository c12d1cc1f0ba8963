"""What a simulated system knows: its records in memory, each change durable before it is answered, and events owed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel


class EventRecord(BaseModel):
    """A webhook that is owed until somebody took it."""

    id: str
    type: str
    created_at: datetime
    data: dict[str, Any]
    attempts: int = 0
    deliveries: int = 0
    last_status: int | None = None
    delivered_at: datetime | None = None

    def body(self) -> str:
        return self.model_dump_json(include={"id", "type", "created_at", "data"})


Write = Callable[[Sequence[Any]], None]

DELIVERED_KEPT = 5_000
"""Delivered events are kept for a look, not for ever."""


class Books(ABC):
    """Holds the events itself; a system's other records are its subclass's."""

    def __init__(self, write: Write | None = None) -> None:
        self.events: dict[str, EventRecord] = {}
        self.owed: dict[str, EventRecord] = {}
        self.on_owed: Callable[[EventRecord], None] | None = None
        self._write = write
        self._changed: dict[str, Any] = {}

    def put(self, record: Any) -> None:
        """Take in a new or changed record; it is written at the next `commit`."""
        self._take(record)
        self._changed[record.id] = record

    def commit(self) -> None:
        """Everything since the last commit, in one piece: a crash leaves all of it or nothing."""
        if self._changed and self._write:
            self._write(list(self._changed.values()))
        self._changed.clear()

    def replay(self, records: Iterable[Any]) -> None:
        """Read back what `write` was given, oldest first."""
        for record in records:
            self._take(record)

    def snapshot(self) -> list[Any]:
        """Everything as it is now, in an order in which it can be replayed."""
        return [*self.records(), *self.events.values()]

    @abstractmethod
    def records(self) -> Iterable[Any]:
        """All records but the events."""

    @abstractmethod
    def remember(self, record: Any) -> None:
        """Take in a record that is no event."""

    def _take(self, record: Any) -> None:
        if isinstance(record, EventRecord):
            self._remember_event(record)
        else:
            self.remember(record)

    def _remember_event(self, record: EventRecord) -> None:
        self.events[record.id] = record
        if record.delivered_at is None:
            new = record.id not in self.owed
            self.owed[record.id] = record
            if new and self.on_owed:
                self.on_owed(record)
            return
        self.owed.pop(record.id, None)
        if len(self.events) > 2 * DELIVERED_KEPT + len(self.owed):
            for old in [event.id for event in self.events.values() if event.delivered_at][:DELIVERED_KEPT]:
                del self.events[old]
