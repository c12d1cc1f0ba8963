"""Gift cards and store credit: what is on each, what orders hold of it, and the double-entry history of both.

A number is kept as its keyed hash and its last four letters. Amounts are minor units.
"""

from sqlalchemy import DDL, BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, Text, event, text
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Amount, Document, Instant, Name, Table


class BalanceRow(Table):
    __tablename__ = "balances"
    __table_args__ = (
        CheckConstraint("available >= 0 AND held >= 0", name="not_negative"),
        Index(None, "number_hash", unique=True),
        Index(
            "uq_balances_credit_of_customer",
            "customer_ref",
            "currency",
            unique=True,
            postgresql_where=text("kind = 'credit'"),
        ),
        Index(None, "order_id"),
    )

    id: Mapped[Name] = mapped_column(primary_key=True)
    kind: Mapped[Name]
    currency: Mapped[str] = mapped_column(String(3))
    number_hash: Mapped[Name]
    last_four: Mapped[str] = mapped_column(String(4))
    status: Mapped[Name]
    available: Mapped[Amount]
    held: Mapped[Amount]
    customer_ref: Mapped[Name | None]
    order_id: Mapped[Name | None]
    line_id: Mapped[Name | None]
    created_at: Mapped[Instant]


class BalanceHoldRow(Table):
    """What an order holds of a balance, and what became of it."""

    __tablename__ = "balance_holds"
    __table_args__ = (
        CheckConstraint("captured >= 0 AND voided >= 0 AND refunded >= 0", name="not_negative"),
        CheckConstraint("captured + voided <= amount", name="within_held"),
        CheckConstraint("refunded <= captured", name="refunded_within_captured"),
        Index(None, "balance_id"),
    )

    id: Mapped[Name] = mapped_column(primary_key=True)
    balance_id: Mapped[Name] = mapped_column(ForeignKey(BalanceRow.id))
    reference: Mapped[Name]
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Amount]
    captured: Mapped[Amount]
    voided: Mapped[Amount]
    refunded: Mapped[Amount]


class BalanceOperationRow(Table):
    """One operation for ever, under its key: what was asked, and the answer that it gets each time."""

    __tablename__ = "balance_operations"

    key: Mapped[Name] = mapped_column(primary_key=True)
    kind: Mapped[Name]
    asked: Mapped[Document]
    declined: Mapped[Name | None]
    result: Mapped[Document | None]


class BalanceEntryRow(Table):
    """One movement. Never updated, never deleted."""

    __tablename__ = "balance_entries"
    __table_args__ = (Index(None, "key", "movement", unique=True), Index(None, "balance_id", "id"))

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    balance_id: Mapped[Name] = mapped_column(ForeignKey(BalanceRow.id))
    key: Mapped[Name]
    movement: Mapped[Name]
    amount: Mapped[Amount]
    reference: Mapped[Name | None]
    reason: Mapped[str | None] = mapped_column(Text)
    at: Mapped[Instant]


class BalanceLineRow(Table):
    """A debit (positive) or credit (negative) of one account."""

    __tablename__ = "balance_lines"
    __table_args__ = (CheckConstraint("amount <> 0", name="moves_something"),)

    entry_id: Mapped[int] = mapped_column(ForeignKey(BalanceEntryRow.id), primary_key=True)
    account: Mapped[Name] = mapped_column(primary_key=True)
    amount: Mapped[Amount]


TABLES = [
    BalanceRow.__table__,
    BalanceHoldRow.__table__,
    BalanceOperationRow.__table__,
    BalanceEntryRow.__table__,
    BalanceLineRow.__table__,
]

APPEND_ONLY = (
    """
    CREATE OR REPLACE FUNCTION balance_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        RAISE EXCEPTION '% is append-only: post a correcting entry instead', TG_TABLE_NAME;
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER balance_entries_append_only BEFORE UPDATE OR DELETE ON balance_entries
    FOR EACH STATEMENT EXECUTE FUNCTION balance_is_append_only()
    """,
    """
    CREATE OR REPLACE TRIGGER balance_lines_append_only BEFORE UPDATE OR DELETE ON balance_lines
    FOR EACH STATEMENT EXECUTE FUNCTION balance_is_append_only()
    """,
    # The lines of an entry come in one statement, so each statement must balance entry by entry.
    """
    CREATE OR REPLACE FUNCTION balance_lines_balance() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        IF EXISTS (SELECT FROM posted GROUP BY entry_id HAVING sum(amount) <> 0) THEN
            RAISE EXCEPTION 'the lines of an entry must sum to zero';
        END IF;
        RETURN NULL;
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER balance_lines_balance AFTER INSERT ON balance_lines
    REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION balance_lines_balance()
    """,
)
"""For the migration too: autogenerate does not see triggers."""

for _statement in APPEND_ONLY:
    # In plain SQL a percent sign is itself; DDL would take it for a placeholder.
    _ddl = DDL(_statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    event.listen(BalanceLineRow.__table__, "after_create", _ddl.execute_if(dialect="postgresql"))
