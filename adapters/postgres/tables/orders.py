"""Orders as people read them: one row an order, one a line, one a group, and the timeline; and who took them in."""

from datetime import datetime

from sqlalchemy import Boolean, DateTime, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Amount, Document, Instant, Name, Table


class OrderRow(Table):
    __tablename__ = "orders"

    order_id: Mapped[Name] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    channel: Mapped[Name]
    external_id: Mapped[Name]
    customer_ref: Mapped[Name]
    status: Mapped[str] = mapped_column(String(32))
    currency: Mapped[str] = mapped_column(String(3))
    total: Mapped[Amount]
    placed_at: Mapped[Instant]
    changed_at: Mapped[Instant]
    next_deadline: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    visible: Mapped[bool] = mapped_column(Boolean)
    head: Mapped[Document]
    """The order's view without its lines and groups."""

    __table_args__ = (
        Index("ix_orders_newest", "placed_at", "order_id"),
        Index("ix_orders_external", "channel", "external_id"),
        Index("ix_orders_customer", "customer_ref", "placed_at"),
        Index("ix_orders_status", "status", "placed_at"),
    )


class OrderLineRow(Table):
    __tablename__ = "order_lines"

    order_id: Mapped[Name] = mapped_column(ForeignKey("orders.order_id", ondelete="CASCADE"), primary_key=True)
    line_id: Mapped[Name] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    sku: Mapped[Name]
    view: Mapped[Document]


class OrderGroupRow(Table):
    __tablename__ = "order_groups"

    order_id: Mapped[Name] = mapped_column(ForeignKey("orders.order_id", ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    store_id: Mapped[Name]
    """Who has something to do with it; empty while a place for a shipment is looked for."""
    status: Mapped[str] = mapped_column(String(32))
    promised_ready_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    to_put_back: Mapped[bool] = mapped_column(Boolean)
    view: Mapped[Document]

    __table_args__ = (
        Index(
            "ix_order_groups_work",
            "store_id",
            "promised_ready_at",
            postgresql_where=text(
                "to_put_back OR status IN ('offered', 'accepted', 'picking', 'ready', 'packed', 'waiting', "
                "'requested', 'in_transit_to_store', 'arrived')"
            ),
        ),
        Index("ix_order_groups_waiting", "order_id", "n", postgresql_where=text("status IN ('waiting', 'queued')")),
    )


class TimelineRow(Table):
    """Append-only; `position` is the milestone's number times a thousand plus its place in it."""

    __tablename__ = "order_timeline"

    order_id: Mapped[Name] = mapped_column(ForeignKey("orders.order_id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    entry: Mapped[Document]


class OrderIntakeRow(Table):
    """Who an order is, once for ever, and its start until the workflow has taken it."""

    __tablename__ = "order_intake"

    order_id: Mapped[Name] = mapped_column(primary_key=True)
    channel: Mapped[Name]
    external_id: Mapped[Name]
    content_hash: Mapped[str] = mapped_column(String(64))
    created_by: Mapped[Name]
    state: Mapped[str] = mapped_column(String(16))
    promised_at: Mapped[Instant]
    start: Mapped[bytes | None] = mapped_column(LargeBinary, nullable=True)
    """The sealed start, encrypted under the customer's key; removed when the order is taken."""
    tries: Mapped[int] = mapped_column(Integer)
    """How often a start that was lost was made again in vain."""
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it was promised, or what the last try put it off to; none: given up."""

    __table_args__ = (
        UniqueConstraint("channel", "external_id"),
        Index("ix_order_intake_due", "next_try_at", postgresql_where=text("state = 'promised'")),
        Index("ix_order_intake_promised", "promised_at", postgresql_where=text("state = 'promised'")),
    )
