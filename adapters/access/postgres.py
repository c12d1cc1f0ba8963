"""The register of principals in PostgreSQL. Each call is one statement, committed by itself."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.access.port import KeyRecord, Principal
from adapters.postgres.tables.access import ApiKeyRow, PrincipalRow

_principals = cast("Table", PrincipalRow.__table__)
_keys = cast("Table", ApiKeyRow.__table__)


class PostgresPrincipals:
    def __init__(self, engine: AsyncEngine):
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def find_key(self, key_id: str) -> KeyRecord | None:
        statement = select(_keys, _principals).join(_principals).where(_keys.c.key_id == key_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        if row is None:
            return None
        return KeyRecord(
            key_id=row.key_id,
            secret_hash=bytes(row.secret_hash),
            principal=_principal(row),
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            revoked_at=row.revoked_at,
        )

    async def find(self, principal_id: str) -> Principal | None:
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(_principals).where(_principals.c.id == principal_id))).one_or_none()
        return None if row is None else _principal(row)

    async def find_subject(self, issuer: str, subject: str) -> Principal | None:
        statement = select(_principals).where(_principals.c.issuer == issuer, _principals.c.subject == subject)
        async with self._engine.connect() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return None if row is None else _principal(row)

    async def save(self, principal: Principal, *, issuer: str | None = None, subject: str | None = None) -> None:
        known = {
            "kind": principal.kind.value,
            "channel": principal.channel.value,
            "store_id": principal.store_id,
            "roles": sorted(principal.roles),
            "rights": sorted(principal.rights),
        }
        if issuer is not None and subject is not None:
            known |= {"issuer": issuer, "subject": subject}
        statement = insert(_principals).values(id=principal.id, **known)
        statement = statement.on_conflict_do_update(index_elements=[_principals.c.id], set_=known)
        async with self._engine.connect() as connection:
            await connection.execute(statement)

    async def add_key(self, key: KeyRecord) -> None:
        values = key.model_dump(exclude={"principal"}) | {"principal_id": key.principal.id}
        async with self._engine.connect() as connection:
            await connection.execute(insert(_keys).values(values))

    async def revoke(self, key_id: str, at: datetime) -> None:
        statement = update(_keys).where(_keys.c.key_id == key_id, _keys.c.revoked_at.is_(None)).values(revoked_at=at)
        async with self._engine.connect() as connection:
            await connection.execute(statement)


def _principal(row: Row[Any]) -> Principal:
    return Principal(
        id=row.id,
        kind=row.kind,
        channel=row.channel,
        store_id=row.store_id,
        roles=frozenset(row.roles),
        rights=frozenset(row.rights),
    )
