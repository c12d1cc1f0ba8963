"""A loan that is paid out in parts: the office says what has come to be, e.g. who saw that the roof is on."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.persons import person_of
from gateway.applications.sending import CurrentApplicationRequest, Shown
from gateway.idempotency import CommandRoute
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])

PartNumber = Annotated[int, Path(ge=1, le=1000)]


@router.post("/tranches/{n}/release", summary="A part of the loan may leave", responses=PENDING, response_model=Shown)
async def release(request: CurrentApplicationRequest, n: PartNumber, body: bodies.ReasonBody) -> Any:
    await request.by_operations()
    command = messages.ReleaseTranche(
        **request.heading(body),
        n=n,
        person=person_of(request.caller.principal),
        reason=body.reason,
    )
    return await request.carry_out(command)
