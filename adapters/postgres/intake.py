"""Who an order is, in PostgreSQL: a unique key on channel and external id decides every race."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.intake.port import Intake, IntakeState, LateStart
from adapters.postgres.tables.orders import OrderIntakeRow
from domain.ids import OrderId

_IDENTITY = (
    OrderIntakeRow.order_id,
    OrderIntakeRow.channel,
    OrderIntakeRow.external_id,
    OrderIntakeRow.content_hash,
    OrderIntakeRow.created_by,
    OrderIntakeRow.state,
    OrderIntakeRow.promised_at,
)
_START = (
    OrderIntakeRow.order_id,
    OrderIntakeRow.promised_at,
    OrderIntakeRow.tries,
    OrderIntakeRow.next_try_at,
    OrderIntakeRow.start,
)
_PROMISED = (OrderIntakeRow.state == IntakeState.PROMISED, OrderIntakeRow.start.is_not(None))


class PostgresIntake:
    """See `port.OrderIntake`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def promise(self, intake: Intake, start: bytes) -> Intake:
        while True:
            claimed = await self._connection.execute(
                insert(OrderIntakeRow)
                .values(**intake.model_dump(), start=start, tries=0, next_try_at=intake.promised_at)
                # Any conflict: of two equal promises at one moment, the second may meet the order id first.
                .on_conflict_do_nothing()
                .returning(OrderIntakeRow.order_id)
            )
            if claimed.first() is not None:
                return intake
            known = await self.by_external_id(intake.channel, intake.external_id)
            if known is not None:
                return known
            if await self.by_order(intake.order_id) is not None:
                raise ValueError(f"order {intake.order_id} is another channel's or external id's; make a new order id")
            # The other one was refused and forgotten between the two statements: its place is free again.

    async def taken(self, order_id: OrderId) -> None:
        await self._connection.execute(
            update(OrderIntakeRow)
            .where(OrderIntakeRow.order_id == order_id)
            .values(state=IntakeState.TAKEN, start=None)
        )

    async def forget(self, order_id: OrderId) -> None:
        await self._connection.execute(delete(OrderIntakeRow).where(OrderIntakeRow.order_id == order_id))

    async def overdue(self, before: datetime, limit: int) -> Sequence[LateStart]:
        rows = await self._connection.execute(
            select(*_START)
            .where(*_PROMISED, OrderIntakeRow.next_try_at < before)
            .order_by(OrderIntakeRow.next_try_at, OrderIntakeRow.order_id)
            .limit(limit)
        )
        return [LateStart.model_validate(row._asdict()) for row in rows]

    async def put_off(self, order_id: OrderId, until: datetime | None) -> None:
        await self._connection.execute(
            update(OrderIntakeRow)
            .where(*_PROMISED, OrderIntakeRow.order_id == order_id)
            .values(tries=OrderIntakeRow.tries + 1, next_try_at=until)
        )

    async def late(self, limit: int) -> Sequence[LateStart]:
        rows = await self._connection.execute(
            select(*_START)
            .where(*_PROMISED, OrderIntakeRow.tries > 0)
            .order_by(OrderIntakeRow.promised_at, OrderIntakeRow.order_id)
            .limit(limit)
        )
        return [LateStart.model_validate(row._asdict()) for row in rows]

    async def try_again(self, order_id: OrderId, at: datetime) -> bool:
        again = await self._connection.execute(
            update(OrderIntakeRow)
            .where(*_PROMISED, OrderIntakeRow.order_id == order_id)
            .values(next_try_at=at)
            .returning(OrderIntakeRow.order_id)
        )
        return again.first() is not None

    async def by_external_id(self, channel: str, external_id: str) -> Intake | None:
        return await self._one(OrderIntakeRow.channel == channel, OrderIntakeRow.external_id == external_id)

    async def by_order(self, order_id: OrderId) -> Intake | None:
        return await self._one(OrderIntakeRow.order_id == order_id)

    async def _one(self, *conditions: object) -> Intake | None:
        row = (await self._connection.execute(select(*_IDENTITY).where(*conditions))).first()  # type: ignore[arg-type]
        return None if row is None else Intake.model_validate(row._asdict())
