"""Events from outside systems in PostgreSQL: kept, recognised when they come again, handed on when they can be."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.inbound.port import InboundEvent
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
_OLDEST_FIRST = (InboundEventRow.received_at, InboundEventRow.provider, InboundEventRow.event_id)


class PostgresInboundEvents:
    """See `port.InboundEvents`. Each call is a transaction of its own."""

    def __init__(self, engine: AsyncEngine):
        self._engine = engine

    async def keep(self, event: InboundEvent) -> bool:
        async with self._engine.begin() as connection:
            kept = await connection.execute(
                insert(InboundEventRow)
                .values(**event.model_dump(mode="python"))
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
                .where(InboundEventRow.delivered_at.is_(None), InboundEventRow.received_at < before)
                .order_by(*_OLDEST_FIRST)
                .limit(limit)
            )
            return [InboundEvent.model_validate(row._asdict()) for row in rows]

    async def parked_for(self, order_id: OrderId) -> Sequence[InboundEvent]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(*_EVENT)
                .where(InboundEventRow.delivered_at.is_(None), InboundEventRow.order_id == order_id)
                .order_by(*_OLDEST_FIRST)
            )
            return [InboundEvent.model_validate(row._asdict()) for row in rows]
