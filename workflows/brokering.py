"""A brokering run: everybody who waits in a queue is decided together, page by page, and told."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.brokering import BrokeringSteps, Opening, Progress, Step
    from adapters.brokering.port import RunCounts
    from domain.personal import Readable
    from domain.sourcing.queues import Queue
    from workflows import options

PAGES = 50
SILENT_FOR = timedelta(seconds=30)
"""A step that tells orders and is not heard of for so long was lost with its worker."""
SCHEDULE = "schedule"


def schedule_id(queue: Queue) -> str:
    return f"brokering/{queue}"


def run_by_hand(queue: Queue, name: str) -> str:
    """The id of a run that somebody asked for."""
    return f"{schedule_id(queue)}-by-hand-{name}"


class RunStart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    queue: Queue
    by: str = SCHEDULE
    """Who asked for it."""
    opened: bool = False
    pages: int = PAGES
    """After so many pages it goes on in a new history."""


@workflow.defn
class BrokeringRun:
    """Short, and one at a time for a queue. All that it knows is written down, so that it can be taken up anywhere."""

    @workflow.run
    async def run(self, start: RunStart) -> RunCounts:
        self.name = workflow.info().workflow_id
        if not start.opened:
            opening = Opening(run=self.name, queue=start.queue, by=start.by, at=workflow.now())
            await self._step(BrokeringSteps.open_run, opening, "Begin the run")
        pages = 0
        while await self._page():
            pages += 1
            if pages >= start.pages or workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(start.model_copy(update={"opened": True}))
        return await self._close()

    async def _page(self) -> bool:
        """The next shipments of the queue; false when there are none."""
        page: Progress = await self._step(BrokeringSteps.decide, self._now(), "Decide who waits, together")
        if page.open:
            told: Progress = await self._tell(self._now())
            if told.open:
                await self._one_at_a_time()
        return page.looked_at > 0

    async def _one_at_a_time(self) -> None:
        """Whose stock another one would not leave, or others took: decided once more, on what is there now."""
        alone = self._now(alone=True)
        again: Progress = await self._step(BrokeringSteps.decide, alone, "Decide once more, one at a time")
        if again.open:
            await self._tell(alone)

    async def _tell(self, step: Step) -> Progress:
        return await workflow.execute_activity_method(
            BrokeringSteps.tell_orders,
            step,
            heartbeat_timeout=SILENT_FOR,
            summary=Readable("Tell their orders"),
            **options.TELLING_ORDERS,
        )

    def _now(self, *, alone: bool = False) -> Step:
        return Step(run=self.name, at=workflow.now(), alone=alone)

    async def _close(self) -> RunCounts:
        counts: RunCounts = await self._step(BrokeringSteps.close_run, self._now(), "End the run")
        workflow.set_current_details(
            f"{counts.looked_at} looked at: {counts.brokered} brokered in {counts.parts} parcels, {counts.kept} stay, "
            f"{counts.unfillable} found no place, {counts.refused} had changed"
        )
        return counts

    async def _step(self, step: Any, given: BaseModel, what: str) -> Any:
        return await workflow.execute_activity_method(step, given, summary=Readable(what), **options.BROKERING_STEP)
