"""Money: operations by their key, what became of each authorisation and tender, and the double-entry journal.

No token and nothing personal is kept here. Amounts are minor units; `capturing`, `voiding` and `refunding` are what
operations with an open outcome have spoken for.
"""

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Amount, Document, Instant, Name, Table

_MOVED = "authorised >= 0 AND captured >= 0 AND voided >= 0 AND refunded >= 0"


class PaymentOperationRow(Table):
    """One operation for ever: what was asked, and what became of it."""

    __tablename__ = "payment_operations"
    __table_args__ = (
        Index(
            "uq_payment_operations_answer",
            "provider",
            "kind",
            "provider_operation_id",
            unique=True,
            postgresql_where=text("provider_operation_id IS NOT NULL"),
        ),
        Index(None, "order_id"),
        Index(None, "provider", "authorisation_id"),
    )

    key: Mapped[Name] = mapped_column(primary_key=True)
    provider: Mapped[Name]
    kind: Mapped[Name]
    status: Mapped[Name]
    order_id: Mapped[Name]
    tender_id: Mapped[Name]
    authorisation_id: Mapped[Name | None]
    asked: Mapped[Amount | None]
    """None: a void of all that is left."""
    amount: Mapped[Amount]
    """What it may move, counted against the ceilings while its outcome is open."""
    entire: Mapped[bool]
    """The void was sent without an amount, because nothing else was under way."""
    currency: Mapped[str] = mapped_column(String(3))
    purpose: Mapped[Name | None]
    group_id: Mapped[Name | None]
    replaces: Mapped[Name | None]
    reason: Mapped[str | None] = mapped_column(Text)
    external: Mapped[bool]
    booked: Mapped[Amount]
    provider_operation_id: Mapped[Name | None]
    failure: Mapped[Name | None]
    result: Mapped[Document | None]
    requested_at: Mapped[Instant]
    settled_at: Mapped[Instant | None]


class AuthorisationRow(Table):
    __tablename__ = "authorisations"
    __table_args__ = (
        CheckConstraint(f"{_MOVED} AND capturing >= 0 AND voiding >= 0 AND refunding >= 0", name="not_negative"),
        CheckConstraint("captured + voided <= authorised", name="within_authorised"),
        CheckConstraint("refunded <= captured", name="refunded_within_captured"),
        Index(None, "order_id"),
    )

    provider: Mapped[Name] = mapped_column(primary_key=True)
    id: Mapped[Name] = mapped_column(primary_key=True)
    order_id: Mapped[Name]
    tender_id: Mapped[Name]
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[Name]
    authorised: Mapped[Amount]
    captured: Mapped[Amount]
    voided: Mapped[Amount]
    refunded: Mapped[Amount]
    capturing: Mapped[Amount]
    voiding: Mapped[Amount]
    refunding: Mapped[Amount]
    capture_before: Mapped[Instant | None]
    single_capture: Mapped[bool]
    replaces: Mapped[Name | None]
    created_at: Mapped[Instant]


class TenderTotalsRow(Table):
    __tablename__ = "tender_totals"
    __table_args__ = (
        CheckConstraint(f"{_MOVED} AND refunding >= 0", name="not_negative"),
        CheckConstraint("captured + voided <= authorised", name="within_authorised"),
        CheckConstraint("refunded <= captured", name="refunded_within_captured"),
    )

    order_id: Mapped[Name] = mapped_column(primary_key=True)
    tender_id: Mapped[Name] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(String(3))
    authorised: Mapped[Amount]
    captured: Mapped[Amount]
    voided: Mapped[Amount]
    refunded: Mapped[Amount]
    refunding: Mapped[Amount]


class DisputeRow(Table):
    """Captured money that a customer's bank has taken back, and the case that this opened."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index(None, "provider", "authorisation_id"),
        Index(None, "order_id"),
        Index("ix_disputes_open", "at", postgresql_where=text("closed_at IS NULL")),
    )

    provider: Mapped[Name] = mapped_column(primary_key=True)
    id: Mapped[Name] = mapped_column(primary_key=True)
    order_id: Mapped[Name]
    tender_id: Mapped[Name]
    authorisation_id: Mapped[Name]
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[Instant]
    closed_at: Mapped[Instant | None]
    closed_by: Mapped[Name | None]
    reason: Mapped[str | None] = mapped_column(Text)


class RedirectRow(Table):
    """Captured money that went back to another target than it came from: store credit, or a gift card."""

    __tablename__ = "redirected_refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="moves_something"),
        Index(None, "provider", "authorisation_id"),
        Index(None, "order_id"),
    )

    key: Mapped[Name] = mapped_column(primary_key=True)
    provider: Mapped[Name]
    order_id: Mapped[Name]
    tender_id: Mapped[Name]
    authorisation_id: Mapped[Name]
    amount: Mapped[Amount]
    currency: Mapped[str] = mapped_column(String(3))
    target: Mapped[Name]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[Instant]


class JournalEntryRow(Table):
    """One movement of money. An operation makes at most one entry of a kind. Never updated, never deleted."""

    __tablename__ = "journal_entries"
    __table_args__ = (Index(None, "operation_key", "movement", unique=True), Index(None, "order_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    operation_key: Mapped[Name]
    movement: Mapped[Name]
    provider: Mapped[Name]
    order_id: Mapped[Name]
    tender_id: Mapped[Name]
    authorisation_id: Mapped[Name | None]
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[Instant]


class JournalLineRow(Table):
    """A debit (positive) or credit (negative) of one account."""

    __tablename__ = "journal_lines"
    __table_args__ = (CheckConstraint("amount <> 0", name="moves_something"),)

    entry_id: Mapped[int] = mapped_column(ForeignKey(JournalEntryRow.id), primary_key=True)
    account: Mapped[Name] = mapped_column(primary_key=True)
    amount: Mapped[Amount]


TABLES = [
    PaymentOperationRow.__table__,
    AuthorisationRow.__table__,
    TenderTotalsRow.__table__,
    DisputeRow.__table__,
    RedirectRow.__table__,
    JournalEntryRow.__table__,
    JournalLineRow.__table__,
]

APPEND_ONLY = (
    """
    CREATE OR REPLACE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        RAISE EXCEPTION '% is append-only: post a correcting entry instead', TG_TABLE_NAME;
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER journal_entries_append_only BEFORE UPDATE OR DELETE ON journal_entries
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
    """,
    """
    CREATE OR REPLACE TRIGGER journal_lines_append_only BEFORE UPDATE OR DELETE ON journal_lines
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
    """,
    # The lines of an entry come in one statement, so each statement must balance entry by entry.
    """
    CREATE OR REPLACE FUNCTION journal_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        IF EXISTS (SELECT FROM posted GROUP BY entry_id HAVING sum(amount) <> 0) THEN
            RAISE EXCEPTION 'the lines of a journal entry must sum to zero';
        END IF;
        RETURN NULL;
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER journal_lines_balance AFTER INSERT ON journal_lines
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION journal_lines_balance()
    """,
)
"""For the migration too: autogenerate does not see triggers."""

for _statement in APPEND_ONLY:
    # In plain SQL a percent sign is itself; DDL would take it for a placeholder.
    _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(JournalLineRow.__table__, "after_create", _ddl.execute_if(dialect="postgresql"))
