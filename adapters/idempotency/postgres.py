"""Commands' answers in PostgreSQL: one statement claims, one keeps, each committed by itself."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, and_, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql.elements import ColumnElement

from adapters.idempotency.port import Claimed, ClaimOutcome, CommandScope, KeptAnswer, OtherRequest, Running
from adapters.postgres.tables.idempotency import CommandRow

_commands = cast("Table", CommandRow.__table__)


class PostgresCommandRecords:
    def __init__(self, engine: AsyncEngine):
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def claim(
        self, scope: CommandScope, fingerprint: bytes, *, claim_id: str, at: datetime, lease: timedelta
    ) -> ClaimOutcome:
        claim = insert(_commands).values(
            principal_id=scope.principal_id,
            key_hash=scope.key_hash,
            fingerprint=fingerprint,
            claim_id=claim_id,
            claimed_at=at,
        )
        fresh = claim.on_conflict_do_nothing().returning(_commands.c.claim_id)
        lost = (
            update(_commands)
            .where(
                _of(scope),
                _commands.c.status.is_(None),
                _commands.c.claimed_at <= at - lease,
                _commands.c.fingerprint == fingerprint,
            )
            .values(claim_id=claim_id, claimed_at=at)
            .returning(_commands.c.claim_id)
        )
        async with self._engine.connect() as connection:
            while True:
                if (await connection.execute(fresh)).one_or_none() is not None:
                    return Claimed()
                row = (await connection.execute(select(_commands).where(_of(scope)))).one_or_none()
                if row is None:
                    continue  # released between the two statements: free again
                if bytes(row.fingerprint) != fingerprint:
                    return OtherRequest()
                if row.status is not None:
                    return _answer(row)
                if row.claimed_at > at - lease:
                    return Running()
                if (await connection.execute(lost)).one_or_none() is not None:
                    return Claimed(taken_over=True)

    async def keep(self, scope: CommandScope, claim_id: str, answer: KeptAnswer, at: datetime) -> bool:
        statement = (
            update(_commands)
            .where(_of(scope), _commands.c.claim_id == claim_id)
            .values(answered_at=at, **answer.model_dump())
        )
        async with self._engine.connect() as connection:
            return (await connection.execute(statement)).rowcount == 1

    async def release(self, scope: CommandScope, claim_id: str) -> None:
        statement = delete(_commands).where(_of(scope), _commands.c.claim_id == claim_id, _commands.c.status.is_(None))
        async with self._engine.connect() as connection:
            await connection.execute(statement)

    async def purge(self, before: datetime) -> int:
        async with self._engine.connect() as connection:
            return (await connection.execute(delete(_commands).where(_commands.c.claimed_at < before))).rowcount


def _of(scope: CommandScope) -> ColumnElement[bool]:
    return and_(_commands.c.principal_id == scope.principal_id, _commands.c.key_hash == scope.key_hash)


def _answer(row: Any) -> KeptAnswer:
    return KeptAnswer(
        status=row.status, sealed_body=bytes(row.sealed_body), content_type=row.content_type, location=row.location
    )
