"""Policy packs: the one of the package, and the versions of it that were published over the API."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.policies.port import PackExists
from adapters.policies.reading import DEFAULT
from adapters.postgres.tables.lending import PolicyPackRow
from domain.lending.clocks import LendingPolicy


class PostgresPolicyPacks:
    """See `port.PolicyPacks`. `day`: how long a day takes in this installation."""

    def __init__(self, engine: AsyncEngine, day: timedelta):
        self._engine = engine
        self._day = day

    async def in_force(self, on: date) -> LendingPolicy:
        query = select(PolicyPackRow.pack).where(PolicyPackRow.name == DEFAULT.name, PolicyPackRow.effective_from <= on)
        async with self._engine.connect() as connection:
            found = await connection.scalar(query.order_by(PolicyPackRow.version.desc()).limit(1))
        return self._here(LendingPolicy.model_validate(found) if found else DEFAULT)

    async def all(self) -> Sequence[LendingPolicy]:
        query = select(PolicyPackRow.pack).where(PolicyPackRow.name == DEFAULT.name)
        async with self._engine.connect() as connection:
            rows = await connection.scalars(query.order_by(PolicyPackRow.version.desc()))
            published = [LendingPolicy.model_validate(row) for row in rows]
        return [self._here(each) for each in (*published, DEFAULT)]

    async def publish(self, pack: LendingPolicy, by: str, at: datetime) -> None:
        newest, *_ = await self.all()
        if self._here(pack) != newest and pack.version <= newest.version:
            raise PackExists(f"{pack.name} is at version {newest.version}; publish a later one")
        async with self._engine.begin() as connection:
            row = insert(PolicyPackRow).values(
                name=pack.name,
                version=pack.version,
                effective_from=pack.effective_from,
                pack=pack.model_dump(mode="json"),
                published_by=by,
                published_at=at,
            )
            written = await connection.scalar(row.on_conflict_do_nothing().returning(PolicyPackRow.version))
            if written is None and self._here(pack) != newest:
                raise PackExists(f"{pack.name} {pack.version} was published a moment ago; publish a later one")

    def _here(self, pack: LendingPolicy) -> LendingPolicy:
        return pack.model_copy(update={"day": self._day})
