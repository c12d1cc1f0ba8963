"""Personal data in PostgreSQL. Writing calls take the caller's connection too, to be part of an order's transaction."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.keys.cipher import seal, unseal
from adapters.keys.port import KeyErased, KeyId
from adapters.keys.postgres import PostgresCustomerKeys
from adapters.postgres.tables.privacy import CardRecordRow, PersonalRecordRow
from adapters.vault.lookup import Lookup
from adapters.vault.port import LookupHash, Subject, UnknownSubject
from domain.personal import ERASED, PersonalData, Withheld

_MOST = 200


class PostgresVault:
    """See `Vault`."""

    def __init__(self, engine: AsyncEngine, keys: PostgresCustomerKeys, lookup: Lookup) -> None:
        self._engine, self._keys, self._lookup = engine, keys, lookup

    async def put(
        self,
        subject: Subject,
        key_id: KeyId,
        data: PersonalData,
        at: datetime,
        connection: AsyncConnection | None = None,
    ) -> None:
        async with self._transaction(connection) as used:
            key = await self._keys.held(key_id, used)
            record = {
                "key_id": key_id,
                "sealed": seal(key, data.model_dump_json(exclude_defaults=True).encode(), _purpose(subject)),
                "email_hash": self._lookup.email(data.email) if data.email else None,
                "phone_hash": self._lookup.phone(data.phone) if data.phone else None,
                "recorded_at": at,
            }
            await used.execute(
                insert(PersonalRecordRow)
                .values(subject=subject, **record)
                .on_conflict_do_update(index_elements=[PersonalRecordRow.subject], set_=record)
            )

    async def get(self, subject: Subject, connection: AsyncConnection | None = None) -> PersonalData | Withheld:
        async with self._transaction(connection) as used:
            found = await used.execute(
                select(PersonalRecordRow.key_id, PersonalRecordRow.sealed).where(PersonalRecordRow.subject == subject)
            )
            row = found.one_or_none()
        if row is None:
            raise UnknownSubject(f"no personal data was kept for {subject}")
        if row.sealed is None:
            return ERASED
        try:
            key = await self._keys.key(KeyId(row.key_id))
        except KeyErased:
            return ERASED
        return PersonalData.model_validate_json(unseal(key, row.sealed, _purpose(subject)))

    async def find_by_lookup(self, lookup: LookupHash) -> Sequence[Subject]:
        async with self._transaction(None) as used:
            found = await used.scalars(
                select(PersonalRecordRow.subject)
                .where(or_(PersonalRecordRow.email_hash == lookup, PersonalRecordRow.phone_hash == lookup))
                .order_by(PersonalRecordRow.recorded_at.desc(), PersonalRecordRow.subject.desc())
                .limit(_MOST)
            )
            return [Subject(subject) for subject in found]

    async def find_by_email(self, email: str) -> Sequence[Subject]:
        """Subjects with this mail address, newest first."""
        return await self.find_by_lookup(self._lookup.email(email))

    async def find_by_phone(self, phone: str) -> Sequence[Subject]:
        """Subjects with this phone number, newest first; none when it cannot be one."""
        lookup = self._lookup.phone(phone)
        return [] if lookup is None else await self.find_by_lookup(lookup)

    async def put_card(
        self, subject: Subject, key_id: KeyId, token: str, at: datetime, connection: AsyncConnection
    ) -> None:
        """Let the subject be found by the card that paid for it; the token itself is not kept."""
        row = {"subject": subject, "card_hash": self._lookup.card(token), "key_id": key_id, "recorded_at": at}
        await connection.execute(insert(CardRecordRow).values(row).on_conflict_do_nothing())

    async def find_by_card(self, token: str) -> Sequence[Subject]:
        """Subjects that were paid with this card, newest first; at most 200."""
        async with self._transaction(None) as used:
            found = await used.scalars(
                select(CardRecordRow.subject)
                .where(CardRecordRow.card_hash == self._lookup.card(token))
                .order_by(CardRecordRow.recorded_at.desc(), CardRecordRow.subject.desc())
                .limit(_MOST)
            )
            return [Subject(subject) for subject in found]

    async def forget(self, key_ids: Sequence[KeyId], connection: AsyncConnection | None = None) -> int:
        async with self._transaction(connection) as used:
            await used.execute(delete(CardRecordRow).where(CardRecordRow.key_id.in_(key_ids)))
            emptied = await used.scalars(
                update(PersonalRecordRow)
                .where(PersonalRecordRow.key_id.in_(key_ids))
                .values(sealed=None, email_hash=None, phone_hash=None)
                .returning(PersonalRecordRow.subject)
            )
            return len(emptied.all())

    @asynccontextmanager
    async def _transaction(self, given: AsyncConnection | None) -> AsyncIterator[AsyncConnection]:
        if given is not None:
            yield given
        else:
            async with self._engine.begin() as own:
                yield own


def _purpose(subject: Subject) -> bytes:
    # Sealed to its subject: a record copied to another order's row does not open.
    return f"vault\x00{subject}".encode()
