"""Who an order is, in memory: for tests."""

from collections.abc import Sequence
from datetime import datetime

from adapters.intake.port import Intake, IntakeState
from domain.ids import OrderId


class MemoryIntake:
    """See `port.OrderIntake`."""

    def __init__(self) -> None:
        self._intakes: dict[OrderId, Intake] = {}
        self._starts: dict[OrderId, bytes] = {}

    async def promise(self, intake: Intake, start: bytes) -> Intake:
        known = await self.by_external_id(intake.channel, intake.external_id)
        if known is not None:
            return known
        if intake.order_id in self._intakes:
            raise ValueError(f"order {intake.order_id} is another channel's or external id's; make a new order id")
        self._intakes[intake.order_id] = intake
        self._starts[intake.order_id] = start
        return intake

    async def taken(self, order_id: OrderId) -> None:
        if order_id in self._intakes:
            self._intakes[order_id] = self._intakes[order_id].model_copy(update={"state": IntakeState.TAKEN})
            self._starts.pop(order_id, None)

    async def forget(self, order_id: OrderId) -> None:
        self._intakes.pop(order_id, None)
        self._starts.pop(order_id, None)

    async def overdue(self, before: datetime, limit: int) -> Sequence[tuple[OrderId, bytes]]:
        late = [intake for intake in self.promised() if intake.promised_at < before]
        late.sort(key=lambda intake: (intake.promised_at, intake.order_id))
        return [(intake.order_id, self._starts[intake.order_id]) for intake in late[:limit]]

    async def by_external_id(self, channel: str, external_id: str) -> Intake | None:
        wanted = (channel, external_id)
        return next((each for each in self._intakes.values() if (each.channel, each.external_id) == wanted), None)

    async def by_order(self, order_id: OrderId) -> Intake | None:
        return self._intakes.get(order_id)

    def promised(self) -> list[Intake]:
        """Promises that were not kept yet."""
        return [intake for intake in self._intakes.values() if intake.state is IntakeState.PROMISED]
