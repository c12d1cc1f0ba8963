"""Gift cards, store credit and what goes back to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "balance_operations",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("declined", sa.String(length=255), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_balance_operations")),
    )
    op.create_table(
        "balances",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("number_hash", sa.String(length=255), nullable=False),
        sa.Column("last_four", sa.String(length=4), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("customer_ref", sa.String(length=255), nullable=True),
        sa.Column("order_id", sa.String(length=255), nullable=True),
        sa.Column("line_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("available >= 0 AND held >= 0", name=op.f("ck_balances_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balances")),
    )
    op.create_index(op.f("ix_balances_number_hash"), "balances", ["number_hash"], unique=True)
    op.create_index(op.f("ix_balances_order_id"), "balances", ["order_id"], unique=False)
    op.create_index(
        "uq_balances_credit_of_customer",
        "balances",
        ["customer_ref", "currency"],
        unique=True,
        postgresql_where=sa.text("kind = 'credit'"),
    )
    op.create_table(
        "redirected_refunds",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("tender_id", sa.String(length=255), nullable=False),
        sa.Column("authorisation_id", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_redirected_refunds_moves_something")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_redirected_refunds")),
    )
    op.create_index(op.f("ix_redirected_refunds_order_id"), "redirected_refunds", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_redirected_refunds_provider_authorisation_id"),
        "redirected_refunds",
        ["provider", "authorisation_id"],
        unique=False,
    )
    op.create_table(
        "balance_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("balance_id", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("movement", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["balance_id"], ["balances.id"], name=op.f("fk_balance_entries_balance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_entries")),
    )
    op.create_index(op.f("ix_balance_entries_balance_id_id"), "balance_entries", ["balance_id", "id"], unique=False)
    op.create_index(op.f("ix_balance_entries_key_movement"), "balance_entries", ["key", "movement"], unique=True)
    op.create_table(
        "balance_holds",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("balance_id", sa.String(length=255), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("captured + voided <= amount", name=op.f("ck_balance_holds_within_held")),
        sa.CheckConstraint(
            "captured >= 0 AND voided >= 0 AND refunded >= 0", name=op.f("ck_balance_holds_not_negative")
        ),
        sa.CheckConstraint("refunded <= captured", name=op.f("ck_balance_holds_refunded_within_captured")),
        sa.ForeignKeyConstraint(["balance_id"], ["balances.id"], name=op.f("fk_balance_holds_balance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balance_holds")),
    )
    op.create_index(op.f("ix_balance_holds_balance_id"), "balance_holds", ["balance_id"], unique=False)
    op.create_table(
        "balance_lines",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_balance_lines_moves_something")),
        sa.ForeignKeyConstraint(["entry_id"], ["balance_entries.id"], name=op.f("fk_balance_lines_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "account", name=op.f("pk_balance_lines")),
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION balance_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION '% is append-only: post a correcting entry instead', TG_TABLE_NAME;
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER balance_entries_append_only BEFORE UPDATE OR DELETE ON balance_entries
        FOR EACH STATEMENT EXECUTE FUNCTION balance_is_append_only()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER balance_lines_append_only BEFORE UPDATE OR DELETE ON balance_lines
        FOR EACH STATEMENT EXECUTE FUNCTION balance_is_append_only()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION balance_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF EXISTS (SELECT FROM posted GROUP BY entry_id HAVING sum(amount) <> 0) THEN
                RAISE EXCEPTION 'the lines of an entry must sum to zero';
            END IF;
            RETURN NULL;
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER balance_lines_balance AFTER INSERT ON balance_lines
        REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION balance_lines_balance()
        """
    )


def downgrade() -> None:
    op.drop_table("balance_lines")
    op.drop_index(op.f("ix_balance_holds_balance_id"), table_name="balance_holds")
    op.drop_table("balance_holds")
    op.drop_index(op.f("ix_balance_entries_key_movement"), table_name="balance_entries")
    op.drop_index(op.f("ix_balance_entries_balance_id_id"), table_name="balance_entries")
    op.drop_table("balance_entries")
    op.drop_index(op.f("ix_redirected_refunds_provider_authorisation_id"), table_name="redirected_refunds")
    op.drop_index(op.f("ix_redirected_refunds_order_id"), table_name="redirected_refunds")
    op.drop_table("redirected_refunds")
    op.drop_index("uq_balances_credit_of_customer", table_name="balances", postgresql_where=sa.text("kind = 'credit'"))
    op.drop_index(op.f("ix_balances_order_id"), table_name="balances")
    op.drop_index(op.f("ix_balances_number_hash"), table_name="balances")
    op.drop_table("balances")
    op.drop_table("balance_operations")
    op.execute("DROP FUNCTION balance_is_append_only()")
    op.execute("DROP FUNCTION balance_lines_balance()")
