"""The queues for supply in PostgreSQL.

Every command locks the rules that it touches first, by SKU and place, then the party's rows; stock is locked after
them. So positions under one rule are given in the order of commits, and two commands never wait for each other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.backorders.port import (
    BackorderRule,
    Party,
    Wanted,
    chosen_rules,
    demand_on_rules,
    latest,
    part_of,
)
from adapters.postgres.tables.backorders import BackorderRow, BackorderRuleRow
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.stock import Place, StockLine
from domain.supply import ANYWHERE

_RULE = (BackorderRuleRow.sku, BackorderRuleRow.location_id)
_GROUP = (BackorderRow.order_id, BackorderRow.n)


class PostgresBackorders:
    """See `port.Backorders`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def put(self, rule: BackorderRule) -> BackorderRule:
        values = {"cap": rule.cap, "expected_at": rule.expected_at}
        waiting = await self._connection.scalar(
            upsert(BackorderRuleRow)
            .values(sku=rule.sku, location_id=rule.location_id, waiting=0, **values)
            .on_conflict_do_update(index_elements=list(_RULE), set_=values)
            .returning(BackorderRuleRow.waiting)
        )
        return rule.model_copy(update={"waiting": waiting})

    async def rules(self, skus: Sequence[str] | None = None) -> Sequence[BackorderRule]:
        return await self._rules(BackorderRuleRow.sku.in_(skus) if skus is not None else None)

    async def _rules(self, condition: ColumnElement[bool] | None, *, locked: bool = False) -> list[BackorderRule]:
        query = select(*_RULE, BackorderRuleRow.cap, BackorderRuleRow.expected_at, BackorderRuleRow.waiting)
        if condition is not None:
            query = query.where(condition)
        query = query.order_by(*(column.collate("C") for column in _RULE))
        rows = await self._connection.execute(query.with_for_update() if locked else query)
        return [BackorderRule.model_validate(dict(row)) for row in rows.mappings()]

    async def join(self, order_id: OrderId, n: int, wanted: Sequence[Wanted], channel: str, at: datetime) -> Party:
        skus = sorted({each.line.sku for each in wanted if each.beyond})
        places = {each.line.location_id for each in wanted} | {StoreId(ANYWHERE)}
        here = and_(BackorderRuleRow.sku.in_(skus), BackorderRuleRow.location_id.in_(places))
        rules = await self._rules(here, locked=True)
        for party in await self.of_order(order_id):
            if party.n == n:
                return party
        chosen = chosen_rules(wanted, rules)
        for (sku, location), quantity in demand_on_rules(wanted, chosen).items():
            await self._count({(sku, location): quantity})
        told = latest([rule.expected_at for rule in chosen.values() if rule is not None])
        for line, beyond in wanted:
            rule = chosen[line.place] if beyond else None
            await self._connection.execute(
                insert(BackorderRow).values(
                    order_id=order_id,
                    n=n,
                    **line.model_dump(),
                    counts_at=rule.location_id if rule is not None else None,
                    since=at,
                    channel=channel,
                    served=False,
                    told=told,
                )
            )
        return next(party for party in await self.of_order(order_id) if party.n == n)

    async def queue(
        self, places: Sequence[Place] | None = None, *, after: int = 0, limit: int | None = None
    ) -> Sequence[Party]:
        conditions: list[ColumnElement[bool]] = [BackorderRow.served.is_(False)]
        if places is not None:
            wanted = sorted({*places, *((sku, StoreId(ANYWHERE)) for sku, _ in places)})
            conditions.append(tuple_(BackorderRow.sku, BackorderRow.location_id).in_(wanted))
        first = func.min(BackorderRow.position)
        theirs = select(*_GROUP).where(*conditions)
        groups = (
            await self._connection.execute(
                select(*_GROUP)
                .where(tuple_(*_GROUP).in_(theirs))
                .group_by(*_GROUP)
                .having(first > after)
                .order_by(first)
                .limit(limit)
            )
        ).all()
        if not groups:
            return []
        return await self._parties(tuple_(*_GROUP).in_([tuple(group) for group in groups]))

    async def of_order(self, order_id: OrderId) -> Sequence[Party]:
        mine = await self._parties(BackorderRow.order_id == order_id)
        return sorted(mine, key=lambda party: party.n)

    async def serve(self, order_id: OrderId, n: int) -> tuple[StockLine, ...]:
        await self._lock(order_id, n)
        rows = (
            await self._connection.execute(
                update(BackorderRow)
                .where(*_is(order_id, n), BackorderRow.served.is_(False))
                .values(served=True)
                .returning(*_LINE, BackorderRow.counts_at, BackorderRow.position)
            )
        ).all()
        await self._count(_counted(rows, -1))
        return tuple(_line(row) for row in sorted(rows, key=lambda row: row.position))

    async def served(self, limit: int) -> Sequence[Party]:
        groups = (
            await self._connection.execute(
                select(*_GROUP)
                .where(BackorderRow.served)
                .group_by(*_GROUP)
                .order_by(func.min(BackorderRow.position))
                .limit(limit)
            )
        ).all()
        return await self._parties(tuple_(*_GROUP).in_([tuple(group) for group in groups])) if groups else []

    async def take_over(self, order_id: OrderId, n: int) -> tuple[StockLine, ...]:
        rows = (
            await self._connection.execute(
                delete(BackorderRow)
                .where(*_is(order_id, n), BackorderRow.served)
                .returning(*_LINE, BackorderRow.position)
            )
        ).all()
        return tuple(_line(row) for row in sorted(rows, key=lambda row: row.position))

    async def leave(self, order_id: OrderId, n: int, lines: Sequence[StockLine]) -> tuple[StockLine, ...]:
        await self._lock(order_id, n)
        left = part_of(lines)
        released = []
        for row in await self._rows(and_(*_is(order_id, n)), locked=True):
            part = min(row.quantity, left.get((LineId(row.line_id), Sku(row.sku)), 0))
            if not part:
                continue
            if row.served:
                released.append(_line(row).model_copy(update={"quantity": part}))
            elif row.counts_at is not None:
                await self._count({(Sku(row.sku), StoreId(row.counts_at)): -part})
            this = (*_is(order_id, n), BackorderRow.line_id == row.line_id, BackorderRow.sku == row.sku)
            if part == row.quantity:
                await self._connection.execute(delete(BackorderRow).where(*this))
            else:
                await self._connection.execute(update(BackorderRow).where(*this).values(quantity=row.quantity - part))
        return tuple(released)

    async def tell(self, order_id: OrderId, n: int, expected_at: datetime | None) -> None:
        await self._connection.execute(update(BackorderRow).where(*_is(order_id, n)).values(told=expected_at))

    async def untold(self, limit: int) -> Sequence[Party]:
        moved = (
            select(*_GROUP)
            .join(BackorderRuleRow, _ITS_RULE)
            .where(BackorderRow.served.is_(False), BackorderRow.told.is_distinct_from(BackorderRuleRow.expected_at))
        )
        parties = await self._parties(tuple_(*_GROUP).in_(moved))
        # Of several dates the latest counts: not every change of one is news.
        return [party for party in parties if not party.served and party.expected_at != party.told][:limit]

    async def forget(self, order_id: OrderId) -> None:
        for party in await self.of_order(order_id):
            await self.leave(order_id, party.n, party.lines)

    async def _lock(self, order_id: OrderId, n: int) -> None:
        """The rules that a party counts against, in the order in which everybody locks them."""
        rows = await self._rows(and_(*_is(order_id, n)))
        names = [(row.sku, row.counts_at) for row in rows if row.counts_at is not None]
        if names:
            await self._rules(tuple_(*_RULE).in_(names), locked=True)

    async def _count(self, change: dict[tuple[Sku, StoreId], int]) -> None:
        for (sku, location), quantity in sorted(change.items()):
            await self._connection.execute(
                update(BackorderRuleRow)
                .where(BackorderRuleRow.sku == sku, BackorderRuleRow.location_id == location)
                .values(waiting=BackorderRuleRow.waiting + quantity)
            )

    async def _rows(self, condition: ColumnElement[bool], *, locked: bool = False) -> Sequence[Any]:
        query = select(*_LINE, BackorderRow.counts_at, BackorderRow.served).where(condition)
        query = query.order_by(BackorderRow.position)
        return (await self._connection.execute(query.with_for_update() if locked else query)).all()

    async def _parties(self, condition: ColumnElement[bool]) -> list[Party]:
        rows = await self._connection.execute(
            select(
                *_GROUP,
                *_LINE,
                *(BackorderRow.counts_at, BackorderRow.position, BackorderRow.since, BackorderRow.channel),
                *(BackorderRow.served, BackorderRow.told, BackorderRuleRow.expected_at),
            )
            .join(BackorderRuleRow, _ITS_RULE, isouter=True)
            .where(condition)
            .order_by(BackorderRow.position)
        )
        by_group: dict[tuple[str, int], list[Any]] = {}
        for row in rows:
            by_group.setdefault((row.order_id, row.n), []).append(row)
        return [_party(each) for each in by_group.values()]


_LINE = (BackorderRow.line_id, BackorderRow.sku, BackorderRow.location_id, BackorderRow.quantity)
_ITS_RULE = and_(BackorderRuleRow.sku == BackorderRow.sku, BackorderRuleRow.location_id == BackorderRow.counts_at)


def _is(order_id: OrderId, n: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return BackorderRow.order_id == order_id, BackorderRow.n == n


def _line(row: Any) -> StockLine:
    return StockLine(line_id=row.line_id, sku=row.sku, location_id=row.location_id, quantity=row.quantity)


def _counted(rows: Iterable[Any], sign: int) -> dict[tuple[Sku, StoreId], int]:
    sums: Counter[tuple[Sku, StoreId]] = Counter()
    for row in rows:
        if row.counts_at is not None:
            sums[Sku(row.sku), StoreId(row.counts_at)] += sign * row.quantity
    return dict(sums)


def _party(rows: list[Any]) -> Party:
    first = rows[0]
    return Party(
        order_id=OrderId(first.order_id),
        n=first.n,
        position=first.position,
        since=first.since,
        channel=first.channel,
        lines=tuple(map(_line, rows)),
        served=first.served,
        expected_at=latest([row.expected_at for row in rows if row.counts_at is not None]),
        told=first.told,
    )
