"""Queues and runs in memory: for tests."""

from collections.abc import Sequence
from datetime import datetime

from adapters.brokering.port import Position, QueuedGroup, QueueLength, Run, RunState, Waiting
from domain.ids import OrderId
from domain.sourcing.queues import Queue


class MemoryBrokering:
    """See `port.Brokering`."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[OrderId, int], Waiting] = {}
        self._runs: dict[str, Run] = {}

    async def enter(self, order_id: OrderId, group: QueuedGroup) -> None:
        self._waiting[order_id, group.n] = Waiting(order_id=order_id, group=group)

    async def leave(self, order_id: OrderId, n: int | None = None) -> None:
        self._waiting = {
            key: each for key, each in self._waiting.items() if key[0] != order_id or n not in (None, key[1])
        }

    async def waiting(self, queue: Queue, *, after: Position | None, until: datetime, limit: int) -> list[Waiting]:
        found = [
            each
            for each in self._waiting.values()
            if each.group.queue == queue and each.group.since <= until and (after is None or each.place > after)
        ]
        return sorted(found, key=lambda each: each.place)[:limit]

    async def lock(self, shipments: Sequence[tuple[OrderId, int]]) -> dict[tuple[OrderId, int], QueuedGroup]:
        return {key: self._waiting[key].group for key in shipments if key in self._waiting}

    async def queue_of(self, order_id: OrderId, n: int) -> Queue | None:
        found = self._waiting.get((order_id, n))
        return found.group.queue if found else None

    async def lengths(self) -> Sequence[QueueLength]:
        since: dict[Queue, list[datetime]] = {}
        for each in self._waiting.values():
            since.setdefault(each.group.queue, []).append(each.group.since)
        return [QueueLength(queue=queue, waiting=len(since[queue]), since=min(since[queue])) for queue in sorted(since)]

    async def put_run(self, run: Run) -> None:
        self._runs[run.run] = run

    async def run(self, run: str) -> Run | None:
        return self._runs.get(run)

    async def runs(
        self, queue: Queue | None = None, *, state: RunState | None = None, limit: int, skip: int = 0
    ) -> Sequence[Run]:
        found = [each for each in self._runs.values() if queue in (None, each.queue) and state in (None, each.state)]
        return sorted(found, key=lambda each: (each.started_at, each.run), reverse=True)[skip : skip + limit]
