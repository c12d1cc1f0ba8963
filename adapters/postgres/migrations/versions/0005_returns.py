"""Returns and disputes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision: str | None = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disputes",
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("tender_id", sa.String(length=255), nullable=False),
        sa.Column("authorisation_id", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("provider", "id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_open", "disputes", ["at"], unique=False, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_disputes_provider_authorisation_id"), "disputes", ["provider", "authorisation_id"], unique=False
    )
    op.create_table(
        "return_policies",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_return_policies")),
    )
    op.create_table(
        "return_settlements",
        sa.Column("return_id", sa.String(length=255), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("settled", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("return_id", "n", name=op.f("pk_return_settlements")),
    )
    op.create_index(
        op.f("ix_return_settlements_order_id_position"), "return_settlements", ["order_id", "position"], unique=False
    )
    op.create_table(
        "returns",
        sa.Column("return_id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("customer_ref", sa.String(length=255), nullable=False),
        sa.Column("store_id", sa.String(length=255), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("view", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_returns")),
    )
    op.create_index(
        "ix_returns_asking",
        "returns",
        ["requested_at"],
        unique=False,
        postgresql_where=sa.text("status = 'needs_attention'"),
    )
    op.create_index("ix_returns_customer", "returns", ["customer_ref", "requested_at"], unique=False)
    op.create_index("ix_returns_newest", "returns", ["requested_at", "return_id"], unique=False)
    op.create_index("ix_returns_order", "returns", ["order_id", "requested_at"], unique=False)
    op.create_index(
        "ix_returns_work",
        "returns",
        ["store_id", "requested_at"],
        unique=False,
        postgresql_where=sa.text("NOT finished"),
    )
    op.create_table(
        "return_units",
        sa.Column("return_id", sa.String(length=255), nullable=False),
        sa.Column("line_id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("claimed", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "claimed >= 0 AND accepted >= 0 AND accepted <= claimed", name=op.f("ck_return_units_within_claim")
        ),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.return_id"], name=op.f("fk_return_units_return_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("return_id", "line_id", name=op.f("pk_return_units")),
    )
    op.create_index(op.f("ix_return_units_order_id"), "return_units", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_return_units_order_id"), table_name="return_units")
    op.drop_table("return_units")
    op.drop_index("ix_returns_work", table_name="returns", postgresql_where=sa.text("NOT finished"))
    op.drop_index("ix_returns_order", table_name="returns")
    op.drop_index("ix_returns_newest", table_name="returns")
    op.drop_index("ix_returns_customer", table_name="returns")
    op.drop_index("ix_returns_asking", table_name="returns", postgresql_where=sa.text("status = 'needs_attention'"))
    op.drop_table("returns")
    op.drop_index(op.f("ix_return_settlements_order_id_position"), table_name="return_settlements")
    op.drop_table("return_settlements")
    op.drop_table("return_policies")
    op.drop_index(op.f("ix_disputes_provider_authorisation_id"), table_name="disputes")
    op.drop_index(op.f("ix_disputes_order_id"), table_name="disputes")
    op.drop_index("ix_disputes_open", table_name="disputes", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_table("disputes")
