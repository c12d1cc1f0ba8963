"""Routing rules and decisions in memory: for tests."""

from collections.abc import Sequence
from datetime import datetime

from adapters.routing.port import RoutingEntry, RulesVersion
from domain.ids import OperationKey, OrderId
from domain.sourcing import DEFAULT_RULES, RoutingRules, Snapshot


class MemoryRouting:
    """See `port.Routing`."""

    def __init__(self) -> None:
        self._versions: list[RulesVersion] = [RulesVersion(DEFAULT_RULES, None)]
        self._entries: dict[OperationKey, RoutingEntry] = {}

    async def rules(self, version: int | None = None) -> RoutingRules | None:
        if version is None:
            return self._versions[-1].rules
        return next((each.rules for each in self._versions if each.rules.version == version), None)

    async def versions(self) -> Sequence[RulesVersion]:
        return self._versions[::-1]

    async def put_rules(self, rules: RoutingRules, at: datetime) -> RoutingRules:
        made = rules.model_copy(update={"version": self._versions[-1].rules.version + 1})
        self._versions.append(RulesVersion(made, at))
        return made

    async def record(self, entry: RoutingEntry) -> None:
        self._entries.setdefault(entry.key, entry)

    async def decisions(self, order_id: OrderId) -> Sequence[RoutingEntry]:
        return [entry for entry in self._entries.values() if entry.order_id == order_id]

    async def snapshots(
        self,
        *,
        order_ids: Sequence[OrderId] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int,
    ) -> Sequence[Snapshot]:
        first: dict[OrderId, Snapshot] = {}
        for entry in self._entries.values():
            named = order_ids is None or entry.order_id in order_ids
            in_time = (since is None or entry.at >= since) and (until is None or entry.at < until)
            if named and in_time and entry.snapshot is not None:
                first.setdefault(entry.order_id, entry.snapshot)
        return list(first.values())[:limit]
