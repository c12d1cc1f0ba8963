"""Queues: where lines wait for a place, each in one at a time, and when the orders of a queue are brokered together."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from domain.intake import misplaced
from domain.sourcing.request import Fixed
from domain.store_hours import Weekday, Zone

QUEUE = r"^[a-z][a-z0-9_-]{0,31}$"
Queue = Annotated[str, StringConstraints(pattern=QUEUE)]
"""Where lines wait: an order is in one queue at a time."""
UNFILLABLE: Queue = "unfillable"
REJECTED: Queue = "rejected"
EXPRESS: Queue = "express"
STANDARD: Queue = "standard"
MARKETPLACE: Queue = "marketplace"

TIME_OF_DAY = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
TimeOfDay = Annotated[str, StringConstraints(pattern=TIME_OF_DAY)]
"""A wall-clock time: `07:30`."""
DAY_SECONDS = 86_400


class Overlap(StrEnum):
    """What becomes of a run whose time comes while another one of its queue goes on."""

    SKIP = "skip"
    BUFFER_ONE = "buffer_one"
    """It begins when the other one ends; further ones are skipped."""


class QueueRuns(Fixed):
    """When a queue is brokered, and how fast: at times of the day in a zone, or again and again after so long.

    Orders of a queue without runs are brokered when they come.
    """

    queue: Queue
    zone: Zone = "UTC"
    at: Annotated[tuple[TimeOfDay, ...], Field(max_length=48)] = ()
    """On the clocks of `zone`, summer and winter."""
    days: Annotated[tuple[Weekday, ...], Field(max_length=7)] = ()
    """Only on these; empty: on every day."""
    every_seconds: Annotated[int, Field(strict=True, ge=1, le=DAY_SECONDS)] | None = None
    """Instead of times of the day."""
    orders_per_second: Annotated[int, Field(strict=True, ge=1, le=1000)] = 5
    """So many orders at most are told their place, that a run leaves room for new ones."""
    batch: Annotated[int, Field(strict=True, ge=1, le=500)] = 200
    """So many orders are decided together."""
    overlap: Overlap = Overlap.SKIP
    catch_up_seconds: Annotated[int, Field(strict=True, ge=10, le=7 * DAY_SECONDS)] = 3600
    """A run that could not begin on time, since the servers were away, is made up for within this."""
    longest_wait_seconds: Annotated[int, Field(strict=True, ge=1, le=31 * DAY_SECONDS)] = 3 * DAY_SECONDS
    """What no run has come for by then is brokered by itself."""

    @property
    def longest_wait(self) -> timedelta:
        return timedelta(seconds=self.longest_wait_seconds)

    @model_validator(mode="after")
    def _comes_sometimes(self) -> Self:
        if bool(self.at) == (self.every_seconds is not None):
            raise misplaced(("at",), "give times of the day, or how many seconds lie between two runs; one of them")
        if self.days and not self.at:
            raise misplaced(("days",), "days go with times of the day")
        for name, listed in (("at", self.at), ("days", self.days)):
            if len(set(listed)) < len(listed):
                raise misplaced((name,), "one of these is named twice; name each once")
        if self.queue == UNFILLABLE:
            raise misplaced(("queue",), "what no place could serve is looked at by itself; it has no runs")
        return self
