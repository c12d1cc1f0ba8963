"""Selling beyond stock: its rules, and the queue of those who wait for supply."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backorder_rules",
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("cap", sa.BigInteger(), nullable=False),
        sa.Column("expected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("cap >= 0 AND waiting >= 0", name=op.f("ck_backorder_rules_not_negative")),
        sa.PrimaryKeyConstraint("sku", "location_id", name=op.f("pk_backorder_rules")),
    )
    op.create_table(
        "backorders",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("line_id", sa.String(length=255), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("counts_at", sa.String(length=255), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("served", sa.Boolean(), nullable=False),
        sa.Column("told", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_backorders_some")),
        sa.PrimaryKeyConstraint("order_id", "n", "line_id", "sku", name=op.f("pk_backorders")),
    )
    op.create_index(
        op.f("ix_backorders_sku_location_id_position"),
        "backorders",
        ["sku", "location_id", "position"],
        unique=False,
        postgresql_where=sa.text("NOT served"),
    )
    op.create_index(
        "ix_backorders_served", "backorders", ["position"], unique=False, postgresql_where=sa.text("served")
    )


def downgrade() -> None:
    op.drop_index("ix_backorders_served", table_name="backorders", postgresql_where=sa.text("served"))
    op.drop_index(
        op.f("ix_backorders_sku_location_id_position"),
        table_name="backorders",
        postgresql_where=sa.text("NOT served"),
    )
    op.drop_table("backorders")
    op.drop_table("backorder_rules")
