"""Applications and their timelines, products in versions, accounts and what was posted to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("product", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("customer_ref", sa.String(length=255), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("for_review", sa.Boolean(), nullable=False),
        sa.Column("review_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("view", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_applications")),
    )
    op.create_index("ix_applications_customer", "applications", ["customer_ref", "created_at"], unique=False)
    op.create_index("ix_applications_newest", "applications", ["created_at", "application_id"], unique=False)
    op.create_index(
        "ix_applications_review",
        "applications",
        ["review_due_at"],
        unique=False,
        postgresql_where=sa.text("for_review"),
    )
    op.create_table(
        "lending_accounts",
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("instalments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_lending_accounts")),
    )
    op.create_index(op.f("ix_lending_accounts_application_id"), "lending_accounts", ["application_id"], unique=False)
    op.create_table(
        "lending_products",
        sa.Column("product", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("published_by", sa.String(length=255), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("product", "version", name=op.f("pk_lending_products")),
    )
    op.create_table(
        "application_timeline",
        sa.Column("application_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.application_id"],
            name=op.f("fk_application_timeline_application_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("application_id", "position", name=op.f("pk_application_timeline")),
    )
    op.create_table(
        "lending_transactions",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("account_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=False),
        sa.Column("postings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["lending_accounts.account_id"], name=op.f("fk_lending_transactions_account_id")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_lending_transactions")),
    )
    op.create_index(
        op.f("ix_lending_transactions_account_id_position"),
        "lending_transactions",
        ["account_id", "position"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_lending_transactions_account_id_position"), table_name="lending_transactions")
    op.drop_table("lending_transactions")
    op.drop_table("application_timeline")
    op.drop_table("lending_products")
    op.drop_index(op.f("ix_lending_accounts_application_id"), table_name="lending_accounts")
    op.drop_table("lending_accounts")
    op.drop_index("ix_applications_review", table_name="applications", postgresql_where=sa.text("for_review"))
    op.drop_index("ix_applications_newest", table_name="applications")
    op.drop_index("ix_applications_customer", table_name="applications")
    op.drop_table("applications")
