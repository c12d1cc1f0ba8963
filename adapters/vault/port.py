"""The vault: one sealed record of personal data for each subject, found by id or by a keyed hash of mail or phone."""

from collections.abc import Sequence
from datetime import datetime
from typing import NewType, Protocol

from adapters.keys.port import KeyId
from domain.personal import PersonalData, Withheld

Subject = NewType("Subject", str)
"""What the data belongs to: an order's id, later an application's or a return's."""
LookupHash = NewType("LookupHash", bytes)
"""Made by `Lookup`: tells nothing about the address or number without the look-up key."""


class UnknownSubject(LookupError):
    """Nothing was ever put for this subject."""


class Vault(Protocol):
    """All methods raise `KeysUnavailable` when the key table cannot be reached."""

    async def put(self, subject: Subject, key_id: KeyId, data: PersonalData, at: datetime) -> None:
        """Keep `data`, in place of what the subject had. Raises: `KeyErased`, `KeyMissing`."""

    async def get(self, subject: Subject) -> PersonalData | Withheld:
        """The data, or `ERASED` once its key is deleted. Raises: `UnknownSubject`."""

    async def find_by_lookup(self, lookup: LookupHash) -> Sequence[Subject]:
        """Subjects with this mail address or phone number, newest first; at most 200."""

    async def forget(self, key_ids: Sequence[KeyId]) -> int:
        """After an erasure: drop the sealed bytes and the hashes too. Gives how many subjects were emptied."""
