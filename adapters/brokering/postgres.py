"""Queues and runs in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.brokering.port import Position, QueuedGroup, QueueLength, Run, RunState, Waiting
from adapters.postgres.tables.brokering import BrokeringRunRow, QueuedShipmentRow
from domain.ids import OrderId
from domain.sourcing.queues import Queue

_Row = QueuedShipmentRow
_PLACE = (_Row.since, _Row.order_id.collate("C"), _Row.n)


class PostgresBrokering:
    """See `port.Brokering`. Works inside the caller's transaction."""

    def __init__(self, connection: AsyncConnection):
        self._connection = connection

    async def enter(self, order_id: OrderId, group: QueuedGroup) -> None:
        values = {"queue": group.queue, "since": group.since, "shipment": group.model_dump(mode="json")}
        await self._connection.execute(
            insert(_Row)
            .values(order_id=order_id, n=group.n, **values)
            .on_conflict_do_update(index_elements=[_Row.order_id, _Row.n], set_=values)
        )

    async def leave(self, order_id: OrderId, n: int | None = None) -> None:
        which = [_Row.order_id == order_id, *([] if n is None else [_Row.n == n])]
        await self._connection.execute(delete(_Row).where(*which))

    async def waiting(self, queue: Queue, *, after: Position | None, until: datetime, limit: int) -> list[Waiting]:
        query = select(_Row.order_id, _Row.shipment).where(_Row.queue == queue, _Row.since <= until)
        if after is not None:
            query = query.where(tuple_(*_PLACE) > tuple_(*(literal(each) for each in after)))
        rows = await self._connection.execute(query.order_by(*_PLACE).limit(limit))
        return [Waiting(order_id=OrderId(row.order_id), group=QueuedGroup.model_validate(row.shipment)) for row in rows]

    async def lock(self, shipments: Sequence[tuple[OrderId, int]]) -> dict[tuple[OrderId, int], QueuedGroup]:
        if not shipments:
            return {}
        wanted = select(_Row.order_id, _Row.n, _Row.shipment).where(tuple_(_Row.order_id, _Row.n).in_(shipments))
        rows = await self._connection.execute(wanted.order_by(_Row.order_id.collate("C"), _Row.n).with_for_update())
        return {(OrderId(row.order_id), row.n): QueuedGroup.model_validate(row.shipment) for row in rows}

    async def queue_of(self, order_id: OrderId, n: int) -> Queue | None:
        return await self._connection.scalar(select(_Row.queue).where(_Row.order_id == order_id, _Row.n == n))

    async def lengths(self) -> Sequence[QueueLength]:
        counted = select(_Row.queue, func.count().label("waiting"), func.min(_Row.since).label("since"))
        rows = await self._connection.execute(counted.group_by(_Row.queue).order_by(_Row.queue.collate("C")))
        return [QueueLength(queue=row.queue, waiting=row.waiting, since=row.since) for row in rows]

    async def put_run(self, run: Run) -> None:
        values = {
            "queue": run.queue,
            "state": run.state,
            "started_at": run.started_at,
            "as_it_is": run.model_dump(mode="json"),
        }
        await self._connection.execute(
            insert(BrokeringRunRow)
            .values(run=run.run, **values)
            .on_conflict_do_update(index_elements=[BrokeringRunRow.run], set_=values)
        )

    async def run(self, run: str) -> Run | None:
        found = await self._connection.scalar(select(BrokeringRunRow.as_it_is).where(BrokeringRunRow.run == run))
        return Run.model_validate(found) if found is not None else None

    async def runs(
        self, queue: Queue | None = None, *, state: RunState | None = None, limit: int, skip: int = 0
    ) -> Sequence[Run]:
        query = select(BrokeringRunRow.as_it_is)
        if queue is not None:
            query = query.where(BrokeringRunRow.queue == queue)
        if state is not None:
            query = query.where(BrokeringRunRow.state == state)
        newest = (BrokeringRunRow.started_at.desc(), BrokeringRunRow.run.collate("C").desc())
        found = await self._connection.scalars(query.order_by(*newest).offset(skip).limit(limit))
        return [Run.model_validate(each) for each in found]
