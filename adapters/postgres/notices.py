"""The outbox in PostgreSQL: notices are kept in the transaction of what they tell, and leased to whoever sends them."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
from pydantic import ValidationError
from sqlalchemy import exc, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from adapters.notification.port import NoticeState, OutboxEntry, PendingNotice, Unavailable, UnknownNotice
from adapters.postgres.tables.notices import NoticeRow
from domain.actors import Actor
from domain.ids import GroupId, OrderId
from domain.notices import Notice, NoticeKey, NoticeKind

CHANNEL = "notices"
_NOTICE = (
    NoticeRow.key,
    NoticeRow.kind,
    NoticeRow.order_id,
    NoticeRow.group_id,
    NoticeRow.store_id,
    NoticeRow.locale,
    NoticeRow.at,
    NoticeRow.until,
    NoticeRow.facts,
)
_WHOLE = (
    *_NOTICE,
    NoticeRow.state,
    NoticeRow.attempts,
    NoticeRow.next_attempt_at,
    NoticeRow.settled_at,
    NoticeRow.message_id,
    NoticeRow.last_error,
    NoticeRow.requested_by,
)

# One order of keys, so that two transactions which add the same events wait for each other, not in a circle. Who waits
# for work is told when the caller commits, and never if it does not.
_ADD = text(f"""
WITH added AS (
    INSERT INTO notices (key, kind, order_id, group_id, store_id, locale, at, until, facts, requested_by, state,
                         next_attempt_at)
    SELECT n.*, '{NoticeState.PENDING}', n.at
    FROM jsonb_to_recordset(CAST(:notices AS jsonb)) AS n(
        key text, kind text, order_id text, group_id text, store_id text, locale text, at timestamptz,
        until timestamptz, facts jsonb, requested_by jsonb)
    ORDER BY n.key
    ON CONFLICT (key) DO NOTHING
    RETURNING key
)
SELECT pg_notify(:channel, '') FROM added LIMIT 1
""")


class PostgresOutbox:
    """See `port.Outbox`.

    Made on an engine, each call is a transaction of its own. Made on a connection or session, it takes part in that
    transaction, and the caller commits. `lease` must be longer than a relay needs for a batch.
    """

    def __init__(
        self, database: AsyncEngine | AsyncConnection | AsyncSession, lease: timedelta = timedelta(minutes=2)
    ) -> None:
        self._database = database
        self._lease = lease
        self._listener: AsyncConnection | None = None

    async def add(self, notices: Iterable[Notice]) -> None:
        rows = [_row(notice) for notice in notices]
        if not rows:
            return
        async with self._transaction() as connection:
            await self._insert(connection, rows)

    async def withdraw(
        self, order_id: OrderId, kinds: Iterable[NoticeKind], at: datetime, group_id: GroupId | None = None
    ) -> None:
        change = (
            update(NoticeRow)
            .where(NoticeRow.order_id == order_id, NoticeRow.kind.in_(list(kinds)))
            .where(NoticeRow.state == NoticeState.PENDING)
            .values(state=NoticeState.SUPPRESSED, settled_at=at, last_error="withdrawn")
        )
        if group_id is not None:
            change = change.where(NoticeRow.group_id == group_id)
        async with self._transaction() as connection:
            await connection.execute(change)

    async def claim(self, limit: int, at: datetime) -> list[PendingNotice]:
        due = (
            select(NoticeRow.key, NoticeRow.next_attempt_at.label("due_at"))
            .where(NoticeRow.state == NoticeState.PENDING, NoticeRow.next_attempt_at <= at)
            .order_by(NoticeRow.next_attempt_at, NoticeRow.sequence)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        lease = (
            update(NoticeRow)
            .where(NoticeRow.key == due.c.key)
            .values(next_attempt_at=at + self._lease, first_attempt_at=func.coalesce(NoticeRow.first_attempt_at, at))
            .returning(*_NOTICE, NoticeRow.attempts, NoticeRow.first_attempt_at, NoticeRow.sequence, due.c.due_at)
        )
        claimed: list[PendingNotice] = []
        async with self._transaction() as connection:
            rows = sorted(
                (await connection.execute(lease)).mappings(), key=lambda row: (row["due_at"], row["sequence"])
            )
            for row in rows:
                try:
                    claimed.append(PendingNotice(_notice(row), row["attempts"], row["first_attempt_at"]))
                except ValidationError:
                    # One row that this version cannot read must not keep all others from being sent.
                    await connection.execute(_settle(row["key"], NoticeState.FAILED, at, "unreadable"))
        return claimed

    async def sent(self, key: NoticeKey, at: datetime, message_id: str) -> None:
        # Also after another relay gave it up: what was sent was sent.
        change = (
            update(NoticeRow)
            .where(NoticeRow.key == key, NoticeRow.state != NoticeState.SENT)
            .values(
                state=NoticeState.SENT,
                settled_at=at,
                message_id=message_id,
                attempts=NoticeRow.attempts + 1,
                last_error=None,
            )
        )
        async with self._transaction() as connection:
            await connection.execute(change)

    async def failed(self, key: NoticeKey, at: datetime, error: str, next_attempt_at: datetime) -> None:
        change = (
            update(NoticeRow)
            .where(NoticeRow.key == key, NoticeRow.state == NoticeState.PENDING)
            .values(attempts=NoticeRow.attempts + 1, last_error=error[:100], next_attempt_at=next_attempt_at)
        )
        async with self._transaction() as connection:
            await connection.execute(change)

    async def gave_up(self, key: NoticeKey, at: datetime, reason: str) -> None:
        async with self._transaction() as connection:
            await connection.execute(
                _settle(key, NoticeState.FAILED, at, reason).values(attempts=NoticeRow.attempts + 1)
            )

    async def suppressed(self, key: NoticeKey, at: datetime, reason: str) -> None:
        async with self._transaction() as connection:
            await connection.execute(_settle(key, NoticeState.SUPPRESSED, at, reason))

    async def list_for_order(self, order_id: OrderId) -> list[OutboxEntry]:
        query = select(*_WHOLE).where(NoticeRow.order_id == order_id).order_by(NoticeRow.sequence)
        async with self._transaction() as connection:
            return [_entry(row) for row in (await connection.execute(query)).mappings()]

    async def list_failed(self, limit: int) -> list[OutboxEntry]:
        query = select(*_WHOLE).where(NoticeRow.state == NoticeState.FAILED)
        async with self._transaction() as connection:
            rows = await connection.execute(query.order_by(NoticeRow.sequence.desc()).limit(limit))
            return [_entry(row) for row in rows.mappings()]

    async def resend(self, key: NoticeKey, at: datetime, by: Actor, contact: int | None = None) -> NoticeKey:
        original = key.partition("#")[0]
        async with self._transaction() as connection:
            # The lock on the original makes copies of one event take their numbers one after the other.
            query = select(*_NOTICE).where(NoticeRow.key == original).with_for_update()
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                raise UnknownNotice("no notice has this key; list the order's messages to find it")
            copies = select(func.count()).where(NoticeRow.key.startswith(f"{original}#", autoescape=True))
            number = (await connection.execute(copies)).scalar_one() + 2
            copy = _notice(row).copy_for(number, at, contact)
            await self._insert(connection, [_row(copy) | {"requested_by": by.model_dump(mode="json")}])
            return copy.key

    async def next_due_at(self) -> datetime | None:
        query = select(func.min(NoticeRow.next_attempt_at)).where(NoticeRow.state == NoticeState.PENDING)
        async with self._transaction() as connection:
            due: datetime | None = (await connection.execute(query)).scalar_one()
            return due

    async def wait_for_work(self, timeout: float) -> bool:  # noqa: ASYNC109 - waiting is the whole call
        """See `port.Outbox`. Holds one connection of the engine's pool from the first call until `aclose`."""
        if self._listener is None:
            # What was added before we listen wakes nobody, so the first answer is always: look.
            self._listener = await self._listen()
            return True
        try:
            raw = await self._listener.get_raw_connection()
            driver = raw.driver_connection
            assert isinstance(driver, psycopg.AsyncConnection)
            woken = [one async for one in driver.notifies(timeout=timeout, stop_after=1)]
            if woken:
                # One answer for all that came meanwhile: the caller looks at everything anyway.
                woken += [one async for one in driver.notifies(timeout=0)]
        except BaseException as error:
            # The connection is broken, or we were cancelled in the middle of its protocol: the next call listens anew.
            listener, self._listener = self._listener, None
            await listener.invalidate()
            await listener.close()
            if isinstance(error, _DATABASE_AWAY):
                raise Unavailable("database_away") from None
            raise
        return bool(woken)

    async def aclose(self) -> None:
        """Give the listening connection back."""
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.invalidate()  # it still listens: no other borrower may have it
            await listener.close()

    async def _listen(self) -> AsyncConnection:
        assert isinstance(self._database, AsyncEngine), "waiting needs an outbox made on an engine"
        connection: AsyncConnection | None = None
        try:
            connection = await self._database.connect()
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(f"LISTEN {CHANNEL}"))
        except BaseException as error:
            if connection is not None:
                await connection.close()
            if isinstance(error, _DATABASE_AWAY):
                raise Unavailable("database_away") from None
            raise
        return connection

    async def _insert(self, connection: AsyncConnection | AsyncSession, rows: list[dict[str, Any]]) -> None:
        await connection.execute(_ADD, {"notices": json.dumps(rows), "channel": CHANNEL})

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection | AsyncSession]:
        if isinstance(self._database, AsyncEngine):
            async with self._database.begin() as connection:
                yield connection
        else:
            yield self._database


def _settle(key: NoticeKey, state: NoticeState, at: datetime, reason: str) -> Any:
    return (
        update(NoticeRow)
        .where(NoticeRow.key == key, NoticeRow.state == NoticeState.PENDING)
        .values(state=state, settled_at=at, last_error=reason[:100])
    )


def _row(notice: Notice) -> dict[str, Any]:
    facts = notice.facts.model_dump(mode="json", exclude_defaults=True)
    return notice.model_dump(mode="json", exclude={"facts"}) | {"facts": facts}


def _notice(row: Any) -> Notice:
    return Notice.model_validate({column.key: row[column.key] for column in _NOTICE})


def _entry(row: Any) -> OutboxEntry:
    state = NoticeState(row["state"])
    try:
        notice = _notice(row)
    except ValidationError:  # facts of another version: people see that there was a notice, and what became of it
        notice = _notice({**row, "facts": {}})
    return OutboxEntry(
        notice=notice,
        state=state,
        attempts=row["attempts"],
        next_attempt_at=row["next_attempt_at"] if state is NoticeState.PENDING else None,
        settled_at=row["settled_at"],
        message_id=row["message_id"],
        last_error=row["last_error"],
        requested_by=row["requested_by"],
    )


_DATABASE_AWAY = (exc.OperationalError, exc.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError, OSError)
