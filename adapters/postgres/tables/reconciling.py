"""Reconciliations: each run, the differences that it found, and the provider's ledger as it was read for it."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Amount, Document, Instant, Name, Table


class ReconciliationRow(Table):
    __tablename__ = "reconciliations"
    __table_args__ = (Index(None, "started_at", "run"),)

    run: Mapped[Name] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(32))
    requested_by: Mapped[Name]
    started_at: Mapped[Instant]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    counts: Mapped[Document]


class ReconciliationDifferenceRow(Table):
    """One difference, what would make it right, and who had that done."""

    __tablename__ = "reconciliation_differences"
    __table_args__ = (Index(None, "run", "name", unique=True),)

    run: Mapped[Name] = mapped_column(ForeignKey(ReconciliationRow.run, ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(32))
    difference: Mapped[Document]
    proposed_by: Mapped[Name | None]
    approved_by: Mapped[Name | None]
    reason: Mapped[str | None] = mapped_column(Text)
    outcome: Mapped[str | None] = mapped_column(Text)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ReconciledPaymentRow(Table):
    """What the provider says of one authorisation, read once for a run and forgotten with its end."""

    __tablename__ = "reconciled_payments"
    __table_args__ = (Index(None, "run", "reference"), {"prefixes": ["UNLOGGED"]})

    run: Mapped[Name] = mapped_column(primary_key=True)
    id: Mapped[Name] = mapped_column(primary_key=True)
    reference: Mapped[Name]
    status: Mapped[str] = mapped_column(String(32))
    authorised: Mapped[Amount]
    captured: Mapped[Amount]
    voided: Mapped[Amount]
    refunded: Mapped[Amount]


TABLES: list[Any] = [
    ReconciliationRow.__table__,
    ReconciliationDifferenceRow.__table__,
    ReconciledPaymentRow.__table__,
]
