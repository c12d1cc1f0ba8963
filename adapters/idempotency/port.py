"""What became of a command: claimed by the request that runs it, then its answer, kept for those who ask again."""

from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict


class CommandScope(NamedTuple):
    """A key means something only together with its principal."""

    principal_id: str
    key_hash: bytes
    """A keyed hash of the Idempotency-Key: callers put all sorts of things into keys."""


class KeptAnswer(BaseModel):
    """The first answer. Bodies may hold personal data, so `sealed_body` is encrypted by the caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: int
    sealed_body: bytes
    content_type: str
    location: str | None = None


class Claimed(NamedTuple):
    """Run it: nobody else does."""

    taken_over: bool = False
    """Another process began it and was lost on the way; its effects may be half done."""


class Running(NamedTuple):
    """Another request runs it at this moment."""


class OtherRequest(NamedTuple):
    """The key was used for a request with other content."""


ClaimOutcome = Claimed | Running | OtherRequest | KeptAnswer


class CommandRecords(Protocol):
    async def claim(
        self, scope: CommandScope, fingerprint: bytes, *, claim_id: str, at: datetime, lease: timedelta
    ) -> ClaimOutcome:
        """Claim the command for `claim_id`, unless it runs, is answered, or has another fingerprint.

        A claim older than `lease` whose fingerprint is the same passes to the new one.
        """

    async def keep(self, scope: CommandScope, claim_id: str, answer: KeptAnswer, at: datetime) -> bool:
        """Keep the answer of the claim. False when the claim has passed to another request meanwhile."""

    async def release(self, scope: CommandScope, claim_id: str) -> None:
        """Forget the claim: the key is free again."""

    async def purge(self, before: datetime) -> int:
        """Forget what was claimed before that instant; how many."""
