"""Stock: levels, the append-only ledger of their movements, what orders hold, safety stock, keys of commands."""

from sqlalchemy import DDL, BigInteger, CheckConstraint, Identity, Index, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Instant, Name, Table

_UNITS = "on_hand >= 0 AND allocated >= 0 AND reserved >= 0 AND set_aside >= 0 AND withheld >= 0"
_SHARES = ("reserved", "allocated", "set_aside", "consumed", "released", "expired")


class StockLevelRow(Table):
    """Kept by conditional updates beside each movement; always the sum of the ledger."""

    __tablename__ = "stock_levels"
    __table_args__ = (CheckConstraint(_UNITS, name="not_negative"), Index(None, "location_id", "sku"))

    sku: Mapped[Name] = mapped_column(primary_key=True)
    location_id: Mapped[Name] = mapped_column(primary_key=True)
    on_hand: Mapped[int] = mapped_column(BigInteger)
    allocated: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    set_aside: Mapped[int] = mapped_column(BigInteger)
    withheld: Mapped[int] = mapped_column(BigInteger)


class StockBufferRow(Table):
    """Safety stock; `*` stands for every SKU, location or channel."""

    __tablename__ = "stock_buffers"
    __table_args__ = (CheckConstraint("quantity >= 0", name="not_negative"),)

    sku: Mapped[Name] = mapped_column(primary_key=True)
    location_id: Mapped[Name] = mapped_column(primary_key=True)
    channel: Mapped[Name] = mapped_column(primary_key=True)
    quantity: Mapped[int] = mapped_column(BigInteger)


class ReservationRow(Table):
    """One line's units at one place. The check makes each unit that was taken be in exactly one share."""

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint(" AND ".join(f"{share} >= 0" for share in _SHARES), name="not_negative"),
        CheckConstraint(f"taken = {' + '.join(_SHARES)}", name="units_in_are_units_out"),
        Index(None, "expires_at", postgresql_where=text("reserved > 0")),
    )

    order_id: Mapped[Name] = mapped_column(primary_key=True)
    line_id: Mapped[Name] = mapped_column(primary_key=True)
    sku: Mapped[Name] = mapped_column(primary_key=True)
    location_id: Mapped[Name] = mapped_column(primary_key=True)
    taken: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    allocated: Mapped[int] = mapped_column(BigInteger)
    set_aside: Mapped[int] = mapped_column(BigInteger)
    consumed: Mapped[int] = mapped_column(BigInteger)
    released: Mapped[int] = mapped_column(BigInteger)
    expired: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[Instant | None]


class StockMovementRow(Table):
    """What one command changed for one line at one place; the numbers are differences. Never updated, never deleted."""

    __tablename__ = "stock_movements"
    __table_args__ = (Index(None, "sku", "location_id", "id"), Index(None, "order_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[Name]
    kind: Mapped[Name]
    sku: Mapped[Name]
    location_id: Mapped[Name]
    order_id: Mapped[Name | None]
    line_id: Mapped[Name | None]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[Instant]
    on_hand: Mapped[int] = mapped_column(BigInteger)
    allocated: Mapped[int] = mapped_column(BigInteger)
    reserved: Mapped[int] = mapped_column(BigInteger)
    set_aside: Mapped[int] = mapped_column(BigInteger)
    withheld: Mapped[int] = mapped_column(BigInteger)


class StockOperationRow(Table):
    """A command that was carried out, with its answer, so that repeating its key changes nothing."""

    __tablename__ = "stock_operations"

    key: Mapped[Name] = mapped_column(primary_key=True)
    fingerprint: Mapped[Name]
    answer: Mapped[Document]
    at: Mapped[Instant]


APPEND_ONLY = (
    """
    CREATE OR REPLACE FUNCTION stock_movements_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        RAISE EXCEPTION 'stock_movements is append-only: record a correcting movement instead';
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER stock_movements_append_only BEFORE UPDATE OR DELETE ON stock_movements
    FOR EACH STATEMENT EXECUTE FUNCTION stock_movements_are_append_only()
    """,
)
"""For the migration too: autogenerate does not see triggers."""

for _statement in APPEND_ONLY:
    _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(StockMovementRow.__table__, "after_create", _ddl.execute_if(dialect="postgresql"))
