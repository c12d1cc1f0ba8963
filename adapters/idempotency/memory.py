"""Commands' answers in memory: for tests and for one process alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from adapters.idempotency.port import Claimed, ClaimOutcome, CommandScope, KeptAnswer, OtherRequest, Running


@dataclass
class _Record:
    fingerprint: bytes
    claim_id: str
    claimed_at: datetime
    answer: KeptAnswer | None = None


class MemoryCommandRecords:
    def __init__(self) -> None:
        self._records: dict[CommandScope, _Record] = {}

    async def claim(
        self, scope: CommandScope, fingerprint: bytes, *, claim_id: str, at: datetime, lease: timedelta
    ) -> ClaimOutcome:
        known = self._records.get(scope)
        if known is None:
            self._records[scope] = _Record(fingerprint, claim_id, at)
            return Claimed()
        if known.fingerprint != fingerprint:
            return OtherRequest()
        if known.answer is not None:
            return known.answer
        if known.claimed_at > at - lease:
            return Running()
        known.claim_id, known.claimed_at = claim_id, at
        return Claimed(taken_over=True)

    async def keep(self, scope: CommandScope, claim_id: str, answer: KeptAnswer, at: datetime) -> bool:
        known = self._records.get(scope)
        if known is None or known.claim_id != claim_id:
            return False
        known.answer = answer
        return True

    async def release(self, scope: CommandScope, claim_id: str) -> None:
        known = self._records.get(scope)
        if known is not None and known.claim_id == claim_id and known.answer is None:
            del self._records[scope]

    async def purge(self, before: datetime) -> int:
        old = [scope for scope, record in self._records.items() if record.claimed_at < before]
        for scope in old:
            del self._records[scope]
        return len(old)
