"""Used capacity in PostgreSQL: counts that a conditional update never lets pass a limit."""

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.capacity.port import CapacityKeyConflict, HoldState, NoCapacity, TakeCapacity, Used
from adapters.postgres.tables.routing import CapacityDayRow, CapacityHoldRow, CapacityOpenRow
from domain.ids import OperationKey, StoreId


class PostgresCapacity:
    """See `port.CapacityUse`. Works inside the caller's transaction; counts are locked day before open."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def take(self, wish: TakeCapacity) -> None:
        async with self._connection.begin_nested():
            made = await self._connection.scalar(
                insert(CapacityHoldRow)
                .values(
                    key=wish.key,
                    location_id=wish.location_id,
                    day=wish.day,
                    parcels=wish.parcels,
                    state=HoldState.HELD,
                    at=wish.at,
                )
                .on_conflict_do_nothing(index_elements=[CapacityHoldRow.key])
                .returning(CapacityHoldRow.key)
            )
            if made is None:
                await self._must_be_the_same(wish)
                return
            if not (await self._add_today(wish) and await self._add_open(wish)):
                raise NoCapacity(wish.location_id, wish.day)

    async def give_back(self, key: OperationKey, at: datetime) -> bool:
        return await self._end(key, HoldState.RETURNED, at)

    async def finish(self, key: OperationKey, at: datetime) -> bool:
        return await self._end(key, HoldState.DONE, at)

    async def used(self, days: Mapping[StoreId, date]) -> Mapping[StoreId, Used]:
        of_day = select(CapacityDayRow.location_id, CapacityDayRow.taken).where(
            tuple_(CapacityDayRow.location_id, CapacityDayRow.day).in_(list(days.items()))
        )
        open_now = select(CapacityOpenRow.location_id, CapacityOpenRow.open).where(
            CapacityOpenRow.location_id.in_(list(days))
        )
        taken = {row.location_id: row.taken for row in await self._connection.execute(of_day)}
        opened = {row.location_id: row.open for row in await self._connection.execute(open_now)}
        return {place: Used(taken.get(place, 0), opened.get(place, 0)) for place in days}

    async def hold(self, key: OperationKey) -> HoldState | None:
        found = await self._connection.scalar(select(CapacityHoldRow.state).where(CapacityHoldRow.key == key))
        return None if found is None else HoldState(found)

    async def _must_be_the_same(self, wish: TakeCapacity) -> None:
        query = select(CapacityHoldRow.__table__).where(CapacityHoldRow.key == wish.key)
        known = (await self._connection.execute(query)).mappings().one()
        same = (known["location_id"], known["day"], known["parcels"]) == (wish.location_id, wish.day, wish.parcels)
        if not same or known["state"] == HoldState.RETURNED:
            raise CapacityKeyConflict(wish.key)

    async def _add_today(self, wish: TakeCapacity) -> bool:
        if wish.per_day is not None and wish.parcels > wish.per_day:
            return False
        more = CapacityDayRow.taken + wish.parcels
        statement = (
            insert(CapacityDayRow)
            .values(location_id=wish.location_id, day=wish.day, taken=wish.parcels)
            .on_conflict_do_update(
                index_elements=[CapacityDayRow.location_id, CapacityDayRow.day],
                set_={"taken": more},
                where=None if wish.per_day is None else more <= wish.per_day,
            )
            .returning(CapacityDayRow.taken)
        )
        return await self._connection.scalar(statement) is not None

    async def _add_open(self, wish: TakeCapacity) -> bool:
        if wish.concurrent is not None and wish.parcels > wish.concurrent:
            return False
        more = CapacityOpenRow.open + wish.parcels
        statement = (
            insert(CapacityOpenRow)
            .values(location_id=wish.location_id, open=wish.parcels)
            .on_conflict_do_update(
                index_elements=[CapacityOpenRow.location_id],
                set_={"open": more},
                where=None if wish.concurrent is None else more <= wish.concurrent,
            )
            .returning(CapacityOpenRow.open)
        )
        return await self._connection.scalar(statement) is not None

    async def _end(self, key: OperationKey, state: HoldState, at: datetime) -> bool:
        ended = update(CapacityHoldRow).where(CapacityHoldRow.key == key, CapacityHoldRow.state == HoldState.HELD)
        found = await self._connection.execute(
            ended.values(state=state, at=at).returning(
                CapacityHoldRow.location_id, CapacityHoldRow.day, CapacityHoldRow.parcels
            )
        )
        hold = found.one_or_none()
        if hold is None:
            return False
        if state is HoldState.RETURNED:
            await self._connection.execute(
                update(CapacityDayRow)
                .where(CapacityDayRow.location_id == hold.location_id, CapacityDayRow.day == hold.day)
                .values(taken=CapacityDayRow.taken - hold.parcels)
            )
        await self._connection.execute(
            update(CapacityOpenRow)
            .where(CapacityOpenRow.location_id == hold.location_id)
            .values(open=CapacityOpenRow.open - hold.parcels)
        )
        return True
