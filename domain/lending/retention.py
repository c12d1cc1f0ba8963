"""How long an application's file is kept, what stops its purge, and what the law and statistics need after it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict


class LegalHold(BaseModel):
    """A reason to keep a file beyond its time: a dispute, an inquiry. It ends by a person's word only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hold_id: str
    reason: str
    set_by: str
    set_at: AwareDatetime
    released_by: str | None = None
    released_at: AwareDatetime | None = None
    released_for: str | None = None

    @property
    def open(self) -> bool:
        return self.released_at is None


class KeptFor(StrEnum):
    """Why a file whose time is over is still there."""

    LEGAL_HOLD = "legal_hold"
    OPEN_ACCOUNT = "open_account"
    """Its loan is still owed, or its account holds money: who the customer is must be known."""


def retention_begins(ended_at: datetime, proofs: Iterable[datetime | None]) -> datetime:
    """With the last notice that was sent; where nobody was owed one, with the end."""
    return max((at for at in proofs if at is not None), default=ended_at)


_REMAINS = (
    "application_id",
    "product",
    "product_version",
    "channel",
    "locale",
    "currency",
    "created_at",
    "stage",
    "status",
    "outcome",
    "outcome_code",
    "ended_at",
    "terms",
    "account_id",
)
"""The regulator's register: what was asked for, what became of it and when. Nobody can be told from it."""
_DECIDED = ("verdict", "at", "automatic", "basis", "reasons", "denial", "rules")
_EMPTY: dict[str, Any] = {
    "overlays": [],
    "steps": [],
    "missing": [],
    "parties": [],
    "documents": [],
    "checks": [],
    "approvals_left": None,
    "claim": None,
    "offer": None,
    "terms_hash": "",
    "signatures": [],
    "envelopes": [],
    "clocks": [],
    "pen": None,
    "notices": [],
    "payouts": [],
    "interventions": [],
    "waiting_for": [],
}


def remains(view: dict[str, Any], purged_at: datetime) -> dict[str, Any]:
    """An application's view after the purge, in the shape that readers know."""
    decision = view["decision"]
    kept = {name: view[name] for name in _REMAINS}
    kept["decision"] = {name: decision[name] for name in _DECIDED if name in decision} if decision else None
    at = purged_at.isoformat().replace("+00:00", "Z")
    return _EMPTY | kept | {"version": view["version"], "archive": None, "purged_at": at}
