"""Returns and their policy in memory: for tests."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from adapters.records.port import OvertakenTry
from adapters.returns.port import ReturnChange, ReturnFilter, Written
from domain.ids import LineId, OrderId, ReturnId, StoreId
from domain.returns.policy import ReturnPolicy
from domain.returns.returned import ReturnView
from domain.returns.settling import Settled
from domain.returns.words import ReturnStatus

Condition = Callable[[ReturnView], bool]


class MemoryReturns:
    """See `port.Returns`. One transaction at a time is all the lock there is."""

    def __init__(self) -> None:
        self._changes: dict[ReturnId, ReturnChange] = {}
        self._settlements: list[tuple[ReturnId, OrderId, Settled]] = []

    async def lock_order(self, order_id: OrderId) -> None:
        return None

    async def write(self, change: ReturnChange) -> Written:
        known = self._changes.get(change.return_id)
        became = Written.NEW
        if known is not None and known.sequence >= change.sequence:
            if known.at == change.at:
                return Written.KNOWN
            if known.at > change.at:
                raise OvertakenTry
            became = Written.INSTEAD
        self._changes[change.return_id] = change
        return became

    async def claimed(self, order_id: OrderId, *, but_for: ReturnId | None = None) -> Mapping[LineId, int]:
        found: dict[LineId, int] = {}
        for change in self._changes.values():
            if change.order_id == order_id and change.return_id != but_for:
                for line_id, units in change.claimed.items():
                    found[line_id] = found.get(line_id, 0) + units
        return found

    async def settlements(self, order_id: OrderId) -> Sequence[tuple[ReturnId, Settled]]:
        return [(return_id, settled) for return_id, order, settled in self._settlements if order == order_id]

    async def add_settlement(self, return_id: ReturnId, order_id: OrderId, settled: Settled) -> None:
        self._settlements.append((return_id, order_id, settled))

    async def get(self, return_id: ReturnId) -> ReturnView | None:
        change = self._changes.get(return_id)
        return None if change is None else change.view

    async def carried_to(self, order_id: OrderId) -> int:
        return sum(change.elsewhere.get(order_id, 0) for change in self._changes.values())

    async def of_order(self, order_id: OrderId) -> Sequence[ReturnView]:
        return self._oldest_first(lambda view: view.order_id == order_id)

    async def find(
        self, wanted: ReturnFilter, *, after: tuple[datetime, str] | None, limit: int
    ) -> Sequence[ReturnView]:
        asked = wanted.model_dump(exclude_none=True)
        found = [
            view
            for view in self._oldest_first(
                lambda view: all(getattr(view, name) == value for name, value in asked.items())
            )
            if wanted.kind is not None or view.goodwill is None
        ]
        newest_first = reversed(found)
        return [view for view in newest_first if after is None or (view.requested_at, view.return_id) < after][:limit]

    async def work_at(self, store_id: StoreId, *, limit: int) -> Sequence[ReturnView]:
        return self._oldest_first(lambda view: view.store_id == store_id and not view.finished)[:limit]

    async def asking(self, *, limit: int) -> Sequence[ReturnView]:
        return self._oldest_first(lambda view: view.status is ReturnStatus.NEEDS_ATTENTION)[:limit]

    async def open_of(self, customer_ref: str) -> Sequence[ReturnId]:
        return [
            view.return_id
            for view in self._oldest_first(lambda view: view.customer_ref == customer_ref and not view.finished)
        ]

    def _oldest_first(self, wanted: Condition) -> list[ReturnView]:
        found = [change.view for change in self._changes.values() if wanted(change.view)]
        return sorted(found, key=lambda view: (view.requested_at, view.return_id))


class MemoryReturnPolicies:
    """See `port.ReturnPolicies`."""

    def __init__(self) -> None:
        self._policies: dict[int, ReturnPolicy] = {}

    async def newest_version(self) -> int:
        return max(self._policies, default=0)

    async def newest(self) -> ReturnPolicy | None:
        return self._policies[max(self._policies)] if self._policies else None

    async def version(self, number: int) -> ReturnPolicy | None:
        return self._policies.get(number)

    async def add(self, policy: ReturnPolicy, at: datetime, by: str) -> bool:
        if policy.version in self._policies:
            return False
        self._policies[policy.version] = policy
        return True

    async def all(self) -> Sequence[ReturnPolicy]:
        return [self._policies[number] for number in sorted(self._policies, reverse=True)]
