"""Events from outside systems, kept before they are acknowledged."""

from datetime import datetime

from sqlalchemy import DateTime, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Instant, Name, Table


class InboundEventRow(Table):
    __tablename__ = "inbound_events"

    provider: Mapped[Name] = mapped_column(primary_key=True)
    event_id: Mapped[Name] = mapped_column(primary_key=True)
    type: Mapped[Name]
    order_id: Mapped[Name]
    received_at: Mapped[Instant]
    delivered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    tries: Mapped[int] = mapped_column(Integer)
    next_try_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """When it was received, or what the last try put it off to; none: given up."""
    data: Mapped[Document]

    __table_args__ = (
        Index("ix_inbound_events_due", "next_try_at", postgresql_where=text("delivered_at IS NULL")),
        Index("ix_inbound_events_waiting", "received_at", postgresql_where=text("delivered_at IS NULL")),
        Index("ix_inbound_events_order", "order_id", postgresql_where=text("delivered_at IS NULL")),
    )
