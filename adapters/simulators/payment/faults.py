"""Faults on order: the next calls of a kind are lost before, lost after, or answered with a status."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.simulators.payment.wire import Answer, Call, refusal


class FaultKind(StrEnum):
    BEFORE = "before"
    """Not executed, not answered."""
    AFTER = "after"
    """Executed, not answered."""
    STATUS = "status"
    """Not executed, answered with `status`; 402 is a decline like any other and is booked."""


class FaultedOperation(StrEnum):
    AUTHORISE = "authorise"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"
    FIND = "find"
    ANY = "any"


class Fault(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: FaultedOperation = FaultedOperation.ANY
    kind: FaultKind
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after: Annotated[float, Field(ge=0, le=86_400)] | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    reference: str | None = None
    """Only calls for this reference of ours (authorise) or on its authorisations."""

    @model_validator(mode="after")
    def _status_goes_with_its_kind(self) -> Self:
        if (self.status is not None) != (self.kind is FaultKind.STATUS):
            raise ValueError("give a status with kind 'status', and only then")
        return self

    def answer(self) -> Answer:
        status = self.status or 503
        answer = refusal(status, "planted_fault", f"This {status} was asked for.")
        return Answer(answer.status, answer.body, retry_after=self.retry_after)


class PlantedFaults:
    """The faults still to be dealt, oldest first."""

    def __init__(self) -> None:
        self._left: list[Fault] = []

    def plant(self, fault: Fault) -> None:
        self._left.append(fault)

    def clear(self) -> None:
        self._left.clear()

    def left(self) -> list[Fault]:
        return list(self._left)

    def take(self, call: Call, reference: str | None) -> Fault | None:
        if not self._left:
            return None
        for index, fault in enumerate(self._left):
            names_it = fault.operation == str(call.verb)
            if not (names_it or fault.operation is FaultedOperation.ANY):
                continue
            if fault.reference is not None and fault.reference != reference:
                continue
            if fault.count == 1:
                del self._left[index]
            else:
                self._left[index] = fault.model_copy(update={"count": fault.count - 1})
            return fault
        return None
