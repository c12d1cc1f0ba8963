"""Named holds: work on an order starts only when all of them are cleared."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.ids import HoldId, LineId


class HoldKind(StrEnum):
    DATA = "data"
    APPROVAL = "approval"
    FRAUD = "fraud"
    PAYMENT = "payment"
    ADDRESS = "address"
    STOCK = "stock"
    REMORSE = "remorse"
    MANUAL = "manual"
    EXCHANGE = "exchange"
    """It replaces goods that have not come back yet."""


class HoldOutcome(StrEnum):
    RELEASE = "release"
    CANCEL = "cancel"


class Hold(BaseModel):
    """A named reason not to go on, with who must act, until when, and what happens by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hold_id: HoldId
    kind: HoldKind
    reason: str
    owner: str
    since: datetime
    deadline: datetime | None = None
    default: HoldOutcome = HoldOutcome.CANCEL
    lines: list[LineId] | None = None
    """The lines it stands on; none means the whole order."""
