"""Customers' keys in PostgreSQL, wrapped with the master key.

Every writing call takes the caller's connection too, so that an order, its key and its workflow's binding are one
transaction. A key that is being used by an open transaction is locked in share: an erasure waits for it, then wins.
"""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import Row, Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from adapters.keys.cache import SECONDS, SIZE, KeyCache
from adapters.keys.master import MasterKeys
from adapters.keys.port import (
    CustomerRef,
    DataKey,
    KeyErased,
    KeyId,
    KeyMissing,
    KeysUnavailable,
    WorkflowBoundElsewhere,
)
from adapters.postgres.tables.privacy import CustomerKeyRow, WorkflowKeyRow

_Row = Row[str, str, bytes | None]
_KEY = (CustomerKeyRow.key_id, CustomerKeyRow.master, CustomerKeyRow.wrapped)


class PostgresCustomerKeys:
    """See `CustomerKeys`. One for each process: it remembers unwrapped keys for `seconds`."""

    def __init__(
        self,
        engine: AsyncEngine,
        master: MasterKeys,
        *,
        tenant: str = "default",
        seconds: float = SECONDS,
        size: int = SIZE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine, self._master, self._tenant = engine, master, tenant
        self._cache = KeyCache(seconds, size, clock)

    async def key_for_customer(
        self, customer_ref: CustomerRef, at: datetime, connection: AsyncConnection | None = None
    ) -> DataKey:
        async with self._transaction(connection) as used:
            # Twice is enough unless the customer is erased in the same instant, again and again.
            for _ in range(3):
                if (found := await self._living(used, customer_ref)) is not None:
                    return found
                if (made := await self._made(used, customer_ref, at)) is not None:
                    return made
        raise KeysUnavailable("the customer's key changes too fast; try again")

    async def bind(self, workflow_id: str, key_id: KeyId, connection: AsyncConnection | None = None) -> None:
        async with self._transaction(connection) as used:
            await self.held(key_id, used)
            await used.execute(
                insert(WorkflowKeyRow).values(workflow_id=workflow_id, key_id=key_id).on_conflict_do_nothing()
            )
            bound = await used.scalar(select(WorkflowKeyRow.key_id).where(WorkflowKeyRow.workflow_id == workflow_id))
            if bound != key_id:
                raise WorkflowBoundElsewhere(f"{workflow_id} is encrypted under key {bound}, not {key_id}")

    async def key_of_workflow(self, workflow_id: str) -> DataKey | None:
        if (cached := self._cache.key_of_workflow(workflow_id)) is not None:
            return cached
        asked = self._cache.asked()
        row = await self._one(
            select(*_KEY).join(WorkflowKeyRow).where(WorkflowKeyRow.workflow_id == workflow_id),
        )
        return None if row is None else self._cache.remember(self._unwrapped(row), asked, workflow_id)

    async def key(self, key_id: KeyId) -> DataKey:
        if (system := self._master.system_key_of(key_id)) is not None:
            return system
        if (cached := self._cache.key(key_id)) is not None:
            return cached
        asked = self._cache.asked()
        row = await self._one(select(*_KEY).where(CustomerKeyRow.key_id == key_id))
        if row is None:
            raise KeyMissing(f"there is no key {key_id}; is this the right database?")
        return self._cache.remember(self._unwrapped(row), asked)

    async def erase(
        self, customer_ref: CustomerRef, at: datetime, connection: AsyncConnection | None = None
    ) -> Sequence[KeyId]:
        async with self._transaction(connection) as used:
            erased = await used.scalars(
                update(CustomerKeyRow)
                .where(
                    CustomerKeyRow.tenant == self._tenant,
                    CustomerKeyRow.customer_ref == customer_ref,
                    CustomerKeyRow.erased_at.is_(None),
                )
                .values(wrapped=None, erased_at=at)
                .returning(CustomerKeyRow.key_id)
            )
            key_ids = [KeyId(key_id) for key_id in erased]
        for key_id in key_ids:
            self._cache.forget(key_id)
        return key_ids

    def system_key(self) -> DataKey:
        return self._master.system_key()

    async def _living(self, connection: AsyncConnection, customer_ref: CustomerRef) -> DataKey | None:
        rows = await connection.execute(
            select(*_KEY)
            .where(
                CustomerKeyRow.tenant == self._tenant,
                CustomerKeyRow.customer_ref == customer_ref,
                CustomerKeyRow.erased_at.is_(None),
            )
            .with_for_update(read=True)
        )
        row = rows.one_or_none()
        return None if row is None else self._unwrapped(row)

    async def _made(self, connection: AsyncConnection, customer_ref: CustomerRef, at: datetime) -> DataKey | None:
        """A new key, or nothing when another call has made one in the meantime."""
        key = DataKey(KeyId(secrets.token_hex(12)), secrets.token_bytes(32))
        master, wrapped = self._master.wrap(key)
        made = await connection.execute(
            insert(CustomerKeyRow)
            .values(
                key_id=key.id,
                tenant=self._tenant,
                customer_ref=customer_ref,
                master=master,
                wrapped=wrapped,
                created_at=at,
            )
            .on_conflict_do_nothing()
            .returning(CustomerKeyRow.key_id)
        )
        return None if made.one_or_none() is None else key

    async def held(self, key_id: KeyId, connection: AsyncConnection) -> DataKey:
        """The key, locked against erasure until the caller's transaction ends. Raises: `KeyErased`, `KeyMissing`."""
        rows = await connection.execute(select(*_KEY).where(CustomerKeyRow.key_id == key_id).with_for_update(read=True))
        row = rows.one_or_none()
        if row is None:
            raise KeyMissing(f"there is no key {key_id}; call key_for_customer first")
        return self._unwrapped(row)

    def _unwrapped(self, row: _Row) -> DataKey:
        if row.wrapped is None:
            raise KeyErased(f"key {row.key_id} was deleted when its customer was erased")
        return self._master.unwrap(row.master, KeyId(row.key_id), row.wrapped)

    async def _one(self, statement: Select[str, str, bytes | None]) -> _Row | None:
        async with self._transaction(None) as used:
            return (await used.execute(statement)).one_or_none()

    @asynccontextmanager
    async def _transaction(self, given: AsyncConnection | None) -> AsyncIterator[AsyncConnection]:
        if given is not None:
            yield given
            return
        try:
            async with self._engine.begin() as own:
                yield own
        except (OperationalError, InterfaceError, PoolTimeout, OSError) as fault:
            # The driver's text may quote rows; it stays in the cause, which logs redact.
            raise KeysUnavailable(f"the key table cannot be reached ({type(fault).__name__}); try again") from fault
