"""Faults on order: the next calls of a kind are lost before, lost after, or answered with a status."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from adapters.simulators.wire import Answer, refusal


class FaultKind(StrEnum):
    BEFORE = "before"
    """Not executed, not answered."""
    AFTER = "after"
    """Executed, not answered."""
    STATUS = "status"
    """Not executed, answered with `status`."""


class PlantedFault(BaseModel):
    """What goes wrong and how often; which calls it strikes is each system's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    retry_after: Annotated[float, Field(ge=0, le=86_400)] | None = None
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1

    @model_validator(mode="after")
    def _status_goes_with_its_kind(self) -> Self:
        if (self.status is not None) != (self.kind is FaultKind.STATUS):
            raise ValueError("give a status with kind 'status', and only then")
        return self

    def answer(self) -> Answer:
        status = self.status or 503
        answer = refusal(status, "planted_fault", f"This {status} was asked for.")
        return Answer(answer.status, answer.body, retry_after=self.retry_after)


F = TypeVar("F", bound=PlantedFault)


class PlantedFaults(Generic[F]):
    """The faults still to be dealt, oldest first."""

    def __init__(self) -> None:
        self._left: list[F] = []

    def plant(self, fault: F) -> None:
        self._left.append(fault)

    def clear(self) -> None:
        self._left.clear()

    def left(self) -> list[F]:
        return list(self._left)

    def take(self, strikes: Callable[[F], bool]) -> F | None:
        """The oldest fault that strikes this call, dealt once."""
        for index, fault in enumerate(self._left):
            if not strikes(fault):
                continue
            if fault.count == 1:
                del self._left[index]
            else:
                self._left[index] = fault.model_copy(update={"count": fault.count - 1})
            return fault
        return None
