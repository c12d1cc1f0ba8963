"""What is written once: the audit trail and orders' timelines. The ledgers of stock and money guard themselves.

An order that was refused goes with its timeline, so those may be deleted, but never changed.
"""

from sqlalchemy import DDL, Table, event

from adapters.postgres.tables.audit import AuditRow
from adapters.postgres.tables.orders import TimelineRow

APPEND_ONLY = (
    """
    CREATE OR REPLACE FUNCTION audit_entries_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        RAISE EXCEPTION 'audit_entries is append-only: write another entry instead';
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_are_append_only()
    """,
    """
    CREATE OR REPLACE FUNCTION order_timeline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        RAISE EXCEPTION 'order_timeline is append-only: add another event instead';
    END $body$
    """,
    """
    CREATE OR REPLACE TRIGGER order_timeline_append_only BEFORE UPDATE ON order_timeline
    FOR EACH STATEMENT EXECUTE FUNCTION order_timeline_is_append_only()
    """,
)
"""For the migration too: autogenerate does not see triggers."""

for _table, _statements in ((AuditRow.__table__, APPEND_ONLY[:2]), (TimelineRow.__table__, APPEND_ONLY[2:])):
    assert isinstance(_table, Table)
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(_table, "after_create", _ddl.execute_if(dialect="postgresql"))
