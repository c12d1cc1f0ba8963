"""A loan that is paid out in parts: the office says that what a part pays for has come to be."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.persons import person_of
from gateway.applications.sending import Shown, carry_out, visible_application
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import CurrentCaller
from gateway.rights import must_run_operations
from gateway.services import CurrentServices
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])

PartNumber = Annotated[int, Path(ge=1, le=1000)]


@router.post("/tranches/{n}/release", summary="A part of the loan may leave", responses=PENDING, response_model=Shown)
async def release(
    application_id: str,
    n: PartNumber,
    body: bodies.ReleaseBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Any:
    await must_run_operations(caller)
    await visible_application(services, caller, application_id)
    command = messages.ReleaseTranche(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        person=person_of(caller.principal),
        reason=body.reason,
    )
    return await carry_out(services, caller, application_id, command)
