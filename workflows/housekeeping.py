"""What runs beside the orders: sending notices, and finding what was promised and not done."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notices import NoticeSteps
    from activities.sweeping import SweepingSteps, Swept
    from domain.personal import Readable
    from workflows import options

NOTICES_ID = "notices/dispatch"
SWEEP_ID = "sweep"
SWEEP_EVERY = timedelta(seconds=15)
ROUNDS = 50


@workflow.defn
class NoticeDispatchWorkflow:
    """One for the whole installation: some worker always looks after the outbox."""

    @workflow.run
    async def run(self) -> None:
        for _ in range(ROUNDS):
            await workflow.execute_activity_method(
                NoticeSteps.dispatch_notices,
                heartbeat_timeout=timedelta(seconds=6),
                summary=Readable("Send notices as they come"),
                **options.NOTICE_ROUND,
            )
        workflow.continue_as_new()


@workflow.defn
class SweepWorkflow:
    """Started by a schedule: makes starts that were lost and delivers events that came early."""

    @workflow.run
    async def run(self) -> Swept:
        return await workflow.execute_activity_method(
            SweepingSteps.sweep,
            workflow.now(),
            summary=Readable("Look for lost starts and parked events"),
            **options.HOUSEKEEPING,
        )
