"""Legal holds and the purge in PostgreSQL. Both lock the application's row, so that one of them is first."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.applications.port import ApplicationEvent
from adapters.banking.port import CoreBanking, UnknownAccount
from adapters.documents.port import Documents
from adapters.keys.port import application_keeper
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.postgres.tables.lending import ApplicationEventRow, ApplicationRow, LegalHoldRow
from adapters.postgres.tables.privacy import PersonalRecordRow
from adapters.retention.port import Purge, Purged, Retained
from domain.actors import ENGINE, Actor
from domain.lending.accounts import balances
from domain.lending.application_view import ApplicationView
from domain.lending.retention import KeptFor, LegalHold, remains

NOBODY = "-"
"""Whose a purged application was."""


class PostgresRetention:
    """See `port.Retention`."""

    def __init__(
        self, engine: AsyncEngine, keys: PostgresCustomerKeys, documents: Documents, banking: CoreBanking
    ) -> None:
        self._engine = engine
        self._keys = keys
        self._documents = documents
        self._banking = banking

    async def hold(self, application_id: str, hold_id: str, reason: str, by: Actor, at: datetime) -> LegalHold:
        async with self._engine.begin() as connection:
            view = await self._locked(connection, application_id)
            if view is None or view.purged_at:
                raise Purged(f"the file of {application_id} is gone")
            row = insert(LegalHoldRow).values(
                hold_id=hold_id, application_id=application_id, reason=reason, set_by=by.id, set_at=at
            )
            new = await connection.scalar(row.on_conflict_do_nothing().returning(LegalHoldRow.hold_id))
            if new is not None:
                await _tell(connection, application_id, "legal_hold_set", by, at, reason, hold_id=hold_id)
            return await self._hold(connection, application_id, hold_id)

    async def release(self, application_id: str, hold_id: str, reason: str, by: Actor, at: datetime) -> LegalHold:
        async with self._engine.begin() as connection:
            await self._locked(connection, application_id)
            ended = await connection.scalar(
                update(LegalHoldRow)
                .where(
                    LegalHoldRow.application_id == application_id,
                    LegalHoldRow.hold_id == hold_id,
                    LegalHoldRow.released_at.is_(None),
                )
                .values(released_by=by.id, released_at=at, released_for=reason)
                .returning(LegalHoldRow.hold_id)
            )
            if ended is not None:
                await _tell(connection, application_id, "legal_hold_released", by, at, reason, hold_id=hold_id)
            return await self._hold(connection, application_id, hold_id)

    async def holds(self, application_id: str) -> Sequence[LegalHold]:
        query = select(LegalHoldRow).where(LegalHoldRow.application_id == application_id).order_by(LegalHoldRow.set_at)
        async with self._engine.connect() as connection:
            return [_shown(row) for row in await connection.execute(query)]

    async def purge(self, application_id: str, at: datetime) -> Purge:
        async with self._engine.begin() as connection:
            view = await self._locked(connection, application_id)
            if view is not None and not view.purged_at:
                held = select(LegalHoldRow.hold_id).where(
                    LegalHoldRow.application_id == application_id, LegalHoldRow.released_at.is_(None)
                )
                if await connection.scalar(held.limit(1)):
                    return Purge(kept_for=KeptFor.LEGAL_HOLD)
                if await self._account_is_open(view, at):
                    return Purge(kept_for=KeptFor.OPEN_ACCOUNT)
                await self._empty(connection, application_id, view, at)
        # After the commit, and again for a try that died between the two.
        await self._documents.forget(application_id)
        return Purge()

    async def _empty(
        self, connection: AsyncConnection, application_id: str, view: ApplicationView, at: datetime
    ) -> None:
        await connection.execute(
            update(ApplicationRow)
            .where(ApplicationRow.application_id == application_id)
            .values(customer_ref=NOBODY, view=remains(view, at).model_dump(mode="json"), changed_at=at)
        )
        await connection.execute(
            delete(ApplicationEventRow).where(ApplicationEventRow.application_id == application_id)
        )
        await connection.execute(
            update(PersonalRecordRow)
            .where(PersonalRecordRow.subject.startswith(f"application/{application_id}/", autoescape=True))
            .values(sealed=None, email_hash=None, phone_hash=None)
        )
        await self._keys.erase(application_keeper(application_id), at, connection)
        await _tell(connection, application_id, "purged", ENGINE, at)

    async def _account_is_open(self, view: ApplicationView, at: datetime) -> bool:
        if not view.account_id:
            return False
        try:
            account = await self._banking.account(view.account_id)
        except UnknownAccount:
            return False
        found = balances(account.terms, account.transactions, at, at.date())
        return any((found.booked, found.pending, account.terms.limit))

    async def retained_of(self, person_ref: str) -> Sequence[Retained]:
        query = select(ApplicationRow.application_id, ApplicationRow.view).where(
            or_(
                ApplicationRow.customer_ref == person_ref,
                ApplicationRow.view["parties"].contains([{"ref": person_ref}]),
            )
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query.order_by(ApplicationRow.created_at))).all()
            ids = [row.application_id for row in rows]
            held = await connection.scalars(
                select(LegalHoldRow.application_id).where(
                    LegalHoldRow.application_id.in_(ids), LegalHoldRow.released_at.is_(None)
                )
            )
            held_ids = set(held)
        return [
            Retained(
                application_id=row.application_id,
                keep_until=_keep_until(ApplicationView.model_validate(row.view)),
                held=row.application_id in held_ids,
            )
            for row in rows
        ]

    async def _locked(self, connection: AsyncConnection, application_id: str) -> ApplicationView | None:
        query = select(ApplicationRow.view).where(ApplicationRow.application_id == application_id)
        view = await connection.scalar(query.with_for_update())
        return None if view is None else ApplicationView.model_validate(view)

    async def _hold(self, connection: AsyncConnection, application_id: str, hold_id: str) -> LegalHold:
        query = select(LegalHoldRow).where(
            LegalHoldRow.application_id == application_id, LegalHoldRow.hold_id == hold_id
        )
        row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise LookupError(f"{application_id} has no hold {hold_id}")
        return _shown(row)


def _keep_until(view: ApplicationView) -> datetime | None:
    """Of one that has just ended, whose clock is about to start, the end itself; none while it runs."""
    return view.keep_until or view.ended_at


def _shown(row: Any) -> LegalHold:
    return LegalHold(**{name: getattr(row, name) for name in LegalHold.model_fields})


async def _tell(
    connection: AsyncConnection,
    application_id: str,
    event: str,
    by: Actor,
    at: datetime,
    reason: str | None = None,
    **data: str,
) -> None:
    last = await connection.scalar(
        select(func.max(ApplicationEventRow.position)).where(ApplicationEventRow.application_id == application_id)
    )
    entry = ApplicationEvent(at=at, event=event, actor=by, reason=reason, data=data)
    await connection.execute(
        insert(ApplicationEventRow).values(
            application_id=application_id, position=(last or 0) + 1, entry=entry.model_dump(mode="json")
        )
    )
