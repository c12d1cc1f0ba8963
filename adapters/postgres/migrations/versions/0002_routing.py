"""Routing rules, decisions, and the capacity that orders use."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "capacity_days",
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_capacity_days_not_negative")),
        sa.PrimaryKeyConstraint("location_id", "day", name=op.f("pk_capacity_days")),
    )
    op.create_table(
        "capacity_holds",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("parcels", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("parcels > 0", name=op.f("ck_capacity_holds_some")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_capacity_holds")),
    )
    op.create_table(
        "capacity_open",
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("open >= 0", name=op.f("ck_capacity_open_not_negative")),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_capacity_open")),
    )
    op.create_table(
        "routing_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("group", sa.Integer(), nullable=True),
        sa.Column("run", sa.String(length=255), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decision", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_decisions")),
    )
    op.create_index(
        op.f("ix_routing_decisions_at"),
        "routing_decisions",
        ["at"],
        unique=False,
        postgresql_where=sa.text("snapshot IS NOT NULL"),
    )
    op.create_index(op.f("ix_routing_decisions_order_id_id"), "routing_decisions", ["order_id", "id"], unique=False)
    op.create_index("uq_routing_decisions_key", "routing_decisions", ["key"], unique=True)
    op.create_table(
        "routing_rules",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_routing_rules")),
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION routing_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION '% is append-only: write a newer row instead', TG_TABLE_NAME;
        END $body$
        """
    )
    for table in ("routing_decisions", "routing_rules"):
        op.execute(
            f"""
            CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION routing_is_append_only()
            """
        )


def downgrade() -> None:
    op.drop_table("routing_rules")
    op.drop_index("uq_routing_decisions_key", table_name="routing_decisions")
    op.drop_index(op.f("ix_routing_decisions_order_id_id"), table_name="routing_decisions")
    op.drop_index(
        op.f("ix_routing_decisions_at"),
        table_name="routing_decisions",
        postgresql_where=sa.text("snapshot IS NOT NULL"),
    )
    op.drop_table("routing_decisions")
    op.drop_table("capacity_open")
    op.drop_table("capacity_holds")
    op.drop_table("capacity_days")
    op.execute("DROP FUNCTION routing_is_append_only()")
