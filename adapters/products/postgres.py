"""Product definitions: those of the package, and those that were published over the API."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.postgres.tables.lending import ProductRow
from adapters.products.port import DefinitionRefused, VersionExists
from adapters.products.reading import shipped
from domain.lending.definition_faults import faults_of
from domain.lending.products import ProductDefinition


class PostgresProducts:
    """See `port.Products`. Published versions come after the shipped ones."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    async def latest(self, product: str) -> ProductDefinition | None:
        query = select(ProductRow.definition).where(ProductRow.product == product).order_by(ProductRow.version.desc())
        async with self._engine.connect() as connection:
            found = await connection.scalar(query.limit(1))
        return ProductDefinition.model_validate(found) if found else shipped().get(product)

    async def version(self, product: str, version: int) -> ProductDefinition | None:
        known = shipped().get(product)
        if known is not None and known.version == version:
            return known
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                select(ProductRow.definition).where(ProductRow.product == product, ProductRow.version == version)
            )
        return ProductDefinition.model_validate(found) if found else None

    async def all(self) -> Sequence[ProductDefinition]:
        query = select(ProductRow.definition).distinct(ProductRow.product)
        async with self._engine.connect() as connection:
            rows = await connection.scalars(query.order_by(ProductRow.product, ProductRow.version.desc()))
            published = [ProductDefinition.model_validate(row) for row in rows]
        newest = shipped() | {each.product: each for each in published}
        return sorted(newest.values(), key=lambda each: each.product)

    async def publish(self, definition: ProductDefinition, by: str, at: datetime) -> None:
        """Raises `DefinitionRefused`, `VersionExists`."""
        if faults := faults_of(definition):
            raise DefinitionRefused(faults)
        newest = await self.latest(definition.product)
        if newest is not None and newest != definition and definition.version <= newest.version:
            raise VersionExists(f"{definition.product} is at version {newest.version}; publish a later one")
        async with self._engine.begin() as connection:
            row = insert(ProductRow).values(
                product=definition.product,
                version=definition.version,
                definition=definition.model_dump(mode="json"),
                published_by=by,
                published_at=at,
            )
            await connection.execute(row.on_conflict_do_nothing())
