"""The audit trail: append-only, newest first by time and number."""

from sqlalchemy import BigInteger, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Instant, Name, Table


class AuditRow(Table):
    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_newest", "at", "id"),
        Index("ix_audit_entries_principal", "principal_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[Instant]
    principal_id: Mapped[Name]
    on_behalf_of: Mapped[Name | None]
    action: Mapped[Name]
    object: Mapped[str] = mapped_column(String(512))
    outcome: Mapped[Name]
    reason: Mapped[str | None] = mapped_column(String(512))
