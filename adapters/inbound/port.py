"""Events from outside systems: kept before they are acknowledged, delivered when their order is there to take them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from domain.ids import OrderId


class InboundEvent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    event_id: str
    """The sender's id of the event: the same event may come many times."""
    type: str
    order_id: OrderId
    received_at: datetime
    data: dict[str, Any]
    """Ids, amounts and enum values of the event; no personal data."""


class ParkedEvent(BaseModel):
    """An event that has not reached its order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: InboundEvent
    tries: int
    next_try_at: datetime | None
    """None: given up, a person decides."""


class InboundEvents(Protocol):
    async def keep(self, event: InboundEvent) -> bool:
        """Store the event durably. False: it was here before."""
        ...

    async def delivered(self, provider: str, event_id: str, at: datetime) -> None: ...

    async def waiting(self, *, before: datetime, limit: int) -> Sequence[InboundEvent]:
        """Events not delivered yet that came, or were put off to a time, before `before`; the longest due first."""
        ...

    async def put_off(self, provider: str, event_id: str, until: datetime | None) -> None:
        """A try has failed: the next one is due at `until`; None gives the event up until somebody asks for it."""
        ...

    async def parked(self, *, limit: int) -> Sequence[ParkedEvent]:
        """Events not delivered yet, those given up too, oldest first."""
        ...

    async def try_again(self, order_id: OrderId, at: datetime) -> int:
        """Make all undelivered events of an order due at `at`, those given up too; how many they are."""
        ...
