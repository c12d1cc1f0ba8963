"""Initial tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision: str | None = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("principal_id", sa.String(length=255), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=255), nullable=True),
        sa.Column("action", sa.String(length=255), nullable=False),
        sa.Column("object", sa.String(length=512), nullable=False),
        sa.Column("outcome", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    op.create_index("ix_audit_entries_newest", "audit_entries", ["at", "id"], unique=False)
    op.create_index("ix_audit_entries_principal", "audit_entries", ["principal_id", "at", "id"], unique=False)
    op.create_table(
        "authorisations",
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("tender_id", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("authorised", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("capturing", sa.BigInteger(), nullable=False),
        sa.Column("voiding", sa.BigInteger(), nullable=False),
        sa.Column("refunding", sa.BigInteger(), nullable=False),
        sa.Column("capture_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("single_capture", sa.Boolean(), nullable=False),
        sa.Column("replaces", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "authorised >= 0 AND captured >= 0 AND voided >= 0 AND refunded >= 0 AND capturing >= 0 AND voiding >= 0 AND refunding >= 0",  # noqa: E501
            name=op.f("ck_authorisations_not_negative"),
        ),
        sa.CheckConstraint("captured + voided <= authorised", name=op.f("ck_authorisations_within_authorised")),
        sa.CheckConstraint("refunded <= captured", name=op.f("ck_authorisations_refunded_within_captured")),
        sa.PrimaryKeyConstraint("provider", "id", name=op.f("pk_authorisations")),
    )
    op.create_index(op.f("ix_authorisations_order_id"), "authorisations", ["order_id"], unique=False)
    op.create_table(
        "channels",
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("rules", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channels")),
    )
    op.create_table(
        "customer_keys",
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("tenant", sa.String(length=255), nullable=False),
        sa.Column("customer_ref", sa.String(length=255), nullable=False),
        sa.Column("master", sa.String(length=16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(wrapped IS NULL) = (erased_at IS NOT NULL)", name=op.f("ck_customer_keys_erased_or_wrapped")
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_customer_keys")),
    )
    op.create_index(
        "ix_customer_keys_living",
        "customer_keys",
        ["tenant", "customer_ref"],
        unique=True,
        postgresql_where=sa.text("erased_at IS NULL"),
    )
    op.create_table(
        "idempotency_records",
        sa.Column("principal_id", sa.String(length=255), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("claim_id", sa.String(length=255), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=True),
        sa.Column("content_type", sa.String(length=255), nullable=True),
        sa.Column("location", sa.String(length=2048), nullable=True),
        sa.CheckConstraint(
            "(status IS NULL) = (sealed_body IS NULL) AND (status IS NULL) = (answered_at IS NULL)",
            name=op.f("ck_idempotency_records_answered_whole_or_not"),
        ),
        sa.PrimaryKeyConstraint("principal_id", "key_hash", name=op.f("pk_idempotency_records")),
    )
    op.create_index(op.f("ix_idempotency_records_claimed_at"), "idempotency_records", ["claimed_at"], unique=False)
    op.create_table(
        "inbound_events",
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("provider", "event_id", name=op.f("pk_inbound_events")),
    )
    op.create_index(
        "ix_inbound_events_due",
        "inbound_events",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_index(
        "ix_inbound_events_order",
        "inbound_events",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_index(
        "ix_inbound_events_waiting",
        "inbound_events",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("delivered_at IS NULL"),
    )
    op.create_table(
        "items",
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("item", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_items")),
    )
    op.create_table(
        "journal_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("operation_key", sa.String(length=255), nullable=False),
        sa.Column("movement", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("tender_id", sa.String(length=255), nullable=False),
        sa.Column("authorisation_id", sa.String(length=255), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_entries")),
    )
    op.create_index(
        op.f("ix_journal_entries_operation_key_movement"), "journal_entries", ["operation_key", "movement"], unique=True
    )
    op.create_index(op.f("ix_journal_entries_order_id_id"), "journal_entries", ["order_id", "id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("group_id", sa.String(length=255), nullable=True),
        sa.Column("store_id", sa.String(length=255), nullable=True),
        sa.Column("locale", sa.String(length=35), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.String(length=255), nullable=True),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.Column("requested_by", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("state = 'pending' or settled_at is not null", name=op.f("ck_notices_settled")),
        sa.CheckConstraint("state in ('pending', 'sent', 'failed', 'suppressed')", name=op.f("ck_notices_state")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notices")),
    )
    op.create_index(
        "ix_notices_failed", "notices", ["sequence"], unique=False, postgresql_where=sa.text("state = 'failed'")
    )
    op.create_index("ix_notices_order_id", "notices", ["order_id", "sequence"], unique=False)
    op.create_index(
        "ix_notices_pending",
        "notices",
        ["next_attempt_at", "sequence"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "order_intake",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_intake")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_order_intake_channel_external_id")),
    )
    op.create_index(
        "ix_order_intake_due",
        "order_intake",
        ["next_try_at"],
        unique=False,
        postgresql_where=sa.text("state = 'promised'"),
    )
    op.create_index(
        "ix_order_intake_promised",
        "order_intake",
        ["promised_at"],
        unique=False,
        postgresql_where=sa.text("state = 'promised'"),
    )
    op.create_table(
        "orders",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("customer_ref", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("head", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_orders")),
    )
    op.create_index("ix_orders_customer", "orders", ["customer_ref", "placed_at"], unique=False)
    op.create_index("ix_orders_external", "orders", ["channel", "external_id"], unique=False)
    op.create_index("ix_orders_newest", "orders", ["placed_at", "order_id"], unique=False)
    op.create_index("ix_orders_status", "orders", ["status", "placed_at"], unique=False)
    op.create_table(
        "payment_operations",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("tender_id", sa.String(length=255), nullable=False),
        sa.Column("authorisation_id", sa.String(length=255), nullable=True),
        sa.Column("asked", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("entire", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("purpose", sa.String(length=255), nullable=True),
        sa.Column("group_id", sa.String(length=255), nullable=True),
        sa.Column("replaces", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("external", sa.Boolean(), nullable=False),
        sa.Column("booked", sa.BigInteger(), nullable=False),
        sa.Column("provider_operation_id", sa.String(length=255), nullable=True),
        sa.Column("failure", sa.String(length=255), nullable=True),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_payment_operations")),
    )
    op.create_index(op.f("ix_payment_operations_order_id"), "payment_operations", ["order_id"], unique=False)
    op.create_index(
        op.f("ix_payment_operations_provider_authorisation_id"),
        "payment_operations",
        ["provider", "authorisation_id"],
        unique=False,
    )
    op.create_index(
        "uq_payment_operations_answer",
        "payment_operations",
        ["provider", "kind", "provider_operation_id"],
        unique=True,
        postgresql_where=sa.text("provider_operation_id IS NOT NULL"),
    )
    op.create_table(
        "places",
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("place", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("location_id", name=op.f("pk_places")),
    )
    op.create_table(
        "principals",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("store_id", sa.String(length=255), nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column("rights", postgresql.ARRAY(sa.String(length=128)), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name=op.f("ck_principals_subject_of_an_issuer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principals")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_principals_issuer_subject")),
    )
    op.create_table(
        "reservations",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("line_id", sa.String(length=255), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("set_aside", sa.BigInteger(), nullable=False),
        sa.Column("consumed", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reserved >= 0 AND allocated >= 0 AND set_aside >= 0 AND consumed >= 0 AND released >= 0 AND expired >= 0",
            name=op.f("ck_reservations_not_negative"),
        ),
        sa.CheckConstraint(
            "taken = reserved + allocated + set_aside + consumed + released + expired",
            name=op.f("ck_reservations_units_in_are_units_out"),
        ),
        sa.PrimaryKeyConstraint("order_id", "line_id", "sku", "location_id", name=op.f("pk_reservations")),
    )
    op.create_index(
        op.f("ix_reservations_expires_at"),
        "reservations",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("reserved > 0"),
    )
    op.create_table(
        "stock_buffers",
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_stock_buffers_not_negative")),
        sa.PrimaryKeyConstraint("sku", "location_id", "channel", name=op.f("pk_stock_buffers")),
    )
    op.create_table(
        "stock_levels",
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("set_aside", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "on_hand >= 0 AND allocated >= 0 AND reserved >= 0 AND set_aside >= 0 AND withheld >= 0",
            name=op.f("ck_stock_levels_not_negative"),
        ),
        sa.PrimaryKeyConstraint("sku", "location_id", name=op.f("pk_stock_levels")),
    )
    op.create_index(op.f("ix_stock_levels_location_id_sku"), "stock_levels", ["location_id", "sku"], unique=False)
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("location_id", sa.String(length=255), nullable=False),
        sa.Column("order_id", sa.String(length=255), nullable=True),
        sa.Column("line_id", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), nullable=False),
        sa.Column("allocated", sa.BigInteger(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("set_aside", sa.BigInteger(), nullable=False),
        sa.Column("withheld", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index(op.f("ix_stock_movements_order_id_id"), "stock_movements", ["order_id", "id"], unique=False)
    op.create_index(
        op.f("ix_stock_movements_sku_location_id_id"), "stock_movements", ["sku", "location_id", "id"], unique=False
    )
    op.create_table(
        "stock_operations",
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=255), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stock_operations")),
    )
    op.create_table(
        "tender_totals",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("tender_id", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("authorised", sa.BigInteger(), nullable=False),
        sa.Column("captured", sa.BigInteger(), nullable=False),
        sa.Column("voided", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("refunding", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "authorised >= 0 AND captured >= 0 AND voided >= 0 AND refunded >= 0 AND refunding >= 0",
            name=op.f("ck_tender_totals_not_negative"),
        ),
        sa.CheckConstraint("captured + voided <= authorised", name=op.f("ck_tender_totals_within_authorised")),
        sa.CheckConstraint("refunded <= captured", name=op.f("ck_tender_totals_refunded_within_captured")),
        sa.PrimaryKeyConstraint("order_id", "tender_id", name=op.f("pk_tender_totals")),
    )
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(length=255), nullable=False),
        sa.Column("principal_id", sa.String(length=255), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principals.id"], name=op.f("fk_api_keys_principal_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_principal_id"), "api_keys", ["principal_id"], unique=False)
    op.create_table(
        "journal_lines",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_journal_lines_moves_something")),
        sa.ForeignKeyConstraint(["entry_id"], ["journal_entries.id"], name=op.f("fk_journal_lines_entry_id")),
        sa.PrimaryKeyConstraint("entry_id", "account", name=op.f("pk_journal_lines")),
    )
    op.create_table(
        "order_groups",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("promised_ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("to_put_back", sa.Boolean(), nullable=False),
        sa.Column("view", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name=op.f("fk_order_groups_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "n", name=op.f("pk_order_groups")),
    )
    op.create_index(
        "ix_order_groups_waiting",
        "order_groups",
        ["order_id", "n"],
        unique=False,
        postgresql_where=sa.text("status IN ('waiting', 'queued')"),
    )
    op.create_index(
        "ix_order_groups_work",
        "order_groups",
        ["store_id", "promised_ready_at"],
        unique=False,
        postgresql_where=sa.text(
            "to_put_back OR status IN ('offered', 'accepted', 'picking', 'ready', 'packed', 'waiting', "
            "'requested', 'in_transit_to_store', 'arrived')"
        ),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("line_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(length=255), nullable=False),
        sa.Column("view", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name=op.f("fk_order_lines_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "line_id", name=op.f("pk_order_lines")),
    )
    op.create_table(
        "order_timeline",
        sa.Column("order_id", sa.String(length=255), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entry", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.order_id"], name=op.f("fk_order_timeline_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("order_id", "position", name=op.f("pk_order_timeline")),
    )
    op.create_table(
        "personal_records",
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("email_hash", sa.LargeBinary(), nullable=True),
        sa.Column("phone_hash", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["customer_keys.key_id"], name=op.f("fk_personal_records_key_id")),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_personal_records")),
    )
    op.create_index(op.f("ix_personal_records_email_hash"), "personal_records", ["email_hash"], unique=False)
    op.create_index(op.f("ix_personal_records_key_id"), "personal_records", ["key_id"], unique=False)
    op.create_index(op.f("ix_personal_records_phone_hash"), "personal_records", ["phone_hash"], unique=False)
    op.create_table(
        "workflow_keys",
        sa.Column("workflow_id", sa.String(length=255), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["customer_keys.key_id"], name=op.f("fk_workflow_keys_key_id")),
        sa.PrimaryKeyConstraint("workflow_id", name=op.f("pk_workflow_keys")),
    )
    op.create_index(op.f("ix_workflow_keys_key_id"), "workflow_keys", ["key_id"], unique=False)
    op.execute(
        """
        CREATE OR REPLACE FUNCTION audit_entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION 'audit_entries is append-only: write another entry instead';
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_are_append_only()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION order_timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION 'order_timeline is append-only: add another event instead';
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER order_timeline_append_only BEFORE UPDATE ON order_timeline
        FOR EACH STATEMENT EXECUTE FUNCTION order_timeline_is_append_only()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION '% is append-only: post a correcting entry instead', TG_TABLE_NAME;
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER journal_entries_append_only BEFORE UPDATE OR DELETE ON journal_entries
        FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER journal_lines_append_only BEFORE UPDATE OR DELETE ON journal_lines
        FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION journal_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            IF EXISTS (SELECT FROM posted GROUP BY entry_id HAVING sum(amount) <> 0) THEN
                RAISE EXCEPTION 'the lines of a journal entry must sum to zero';
            END IF;
            RETURN NULL;
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER journal_lines_balance AFTER INSERT ON journal_lines
        REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION journal_lines_balance()
        """
    )
    op.execute(
        """
        CREATE OR REPLACE FUNCTION stock_movements_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            RAISE EXCEPTION 'stock_movements is append-only: record a correcting movement instead';
        END $body$
        """
    )
    op.execute(
        """
        CREATE OR REPLACE TRIGGER stock_movements_append_only BEFORE UPDATE OR DELETE ON stock_movements
        FOR EACH STATEMENT EXECUTE FUNCTION stock_movements_are_append_only()
        """
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_workflow_keys_key_id"), table_name="workflow_keys")
    op.drop_table("workflow_keys")
    op.drop_index(op.f("ix_personal_records_phone_hash"), table_name="personal_records")
    op.drop_index(op.f("ix_personal_records_key_id"), table_name="personal_records")
    op.drop_index(op.f("ix_personal_records_email_hash"), table_name="personal_records")
    op.drop_table("personal_records")
    op.drop_table("order_timeline")
    op.drop_table("order_lines")
    op.drop_index(
        "ix_order_groups_work",
        table_name="order_groups",
        postgresql_where=sa.text(
            "to_put_back OR status IN ('offered', 'accepted', 'picking', 'ready', 'packed', 'waiting', "
            "'requested', 'in_transit_to_store', 'arrived')"
        ),
    )
    op.drop_index(
        "ix_order_groups_waiting",
        table_name="order_groups",
        postgresql_where=sa.text("status IN ('waiting', 'queued')"),
    )
    op.drop_table("order_groups")
    op.drop_table("journal_lines")
    op.drop_index(op.f("ix_api_keys_principal_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_table("tender_totals")
    op.drop_table("stock_operations")
    op.drop_index(op.f("ix_stock_movements_sku_location_id_id"), table_name="stock_movements")
    op.drop_index(op.f("ix_stock_movements_order_id_id"), table_name="stock_movements")
    op.drop_table("stock_movements")
    op.drop_index(op.f("ix_stock_levels_location_id_sku"), table_name="stock_levels")
    op.drop_table("stock_levels")
    op.drop_table("stock_buffers")
    op.drop_index(
        op.f("ix_reservations_expires_at"), table_name="reservations", postgresql_where=sa.text("reserved > 0")
    )
    op.drop_table("reservations")
    op.drop_table("principals")
    op.drop_table("places")
    op.drop_index(
        "uq_payment_operations_answer",
        table_name="payment_operations",
        postgresql_where=sa.text("provider_operation_id IS NOT NULL"),
    )
    op.drop_index(op.f("ix_payment_operations_provider_authorisation_id"), table_name="payment_operations")
    op.drop_index(op.f("ix_payment_operations_order_id"), table_name="payment_operations")
    op.drop_table("payment_operations")
    op.drop_index("ix_orders_status", table_name="orders")
    op.drop_index("ix_orders_newest", table_name="orders")
    op.drop_index("ix_orders_external", table_name="orders")
    op.drop_index("ix_orders_customer", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_order_intake_promised", table_name="order_intake", postgresql_where=sa.text("state = 'promised'"))
    op.drop_index("ix_order_intake_due", table_name="order_intake", postgresql_where=sa.text("state = 'promised'"))
    op.drop_table("order_intake")
    op.drop_index("ix_notices_pending", table_name="notices", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index("ix_notices_order_id", table_name="notices")
    op.drop_index("ix_notices_failed", table_name="notices", postgresql_where=sa.text("state = 'failed'"))
    op.drop_table("notices")
    op.drop_index(op.f("ix_journal_entries_order_id_id"), table_name="journal_entries")
    op.drop_index(op.f("ix_journal_entries_operation_key_movement"), table_name="journal_entries")
    op.drop_table("journal_entries")
    op.drop_table("items")
    op.drop_index(
        "ix_inbound_events_waiting", table_name="inbound_events", postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.drop_index(
        "ix_inbound_events_order", table_name="inbound_events", postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.drop_index(
        "ix_inbound_events_due", table_name="inbound_events", postgresql_where=sa.text("delivered_at IS NULL")
    )
    op.drop_table("inbound_events")
    op.drop_index(op.f("ix_idempotency_records_claimed_at"), table_name="idempotency_records")
    op.drop_table("idempotency_records")
    op.drop_index("ix_customer_keys_living", table_name="customer_keys", postgresql_where=sa.text("erased_at IS NULL"))
    op.drop_table("customer_keys")
    op.drop_table("channels")
    op.drop_index(op.f("ix_authorisations_order_id"), table_name="authorisations")
    op.drop_table("authorisations")
    op.drop_index("ix_audit_entries_principal", table_name="audit_entries")
    op.drop_index("ix_audit_entries_newest", table_name="audit_entries")
    op.drop_table("audit_entries")
    op.execute("DROP FUNCTION audit_entries_are_append_only()")
    op.execute("DROP FUNCTION order_timeline_is_append_only()")
    op.execute("DROP FUNCTION journal_is_append_only()")
    op.execute("DROP FUNCTION journal_lines_balance()")
    op.execute("DROP FUNCTION stock_movements_are_append_only()")
