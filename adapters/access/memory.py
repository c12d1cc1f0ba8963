"""The register of principals in memory: for tests and for one process alone."""

from datetime import datetime

from adapters.access.port import KeyRecord, Principal


class MemoryPrincipals:
    def __init__(self) -> None:
        self._principals: dict[str, Principal] = {}
        self._subjects: dict[tuple[str, str], str] = {}
        self._keys: dict[str, KeyRecord] = {}

    async def find_key(self, key_id: str) -> KeyRecord | None:
        key = self._keys.get(key_id)
        return key and key.model_copy(update={"principal": self._principals[key.principal.id]})

    async def find(self, principal_id: str) -> Principal | None:
        return self._principals.get(principal_id)

    async def find_subject(self, issuer: str, subject: str) -> Principal | None:
        found = self._subjects.get((issuer, subject))
        return None if found is None else self._principals[found]

    async def save(self, principal: Principal, *, issuer: str | None = None, subject: str | None = None) -> None:
        self._principals[principal.id] = principal
        if issuer is not None and subject is not None:
            self._subjects[issuer, subject] = principal.id

    async def add_key(self, key: KeyRecord) -> None:
        if key.principal.id not in self._principals:
            raise LookupError(f"save the principal {key.principal.id} before its key")
        self._keys[key.key_id] = key

    async def revoke(self, key_id: str, at: datetime) -> None:
        key = self._keys.get(key_id)
        if key is not None and key.revoked_at is None:
            self._keys[key_id] = key.model_copy(update={"revoked_at": at})
