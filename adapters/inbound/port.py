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


class InboundEvents(Protocol):
    async def keep(self, event: InboundEvent) -> bool:
        """Store the event durably. False: it was here before."""
        ...

    async def delivered(self, provider: str, event_id: str, at: datetime) -> None: ...

    async def waiting(self, *, before: datetime, limit: int) -> Sequence[InboundEvent]:
        """Events not delivered yet that came before `before`, oldest first."""
        ...

    async def parked_for(self, order_id: OrderId) -> Sequence[InboundEvent]: ...
