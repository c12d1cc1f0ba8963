"""Who may call: principals, and the keys by which they are known. A key's secret is never kept, only its hash."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.actors import Channel


class PrincipalKind(StrEnum):
    CHANNEL = "channel"
    STORE = "store"
    """A store or warehouse, or one associate of it."""
    OPS = "ops"
    UNDERWRITER = "underwriter"
    SERVICE = "service"
    """A payment provider, carrier, locker system or ERP."""


class Role(StrEnum):
    ASSOCIATE = "associate"
    MANAGER = "manager"
    WAREHOUSE = "warehouse"
    CUSTOMER_SERVICE = "customer_service"
    OPS = "ops"
    OPS_MANAGER = "ops_manager"
    AUDITOR = "auditor"
    UNDERWRITER = "underwriter"
    SENIOR_UNDERWRITER = "senior_underwriter"


class Principal(BaseModel):
    """One who calls. `id` names an account, never a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: PrincipalKind
    channel: Channel
    store_id: str | None = None
    """The store or warehouse that a store principal acts for."""
    roles: frozenset[Role] = frozenset()
    rights: frozenset[str] = frozenset()
    """Single functions granted beyond the roles, e.g. `webhooks:payment`."""


class KeyRecord(BaseModel):
    """What is kept of an API key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_id: str
    secret_hash: bytes
    principal: Principal
    issued_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Principals(Protocol):
    """The register of principals and their keys."""

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """The key of that id with its principal, also when it is expired or revoked: the caller judges."""

    async def find(self, principal_id: str) -> Principal | None:
        """What is known of an account."""

    async def find_subject(self, issuer: str, subject: str) -> Principal | None:
        """The principal that an OIDC issuer knows under `subject`."""

    async def save(self, principal: Principal, *, issuer: str | None = None, subject: str | None = None) -> None:
        """Add the principal or replace what is known of it."""

    async def add_key(self, key: KeyRecord) -> None:
        """Keep a key of a principal that was saved before."""

    async def revoke(self, key_id: str, at: datetime) -> None:
        """End a key. Unknown or already ended: nothing changes."""
