"""Keeping and purging the files of applications that have ended: legal holds, the purge, and what is kept of whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.actors import Actor
from domain.lending.retention import KeptFor, LegalHold


class Purged(Exception):
    """The file is gone: nothing can be held any more."""


class Purge(BaseModel):
    """`kept_for`: why nothing was purged; none: all is gone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kept_for: KeptFor | None = None


class Retained(BaseModel):
    """A file that is kept of a person, and until when; none: the application runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    keep_until: AwareDatetime | None
    held: bool


class Retention(Protocol):
    async def hold(self, application_id: str, hold_id: str, reason: str, by: Actor, at: datetime) -> LegalHold:
        """Keep the file until the hold is released; repeating an id gives the first one. Raises: Purged."""
        ...

    async def release(self, application_id: str, hold_id: str, reason: str, by: Actor, at: datetime) -> LegalHold:
        """Repeating changes nothing. Raises: LookupError."""
        ...

    async def holds(self, application_id: str) -> Sequence[LegalHold]:
        """All there ever were, the oldest first."""
        ...

    async def purge(self, application_id: str, at: datetime) -> Purge:
        """Remove all but what the law and statistics need, unless it must be kept. Repeating is harmless."""
        ...

    async def retained_of(self, person_ref: str) -> Sequence[Retained]:
        """What is kept of a person, as applicant or as another party."""
        ...
