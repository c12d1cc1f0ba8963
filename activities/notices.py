"""Sending what waits in the outbox, for as long as the worker lives."""

import asyncio
import contextlib
import time
from datetime import UTC, datetime

from temporalio import activity

from adapters.notification.port import Relay

ROUND_SECONDS = 240.0
"""One activity looks after the outbox for so long; then the next begins, so that a new worker may take it."""
LONGEST_NAP = 5.0
HEARTBEAT_SECONDS = 1.0


class NoticeSteps:
    def __init__(self, relay: Relay):
        self.relay = relay

    @activity.defn
    async def dispatch_notices(self) -> int:
        """Send notices as they come; gives how many. Ends early when its worker stops."""
        alive = asyncio.create_task(_show_life())
        try:
            return await self._dispatch()
        finally:
            alive.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await alive

    async def _dispatch(self) -> int:
        sent = 0
        end = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < end and not activity.is_worker_shutdown():
            # Mails are sent now, whatever an order's own clock says.
            now = datetime.now(UTC)
            result = await self.relay.run_once(now)
            sent += result.sent
            for notice in result.gave_up:
                activity.logger.warning("a notice was given up: %s %s", notice.key, notice.reason)
            if result.more:
                continue
            nap = LONGEST_NAP
            if result.next_due_at is not None:
                nap = min(nap, max(0.2, (result.next_due_at - now).total_seconds()))
            await self._wait(nap)
        return sent

    async def _wait(self, seconds: float) -> None:
        """Until something is in the outbox, the worker stops, or the time is over."""
        waiting = asyncio.ensure_future(self.relay.wait_for_work(seconds))
        stopping = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, stopping):
            task.cancel()
        await asyncio.gather(waiting, stopping, return_exceptions=True)


async def _show_life() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(HEARTBEAT_SECONDS)
