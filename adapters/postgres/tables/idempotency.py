"""Commands by principal and Idempotency-Key: claimed, then answered. Rows may go after 48 hours."""

from sqlalchemy import CheckConstraint, LargeBinary, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Instant, Name, Table


class CommandRow(Table):
    __tablename__ = "idempotency_records"
    __table_args__ = (
        CheckConstraint(
            "(status IS NULL) = (sealed_body IS NULL) AND (status IS NULL) = (answered_at IS NULL)",
            name="answered_whole_or_not",
        ),
    )

    principal_id: Mapped[Name] = mapped_column(primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    claim_id: Mapped[Name]
    claimed_at: Mapped[Instant] = mapped_column(index=True)
    answered_at: Mapped[Instant | None]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    sealed_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_type: Mapped[Name | None]
    location: Mapped[str | None] = mapped_column(String(2048))
