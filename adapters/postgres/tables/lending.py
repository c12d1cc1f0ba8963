"""Applications as people read them, products in their versions, and accounts with what was posted to them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Amount, Document, Instant, Name, Table

IS_ASKING = "view @> '{\"asks\": true}'"
"""A person of the office is asked something."""


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
        Index("ix_applications_open", "changed_at", postgresql_where=text("outcome IS NULL")),
        Index("ix_applications_asking", "changed_at", postgresql_where=text(IS_ASKING)),
    )


class ApplicationEventRow(Table):
    __tablename__ = "application_timeline"

    application_id: Mapped[Name] = mapped_column(
        ForeignKey("applications.application_id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    entry: Mapped[Document]


class DisbursementPlanRow(Table):
    """Where a loan's money goes: to its borrower, or to orders that it pays. Written once; the first word counts."""

    __tablename__ = "disbursement_plans"

    application_id: Mapped[Name] = mapped_column(primary_key=True)
    plan: Mapped[Name]


class FinancingRow(Table):
    """Money of a loan that is set aside for an order, and what became of it."""

    __tablename__ = "financing_authorisations"

    id: Mapped[Name] = mapped_column(primary_key=True)
    application_id: Mapped[Name]
    order_id: Mapped[Name]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Amount]
    captured: Mapped[Amount]
    voided: Mapped[Amount]
    refunded: Mapped[Amount]

    __table_args__ = (
        CheckConstraint("captured + voided <= amount", name="within_amount"),
        CheckConstraint("refunded <= captured", name="refunded_within_captured"),
        Index(None, "application_id"),
    )


class FinancingOperationRow(Table):
    """One operation for ever, with the answer that its key gets."""

    __tablename__ = "financing_operations"

    key: Mapped[Name] = mapped_column(primary_key=True)
    kind: Mapped[Name]
    asked: Mapped[str] = mapped_column(String(512))
    authorisation_id: Mapped[Name]
    answer: Mapped[Document]


class LegalHoldRow(Table):
    """A reason to keep an application's file beyond its time."""

    __tablename__ = "legal_holds"

    hold_id: Mapped[Name] = mapped_column(primary_key=True)
    application_id: Mapped[Name]
    reason: Mapped[str] = mapped_column(Text)
    set_by: Mapped[Name]
    set_at: Mapped[Instant]
    released_by: Mapped[Name | None]
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    released_for: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index(None, "application_id"),)


class ProductRow(Table):
    """A version is written once."""

    __tablename__ = "lending_products"

    product: Mapped[Name] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    definition: Mapped[Document]
    published_by: Mapped[Name]
    published_at: Mapped[Instant]


class PolicyPackRow(Table):
    """A version is written once."""

    __tablename__ = "lending_policy_packs"

    name: Mapped[Name] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    effective_from: Mapped[date] = mapped_column(Date)
    pack: Mapped[Document]
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
