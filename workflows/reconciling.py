"""A reconciliation: everything is compared page by page, whatever restarts meanwhile; nothing is changed by it."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.reconciling import Opening, Place, ReconcilingSteps
    from adapters.reconciling.port import RunCounts
    from domain.personal import Readable
    from workflows import options

SCHEDULE_ID = "reconciliation"
EVERY = timedelta(days=1)
SILENT_FOR = timedelta(minutes=1)
"""A step that is not heard of for so long was lost with its worker."""
SCHEDULE = "schedule"


def run_by_hand(name: str) -> str:
    """The id of a run that somebody asked for."""
    return f"{SCHEDULE_ID}-by-hand-{name}"


class ReconciliationStart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = SCHEDULE
    """Who asked for it."""


@workflow.defn
class ReconciliationRun:
    """First the provider's ledger is read, then all orders are compared, then what belongs to no order."""

    @workflow.run
    async def run(self, start: ReconciliationStart) -> RunCounts:
        name = workflow.info().workflow_id
        await self._step(
            ReconcilingSteps.open_reconciliation, Opening(run=name, by=start.by, at=workflow.now()), "Begin"
        )
        place = Place(run=name, at=workflow.now())
        place = await self._all(ReconcilingSteps.read_provider, place, "Read the provider's ledger")
        place = await self._all(ReconcilingSteps.compare_orders, place, "Compare orders with the ledgers and the stock")
        await self._step(ReconcilingSteps.compare_rest, place, "Compare what belongs to no order")
        place = place.model_copy(update={"at": workflow.now()})
        counts: RunCounts = await self._step(ReconcilingSteps.close_reconciliation, place, "End")
        workflow.set_current_details(
            f"{counts.orders} orders, {counts.authorisations} authorisations, {counts.levels} levels: "
            f"{counts.differences} differences"
        )
        return counts

    async def _all(self, step: Any, place: Place, what: str) -> Place:
        """Step by step, until nothing is left of this part."""
        place = place.model_copy(update={"after": "", "more": True})
        while place.more:
            place = await self._step(step, place, what)
        return place

    async def _step(self, step: Any, given: BaseModel, what: str) -> Any:
        return await workflow.execute_activity_method(
            step, given, heartbeat_timeout=SILENT_FOR, summary=Readable(what), **options.RECONCILING_STEP
        )
