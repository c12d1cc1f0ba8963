"""Throughline's worker, as it is, whose orders know one command more: all units are staged and handed over at once.

Placing and handing over are the product's own code; what `collect` leaves out is the store's three commands between
them, which the peers leave out too when the flow is place → collect.
"""

from pydantic import ValidationError
from temporalio import workflow

import workers.worker
from domain.units import UnitState
from workflows import messages
from workflows.desk import OrderStart
from workflows.messages import GroupAnswer, OrderResult
from workflows.order import OrderWorkflow


@workflow.defn(name="OrderWorkflow", failure_exception_types=[ValidationError])
class QuickOrderWorkflow(OrderWorkflow):
    @workflow.init
    def __init__(self, start: OrderStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: OrderStart) -> OrderResult:
        return await super().run(start)

    @workflow.update
    async def collect(self, command: messages.GiveOut) -> GroupAnswer:
        """Stage all units and hand them over, on one record."""
        return await self._in_turn(command, self._collect)

    async def _collect(self, command: messages.GiveOut) -> GroupAnswer:
        group = self.desk.order.group(command.n)
        for line, quantity in group.owed_lines(UnitState.ALLOCATED).items():
            group.move(line, UnitState.PICKED, quantity, UnitState.ALLOCATED)
            group.move(line, UnitState.READY, quantity, UnitState.PICKED)
        group.accepted_at = group.picking_at = group.ready_at = workflow.now()
        group.code_serial = 1
        return await self.counter.hand_over(command)


if __name__ == "__main__":
    setattr(workers.worker, "OrderWorkflow", QuickOrderWorkflow)  # noqa: B010
    workers.worker.main()
