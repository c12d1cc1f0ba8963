"""Blind returns in PostgreSQL, inside the transaction of the caller. A person is known by a keyed hash only."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import BigInteger, cast, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables.orders import OrderLineRow, OrderRow
from adapters.postgres.tables.returns import BlindReturnRow
from domain.ids import ReturnId, Sku
from domain.returns.blind import BlindReturn

MOST_ORDERS = 2_000
"""So many of the newest orders are looked through for what an item was sold at."""


class PostgresBlindReturns:
    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def lock_person(self, identity: str) -> None:
        """Nobody takes anything back of the same person until the transaction ends."""
        await self._connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(identity, 0))))

    async def brought(self, identity: str, since: datetime) -> int:
        """What a person brought back so since then, in minor units."""
        row = BlindReturnRow
        total = await self._connection.scalar(
            select(func.sum(row.amount)).where(row.identity == identity, row.at >= since)
        )
        return int(total or 0)

    async def lowest_prices(self, skus: Collection[Sku], currency: str, since: datetime) -> Mapping[Sku, int]:
        """The lowest that a unit was sold at, its discount taken off."""
        recent = (
            select(OrderRow.order_id)
            .where(OrderRow.visible, OrderRow.currency == currency, OrderRow.placed_at >= since)
            .order_by(OrderRow.placed_at.desc(), OrderRow.order_id.desc())
            .limit(MOST_ORDERS)
            .subquery()
        )
        view = OrderLineRow.view
        unit = cast(view["total"].astext, BigInteger) / func.nullif(cast(view["ordered"].astext, BigInteger), 0)
        rows = await self._connection.execute(
            select(OrderLineRow.sku, func.min(unit))
            .join(recent, recent.c.order_id == OrderLineRow.order_id)
            .where(OrderLineRow.sku.in_(sorted(skus)), cast(view["total"].astext, BigInteger) > 0)
            .group_by(OrderLineRow.sku)
        )
        return {Sku(sku): int(price) for sku, price in rows if price}

    async def get(self, return_id: ReturnId) -> BlindReturn | None:
        row = BlindReturnRow
        view = await self._connection.scalar(select(row.view).where(row.return_id == return_id))
        return None if view is None else BlindReturn.model_validate(view)

    async def add(self, taken: BlindReturn, identity: str, by: str) -> None:
        await self._connection.execute(
            insert(BlindReturnRow).values(
                return_id=taken.return_id,
                identity=identity,
                store_id=taken.store_id,
                amount=taken.refund,
                at=taken.at,
                taken_by=by,
                view=taken.model_dump(mode="json", exclude_none=True),
            )
        )
