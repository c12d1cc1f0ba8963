"""Events from outside systems in memory: for tests."""

from collections.abc import Sequence
from datetime import datetime

from adapters.inbound.port import InboundEvent
from domain.ids import OrderId

_Name = tuple[str, str]
"""Provider and the provider's id of the event: two providers may use the same one."""


class MemoryInboundEvents:
    """See `port.InboundEvents`."""

    def __init__(self) -> None:
        self._events: dict[_Name, InboundEvent] = {}
        self._delivered: dict[_Name, datetime] = {}

    async def keep(self, event: InboundEvent) -> bool:
        return self._events.setdefault((event.provider, event.event_id), event) is event

    async def delivered(self, provider: str, event_id: str, at: datetime) -> None:
        if (provider, event_id) in self._events:
            self._delivered[provider, event_id] = at

    async def waiting(self, *, before: datetime, limit: int) -> Sequence[InboundEvent]:
        return [event for event in self._undelivered() if event.received_at < before][:limit]

    async def parked_for(self, order_id: OrderId) -> Sequence[InboundEvent]:
        return [event for event in self._undelivered() if event.order_id == order_id]

    def _undelivered(self) -> list[InboundEvent]:
        waiting = [event for name, event in self._events.items() if name not in self._delivered]
        return sorted(waiting, key=lambda event: (event.received_at, event.provider, event.event_id))
