"""Returns: one row a return, the units that it has a claim on, its settlements; and the versions of the policy."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Identity, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Amount, Document, Instant, Name, Table


class ReturnRow(Table):
    __tablename__ = "returns"

    return_id: Mapped[Name] = mapped_column(primary_key=True)
    order_id: Mapped[Name]
    version: Mapped[int] = mapped_column(Integer)
    customer_ref: Mapped[Name]
    store_id: Mapped[Name | None]
    status: Mapped[str] = mapped_column(String(32))
    finished: Mapped[bool]
    refunded: Mapped[Amount]
    requested_at: Mapped[Instant]
    next_deadline: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    view: Mapped[Document]

    __table_args__ = (
        Index("ix_returns_order", "order_id", "requested_at"),
        Index("ix_returns_newest", "requested_at", "return_id"),
        Index("ix_returns_customer", "customer_ref", "requested_at"),
        Index("ix_returns_work", "store_id", "requested_at", postgresql_where=text("NOT finished")),
        Index("ix_returns_asking", "requested_at", postgresql_where=text("status = 'needs_attention'")),
    )


class ReturnUnitsRow(Table):
    """Units of an order's line that one return has a claim on, and those that came and were accepted."""

    __tablename__ = "return_units"

    return_id: Mapped[Name] = mapped_column(ForeignKey(ReturnRow.return_id, ondelete="CASCADE"), primary_key=True)
    line_id: Mapped[Name] = mapped_column(primary_key=True)
    order_id: Mapped[Name]
    claimed: Mapped[int] = mapped_column(Integer)
    accepted: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint("claimed >= 0 AND accepted >= 0 AND accepted <= claimed", name="within_claim"),
        Index(None, "order_id"),
    )


class ReturnSettlementRow(Table):
    """What one settlement came to: worked out once, never changed."""

    __tablename__ = "return_settlements"

    return_id: Mapped[Name] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    order_id: Mapped[Name]
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    settled: Mapped[Document]

    __table_args__ = (Index(None, "order_id", "position"),)


class ExchangeCreditRow(Table):
    """What a return's replacement may hold and take. What it has held and taken stands in the ledger."""

    __tablename__ = "exchange_credits"

    return_id: Mapped[Name] = mapped_column(ForeignKey(ReturnRow.return_id, ondelete="CASCADE"), primary_key=True)
    replacement: Mapped[Name]
    """The order that it pays for."""
    currency: Mapped[str] = mapped_column(String(3))
    promised: Mapped[Amount]
    granted: Mapped[Amount]
    secured: Mapped[Amount]

    __table_args__ = (
        CheckConstraint("promised >= 0 AND granted >= 0 AND secured >= 0", name="not_negative"),
        CheckConstraint("granted <= promised", name="granted_within_promised"),
        Index(None, "replacement", unique=True),
    )


class ExchangeRefundRow(Table):
    """What a return of a replacement has paid back to the tenders of an order whose value had paid for it."""

    __tablename__ = "exchange_refunds"

    return_id: Mapped[Name] = mapped_column(ForeignKey(ReturnRow.return_id, ondelete="CASCADE"), primary_key=True)
    order_id: Mapped[Name] = mapped_column(primary_key=True)
    refunded: Mapped[Amount]

    __table_args__ = (Index(None, "order_id"),)


class ReturnPolicyRow(Table):
    """One version of the policy. Orders keep the number, so none is ever changed."""

    __tablename__ = "return_policies"

    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    policy: Mapped[Document]
    created_at: Mapped[Instant]
    created_by: Mapped[Name]


TABLES: list[Any] = [
    ReturnRow.__table__,
    ReturnUnitsRow.__table__,
    ReturnSettlementRow.__table__,
    ExchangeCreditRow.__table__,
    ExchangeRefundRow.__table__,
    ReturnPolicyRow.__table__,
]
