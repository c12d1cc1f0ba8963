"""What the engine asks of notifications: an outbox that joins the caller's transaction, a mailer, and who relays."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from domain.actors import Actor
from domain.ids import GroupId, OrderId
from domain.notices import Notice, NoticeKey, NoticeKind


class Unavailable(Exception):
    """The mail system is away or busy. The same message may be offered again, after `retry_after` seconds if given."""

    def __init__(self, reason: str, retry_after: float | None = None):
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Rejected(Exception):
    """This message will never be taken (a 5xx answer, an address that cannot be). Repeating it is useless."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class UnknownNotice(LookupError):
    """No notice has this key."""


@dataclass(frozen=True)
class InlineImage:
    """A picture that the HTML part shows by `cid:`."""

    cid: str
    content_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Message:
    """One mail, ready to go. Its `repr` shows nothing personal and no code."""

    key: NoticeKey
    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
    at: datetime
    """The event's instant: the mail's date, the same on every attempt."""
    to_name: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    images: tuple[InlineImage, ...] = ()


class Mailer(Protocol):
    def message_id(self, message: Message) -> str:
        """The name of the mail, made from its key: two copies of one message are recognised by it."""
        ...

    async def send(self, message: Message) -> None:
        """Hand `message` over; returns when the receiving system is answerable for it.

        Raises: Unavailable (try again later), Rejected (final).
        """
        ...


class NoticeState(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    """Given up: a person decides (another address, a call, a copy)."""
    SUPPRESSED = "suppressed"
    """Not sent on purpose: erased, opted out, no address, too late, withdrawn."""


@dataclass(frozen=True)
class PendingNotice:
    """A notice that this relay alone may send until its lease ends."""

    notice: Notice
    attempts: int
    """How often it was tried before."""
    first_attempt_at: datetime


class OutboxEntry(BaseModel):
    """A notice and what became of it, as staff read it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    notice: Notice
    state: NoticeState
    attempts: int = 0
    next_attempt_at: AwareDatetime | None = None
    settled_at: AwareDatetime | None = None
    """When it was sent, given up or suppressed."""
    message_id: str | None = None
    last_error: str | None = None
    """A code such as `smtp_451` or `opted_out`; never a server's words, which may quote an address."""
    requested_by: Actor | None = None
    """Who asked for this copy."""


class Outbox(Protocol):
    """Notices that wait to be sent. An implementation made on a transaction takes part in it and never commits."""

    async def add(self, notices: Iterable[Notice]) -> None:
        """Keep `notices`; a key that is known already changes nothing. Wakes whoever waits for work."""
        ...

    async def withdraw(
        self, order_id: OrderId, kinds: Iterable[NoticeKind], at: datetime, group_id: GroupId | None = None
    ) -> None:
        """Suppress what still waits, e.g. a reminder for goods that have just been collected."""
        ...

    async def claim(self, limit: int, at: datetime) -> list[PendingNotice]:
        """Lease up to `limit` notices that are due at `at`, oldest first; no one else gets them until it ends."""
        ...

    async def sent(self, key: NoticeKey, at: datetime, message_id: str) -> None: ...

    async def failed(self, key: NoticeKey, at: datetime, error: str, next_attempt_at: datetime) -> None:
        """One more attempt in vain; the next not before `next_attempt_at`."""
        ...

    async def gave_up(self, key: NoticeKey, at: datetime, reason: str) -> None: ...

    async def suppressed(self, key: NoticeKey, at: datetime, reason: str) -> None: ...

    async def list_for_order(self, order_id: OrderId) -> list[OutboxEntry]:
        """Every notice of an order, in the order in which they were added."""
        ...

    async def list_failed(self, limit: int) -> list[OutboxEntry]:
        """What was given up, newest first, for the people in ops."""
        ...

    async def resend(self, key: NoticeKey, at: datetime, by: Actor, contact: int | None = None) -> NoticeKey:
        """Add a copy under `{key}#2`, `#3` …, remembering who asked; returns the copy's key. Raises: UnknownNotice.

        `contact`: where the customer is told now, if that has changed since the order was placed.
        """
        ...

    async def next_due_at(self) -> datetime | None:
        """When the next notice may be claimed; none when nothing is pending."""
        ...

    async def wait_for_work(self, timeout: float) -> bool:  # noqa: ASYNC109 - waiting is the whole call
        """Return true as soon as there may be something to claim, false after `timeout` seconds.

        Scheduled retries wake nobody: bound the time-out by `RelayResult.next_due_at`.
        """
        ...


class Undelivered(BaseModel):
    """A notice that was given up in this round: work for a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: NoticeKey
    kind: NoticeKind
    order_id: OrderId
    reason: str


class RelayResult(BaseModel):
    """What one round did. `next_due_at`: when the next round is worth it without a wake-up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sent: int = 0
    retried: int = 0
    suppressed: int = 0
    gave_up: tuple[Undelivered, ...] = ()
    more: bool = False
    """The batch was full: run again at once."""
    next_due_at: AwareDatetime | None = None


class Relay(Protocol):
    """Empties the outbox; see `NoticeRelay`."""

    async def run_once(self, at: datetime) -> RelayResult: ...

    async def wait_for_work(self, timeout: float) -> bool: ...  # noqa: ASYNC109 - waiting is the whole call
