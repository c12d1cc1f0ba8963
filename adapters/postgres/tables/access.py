"""Principals and the hashes of their keys."""

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from adapters.postgres.metadata import Instant, Name, Table


class PrincipalRow(Table):
    __tablename__ = "principals"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name="subject_of_an_issuer"),
    )

    id: Mapped[Name] = mapped_column(primary_key=True)
    kind: Mapped[Name]
    channel: Mapped[Name]
    store_id: Mapped[Name | None]
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(64)))
    rights: Mapped[list[str]] = mapped_column(ARRAY(String(128)))
    issuer: Mapped[Name | None]
    subject: Mapped[Name | None]


class ApiKeyRow(Table):
    __tablename__ = "api_keys"

    key_id: Mapped[Name] = mapped_column(primary_key=True)
    principal_id: Mapped[Name] = mapped_column(ForeignKey("principals.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    issued_at: Mapped[Instant]
    expires_at: Mapped[Instant | None]
    revoked_at: Mapped[Instant | None]
