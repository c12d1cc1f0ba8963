"""Who did, or tried, what to which object. Rows are only ever added."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict


class AuditOutcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    """Outside the role: 403."""
    HIDDEN = "hidden"
    """Another's object: 404."""


class AuditEntry(BaseModel):
    """No content: `action` is a function's name or a route, `object` an id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    principal_id: str
    on_behalf_of: str | None = None
    action: str
    object: str
    outcome: AuditOutcome
    reason: str | None = None


class AuditPosition(NamedTuple):
    at: datetime
    id: int


class AuditPage(NamedTuple):
    entries: list[AuditEntry]
    next: AuditPosition | None


class AuditLog(Protocol):
    async def append(self, entry: AuditEntry) -> None: ...

    async def read(
        self, *, limit: int, after: AuditPosition | None = None, principal_id: str | None = None
    ) -> AuditPage:
        """Newest first, from just after a position of an earlier page."""
