"""The record of applications in PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.applications.port import ApplicationChange, ApplicationEvent, Place, StoredApplication
from adapters.postgres.tables.lending import ApplicationEventRow, ApplicationRow

POSITIONS_A_CHANGE = 1000


class PostgresApplications:
    """See `port.Applications`."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    async def record(self, change: ApplicationChange) -> None:
        view = change.view
        values = {
            "version": change.version,
            "product": view["product"],
            "channel": view["channel"],
            "created_by": change.created_by,
            "customer_ref": change.customer_ref,
            "stage": view["stage"],
            "outcome": view["outcome"],
            "for_review": change.for_review,
            "review_due_at": change.review_due_at,
            "changed_at": change.at,
            "view": view,
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
            if written is None or not change.events:
                return
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
