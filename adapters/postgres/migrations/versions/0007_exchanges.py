"""Exchanges: the credit of their replacements, and what of it went back to earlier tenders."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_credits",
        sa.Column("return_id", sa.String(length=255), nullable=False),
        sa.Column("replacement", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("promised", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.Column("secured", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "promised >= 0 AND granted >= 0 AND secured >= 0", name=op.f("ck_exchange_credits_not_negative")
        ),
        sa.CheckConstraint("granted <= promised", name=op.f("ck_exchange_credits_granted_within_promised")),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.return_id"], name=op.f("fk_exchange_credits_return_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("return_id", name=op.f("pk_exchange_credits")),
    )
    op.create_index(op.f("ix_exchange_credits_replacement"), "exchange_credits", ["replacement"], unique=True)
    op.create_table(
        "exchange_refunds",
        sa.Column("return_id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["return_id"], ["returns.return_id"], name=op.f("fk_exchange_refunds_return_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("return_id", "order_id", name=op.f("pk_exchange_refunds")),
    )
    op.create_index(op.f("ix_exchange_refunds_order_id"), "exchange_refunds", ["order_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_exchange_refunds_order_id"), table_name="exchange_refunds")
    op.drop_table("exchange_refunds")
    op.drop_index(op.f("ix_exchange_credits_replacement"), table_name="exchange_credits")
    op.drop_table("exchange_credits")
