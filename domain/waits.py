"""A wait is a value: what for, who must act, since when, until when, and what happens by default."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.choices import ChoiceOption


class WaitKind(StrEnum):
    PLACEMENT = "placement"
    HOLD = "hold"
    ACCEPTANCE = "acceptance"
    PICKING = "picking"
    COLLECTION = "collection"
    CHOICE = "choice"
    STOCK = "stock"
    ARRIVAL = "arrival"
    SOURCING = "sourcing"
    DISPATCH = "dispatch"
    STOP = "stop"
    DELIVERY = "delivery"
    CLAIM = "claim"
    CHANGE = "change"
    LOCKER = "locker"
    RETURN_APPROVAL = "return_approval"
    RETURN_ARRIVAL = "return_arrival"
    RETURN_WAY = "return_way"
    """A label, or a compartment of a parcel machine."""
    INSPECTION = "inspection"
    SETTLEMENT = "settlement"
    EXCHANGE = "exchange"
    EXCHANGE_PAYMENT = "exchange_payment"
    PAYMENT_SYSTEM = "payment_system"
    INTERVENTION = "intervention"


class Wait(BaseModel):
    """One thing that an order waits for. `deadline` is absolute UTC; none means that it waits until someone acts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Unique within the order, e.g. `collection/1`."""
    kind: WaitKind
    what: str
    who: str
    since: datetime
    deadline: datetime | None = None
    default: str | None = None
    choices: list[ChoiceOption] | None = None
    """What a customer who is waited for may choose, and one who waits may choose instead."""
    last_error: str | None = None
    next_retry: datetime | None = None


class Trouble(BaseModel):
    """An outside system that does not answer; the step is tried again until it does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    step: str
    since: datetime
    error: str
