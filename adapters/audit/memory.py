"""The audit trail in memory: for tests."""

from adapters.audit.port import AuditEntry, AuditPage, AuditPosition


class MemoryAuditLog:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    async def append(self, entry: AuditEntry) -> None:
        self.entries.append(entry)

    async def read(
        self, *, limit: int, after: AuditPosition | None = None, principal_id: str | None = None
    ) -> AuditPage:
        found = sorted(
            (
                (AuditPosition(entry.at, number), entry)
                for number, entry in enumerate(self.entries)
                if (after is None or (entry.at, number) < after) and principal_id in (None, entry.principal_id)
            ),
            key=lambda each: each[0],
            reverse=True,
        )
        page = found[:limit]
        return AuditPage([entry for _, entry in page], page[-1][0] if len(found) > limit else None)
