"""Sending what waits in the outbox, for as long as the worker lives."""

import asyncio
import time
from datetime import UTC, datetime

from temporalio import activity

from adapters.notification.port import Relay

ROUND_SECONDS = 240.0
"""One activity looks after the outbox for so long; then the next begins, so that a new worker may take it."""
LONGEST_NAP = 5.0


class NoticeSteps:
    def __init__(self, relay: Relay):
        self.relay = relay

    @activity.defn
    async def dispatch_notices(self) -> int:
        """Send notices as they come; gives how many. Ends early when its worker stops."""
        sent = 0
        end = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < end and not activity.is_worker_shutdown():
            activity.heartbeat(sent)
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
            waiting = asyncio.ensure_future(self.relay.wait_for_work(nap))
            stopping = asyncio.ensure_future(activity.wait_for_worker_shutdown())
            await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            for task in (waiting, stopping):
                task.cancel()
            await asyncio.gather(waiting, stopping, return_exceptions=True)
        return sent
