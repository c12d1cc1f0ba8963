"""Notifications in memory, for tests: the same contract, with a look inside."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from adapters.notification.port import Message, NoticeState, OutboxEntry, PendingNotice, UnknownNotice
from domain.actors import Actor
from domain.ids import GroupId, OrderId
from domain.notices import Notice, NoticeKey, NoticeKind


class MemoryMailer:
    """Keeps what was sent. `faults` are raised first, one a call: `[Unavailable("smtp_451"), None]`."""

    def __init__(self, faults: Iterable[Exception | None] = ()) -> None:
        self.messages: list[Message] = []
        self.faults = list(faults)

    def message_id(self, message: Message) -> str:
        return f"<{message.key}@memory>"

    async def send(self, message: Message) -> None:
        await asyncio.sleep(0)  # as a real one does: others run meanwhile
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        self.messages.append(message)


@dataclass(frozen=True)
class _Kept:
    entry: OutboxEntry
    due_at: datetime
    first_attempt_at: datetime | None = None


class MemoryOutbox:
    """See `port.Outbox`."""

    def __init__(self, lease: timedelta = timedelta(minutes=2)) -> None:
        self._kept: dict[NoticeKey, _Kept] = {}
        self._lease = lease
        self._woken = asyncio.Event()

    async def add(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self._add(notice)

    async def withdraw(
        self, order_id: OrderId, kinds: Iterable[NoticeKind], at: datetime, group_id: GroupId | None = None
    ) -> None:
        wanted = set(kinds)
        for key, kept in list(self._kept.items()):
            notice = kept.entry.notice
            if notice.order_id == order_id and notice.kind in wanted and group_id in (None, notice.group_id):
                self._settle(key, NoticeState.SUPPRESSED, at, "withdrawn")

    async def claim(self, limit: int, at: datetime) -> list[PendingNotice]:
        due = [kept for kept in self._kept.values() if kept.entry.state is NoticeState.PENDING and kept.due_at <= at]
        claimed = []
        for kept in sorted(due, key=lambda one: one.due_at)[:limit]:
            first = kept.first_attempt_at or at
            self._kept[kept.entry.notice.key] = replace(kept, due_at=at + self._lease, first_attempt_at=first)
            claimed.append(PendingNotice(kept.entry.notice, kept.entry.attempts, first))
        return claimed

    async def sent(self, key: NoticeKey, at: datetime, message_id: str) -> None:
        entry = self._kept[key].entry
        if entry.state is not NoticeState.SENT:
            self._update(
                key,
                state=NoticeState.SENT,
                settled_at=at,
                message_id=message_id,
                attempts=entry.attempts + 1,
                last_error=None,
            )

    async def failed(self, key: NoticeKey, at: datetime, error: str, next_attempt_at: datetime) -> None:
        kept = self._kept[key]
        if kept.entry.state is NoticeState.PENDING:
            self._kept[key] = replace(kept, due_at=next_attempt_at)
            self._update(key, attempts=kept.entry.attempts + 1, last_error=error)

    async def gave_up(self, key: NoticeKey, at: datetime, reason: str) -> None:
        entry = self._kept[key].entry
        if entry.state is NoticeState.PENDING:
            self._update(key, attempts=entry.attempts + 1)
            self._settle(key, NoticeState.FAILED, at, reason)

    async def suppressed(self, key: NoticeKey, at: datetime, reason: str) -> None:
        self._settle(key, NoticeState.SUPPRESSED, at, reason)

    async def list_for_order(self, order_id: OrderId) -> list[OutboxEntry]:
        return [_shown(kept) for kept in self._kept.values() if kept.entry.notice.order_id == order_id]

    async def list_failed(self, limit: int) -> list[OutboxEntry]:
        failed = [_shown(kept) for kept in self._kept.values() if kept.entry.state is NoticeState.FAILED]
        return failed[::-1][:limit]

    async def resend(self, key: NoticeKey, at: datetime, by: Actor, contact: int | None = None) -> NoticeKey:
        original = key.partition("#")[0]
        if original not in self._kept:
            raise UnknownNotice("no notice has this key; list the order's messages to find it")
        number = sum(1 for other in self._kept if other.startswith(f"{original}#")) + 2
        copy = self._kept[original].entry.notice.copy_for(number, at, contact)
        self._add(copy, by)
        return copy.key

    async def next_due_at(self) -> datetime | None:
        return min(
            (kept.due_at for kept in self._kept.values() if kept.entry.state is NoticeState.PENDING), default=None
        )

    async def wait_for_work(self, timeout: float) -> bool:  # noqa: ASYNC109 - waiting is the whole call
        try:
            await asyncio.wait_for(self._woken.wait(), timeout)
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def _add(self, notice: Notice, by: Actor | None = None) -> None:
        if notice.key not in self._kept:
            entry = OutboxEntry(notice=notice, state=NoticeState.PENDING, requested_by=by)
            self._kept[notice.key] = _Kept(entry, due_at=notice.at)
            self._woken.set()

    def _settle(self, key: NoticeKey, state: NoticeState, at: datetime, reason: str) -> None:
        if self._kept[key].entry.state is NoticeState.PENDING:
            self._update(key, state=state, settled_at=at, last_error=reason)

    def _update(self, key: NoticeKey, **changes: object) -> None:
        kept = self._kept[key]
        self._kept[key] = replace(kept, entry=kept.entry.model_copy(update=changes))


def _shown(kept: _Kept) -> OutboxEntry:
    pending = kept.entry.state is NoticeState.PENDING
    return kept.entry.model_copy(update={"next_attempt_at": kept.due_at if pending else None})
