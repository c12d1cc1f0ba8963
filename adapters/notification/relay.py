"""Empties the outbox: looks up who is meant, renders, sends, and notes what became of it. No order waits for it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum

from adapters.notification.port import Mailer, Outbox, PendingNotice, Rejected, RelayResult, Unavailable, Undelivered
from adapters.notification.render import Details, NoticeRenderer, Recipient
from domain.ids import OrderId, StoreId
from domain.notices import Audience, Notice

STORES_LOCALE = "en"
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
PATIENCE = timedelta(hours=24)

RecipientOf = Callable[[OrderId, int | None], Awaitable[Recipient | None]]
"""The customer of an order, where a notice's `contact` says; none once erased."""
StoreAddress = Callable[[StoreId], Awaitable[Recipient | None]]
DetailsOf = Callable[[Notice], Awaitable[Details]]


class _Fate(StrEnum):
    SENT = "sent"
    RETRIED = "retried"
    SUPPRESSED = "suppressed"
    GAVE_UP = "gave_up"
    LEFT = "left"
    """Not begun: the lease would have ended meanwhile. The next claim takes it."""


class NoticeRelay:
    """One round claims a batch and sends it, `side_by_side` at a time.

    Any number may run at once. A notice is sent twice only if we fall over between the mail server's answer and our own
    note of it; the second then has the first one's Message-ID. `begin_within` seconds after the claim nothing more is
    begun: with the mailer's time-out it must stay below the outbox's lease.
    """

    def __init__(
        self,
        outbox: Outbox,
        mailer: Mailer,
        renderer: NoticeRenderer,
        *,
        recipient_of: RecipientOf,
        store_address: StoreAddress,
        details_of: DetailsOf | None = None,
        batch: int = 50,
        side_by_side: int = 4,
        begin_within: float = 60.0,
    ) -> None:
        self._outbox, self._mailer, self._renderer = outbox, mailer, renderer
        self._recipient_of, self._store_address, self._details_of = recipient_of, store_address, details_of
        self._batch, self._side_by_side, self._begin_within = batch, side_by_side, begin_within

    async def run_once(self, at: datetime) -> RelayResult:
        """Send what is due at `at`, the present business time.

        Faults of mail, templates and look-ups end in the outbox, not here; faults of the outbox itself are raised, and
        what was not noted is claimed again when its lease has ended.
        """
        claimed = await self._outbox.claim(self._batch, at)
        gate = asyncio.Semaphore(self._side_by_side)
        stop_at = asyncio.get_running_loop().time() + self._begin_within
        gave_up: list[Undelivered] = []

        async def one(pending: PendingNotice) -> _Fate:
            async with gate:
                if asyncio.get_running_loop().time() >= stop_at:
                    return _Fate.LEFT
                return await self._settle(pending, at, gave_up)

        # All come to their end, also when one cannot be noted: a mail cut off in the middle may be sent twice.
        outcomes = await asyncio.gather(*map(one, claimed), return_exceptions=True)
        if faults := [outcome for outcome in outcomes if isinstance(outcome, BaseException)]:
            raise faults[0]
        fates = list(outcomes)
        return RelayResult(
            sent=fates.count(_Fate.SENT),
            retried=fates.count(_Fate.RETRIED),
            suppressed=fates.count(_Fate.SUPPRESSED),
            gave_up=tuple(gave_up),
            more=len(claimed) == self._batch,
            next_due_at=await self._outbox.next_due_at(),
        )

    async def wait_for_work(self, timeout: float) -> bool:  # noqa: ASYNC109 - waiting is the whole call
        """See `Outbox.wait_for_work`."""
        return await self._outbox.wait_for_work(timeout)

    async def _settle(self, pending: PendingNotice, at: datetime, gave_up: list[Undelivered]) -> _Fate:
        notice = pending.notice
        try:
            if notice.until is not None and at > notice.until:
                return await self._suppress(notice, at, "too_late")
            recipient = await self._recipient(notice)
            if isinstance(recipient, str):
                return await self._suppress(notice, at, recipient)
            told = _in_the_readers_language(notice, recipient)
            details = await self._details_of(told) if self._details_of else Details()
            message = self._renderer.render(told, recipient, details)
            await self._mailer.send(message)
        except Rejected as fault:
            return await self._give_up(notice, at, fault.reason, gave_up)
        except Unavailable as fault:
            return await self._retry(pending, at, fault.reason, fault.retry_after, gave_up)
        except Exception as fault:
            # A look-up or template in trouble must not keep others waiting. The type only: its words may be personal.
            return await self._retry(pending, at, f"error_{type(fault).__name__}", None, gave_up)
        await self._outbox.sent(notice.key, at, self._mailer.message_id(message))
        return _Fate.SENT

    async def _recipient(self, notice: Notice) -> Recipient | str:
        """Who gets it, or the reason why nobody does."""
        if notice.audience is Audience.STORE:
            store = await self._store_address(notice.store_id) if notice.store_id else None
            return store if store is not None and store.email else "no_address"
        customer = await self._recipient_of(notice.order_id, notice.facts.contact)
        if customer is None:
            return "erased"
        if not customer.email:
            return "no_address"
        return customer if customer.wants(notice.kind) else "opted_out"

    async def _suppress(self, notice: Notice, at: datetime, reason: str) -> _Fate:
        await self._outbox.suppressed(notice.key, at, reason)
        return _Fate.SUPPRESSED

    async def _give_up(self, notice: Notice, at: datetime, reason: str, gave_up: list[Undelivered]) -> _Fate:
        await self._outbox.gave_up(notice.key, at, reason)
        gave_up.append(Undelivered(key=notice.key, kind=notice.kind, order_id=notice.order_id, reason=reason))
        return _Fate.GAVE_UP

    async def _retry(
        self, pending: PendingNotice, at: datetime, reason: str, retry_after: float | None, gave_up: list[Undelivered]
    ) -> _Fate:
        if at - pending.first_attempt_at >= PATIENCE:
            return await self._give_up(pending.notice, at, reason, gave_up)
        await self._outbox.failed(pending.notice.key, at, reason, at + pause(pending.attempts, retry_after))
        return _Fate.RETRIED


def _in_the_readers_language(notice: Notice, recipient: Recipient) -> Notice:
    """A notice carries its customer's locale; a store that names none reads English."""
    default = STORES_LOCALE if notice.audience is Audience.STORE else notice.locale
    return notice.model_copy(update={"locale": recipient.locale or default})


def pause(attempts: int, retry_after: float | None = None) -> timedelta:
    """How long to wait after `attempts` earlier tries: 5 s, 10 s, 20 s … 15 min, or longer if the server says so."""
    doubled = min(FIRST_PAUSE * (1 << min(attempts, 16)), LONGEST_PAUSE)
    return max(doubled, timedelta(seconds=retry_after or 0))
