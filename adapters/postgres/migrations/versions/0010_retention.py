"""Legal holds on the files of applications, and loans that pay orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision: str | None = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disbursement_plans",
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("plan", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_disbursement_plans")),
    )
    op.create_table(
        "financing_authorisations",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("captured + voided <= amount", name=op.f("ck_financing_authorisations_within_amount")),
        sa.CheckConstraint("refunded <= captured", name=op.f("ck_financing_authorisations_refunded_within_captured")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_financing_authorisations")),
    )
    op.create_index(
        op.f("ix_financing_authorisations_application_id"), "financing_authorisations", ["application_id"], unique=False
    )
    op.create_table(
        "financing_operations",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("asked", sa.String(length=512), nullable=False),
        sa.Column("authorisation_id", sa.String(length=255), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_financing_operations")),
    )
    op.create_table(
        "legal_holds",
        sa.Column("hold_id", sa.String(length=255), nullable=False),
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=255), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_by", sa.String(length=255), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_for", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_legal_holds")),
    )
    op.create_index(op.f("ix_legal_holds_application_id"), "legal_holds", ["application_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_legal_holds_application_id"), table_name="legal_holds")
    op.drop_table("legal_holds")
    op.drop_table("financing_operations")
    op.drop_index(op.f("ix_financing_authorisations_application_id"), table_name="financing_authorisations")
    op.drop_table("financing_authorisations")
    op.drop_table("disbursement_plans")
