"""The end of an application: the offer's answer, signatures, and what the office clears or decides; its notices."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from adapters.letters.port import Letter
from domain.ids import CommandId
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.applications import CUSTOMER_SIDE
from gateway.applications.persons import person_of
from gateway.applications.sending import Shown, carry_out, visible_application
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import not_found
from gateway.rights import must_act_as, must_run_operations
from gateway.services import CurrentServices, Services
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


async def _answer_offer(
    services: Services,
    caller: Caller,
    application_id: str,
    command_id: CommandId,
    body: bodies.OfferBody | None,
    *,
    accept: bool,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    given = body or bodies.OfferBody()
    command = messages.AnswerOffer(
        command_id=command_id,
        actor=caller.actor,
        version=given.version,
        accept=accept,
        terms_hash=given.terms_hash,
    )
    return await carry_out(services, caller, application_id, command)


@router.post("/offer/accept", summary="Accept the offer", responses=PENDING, response_model=Shown)
async def accept_offer(
    application_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.OfferBody | None = None,
) -> Any:
    return await _answer_offer(services, caller, application_id, command_id, body, accept=True)


@router.post("/offer/decline", summary="Decline the offer", responses=PENDING, response_model=Shown)
async def decline_offer(
    application_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.OfferBody | None = None,
) -> Any:
    return await _answer_offer(services, caller, application_id, command_id, body, accept=False)


@router.post("/sign", summary="Sign the agreement", responses=PENDING, response_model=Shown)
async def sign(
    application_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.SignBody | None = None,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    given = body or bodies.SignBody()
    command = messages.Sign(
        command_id=command_id,
        actor=caller.actor,
        version=given.version,
        party=given.party or "p1",
        way=given.way,
        text=given.text,
        terms_hash=given.terms_hash,
        electronic_consent=given.electronic_consent,
    )
    return await carry_out(services, caller, application_id, command)


@router.post("/reasons", summary="Ask why it was denied", responses=PENDING, response_model=Shown)
async def ask_reasons(
    application_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.Versioned | None = None,
) -> Any:
    """Where the notice of the denial gave the right to its reasons, within sixty days of it; in any channel."""
    await must_act_as(caller, *CUSTOMER_SIDE)
    await visible_application(services, caller, application_id)
    version = body.version if body else None
    command = messages.AskReasons(command_id=command_id, actor=caller.actor, version=version)
    return await carry_out(services, caller, application_id, command)


# --- the office ------------------------------------------------------------------------------------------------------


@router.post(
    "/screening/clear",
    summary="A screening hit was somebody else",
    responses=PENDING,
    response_model=Shown,
)
async def clear_screening(
    application_id: str,
    body: bodies.ReasonBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Any:
    await must_run_operations(caller)
    await visible_application(services, caller, application_id)
    command = messages.ClearScreening(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        reason=body.reason,
        person=person_of(caller.principal),
    )
    return await carry_out(services, caller, application_id, command)


@router.post(
    "/screening/confirm",
    summary="A screening hit is the listed person; two people must say so",
    responses=PENDING,
    response_model=Shown,
)
async def confirm_screening(
    application_id: str,
    body: bodies.ReasonBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Any:
    await must_run_operations(caller)
    await visible_application(services, caller, application_id)
    command = messages.ConfirmScreening(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        reason=body.reason,
        person=person_of(caller.principal),
    )
    return await carry_out(services, caller, application_id, command)


@router.post(
    "/interventions/{intervention_id}",
    summary="Decide about a step in trouble",
    responses=PENDING,
    response_model=Shown,
)
async def intervene(
    application_id: str,
    intervention_id: str,
    body: bodies.InterventionBody,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
) -> Any:
    await must_run_operations(caller)
    await visible_application(services, caller, application_id)
    command = messages.Settle(
        command_id=command_id,
        actor=caller.actor,
        intervention_id=intervention_id,
        action=body.action,
        reason=body.reason,
    )
    return await carry_out(services, caller, application_id, command)


@router.get(
    "/notices/{n}",
    summary="A notice, written again from the record",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}, "application/pdf": {}}}},
)
async def notice(
    application_id: str,
    n: int,
    caller: CurrentCaller,
    services: CurrentServices,
    format: Annotated[bodies.FORMATS, Query()] = "text",  # noqa: A002 - the word that callers know
) -> Response:
    stored = await visible_application(services, caller, application_id)
    found = next((each for each in stored.view.notices if each.n == n), None)
    if found is None:
        raise not_found()
    letter = Letter(
        application_id=application_id,
        n=n,
        kind=found.kind,
        party=found.party,
        at=found.at,
        locale=stored.view.locale,
        facts=found.facts,
    )
    written = await services.lending.letters.write(letter)
    if format == "pdf":
        return Response(written.pdf, media_type="application/pdf")
    return Response(written.text, media_type="text/plain; charset=utf-8")
