"""The file of an application after its end: kept for the legal time, then purged unless something still needs it."""

import contextlib
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.retention import KeepFile, PurgeRequest, RetentionSteps
    from adapters.retention.port import Purge
    from domain.lending.retention import KeptFor
    from domain.personal import Readable
    from workflows import options
    from workflows.messages import Message

LOOK_EVERY = 30
"""Days between two looks at an account that is still open."""


class RetentionResult(Message):
    application_id: str
    purged_at: datetime


@workflow.defn
class RetentionWorkflow:
    """One for each application that has ended. It holds an id and a date, and nothing of anybody."""

    @workflow.init
    def __init__(self, start: KeepFile) -> None:
        self.start = start
        self.released = False

    @workflow.run
    async def run(self, start: KeepFile) -> RetentionResult:
        self._show("kept for the legal time", start.keep_until)
        left = start.keep_until - workflow.now()
        if left > timedelta(0):
            await workflow.sleep(left, summary=Readable("Keep the file for the legal time"))
        while (kept_for := (await self._purge()).kept_for) is not None:
            await self._needed_no_more(kept_for)
        self._show("purged", None)
        return RetentionResult(application_id=start.application_id, purged_at=workflow.now())

    async def _purge(self) -> Purge:
        self.released = False
        request = PurgeRequest(application_id=self.start.application_id, at=workflow.now())
        return await workflow.execute_activity_method(
            RetentionSteps.purge_application,
            request,
            summary=Readable("Purge the file, unless it is needed"),
            **options.LENDING_PATIENT,
        )

    async def _needed_no_more(self, kept_for: KeptFor) -> None:
        """A hold ends by a person's word; an account is looked at again from time to time."""
        self._show(f"kept: {kept_for.value.replace('_', ' ')}", None)
        patience = None if kept_for is KeptFor.LEGAL_HOLD else LOOK_EVERY * self.start.day
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.released, timeout=patience, timeout_summary=Readable("Look at the account again")
            )

    @workflow.signal
    def hold_released(self) -> None:
        """A legal hold has ended: if nothing else keeps the file, it goes now."""
        self.released = True

    def _show(self, state: str, until: datetime | None) -> None:
        end = f" until {until:%Y-%m-%d %H:%M:%S} UTC" if until else ""
        workflow.set_current_details(f"**{state}**{end}")
