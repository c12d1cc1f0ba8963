"""Selling beyond stock: how much of what, and the queue of those who wait for supply."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Identity, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Instant, Name, Table


class BackorderRuleRow(Table):
    """`waiting` is kept beside each change of the queue; `*` as a place: all that have no rule of their own."""

    __tablename__ = "backorder_rules"
    __table_args__ = (CheckConstraint("cap >= 0 AND waiting >= 0", name="not_negative"),)

    sku: Mapped[Name] = mapped_column(primary_key=True)
    location_id: Mapped[Name] = mapped_column(primary_key=True)
    cap: Mapped[int] = mapped_column(BigInteger)
    expected_at: Mapped[Instant | None]
    waiting: Mapped[int] = mapped_column(BigInteger)


class BackorderRow(Table):
    """One stock line of a group that waits. `counts_at`: the place of the rule that it counts against, if any."""

    __tablename__ = "backorders"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="some"),
        Index(None, "sku", "location_id", "position", postgresql_where=text("NOT served")),
        Index("ix_backorders_served", "position", postgresql_where=text("served")),
    )

    order_id: Mapped[Name] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    line_id: Mapped[Name] = mapped_column(primary_key=True)
    sku: Mapped[Name] = mapped_column(primary_key=True)
    location_id: Mapped[Name]
    counts_at: Mapped[Name | None]
    quantity: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    since: Mapped[Instant]
    channel: Mapped[Name]
    served: Mapped[bool] = mapped_column(Boolean)
    told: Mapped[Instant | None]
