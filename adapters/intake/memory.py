"""Who an order is, in memory: for tests."""

from collections.abc import Sequence
from datetime import datetime

from adapters.intake.port import Intake, IntakeState, LateStart
from domain.ids import OrderId


class MemoryIntake:
    """See `port.OrderIntake`."""

    def __init__(self) -> None:
        self._intakes: dict[OrderId, Intake] = {}
        self._starts: dict[OrderId, LateStart] = {}

    async def promise(self, intake: Intake, start: bytes) -> Intake:
        known = await self.by_external_id(intake.channel, intake.external_id)
        if known is not None:
            return known
        if intake.order_id in self._intakes:
            raise ValueError(f"order {intake.order_id} is another channel's or external id's; make a new order id")
        self._intakes[intake.order_id] = intake
        self._starts[intake.order_id] = LateStart(
            order_id=intake.order_id, promised_at=intake.promised_at, next_try_at=intake.promised_at, start=start
        )
        return intake

    async def taken(self, order_id: OrderId) -> None:
        if order_id in self._intakes:
            self._intakes[order_id] = self._intakes[order_id].model_copy(update={"state": IntakeState.TAKEN})
            self._starts.pop(order_id, None)

    async def forget(self, order_id: OrderId) -> None:
        self._intakes.pop(order_id, None)
        self._starts.pop(order_id, None)

    async def overdue(self, before: datetime, limit: int) -> Sequence[LateStart]:
        due = [
            (start.next_try_at, start.order_id, start)
            for start in self._starts.values()
            if start.next_try_at is not None and start.next_try_at < before
        ]
        return [start for *_, start in sorted(due, key=lambda each: each[:2])][:limit]

    async def put_off(self, order_id: OrderId, until: datetime | None) -> None:
        if (known := self._starts.get(order_id)) is not None:
            put_off = {"tries": known.tries + 1, "next_try_at": until}
            self._starts[order_id] = known.model_copy(update=put_off)

    async def late(self, limit: int) -> Sequence[LateStart]:
        tried = [start for start in self._starts.values() if start.tries]
        return sorted(tried, key=lambda start: (start.promised_at, start.order_id))[:limit]

    async def try_again(self, order_id: OrderId, at: datetime) -> bool:
        if (known := self._starts.get(order_id)) is not None:
            self._starts[order_id] = known.model_copy(update={"next_try_at": at})
        return known is not None

    async def by_external_id(self, channel: str, external_id: str) -> Intake | None:
        wanted = (channel, external_id)
        return next((each for each in self._intakes.values() if (each.channel, each.external_id) == wanted), None)

    async def by_order(self, order_id: OrderId) -> Intake | None:
        return self._intakes.get(order_id)

    def promised(self) -> list[Intake]:
        """Promises that were not kept yet."""
        return [intake for intake in self._intakes.values() if intake.state is IntakeState.PROMISED]
