"""Events from outside systems in memory: for tests."""

from collections.abc import Sequence
from datetime import datetime

from adapters.inbound.port import InboundEvent, ParkedEvent
from domain.ids import OrderId

_Name = tuple[str, str]
"""Provider and the provider's id of the event: two providers may use the same one."""


class MemoryInboundEvents:
    """See `port.InboundEvents`."""

    def __init__(self) -> None:
        self._events: dict[_Name, InboundEvent] = {}
        self._delivered: dict[_Name, datetime] = {}
        self._put_off: dict[_Name, tuple[int, datetime | None]] = {}
        """How often it was tried, and when it is next."""

    async def keep(self, event: InboundEvent) -> bool:
        return self._events.setdefault((event.provider, event.event_id), event) is event

    async def delivered(self, provider: str, event_id: str, at: datetime) -> None:
        if (provider, event_id) in self._events:
            self._delivered[provider, event_id] = at

    async def waiting(self, *, before: datetime, limit: int) -> Sequence[InboundEvent]:
        due = [
            (parked.next_try_at, parked.event.provider, parked.event.event_id, parked.event)
            for parked in self._undelivered()
            if parked.next_try_at is not None and parked.next_try_at < before
        ]
        return [event for *_, event in sorted(due, key=lambda each: each[:3])][:limit]

    async def put_off(self, provider: str, event_id: str, until: datetime | None) -> None:
        if (provider, event_id) in self._events:
            tries, _ = self._put_off.get((provider, event_id), (0, None))
            self._put_off[provider, event_id] = (tries + 1, until)

    async def parked(self, *, limit: int) -> Sequence[ParkedEvent]:
        return self._undelivered()[:limit]

    async def try_again(self, order_id: OrderId, at: datetime) -> int:
        found = [parked for parked in self._undelivered() if parked.event.order_id == order_id]
        for parked in found:
            self._put_off[parked.event.provider, parked.event.event_id] = (parked.tries, at)
        return len(found)

    def _undelivered(self) -> list[ParkedEvent]:
        parked = []
        for name, event in self._events.items():
            if name not in self._delivered:
                tries, next_try_at = self._put_off.get(name, (0, event.received_at))
                parked.append(ParkedEvent(event=event, tries=tries, next_try_at=next_try_at))
        return sorted(parked, key=lambda each: (each.event.received_at, each.event.provider, each.event.event_id))
