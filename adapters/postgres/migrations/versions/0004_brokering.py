"""Queues of shipments that wait for a place, and the runs that broker them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "brokering_runs",
        sa.Column("run", sa.String(length=255), nullable=False),
        sa.Column("queue", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_it_is", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_brokering_runs")),
    )
    op.create_index(op.f("ix_brokering_runs_queue_started_at"), "brokering_runs", ["queue", "started_at"])
    op.create_index(op.f("ix_brokering_runs_started_at"), "brokering_runs", ["started_at"])
    op.create_table(
        "queued_shipments",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("queue", sa.String(length=255), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shipment", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "n", name=op.f("pk_queued_shipments")),
    )
    op.create_index(
        op.f("ix_queued_shipments_queue_since_order_id_n"), "queued_shipments", ["queue", "since", "order_id", "n"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_queued_shipments_queue_since_order_id_n"), table_name="queued_shipments")
    op.drop_table("queued_shipments")
    op.drop_index(op.f("ix_brokering_runs_started_at"), table_name="brokering_runs")
    op.drop_index(op.f("ix_brokering_runs_queue_started_at"), table_name="brokering_runs")
    op.drop_table("brokering_runs")
