"""The outbox: every notice there ever was, and what became of it."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Instant, Name, Table


class NoticeRow(Table):
    __tablename__ = "notices"

    key: Mapped[Name] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    kind: Mapped[str] = mapped_column(String(64))
    order_id: Mapped[Name]
    group_id: Mapped[Name | None]
    store_id: Mapped[Name | None]
    locale: Mapped[str] = mapped_column(String(35))
    at: Mapped[Instant]
    until: Mapped[Instant | None]
    facts: Mapped[Document]

    state: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[Instant]
    """Of a pending notice: when it is due. A claim moves it to the end of its lease."""
    first_attempt_at: Mapped[Instant | None]
    settled_at: Mapped[Instant | None]
    message_id: Mapped[Name | None]
    last_error: Mapped[str | None] = mapped_column(String(100))
    requested_by: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))

    __table_args__ = (
        CheckConstraint("state in ('pending', 'sent', 'failed', 'suppressed')", name="state"),
        CheckConstraint("state = 'pending' or settled_at is not null", name="settled"),
        Index("ix_notices_order_id", "order_id", "sequence"),
        # Both stay small: what is settled well leaves them.
        Index("ix_notices_pending", "next_attempt_at", "sequence", postgresql_where=text("state = 'pending'")),
        Index("ix_notices_failed", "sequence", postgresql_where=text("state = 'failed'")),
    )
