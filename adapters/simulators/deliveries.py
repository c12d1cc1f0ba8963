"""Tells the receiver what happened: signed, and again until it is taken; late, doubled or reordered on request."""

import asyncio
import time
from enum import StrEnum
from heapq import heappop, heappush
from typing import Annotated, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field
from standardwebhooks.webhooks import Webhook

from adapters.clock import Clock
from adapters.simulators.books import Books, EventRecord

PACE = 0.02
LONGEST_PAUSE = 10.0
AT_ONCE = 32


class DeliveryMode(StrEnum):
    NORMAL = "normal"
    TWICE = "twice"
    LATE = "late"
    REVERSE = "reverse"
    """What happens within `delay_seconds` is sent at its end, newest first."""
    OFF = "off"
    """Nothing is sent; what is owed goes out when the mode changes."""


class DeliveriesBody(BaseModel):
    """How events are to be delivered from now on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: DeliveryMode
    delay_seconds: Annotated[float, Field(ge=0, le=3600)] = 2.0


class Teller(Protocol):
    """A simulated system that has something to tell."""

    @property
    def clock(self) -> Clock: ...

    @property
    def books(self) -> Books: ...

    def tick(self) -> None:
        """Let happen what the clock has made due."""
        ...


class Deliveries:
    def __init__(self, engine: Teller, url: str | None, secret: str, client: httpx.AsyncClient) -> None:
        self.mode = DeliveryMode.NORMAL
        self.delay_seconds = 2.0
        self._engine = engine
        self._url = url
        self._webhook = Webhook(secret) if url else None
        self._client = client
        self._queue: list[tuple[float, int, str]] = []
        self._count = 0
        self._window_ends = 0.0
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Deliver until cancelled; also lets the system's clock tick when nobody calls."""
        for event in self._engine.books.owed.values():
            self._enqueue(event)
        self._engine.books.on_owed = self._enqueue
        try:
            while True:
                self._engine.tick()
                await self._send_what_is_due()
                await asyncio.sleep(PACE)
        finally:
            self._engine.books.on_owed = None
            for task in self._sending:
                task.cancel()

    def _enqueue(self, event: EventRecord) -> None:
        now = time.monotonic()
        self._count += 1
        if self.mode is DeliveryMode.LATE:
            heappush(self._queue, (now + self.delay_seconds, self._count, event.id))
        elif self.mode is DeliveryMode.REVERSE:
            if self._window_ends <= now:
                self._window_ends = now + self.delay_seconds
            heappush(self._queue, (self._window_ends, -self._count, event.id))
        else:
            heappush(self._queue, (now, self._count, event.id))

    async def _send_what_is_due(self) -> None:
        while self._webhook and self.mode is not DeliveryMode.OFF and self._queue:
            due, order, event_id = self._queue[0]
            if due > time.monotonic() or len(self._sending) >= AT_ONCE:
                return
            heappop(self._queue)
            event = self._engine.books.owed.get(event_id)
            if event is None:
                continue
            task = asyncio.ensure_future(self._send(self._webhook, event))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
            if order < 0:
                await task  # the order is the point: one after the other

    async def _send(self, webhook: Webhook, event: EventRecord) -> None:
        copies = 2 if self.mode is DeliveryMode.TWICE else 1
        taken = await asyncio.gather(*(self._post(webhook, event) for _ in range(copies)))
        event.attempts += 1
        event.deliveries += sum(taken)
        if event.deliveries:
            event.delivered_at = self._engine.clock()
            self._engine.books.put(event)
            self._engine.books.commit()
            return
        pause = min(LONGEST_PAUSE, 0.25 * 2 ** min(event.attempts, 10))
        self._count += 1
        heappush(self._queue, (time.monotonic() + pause, self._count, event.id))

    async def _post(self, webhook: Webhook, event: EventRecord) -> bool:
        body, now = event.body(), self._engine.clock()
        headers = {
            "content-type": "application/json",
            "webhook-id": event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(event.id, now, body),
        }
        try:
            response = await self._client.post(self._url or "", content=body, headers=headers)
        except httpx.HTTPError:
            event.last_status = None
            return False
        event.last_status = response.status_code
        return response.is_success
