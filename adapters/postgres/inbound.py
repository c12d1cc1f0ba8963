"""Events from outside systems in PostgreSQL: kept, recognised when they come again, handed on when they can be."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inbound.port import InboundEvent, ParkedEvent
from adapters.postgres.tables.inbound import InboundEventRow
from domain.ids import OrderId

_EVENT = (
    InboundEventRow.provider,
    InboundEventRow.event_id,
    InboundEventRow.type,
    InboundEventRow.order_id,
    InboundEventRow.received_at,
    InboundEventRow.data,
)
_UNDELIVERED = InboundEventRow.delivered_at.is_(None)
_OLDEST_FIRST = (InboundEventRow.received_at, InboundEventRow.provider, InboundEventRow.event_id)


class PostgresInboundEvents:
    """See `port.InboundEvents`. Each call is a transaction of its own."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    async def keep(self, event: InboundEvent) -> bool:
        async with self._engine.begin() as connection:
            kept = await connection.execute(
                insert(InboundEventRow)
                .values(**event.model_dump(mode="python"), tries=0, next_try_at=event.received_at)
                .on_conflict_do_nothing()
                .returning(InboundEventRow.event_id)
            )
            return kept.first() is not None

    async def delivered(self, provider: str, event_id: str, at: datetime) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(InboundEventRow)
                .where(InboundEventRow.provider == provider, InboundEventRow.event_id == event_id)
                .values(delivered_at=at)
            )

    async def waiting(self, *, before: datetime, limit: int) -> Sequence[InboundEvent]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(*_EVENT)
                .where(_UNDELIVERED, InboundEventRow.next_try_at < before)
                .order_by(InboundEventRow.next_try_at, InboundEventRow.provider, InboundEventRow.event_id)
                .limit(limit)
            )
            return [InboundEvent.model_validate(row._asdict()) for row in rows]

    async def put_off(self, provider: str, event_id: str, until: datetime | None) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(InboundEventRow)
                .where(_UNDELIVERED, InboundEventRow.provider == provider, InboundEventRow.event_id == event_id)
                .values(tries=InboundEventRow.tries + 1, next_try_at=until)
            )

    async def parked(self, *, limit: int) -> Sequence[ParkedEvent]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(*_EVENT, InboundEventRow.tries, InboundEventRow.next_try_at)
                .where(_UNDELIVERED)
                .order_by(*_OLDEST_FIRST)
                .limit(limit)
            )
            return [
                ParkedEvent(
                    event=InboundEvent.model_validate({each.name: row._mapping[each.name] for each in _EVENT}),
                    tries=row.tries,
                    next_try_at=row.next_try_at,
                )
                for row in rows
            ]

    async def try_again(self, order_id: OrderId, at: datetime) -> int:
        async with self._engine.begin() as connection:
            again = await connection.execute(
                update(InboundEventRow)
                .where(_UNDELIVERED, InboundEventRow.order_id == order_id)
                .values(next_try_at=at)
                .returning(InboundEventRow.event_id)
            )
            return len(again.all())
