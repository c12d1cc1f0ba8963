"""Applications as people read them, products in their versions, and accounts with what was posted to them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Date, DateTime, ForeignKey, Identity, Index, Integer, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Instant, Name, Table


class ApplicationRow(Table):
    __tablename__ = "applications"

    application_id: Mapped[Name] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    product: Mapped[Name]
    channel: Mapped[Name]
    created_by: Mapped[Name]
    customer_ref: Mapped[Name]
    stage: Mapped[str] = mapped_column(String(32))
    outcome: Mapped[str | None] = mapped_column(String(32))
    for_review: Mapped[bool] = mapped_column(Boolean)
    """An underwriter has something to do with it."""
    review_due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[Instant]
    changed_at: Mapped[Instant]
    view: Mapped[Document]

    __table_args__ = (
        Index("ix_applications_customer", "customer_ref", "created_at"),
        Index("ix_applications_newest", "created_at", "application_id"),
        Index("ix_applications_review", "review_due_at", postgresql_where=text("for_review")),
    )


class ApplicationEventRow(Table):
    __tablename__ = "application_timeline"

    application_id: Mapped[Name] = mapped_column(
        ForeignKey("applications.application_id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    entry: Mapped[Document]


class ProductRow(Table):
    """A version is written once."""

    __tablename__ = "lending_products"

    product: Mapped[Name] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    definition: Mapped[Document]
    published_by: Mapped[Name]
    published_at: Mapped[Instant]


class AccountRow(Table):
    __tablename__ = "lending_accounts"

    account_id: Mapped[Name] = mapped_column(primary_key=True)
    application_id: Mapped[Name]
    terms: Mapped[Document]
    instalments: Mapped[list[Any]] = mapped_column(JSONB)
    opened_at: Mapped[Instant]

    __table_args__ = (Index(None, "application_id"),)


class AccountTransactionRow(Table):
    """What was posted, once a key. Only the state moves on: pending to booked or reversed."""

    __tablename__ = "lending_transactions"

    key: Mapped[Name] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    account_id: Mapped[Name] = mapped_column(ForeignKey(AccountRow.account_id))
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16))
    at: Mapped[Instant]
    value_date: Mapped[date] = mapped_column(Date)
    postings: Mapped[list[Any]] = mapped_column(JSONB)
    channel: Mapped[Name | None]

    __table_args__ = (Index(None, "account_id", "position"),)
