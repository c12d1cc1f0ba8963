"""The record of applications in PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.applications.port import ApplicationChange, ApplicationEvent, Place, StoredApplication
from adapters.postgres.tables.lending import IS_ASKING, ApplicationEventRow, ApplicationRow

POSITIONS_A_CHANGE = 1000


class PostgresApplications:
    """See `port.Applications`."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    async def record(self, change: ApplicationChange) -> None:
        view = change.view
        values = {
            "version": change.version,
            "product": view.product,
            "channel": view.channel,
            "created_by": change.created_by,
            "customer_ref": change.customer_ref,
            "stage": view.stage,
            "outcome": view.outcome,
            "for_review": change.for_review,
            "review_due_at": change.review_due_at,
            "changed_at": change.at,
            "view": view.model_dump(mode="json"),
        }
        async with self._engine.begin() as connection:
            first = insert(ApplicationRow).values(application_id=change.application_id, created_at=change.at, **values)
            written = await connection.scalar(
                first.on_conflict_do_update(
                    index_elements=[ApplicationRow.application_id],
                    set_=values,
                    where=ApplicationRow.version < change.version,
                ).returning(ApplicationRow.application_id)
            )
            if written is None:
                if not await self._another_try_stands(connection, change):
                    return
                await self._take_back(connection, change)
                same = ApplicationRow.application_id == change.application_id
                await connection.execute(update(ApplicationRow).where(same).values(**values))
            if change.events:
                await self._add_events(connection, change)

    async def _another_try_stands(self, connection: AsyncConnection, change: ApplicationChange) -> bool:
        """An older try of the same workflow task wrote something else, and died before Temporal had heard of it."""
        row = ApplicationRow.changed_at
        query = select(row).where(ApplicationRow.application_id == change.application_id).with_for_update()
        if (await connection.execute(query)).scalar_one() >= change.at:
            return False
        known = await connection.scalars(
            select(ApplicationEventRow.entry)
            .where(*_of_change(change), ApplicationEventRow.position < (change.version + 1) * POSITIONS_A_CHANGE)
            .order_by(ApplicationEventRow.position)
        )
        told = [_timeless(ApplicationEvent.model_validate(entry)) for entry in known]
        return told != [_timeless(event) for event in change.events]

    async def _take_back(self, connection: AsyncConnection, change: ApplicationChange) -> None:
        await connection.execute(delete(ApplicationEventRow).where(*_of_change(change)))

    async def _add_events(self, connection: AsyncConnection, change: ApplicationChange) -> None:
        await connection.execute(
            insert(ApplicationEventRow),
            [
                {
                    "application_id": change.application_id,
                    "position": change.version * POSITIONS_A_CHANGE + n,
                    "entry": event.model_dump(mode="json"),
                }
                for n, event in enumerate(change.events)
            ],
        )

    async def application(self, application_id: str) -> StoredApplication | None:
        query = select(ApplicationRow, ApplicationRow.created_at.label("at"))
        found = await self._found(query.where(ApplicationRow.application_id == application_id))
        return found[0] if found else None

    async def timeline(self, application_id: str) -> Sequence[ApplicationEvent]:
        query = (
            select(ApplicationEventRow.entry)
            .where(ApplicationEventRow.application_id == application_id)
            .order_by(ApplicationEventRow.position)
        )
        async with self._engine.connect() as connection:
            return [ApplicationEvent.model_validate(entry) for entry in await connection.scalars(query)]

    async def queue(self, limit: int, after: Place | None = None) -> Sequence[StoredApplication]:
        due = func.coalesce(ApplicationRow.review_due_at, ApplicationRow.changed_at)
        query = select(ApplicationRow, due.label("at")).where(ApplicationRow.for_review)
        if after is not None:
            query = query.where(tuple_(due, ApplicationRow.application_id) > after)
        return await self._found(query.order_by(due, ApplicationRow.application_id).limit(limit))

    async def asking(self, limit: int) -> Sequence[StoredApplication]:
        at = ApplicationRow.changed_at.label("at")
        query = select(ApplicationRow, at).where(text(IS_ASKING)).order_by(ApplicationRow.changed_at).limit(limit)
        return await self._found(query)

    async def open(self, limit: int) -> Sequence[StoredApplication]:
        at = ApplicationRow.changed_at.label("at")
        query = select(ApplicationRow, at).where(ApplicationRow.outcome.is_(None))
        return await self._found(query.order_by(ApplicationRow.changed_at).limit(limit))

    async def listed(
        self, *, customer_ref: str | None, created_by: str | None, limit: int, after: Place | None = None
    ) -> Sequence[StoredApplication]:
        place = (ApplicationRow.created_at, ApplicationRow.application_id)
        query = select(ApplicationRow, ApplicationRow.created_at.label("at"))
        if customer_ref is not None:
            query = query.where(ApplicationRow.customer_ref == customer_ref)
        if created_by is not None:
            query = query.where(ApplicationRow.created_by == created_by)
        if after is not None:
            query = query.where(tuple_(*place) < after)
        return await self._found(query.order_by(*(each.desc() for each in place)).limit(limit))

    async def _found(self, query: Select[Any, Any]) -> list[StoredApplication]:
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            StoredApplication(created_by=row.created_by, customer_ref=row.customer_ref, view=row.view, at=row.at)
            for row in rows
        ]


def _of_change(change: ApplicationChange) -> tuple[ColumnElement[bool], ...]:
    """The events of a change, and of those after it."""
    return (
        ApplicationEventRow.application_id == change.application_id,
        ApplicationEventRow.position >= change.version * POSITIONS_A_CHANGE,
    )


def _timeless(event: ApplicationEvent) -> dict[str, Any]:
    return event.model_dump(mode="json", exclude={"at"})
