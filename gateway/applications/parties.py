"""Who takes part in an application: joining, agreeing for oneself, leaving."""

from typing import Any

from fastapi import APIRouter

from domain.lending.parts import PartyRole
from domain.personal import PersonalData
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.applications import put_once
from gateway.applications.persons import officer_of
from gateway.applications.sending import CUSTOMER_SIDE, CurrentApplicationRequest, Shown, carry_out, visible_application
from gateway.applications.starting import must_be_born, new_party, personal, said
from gateway.idempotency import CommandRoute
from gateway.principals import CurrentCaller
from gateway.problems import invalid
from gateway.rights import must_act_as
from gateway.services import CurrentServices
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


@router.post("/parties", summary="Somebody joins", responses=PENDING, response_model=Shown)
async def add_party(request: CurrentApplicationRequest, body: bodies.PartyBody) -> Any:
    stored = await request.by(*CUSTOMER_SIDE)
    if body.role is PartyRole.APPLICANT:
        raise invalid("/role", "Should be co_applicant or guarantor")
    must_be_born(request.services, body)
    name = f"p{request.command_id[:10]}"
    officer = officer_of(request.caller.principal, request.caller.actor)
    command = messages.AddParty(**request.heading(), joins=new_party(name, body), person=officer)
    if stored.view.outcome is not None:
        return await request.carry_out(command)  # refused; and a file that was purged takes in nobody
    async with said(request.services, request.application_id, name, personal(body), before=PersonalData()):
        return await request.carry_out(command)


@router.post(
    "/parties/{party}/consent",
    summary="A party agrees for itself",
    responses=PENDING,
    response_model=Shown,
)
async def consent(request: CurrentApplicationRequest, party: str, body: bodies.ConsentBody) -> Any:
    await request.by(*CUSTOMER_SIDE)
    command = messages.Consent(
        **request.heading(body),
        party=party,
        electronic=body.electronic,
    )
    return await request.carry_out(command)


@router.delete("/parties/{party}", summary="Somebody leaves", responses=PENDING, response_model=Shown)
async def remove_party(application_id: str, party: str, caller: CurrentCaller, services: CurrentServices) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    command = messages.RemoveParty(command_id=put_once(caller), actor=caller.actor, party=party)
    return await carry_out(services, caller, application_id, command)
