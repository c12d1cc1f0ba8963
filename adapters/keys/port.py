"""Customers' keys: one data key per customer, found by customer, by workflow or by its id, and deleted for ever."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType, Protocol

KeyId = NewType("KeyId", str)
"""Opaque; stands in clear beside everything that the key encrypts."""
CustomerRef = NewType("CustomerRef", str)
"""The seller's own opaque reference of a customer, or one made for a guest's order. Never a name or an address."""


def application_keeper(application_id: str) -> CustomerRef:
    """Whose key seals an application: its own, since its file must outlive an erasure of the person's other data.

    No caller's reference of a customer holds a space.
    """
    return CustomerRef(f"application {application_id}")


@dataclass(frozen=True, slots=True)
class DataKey:
    """An AES-256 key, unwrapped. Lives in memory for seconds; never printed."""

    id: KeyId
    secret: bytes = field(repr=False)


class KeyFault(Exception):
    """A key cannot be had. Texts name key and workflow ids only."""


class KeyErased(KeyFault):
    """The key was deleted because the customer was erased. What it encrypted cannot be read again."""


class KeyMissing(KeyFault):
    """There is no such key, or a workflow that holds personal data has no key bound to it."""


class KeysUnavailable(KeyFault):
    """The key table cannot be reached now; the same call may work later."""


class WorkflowBoundElsewhere(KeyFault):
    """The workflow already has another customer's key; a history never changes its key."""


class CustomerKeys(Protocol):
    """All methods raise `KeysUnavailable` when the table cannot be reached."""

    async def key_for_customer(self, customer_ref: CustomerRef, at: datetime) -> DataKey:
        """The customer's live key; made at the first call, one only however many call at once.

        A customer who comes back after an erasure gets a new key; the old one stays deleted.
        """

    async def bind(self, workflow_id: str, key_id: KeyId) -> None:
        """Let everything in this workflow's histories be encrypted under `key_id`, before it is started.

        Repeating is harmless. Raises: `KeyErased`, `KeyMissing`, `WorkflowBoundElsewhere`.
        """

    async def key_of_workflow(self, workflow_id: str) -> DataKey | None:
        """The key bound to the workflow, or nothing. Raises `KeyErased`."""

    async def key(self, key_id: KeyId) -> DataKey:
        """Raises: `KeyErased`, `KeyMissing`. An erasure is seen by every process within the cache's few seconds."""

    async def erase(self, customer_ref: CustomerRef, at: datetime) -> Sequence[KeyId]:
        """Delete the customer's key for ever; the ids that were deleted now. Repeating gives none."""

    def system_key(self) -> DataKey:
        """A key for what belongs to no customer (schedules, dispatching workflows). Never erased."""
