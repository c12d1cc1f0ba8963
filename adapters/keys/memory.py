"""Customers' keys in this process's memory, for tests and for replaying recorded histories with a known key."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from adapters.keys.master import MasterKeys
from adapters.keys.port import (
    CustomerRef,
    DataKey,
    KeyErased,
    KeyId,
    KeyMissing,
    WorkflowBoundElsewhere,
)


class InMemoryCustomerKeys:
    """See `CustomerKeys`. Erasure is at once. `known` are keys that were kept, such as a recording's test key."""

    def __init__(self, master: MasterKeys | None = None, *known: DataKey) -> None:
        self._master = master or MasterKeys(secrets.token_bytes(32))
        self._keys: dict[KeyId, DataKey | None] = {key.id: key for key in known}
        self._living: dict[CustomerRef, KeyId] = {}
        self._bindings: dict[str, KeyId] = {}

    async def key_for_customer(self, customer_ref: CustomerRef, at: datetime) -> DataKey:
        if customer_ref not in self._living:
            made = DataKey(KeyId(secrets.token_hex(12)), secrets.token_bytes(32))
            self._keys[made.id] = made
            self._living[customer_ref] = made.id
        return await self.key(self._living[customer_ref])

    async def bind(self, workflow_id: str, key_id: KeyId) -> None:
        await self.key(key_id)
        bound = self._bindings.setdefault(workflow_id, key_id)
        if bound != key_id:
            raise WorkflowBoundElsewhere(f"{workflow_id} is encrypted under key {bound}, not {key_id}")

    async def key_of_workflow(self, workflow_id: str) -> DataKey | None:
        key_id = self._bindings.get(workflow_id)
        return None if key_id is None else await self.key(key_id)

    async def key(self, key_id: KeyId) -> DataKey:
        if (system := self._master.system_key_of(key_id)) is not None:
            return system
        if key_id not in self._keys:
            raise KeyMissing(f"there is no key {key_id}; is this the right database?")
        if (key := self._keys[key_id]) is None:
            raise KeyErased(f"key {key_id} was deleted when its customer was erased")
        return key

    async def erase(self, customer_ref: CustomerRef, at: datetime) -> Sequence[KeyId]:
        key_id = self._living.pop(customer_ref, None)
        if key_id is None:
            return []
        self._keys[key_id] = None
        return [key_id]

    def system_key(self) -> DataKey:
        return self._master.system_key()
