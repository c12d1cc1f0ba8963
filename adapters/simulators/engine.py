"""The rules of the house that simulated systems share: faults on order, once a key, and the clock's due dates."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from adapters.clock import Clock
from adapters.simulators.books import Books
from adapters.simulators.faults import FaultKind, PlantedFault, PlantedFaults
from adapters.simulators.wire import Answer, Call, fingerprint, key_conflict, key_missing, refusal
from domain.ids import sortable_id

DONE = 201
REFUSED = 422
"""The status of a final no; planted as a fault, it is booked like any other."""


class OperationRecord(BaseModel):
    """One line of the ledger, and the answer that its key will get for ever."""

    id: str
    at: datetime
    operation: str
    subject: str | None
    """What was made or changed."""
    reference: str
    key: str
    status: str = "succeeded"
    reason: str | None = None
    """Why it was refused."""
    fingerprint: str
    answer_status: int = 0
    answer: dict[str, Any] = {}


class KeyedBooks(Books):
    """Books with operations in them."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.operations: dict[str, OperationRecord] = {}
        self.by_key: dict[str, OperationRecord] = {}

    def take_operation(self, record: OperationRecord) -> None:
        self.operations[record.id] = self.by_key[record.key] = record


class KeyedFault(PlantedFault):
    @abstractmethod
    def strikes(self, verb: str, about: str | None) -> bool:
        """Whether it is meant for a call of this kind, about this carrier, machine or partner."""


B = TypeVar("B", bound=KeyedBooks)
F = TypeVar("F", bound=KeyedFault)


class KeyedEngine(ABC, Generic[B, F]):
    """No network, no waiting. A subclass says what is asked, what is done, and what the clock brings."""

    def __init__(self, clock: Clock, books: B) -> None:
        self.clock = clock
        self.books = books
        self.faults = PlantedFaults[F]()
        self._due: list[tuple[datetime, str]] = []

    @abstractmethod
    def look(self, call: Call) -> Answer | None:
        """The answer to a question; None when the call asks for a change."""

    @abstractmethod
    def change(self, call: Call, operation: OperationRecord) -> Answer:
        """Do what is asked. An answer with a reason in it is a refusal, and is remembered under its key like any."""

    @abstractmethod
    def about(self, call: Call) -> str | None:
        """The carrier, machine or partner that a fault may be meant for."""

    def happen(self, subject: str, at: datetime) -> None:
        """What was to happen to `subject` at this instant; nothing, where nothing was planned."""

    def resume(self) -> None:
        """Take up the time limits of books that were read back."""

    def perform(self, call: Call) -> Answer:
        """Do what is asked, once a key; the same key and body get the first answer for ever."""
        self.tick()
        about = self.about(call)
        fault = self.faults.take(lambda fault: fault.strikes(call.verb, about))
        if fault and fault.kind is FaultKind.BEFORE:
            return Answer(0, {}, lost=True)
        if fault and fault.kind is FaultKind.STATUS and fault.status != REFUSED:
            return fault.answer()
        answer = self.look(call) or self._once(call, refused=fault is not None and fault.kind is FaultKind.STATUS)
        self.books.commit()
        return replace(answer, lost=True) if fault and fault.kind is FaultKind.AFTER else answer

    def tick(self) -> None:
        """Let happen what the clock has made due."""
        now = self.clock()
        while self._due and self._due[0][0] <= now:
            at, subject = heappop(self._due)
            self.happen(subject, at)
        self.books.commit()

    def plan(self, at: datetime, subject: str) -> None:
        """Have `happen` called at that instant."""
        heappush(self._due, (at, subject))

    def new_id(self, kind: str) -> str:
        return f"{kind}_{sortable_id(self.clock(), secrets.token_bytes(10))}"

    def find(self, key: str, now: Callable[[str], dict[str, Any] | None]) -> Answer:
        """What became of the operation `key`; `now` shows its subject as it is today."""
        operation = self.books.by_key.get(key)
        if operation is None:
            return Answer(200, {"found": False})
        if operation.status != "succeeded":
            return Answer(operation.answer_status, operation.answer)
        return Answer(200, {"found": True, "answer": now(operation.subject or "")})

    def _once(self, call: Call, *, refused: bool) -> Answer:
        if not call.key:
            return key_missing()
        asked = fingerprint(call.verb, call.subject, call.body)
        if known := self.books.by_key.get(call.key):
            return Answer(known.answer_status, known.answer) if known.fingerprint == asked else key_conflict()
        operation = OperationRecord(
            id=self.new_id("op"),
            at=self.clock(),
            operation=call.verb,
            subject=call.subject,
            reference=call.body.get("reference", ""),
            key=call.key,
            fingerprint=asked,
        )
        answer = refused_for("other") if refused else self.change(call, operation)
        if answer.status not in (DONE, REFUSED):
            return answer  # nothing came of it, and the key is free
        operation.reason = answer.body.get("reason") if answer.status == REFUSED else None
        operation.status = "refused" if operation.reason else "succeeded"
        operation.answer_status, operation.answer = answer.status, answer.body
        self.books.put(operation)
        return replace(answer)


def refused_for(reason: str) -> Answer:
    return refusal(REFUSED, "refused", "No, and asking again will not help.", reason=reason)


def not_known() -> Answer:
    return refusal(404, "not_known", "There is nothing under this id.")
