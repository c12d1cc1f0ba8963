"""The audit trail in PostgreSQL."""

from typing import cast

from sqlalchemy import Table, insert, select, tuple_
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.audit.port import AuditEntry, AuditPage, AuditPosition
from adapters.postgres.tables.audit import AuditRow

_entries = cast("Table", AuditRow.__table__)


class PostgresAuditLog:
    def __init__(self, engine: AsyncEngine):
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def append(self, entry: AuditEntry) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(insert(_entries).values(entry.model_dump()))

    async def read(
        self, *, limit: int, after: AuditPosition | None = None, principal_id: str | None = None
    ) -> AuditPage:
        statement = select(_entries).order_by(_entries.c.at.desc(), _entries.c.id.desc()).limit(limit + 1)
        if after is not None:
            statement = statement.where(tuple_(_entries.c.at, _entries.c.id) < tuple_(*after))
        if principal_id is not None:
            statement = statement.where(_entries.c.principal_id == principal_id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        page = rows[:limit]
        entries = [AuditEntry.model_validate({k: v for k, v in row.items() if k != "id"}) for row in page]
        more = len(rows) > limit
        return AuditPage(entries, AuditPosition(page[-1]["at"], page[-1]["id"]) if more else None)
