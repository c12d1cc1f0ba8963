"""Reconciliations: runs, differences, the provider's ledger as a run reads it; and cards by their keyed hash."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision: str | None = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reconciliations",
        sa.Column("run", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("requested_by", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("run", name=op.f("pk_reconciliations")),
    )
    op.create_index(op.f("ix_reconciliations_started_at_run"), "reconciliations", ["started_at", "run"], unique=False)
    op.create_table(
        "reconciliation_differences",
        sa.Column("run", sa.String(length=255), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("difference", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("proposed_by", sa.String(length=255), nullable=True),
        sa.Column("approved_by", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["run"],
            ["reconciliations.run"],
            name=op.f("fk_reconciliation_differences_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run", "n", name=op.f("pk_reconciliation_differences")),
    )
    op.create_index(
        op.f("ix_reconciliation_differences_run_name"), "reconciliation_differences", ["run", "name"], unique=True
    )
    op.create_table(
        "reconciled_payments",
        sa.Column("run", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("authorised", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("run", "id", name=op.f("pk_reconciled_payments")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(
        op.f("ix_reconciled_payments_run_reference"), "reconciled_payments", ["run", "reference"], unique=False
    )
    op.create_table(
        "card_records",
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("card_hash", sa.LargeBinary(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["customer_keys.key_id"], name=op.f("fk_card_records_key_id")),
        sa.PrimaryKeyConstraint("subject", "card_hash", name=op.f("pk_card_records")),
    )
    op.create_index(op.f("ix_card_records_card_hash"), "card_records", ["card_hash"], unique=False)
    op.create_index(op.f("ix_card_records_key_id"), "card_records", ["key_id"], unique=False)


def downgrade() -> None:
    op.drop_table("card_records")
    op.drop_table("reconciled_payments")
    op.drop_table("reconciliation_differences")
    op.drop_table("reconciliations")
