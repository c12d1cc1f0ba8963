"""The queues for supply in memory: for tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from adapters.backorders.port import (
    BackorderRule,
    Party,
    Wanted,
    chosen_rules,
    demand_on_rules,
    latest,
    part_of,
)
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.stock import Place, StockLine
from domain.supply import ANYWHERE

_Rule = tuple[Sku, StoreId]


@dataclass(frozen=True)
class _Row:
    """One stock line of a party. `rule`: the one that it counts against, when it is beyond stock."""

    order_id: OrderId
    n: int
    line: StockLine
    rule: _Rule | None
    position: int
    since: datetime
    channel: str
    served: bool = False
    told: datetime | None = None

    @property
    def key(self) -> tuple[OrderId, int, LineId, Sku]:
        return self.order_id, self.n, self.line.line_id, self.line.sku


class MemoryBackorders:
    """See `port.Backorders`. Rows are never changed, only replaced, so that a transaction can go back to the old."""

    def __init__(self) -> None:
        self._rules: dict[_Rule, BackorderRule] = {}
        self._rows: dict[tuple[OrderId, int, LineId, Sku], _Row] = {}

    async def put(self, rule: BackorderRule) -> BackorderRule:
        name = rule.sku, rule.location_id
        known = self._rules.get(name)
        self._rules[name] = rule.model_copy(update={"waiting": known.waiting if known else 0})
        return self._rules[name]

    async def rules(self, skus: Sequence[str] | None = None) -> Sequence[BackorderRule]:
        return [rule for name, rule in sorted(self._rules.items()) if skus is None or name[0] in skus]

    async def join(self, order_id: OrderId, n: int, wanted: Sequence[Wanted], channel: str, at: datetime) -> Party:
        if rows := self._of(order_id, n):
            return self._party(rows)
        chosen = chosen_rules(wanted, list(self._rules.values()))
        for name, quantity in demand_on_rules(wanted, chosen).items():
            self._count(name, quantity)
        told = latest([rule.expected_at for rule in chosen.values() if rule is not None])
        first = max((row.position for row in self._rows.values()), default=0) + 1
        for position, (line, beyond) in enumerate(wanted, start=first):
            rule = chosen[line.place] if beyond else None
            counts = (rule.sku, rule.location_id) if rule is not None else None
            row = _Row(order_id, n, line, counts, position, at, channel, told=told)
            self._rows[row.key] = row
        return self._party(self._of(order_id, n))

    async def queue(
        self, places: Sequence[Place] | None = None, *, after: int = 0, limit: int | None = None
    ) -> Sequence[Party]:
        wanted = None if places is None else {*places, *((sku, StoreId(ANYWHERE)) for sku, _ in places)}
        parties = [
            party
            for party in self._parties(row for row in self._rows.values() if not row.served)
            if party.position > after and (wanted is None or any(line.place in wanted for line in party.lines))
        ]
        return parties[:limit]

    async def of_order(self, order_id: OrderId) -> Sequence[Party]:
        mine = self._parties(row for row in self._rows.values() if row.order_id == order_id)
        return sorted(mine, key=lambda party: party.n)

    async def serve(self, order_id: OrderId, n: int) -> tuple[StockLine, ...]:
        rows = [row for row in self._of(order_id, n) if not row.served]
        for row in rows:
            self._rows[row.key] = replace(row, served=True)
            self._count(row.rule, -row.line.quantity)
        return tuple(row.line for row in rows)

    async def served(self, limit: int) -> Sequence[Party]:
        return self._parties(row for row in self._rows.values() if row.served)[:limit]

    async def take_over(self, order_id: OrderId, n: int) -> tuple[StockLine, ...]:
        rows = [row for row in self._of(order_id, n) if row.served]
        for row in rows:
            del self._rows[row.key]
        return tuple(row.line for row in rows)

    async def leave(self, order_id: OrderId, n: int, lines: Sequence[StockLine]) -> tuple[StockLine, ...]:
        left = part_of(lines)
        released = []
        for row in self._of(order_id, n):
            part = min(row.line.quantity, left.get((row.line.line_id, row.line.sku), 0))
            if not part:
                continue
            if row.served:
                released.append(row.line.model_copy(update={"quantity": part}))
            else:
                self._count(row.rule, -part)
            if part == row.line.quantity:
                del self._rows[row.key]
            else:
                rest = row.line.model_copy(update={"quantity": row.line.quantity - part})
                self._rows[row.key] = replace(row, line=rest)
        return tuple(released)

    async def tell(self, order_id: OrderId, n: int, expected_at: datetime | None) -> None:
        for row in self._of(order_id, n):
            self._rows[row.key] = replace(row, told=expected_at)

    async def untold(self, limit: int) -> Sequence[Party]:
        parties = self._parties(row for row in self._rows.values() if not row.served)
        return [party for party in parties if party.expected_at != party.told][:limit]

    async def forget(self, order_id: OrderId) -> None:
        for row in [row for row in self._rows.values() if row.order_id == order_id]:
            if not row.served:
                self._count(row.rule, -row.line.quantity)
            del self._rows[row.key]

    def _count(self, name: _Rule | None, quantity: int) -> None:
        if name is not None:
            rule = self._rules[name]
            self._rules[name] = rule.model_copy(update={"waiting": rule.waiting + quantity})

    def _of(self, order_id: OrderId, n: int) -> list[_Row]:
        return [row for row in self._rows.values() if (row.order_id, row.n) == (order_id, n)]

    def _parties(self, rows: Iterable[_Row]) -> list[Party]:
        by_group: dict[tuple[OrderId, int], list[_Row]] = {}
        for row in rows:
            by_group.setdefault((row.order_id, row.n), []).append(row)
        return sorted(map(self._party, by_group.values()), key=lambda party: party.position)

    def _party(self, rows: list[_Row]) -> Party:
        rows.sort(key=lambda row: row.position)
        first = rows[0]
        return Party(
            order_id=first.order_id,
            n=first.n,
            position=first.position,
            since=first.since,
            channel=first.channel,
            lines=tuple(row.line for row in rows),
            served=first.served,
            expected_at=latest([self._rules[row.rule].expected_at for row in rows if row.rule is not None]),
            told=first.told,
        )
