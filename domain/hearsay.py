"""What an outside system says of a thing in its hands, against what is known of it: late, twice, or in any order.

What is known is one status and the system's own time of it. Of two reports the later one by that time is the truth,
where the one can follow from the other. Then every order of one life's reports, with any of them repeated, ends alike;
and where two reports cannot both be true, one of them is `ILLEGAL` in whatever order they come.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

S = TypeVar("S", bound=StrEnum)


class Effect(StrEnum):
    """What one report does. All but `APPLIED` leave the status as it is; every report is kept."""

    APPLIED = "applied"
    REPEATED = "repeated"
    """The status that is known already, now or later."""
    OUT_OF_ORDER = "out_of_order"
    """It was so before what is known."""
    UNKNOWN = "unknown"
    """A word that has no meaning here."""
    ILLEGAL = "illegal"
    """It and what is known cannot both be true: a person looks."""


class Known(BaseModel, Generic[S]):
    """The status of a thing and when it was last so, by the clock of whoever has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: S
    at: AwareDatetime


@dataclass(frozen=True)
class Heard(Generic[S]):
    effect: Effect
    known: Known[S]
    """What is known from now on."""


class Moves(Generic[S]):
    """Which status may follow which. Reports get lost, so whatever follows in several steps may follow at once."""

    def __init__(self, direct: Mapping[S, Iterable[S]], *, unknown: S) -> None:
        """`direct`: each status with those that follow it; at one instant, the later in the table is the newer."""
        self.direct = {status: frozenset(after) for status, after in direct.items()}
        self._unknown = unknown
        self._rank = {status: rank for rank, status in enumerate(self.direct)}
        self._after = {status: self._reached(status) for status in self.direct}

    def leads(self, before: S, after: S) -> bool:
        """Whether a thing that was `before` may be `after` by now."""
        return after in self._after[before]

    def final(self, status: S) -> bool:
        """Whether nothing follows."""
        return not self._after[status]

    def hear(self, known: Known[S], report: Known[S]) -> Heard[S]:
        """What `report` does to what is known."""
        if report.status == self._unknown:
            return Heard(Effect.UNKNOWN, known)
        if known.status == self._unknown:
            return Heard(Effect.APPLIED, report)
        if report.status == known.status:
            # Seen again: a report between the two is then an earlier one, whenever it comes.
            return Heard(Effect.REPEATED, report if report.at > known.at else known)
        if self._newer(report, known):
            if self.leads(known.status, report.status):
                return Heard(Effect.APPLIED, report)
        elif self.leads(report.status, known.status):
            return Heard(Effect.OUT_OF_ORDER, known)
        return Heard(Effect.ILLEGAL, known)

    def _newer(self, one: Known[S], other: Known[S]) -> bool:
        return (one.at, self._rank[one.status]) > (other.at, self._rank[other.status])

    def _reached(self, start: S) -> frozenset[S]:
        found: set[S] = set()
        ahead = [start]
        while ahead:
            fresh = self.direct[ahead.pop()] - found
            found |= fresh
            ahead += fresh
        return frozenset(found)
