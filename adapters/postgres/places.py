"""Stores and warehouses in PostgreSQL."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.places.port import Place
from adapters.postgres.tables.places import PlaceRow
from domain.ids import StoreId


class PostgresPlaces:
    """See `port.Places`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def place(self, location_id: StoreId, *, locked: bool = False) -> Place | None:
        query = select(PlaceRow.place).where(PlaceRow.location_id == location_id)
        found = await self._connection.scalar(query.with_for_update() if locked else query)
        return None if found is None else Place.model_validate(found)

    async def places(self, location_ids: Sequence[StoreId] | None = None) -> Sequence[Place]:
        query = select(PlaceRow.place).order_by(PlaceRow.location_id)
        if location_ids is not None:
            query = query.where(PlaceRow.location_id.in_(location_ids))
        return [Place.model_validate(row) for row in await self._connection.scalars(query)]

    async def put(self, place: Place) -> None:
        values = {"kind": place.kind, "place": place.model_dump(mode="json")}
        await self._connection.execute(
            insert(PlaceRow)
            .values(location_id=place.location_id, **values)
            .on_conflict_do_update(index_elements=[PlaceRow.location_id], set_=values)
        )
