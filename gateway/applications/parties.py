"""Who takes part in an application: joining, agreeing for oneself, leaving."""

from typing import Any

from fastapi import APIRouter

from domain.lending.parts import PartyRole
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.applications import CUSTOMER_SIDE, put_once
from gateway.applications.sending import Shown, carry_out, visible_application
from gateway.applications.starting import keep_party, new_party, personal
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import CurrentCaller
from gateway.problems import invalid
from gateway.rights import must_act_as
from gateway.services import CurrentServices
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


@router.post("/parties", summary="Somebody joins", responses=PENDING, response_model=Shown)
async def add_party(
    application_id: str,
    body: bodies.PartyBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    if body.role is PartyRole.APPLICANT:
        raise invalid("/role", "Should be co_applicant or guarantor")
    name = f"p{command_id[:10]}"
    await keep_party(services, application_id, name, personal(body))
    command = messages.AddParty(command_id=command_id, actor=caller.actor, joins=new_party(name, body))
    return await carry_out(services, caller, application_id, command)


@router.post(
    "/parties/{party}/consent",
    summary="A party agrees for itself",
    responses=PENDING,
    response_model=Shown,
)
async def consent(
    application_id: str,
    party: str,
    body: bodies.ConsentBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    command = messages.Consent(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        party=party,
        electronic=body.electronic,
    )
    return await carry_out(services, caller, application_id, command)


@router.delete("/parties/{party}", summary="Somebody leaves", responses=PENDING, response_model=Shown)
async def remove_party(application_id: str, party: str, caller: CurrentCaller, services: CurrentServices) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    command = messages.RemoveParty(command_id=put_once(caller), actor=caller.actor, party=party)
    return await carry_out(services, caller, application_id, command)
