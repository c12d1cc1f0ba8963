"""Customers' keys, the workflows that use them, and the personal data that they seal.

A deleted key makes everything that it sealed unreadable, here, in Temporal's histories and in the backups of both. Only
backups of `customer_keys` itself still hold it: keep those for less time than an erasure may take.
"""

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Instant, Name, Table


class CustomerKeyRow(Table):
    """One data key of one customer. The row outlives the key, so that pages can say "erased"."""

    __tablename__ = "customer_keys"

    key_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    tenant: Mapped[Name]
    customer_ref: Mapped[Name]
    master: Mapped[str] = mapped_column(String(16))
    """Which master key wraps it."""
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Instant]
    erased_at: Mapped[Instant | None]

    __table_args__ = (
        CheckConstraint("(wrapped IS NULL) = (erased_at IS NOT NULL)", name="erased_or_wrapped"),
        # A customer who returns after an erasure gets a new key, so only living keys are unique.
        Index(
            "ix_customer_keys_living", "tenant", "customer_ref", unique=True, postgresql_where=text("erased_at IS NULL")
        ),
    )


class WorkflowKeyRow(Table):
    """Which key a workflow's histories are encrypted with; never changed."""

    __tablename__ = "workflow_keys"

    workflow_id: Mapped[Name] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey(CustomerKeyRow.key_id), index=True)


class PersonalRecordRow(Table):
    """One subject's personal data, sealed, with keyed hashes to find it by."""

    __tablename__ = "personal_records"

    subject: Mapped[Name] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(ForeignKey(CustomerKeyRow.key_id), index=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Nothing once the person was erased."""
    email_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    phone_hash: Mapped[bytes | None] = mapped_column(LargeBinary, index=True)
    recorded_at: Mapped[Instant]


class CardRecordRow(Table):
    """By which card an order was paid: a keyed hash of its provider's token, to find it with the card in hand."""

    __tablename__ = "card_records"

    subject: Mapped[Name] = mapped_column(primary_key=True)
    card_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True, index=True)
    key_id: Mapped[str] = mapped_column(ForeignKey(CustomerKeyRow.key_id), index=True)
    recorded_at: Mapped[Instant]
