"""Durable waiting: until a condition comes true or an absolute deadline passes, which may be moved meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.personal import Readable

Deadline = Callable[[], datetime | None]


class Alarms:
    """Instants at which something else must be done, whatever an order is waiting for (renewing an authorisation).

    Every wait wakes for them, so that they need no timer of their own. What cannot be done at its time, since the
    system that it needs is away, is done as soon as it can be; no wait's own deadline is late for it.
    """

    def __init__(self) -> None:
        self.next_due: Deadline = lambda: None
        self.can_ring: Callable[[], bool] = lambda: True
        self.ring: Callable[[], Awaitable[None]] = _nothing

    async def ring_if_due(self) -> None:
        if _over(self.next_due()) and self.can_ring():
            await self.ring()


def _over(instant: datetime | None) -> bool:
    return instant is not None and workflow.now() >= instant


async def _nothing() -> None:
    return None


async def until(condition: Callable[[], bool], deadline: Deadline, alarms: Alarms, summary: str) -> bool:
    """True when `condition` came, False when the deadline did. No deadline: as long as it takes."""
    while not condition():
        end = deadline()
        now = workflow.now()
        if end is not None and now >= end:
            return False
        await alarms.ring_if_due()
        due = alarms.next_due()
        overdue = _over(due)
        wake = min((at for at in (end, None if overdue else due) if at is not None), default=None)

        def moved(end: datetime | None = end, due: datetime | None = due, overdue: bool = overdue) -> bool:
            if condition() or deadline() != end or alarms.next_due() != due:
                return True
            return overdue and alarms.can_ring()

        if wake is None:
            await workflow.wait_condition(moved)
            continue
        left = (wake - workflow.now()).total_seconds()
        if left > 0:
            try:
                await workflow.wait_condition(moved, timeout=left, timeout_summary=Readable(summary))
            except TimeoutError:
                continue
    return True
