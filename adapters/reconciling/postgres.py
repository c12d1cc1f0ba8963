"""Reading for a reconciliation in PostgreSQL, inside the transaction of the caller."""

from collections.abc import Sequence

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables.orders import OrderRow
from adapters.postgres.tables.stock import StockLevelRow, StockMovementRow
from adapters.reconciling.port import Balance
from domain.ids import OrderId, Sku, StoreId

COUNTED = ("on_hand", "allocated", "reserved", "set_aside", "withheld")


class PostgresReconciling:
    """See `port.Reconciling`."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def orders(self, *, after: str, limit: int) -> Sequence[OrderId]:
        rows = await self._connection.scalars(
            select(OrderRow.order_id)
            .where(OrderRow.order_id > after, OrderRow.visible)
            .order_by(OrderRow.order_id)
            .limit(limit)
        )
        return [OrderId(row) for row in rows]

    async def unbalanced(
        self, *, after: tuple[str, str], limit: int
    ) -> tuple[Sequence[Balance], tuple[str, str] | None]:
        level, movement = StockLevelRow, StockMovementRow
        page = (
            select(level)
            .where(tuple_(level.sku, level.location_id) > after)
            .order_by(level.sku, level.location_id)
            .limit(limit)
            .subquery()
        )
        sums = [func.coalesce(func.sum(getattr(movement, name)), 0).label(f"sum_{name}") for name in COUNTED]
        rows = (
            await self._connection.execute(
                select(page.c.sku, page.c.location_id, *(page.c[name] for name in COUNTED), *sums)
                .outerjoin(movement, (movement.sku == page.c.sku) & (movement.location_id == page.c.location_id))
                .group_by(page.c.sku, page.c.location_id, *(page.c[name] for name in COUNTED))
                .order_by(page.c.sku, page.c.location_id)
            )
        ).mappings()
        found: list[Balance] = []
        last: tuple[str, str] | None = None
        count = 0
        for row in rows:
            count += 1
            last = row["sku"], row["location_id"]
            found += [
                Balance(Sku(row["sku"]), StoreId(row["location_id"]), name, int(row[name]), int(row[f"sum_{name}"]))
                for name in COUNTED
                if row[name] != row[f"sum_{name}"]
            ]
        return found, last if count == limit else None
