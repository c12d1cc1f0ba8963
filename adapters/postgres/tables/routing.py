"""Routing rules by version, what was decided by them, and the capacity of places that orders use."""

from datetime import date

from sqlalchemy import DDL, BigInteger, CheckConstraint, Identity, Index, Integer, event, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Document, Instant, Name, Table


class RoutingRulesRow(Table):
    """Written once; the newest version counts."""

    __tablename__ = "routing_rules"

    version: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    rules: Mapped[Document]
    at: Mapped[Instant]


class RoutingDecisionRow(Table):
    """One decision about one order, with every place that was looked at. Never updated, never deleted."""

    __tablename__ = "routing_decisions"
    __table_args__ = (
        Index("uq_routing_decisions_key", "key", unique=True),
        Index(None, "order_id", "id"),
        Index(None, "at", postgresql_where=text("snapshot IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    key: Mapped[Name]
    order_id: Mapped[Name]
    group: Mapped[int | None]
    run: Mapped[Name | None]
    at: Mapped[Instant]
    decision: Mapped[Document]
    snapshot: Mapped[Document | None] = mapped_column(JSONB(none_as_null=True))


class CapacityDayRow(Table):
    """Parcels that a place has taken on for a day, kept by conditional updates beside each hold."""

    __tablename__ = "capacity_days"
    __table_args__ = (CheckConstraint("taken >= 0", name="not_negative"),)

    location_id: Mapped[Name] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    taken: Mapped[int] = mapped_column(BigInteger)


class CapacityOpenRow(Table):
    """Parcels that a place has open, of whatever day."""

    __tablename__ = "capacity_open"
    __table_args__ = (CheckConstraint("open >= 0", name="not_negative"),)

    location_id: Mapped[Name] = mapped_column(primary_key=True)
    open: Mapped[int] = mapped_column(BigInteger)


class CapacityHoldRow(Table):
    """What one operation took, and how that ended."""

    __tablename__ = "capacity_holds"
    __table_args__ = (CheckConstraint("parcels > 0", name="some"),)

    key: Mapped[Name] = mapped_column(primary_key=True)
    location_id: Mapped[Name]
    day: Mapped[date]
    parcels: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[Name]
    at: Mapped[Instant]


APPEND_ONLY = (
    """
    CREATE OR REPLACE FUNCTION routing_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        RAISE EXCEPTION '% is append-only: write a newer row instead', TG_TABLE_NAME;
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER routing_decisions_append_only BEFORE UPDATE OR DELETE ON routing_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION routing_is_append_only()
    """,
    """
    CREATE OR REPLACE TRIGGER routing_rules_append_only BEFORE UPDATE OR DELETE ON routing_rules
    FOR EACH STATEMENT EXECUTE FUNCTION routing_is_append_only()
    """,
)
"""For the migration too: autogenerate does not see triggers."""

for _table, _statements in (
    (RoutingDecisionRow.__table__, APPEND_ONLY[:2]),
    (RoutingRulesRow.__table__, (APPEND_ONLY[0], APPEND_ONLY[2])),
):
    for _statement in _statements:
        # In a format string of DDL a per cent sign is written twice.
        _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
        event.listen(_table, "after_create", _ddl.execute_if(dialect="postgresql"))
