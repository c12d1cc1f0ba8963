"""Who waits for a place in which queue, and the runs that broker them."""

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Instant, Name, Table


class QueuedShipmentRow(Table):
    """A shipment is in one queue at a time: its key says so."""

    __tablename__ = "queued_shipments"
    __table_args__ = (Index(None, "queue", "since", "order_id", "n"),)

    order_id: Mapped[Name] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(Integer, primary_key=True)
    queue: Mapped[Name]
    since: Mapped[Instant]
    shipment: Mapped[Document]


class BrokeringRunRow(Table):
    __tablename__ = "brokering_runs"
    __table_args__ = (Index(None, "queue", "started_at"), Index(None, "started_at"))

    run: Mapped[Name] = mapped_column(primary_key=True)
    queue: Mapped[Name]
    state: Mapped[Name]
    started_at: Mapped[Instant]
    as_it_is: Mapped[Document]
