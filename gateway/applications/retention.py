"""How long an application's file is kept, and legal holds: any of operations sets one, a manager releases it."""

from datetime import datetime

from fastapi import APIRouter
from temporalio.service import RPCError

from adapters.access.port import Role
from adapters.audit.port import AuditOutcome
from adapters.retention.port import Purged
from domain.ids import derived_id, retention_workflow_id
from domain.lending.parts import Archive
from domain.lending.retention import LegalHold
from domain.views import View
from gateway.applications import bodies
from gateway.applications.sending import visible_application
from gateway.audit import trail_of
from gateway.commands import PATIENCE, is_not_found
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import CurrentCaller
from gateway.problems import Problem, ProblemKind, not_found
from gateway.rights import must_read_operations, must_run_operations
from gateway.services import CurrentServices, Services
from workflows.retention import RetentionWorkflow

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


class RetentionShown(View):
    application_id: str
    keep_until: datetime | None
    archive: Archive | None
    public_key: str
    """With which the archive's signature is checked."""
    purged_at: datetime | None
    holds: list[LegalHold]


@router.get("/retention", summary="Until when the file is kept, its archive, and its legal holds")
async def read(application_id: str, caller: CurrentCaller, services: CurrentServices) -> RetentionShown:
    await must_read_operations(caller)
    view = (await visible_application(services, caller, application_id)).view
    holds = await services.lending.retention.holds(application_id)
    return RetentionShown(
        application_id=application_id,
        keep_until=view.keep_until,
        archive=view.archive,
        public_key=services.lending.archive_key,
        purged_at=view.purged_at,
        holds=list(holds),
    )


@router.post("/holds", status_code=201, summary="Keep the file beyond its time", response_model=LegalHold)
async def hold(
    application_id: str,
    body: bodies.HoldBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> LegalHold:
    await must_run_operations(caller)
    await visible_application(services, caller, application_id)
    hold_id = derived_id("legal-hold", application_id, command_id)
    try:
        set_now = await services.lending.retention.hold(
            application_id, hold_id, body.reason, caller.actor, services.now()
        )
    except Purged:
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, "The file has been purged: nothing is left to hold.") from None
    await trail_of(caller.request).write(caller.actor, "set legal hold", application_id, AuditOutcome.DONE)
    return set_now


@router.post("/holds/{hold_id}/release", summary="Keep the file for this reason no longer")
async def release(
    application_id: str,
    hold_id: str,
    body: bodies.HoldBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> LegalHold:
    await must_run_operations(caller)
    await caller.must_have(Role.OPS_MANAGER)
    await visible_application(services, caller, application_id)
    try:
        released = await services.lending.retention.release(
            application_id, hold_id, body.reason, caller.actor, services.now()
        )
    except LookupError:
        raise not_found() from None
    await trail_of(caller.request).write(caller.actor, "release legal hold", application_id, AuditOutcome.DONE)
    await _tell(services, application_id)
    return released


async def _tell(services: Services, application_id: str) -> None:
    """The file's keeper, if the application has ended; one whose time still runs looks by itself."""
    keeper = services.temporal.get_workflow_handle(retention_workflow_id(application_id))
    try:
        await keeper.signal(RetentionWorkflow.hold_released, rpc_timeout=PATIENCE)
    except RPCError as fault:
        if not is_not_found(fault):
            raise
