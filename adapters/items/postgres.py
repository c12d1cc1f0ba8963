"""Items in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.items.port import Item, check_kit
from adapters.postgres.tables.places import ItemRow

_ONE_AT_A_TIME = 7_305_811_204
"""Advisory lock of whoever changes the catalogue."""


class PostgresItems:
    """See `port.Items`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def items(self, skus: Sequence[str] | None = None) -> Sequence[Item]:
        query = select(ItemRow.item).order_by(ItemRow.sku)
        if skus is not None:
            query = query.where(ItemRow.sku.in_(skus))
        return [Item.model_validate(row) for row in await self._connection.scalars(query)]

    async def page(self, *, after: str | None, limit: int) -> Sequence[Item]:
        query = select(ItemRow.item).order_by(ItemRow.sku).limit(limit)
        if after is not None:
            query = query.where(ItemRow.sku > after)
        return [Item.model_validate(row) for row in await self._connection.scalars(query)]

    async def put(self, item: Item) -> None:
        # Two that name each other at the same time would both find the other to be none.
        await self._connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
        if item.components:
            made_of_it = ItemRow.item["components"].contains([{"sku": item.sku}])
            used_by = await self._connection.scalars(select(ItemRow.sku).where(made_of_it))
            check_kit(item, await self.items([part.sku for part in item.components]), list(used_by))
        values = {"item": item.model_dump(mode="json")}
        await self._connection.execute(
            insert(ItemRow)
            .values(sku=item.sku, **values)
            .on_conflict_do_update(index_elements=[ItemRow.sku], set_=values)
        )
