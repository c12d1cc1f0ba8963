"""The end of an application's file: archived when it closes, purged when its time is over."""

import contextlib
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError

from activities.faults import NEEDS_A_PERSON
from adapters.archives.port import Archives
from adapters.documents.port import Kept
from adapters.keys.port import KeyErased, KeyMissing
from adapters.retention.port import Purge, Retention
from domain.ids import retention_workflow_id
from domain.personal import Readable

PATIENCE = timedelta(seconds=5)


class PurgeRequest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    at: datetime


class KeepFile(BaseModel):
    """`day`: how long a day takes under the application's policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    keep_until: datetime
    day: timedelta


class RetentionSteps:
    """`queue`: of the workflows that keep files."""

    def __init__(self, archives: Archives, retention: Retention, queue: str):
        self.queue = queue
        self.archives = archives
        self.retention = retention

    @activity.defn
    async def archive_application(self, application_id: str) -> Kept:
        try:
            return await self.archives.make(application_id)
        except (KeyErased, KeyMissing) as fault:
            raise ApplicationError(str(fault), type=NEEDS_A_PERSON, non_retryable=True) from fault

    @activity.defn
    async def keep_file(self, keeping: KeepFile) -> None:
        """`RetentionWorkflow`, by its name: steps know no workflows. Repeating finds it started."""
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await activity.client().start_workflow(
                "RetentionWorkflow",
                keeping,
                id=retention_workflow_id(keeping.application_id),
                task_queue=self.queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                static_summary=Readable(f"Keeps the file of {keeping.application_id}"),
                rpc_timeout=PATIENCE,
            )

    @activity.defn
    async def purge_application(self, request: PurgeRequest) -> Purge:
        return await self.retention.purge(request.application_id, request.at)
