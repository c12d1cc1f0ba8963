"""The whole file of an application as one signed archive, kept in the document store under its hash."""

from typing import Protocol

from adapters.documents.port import Kept


class NoSuchApplication(LookupError):
    """There is no record of it."""


class Archives(Protocol):
    async def make(self, application_id: str) -> Kept:
        """Gather, sign and keep it; the same file gives the same archive.

        Raises: NoSuchApplication, KeyErased, KeyMissing.
        """
        ...
