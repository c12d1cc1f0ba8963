"""Personal data in this process's memory, for tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adapters.keys.port import CustomerKeys, KeyErased, KeyId
from adapters.vault.lookup import Lookup
from adapters.vault.port import LookupHash, Subject, UnknownSubject
from domain.personal import ERASED, PersonalData, Withheld


@dataclass(frozen=True)
class _Record:
    key_id: KeyId
    data: PersonalData | None
    hashes: frozenset[bytes]
    at: datetime


class InMemoryVault:
    """See `Vault`. Nothing is sealed; what an erased key held is withheld all the same."""

    def __init__(self, keys: CustomerKeys, lookup: Lookup) -> None:
        self._keys, self._lookup = keys, lookup
        self._records: dict[Subject, _Record] = {}

    async def put(self, subject: Subject, key_id: KeyId, data: PersonalData, at: datetime) -> None:
        await self._keys.key(key_id)
        hashes = [self._lookup.email(data.email)] if data.email else []
        if data.phone and (phone := self._lookup.phone(data.phone)) is not None:
            hashes.append(phone)
        self._records[subject] = _Record(key_id, data, frozenset(hashes), at)

    async def get(self, subject: Subject) -> PersonalData | Withheld:
        if (record := self._records.get(subject)) is None:
            raise UnknownSubject(f"no personal data was kept for {subject}")
        try:
            await self._keys.key(record.key_id)
        except KeyErased:
            return ERASED
        return ERASED if record.data is None else record.data

    async def find_by_lookup(self, lookup: LookupHash) -> Sequence[Subject]:
        found = [(record.at, subject) for subject, record in self._records.items() if lookup in record.hashes]
        return [subject for _, subject in sorted(found, reverse=True)][:200]

    async def forget(self, key_ids: Sequence[KeyId]) -> int:
        emptied = [subject for subject, record in self._records.items() if record.key_id in key_ids]
        for subject in emptied:
            record = self._records[subject]
            self._records[subject] = _Record(record.key_id, None, frozenset(), record.at)
        return len(emptied)
