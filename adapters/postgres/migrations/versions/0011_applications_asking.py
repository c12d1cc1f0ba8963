"""Applications that are open, and those that ask somebody of the office, found without reading all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision: str | None = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_applications_open",
        "applications",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_index(
        "ix_applications_asking",
        "applications",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("view @> '{\"asks\": true}'"),
    )


def downgrade() -> None:
    op.drop_index("ix_applications_asking", table_name="applications")
    op.drop_index("ix_applications_open", table_name="applications")
