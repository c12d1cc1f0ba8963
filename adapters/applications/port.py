"""The record of applications: what people read, written by the step that makes a change real."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from domain.actors import Actor
from domain.lending.application_view import ApplicationView


class ApplicationEvent(BaseModel):
    """One business event. Nothing personal stands in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    event: str
    actor: Actor
    reason: str | None = None
    data: dict[str, Any] = {}


class ApplicationChange(BaseModel):
    """One change: a change that is as old as the record, or older, is not written again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    version: int
    at: datetime
    created_by: str
    customer_ref: str
    for_review: bool
    review_due_at: datetime | None
    view: ApplicationView
    events: list[ApplicationEvent]


class StoredApplication(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    created_by: str
    customer_ref: str
    view: ApplicationView
    at: datetime | None = None
    """Where it stands in the list that it was read from."""


Place = tuple[datetime, str]
"""Of the last one of a page: its time in that list, and its id."""


class Applications(Protocol):
    async def record(self, change: ApplicationChange) -> None:
        """Write a change once. What an older try wrote under its version, or after it, is replaced when it told
        something else: its workflow task died, and is done again."""
        ...

    async def application(self, application_id: str) -> StoredApplication | None: ...

    async def timeline(self, application_id: str) -> Sequence[ApplicationEvent]: ...

    async def queue(self, limit: int, after: Place | None = None) -> Sequence[StoredApplication]:
        """What waits for an underwriter, the next due first."""
        ...

    async def asking(self, limit: int) -> Sequence[StoredApplication]:
        """With a question that a person of the office must answer, also after their end; the oldest change first."""
        ...

    async def open(self, limit: int) -> Sequence[StoredApplication]:
        """What has not ended, the oldest change first."""
        ...

    async def listed(
        self, *, customer_ref: str | None, created_by: str | None, limit: int, after: Place | None = None
    ) -> Sequence[StoredApplication]:
        """The newest first."""
        ...
