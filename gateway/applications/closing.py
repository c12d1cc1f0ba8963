"""The end of an application: the offer's answer, signatures, and what the office clears or decides; its notices."""

import hashlib
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from adapters.documents.port import UnknownFile
from adapters.letters.port import Letter
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.persons import person_of
from gateway.applications.sending import (
    CUSTOMER_SIDE,
    ApplicationRequest,
    CurrentApplicationRequest,
    Shown,
    visible_application,
)
from gateway.idempotency import CommandRoute
from gateway.principals import CurrentCaller
from gateway.problems import not_found
from gateway.services import CurrentServices
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


async def _answer_offer(request: ApplicationRequest, body: bodies.OfferBody | None, *, accept: bool) -> Any:
    await request.by(*CUSTOMER_SIDE)
    given = body or bodies.OfferBody()
    command = messages.AnswerOffer(**request.heading(given), accept=accept, terms_hash=given.terms_hash)
    return await request.carry_out(command)


@router.post("/offer/accept", summary="Accept the offer", responses=PENDING, response_model=Shown)
async def accept_offer(request: CurrentApplicationRequest, body: bodies.OfferBody | None = None) -> Any:
    return await _answer_offer(request, body, accept=True)


@router.post("/offer/decline", summary="Decline the offer", responses=PENDING, response_model=Shown)
async def decline_offer(request: CurrentApplicationRequest, body: bodies.OfferBody | None = None) -> Any:
    return await _answer_offer(request, body, accept=False)


@router.post("/sign", summary="Sign the agreement", responses=PENDING, response_model=Shown)
async def sign(request: CurrentApplicationRequest, body: bodies.SignBody | None = None) -> Any:
    await request.by(*CUSTOMER_SIDE)
    given = body or bodies.SignBody()
    command = messages.Sign(
        **request.heading(given),
        party=given.party or "p1",
        way=given.way,
        text=given.text,
        terms_hash=given.terms_hash,
        electronic_consent=given.electronic_consent,
    )
    return await request.carry_out(command)


@router.post("/reasons", summary="Ask why it was denied", responses=PENDING, response_model=Shown)
async def ask_reasons(request: CurrentApplicationRequest, body: bodies.Versioned | None = None) -> Any:
    """Where the notice of the denial gave the right to its reasons, within sixty days of it; in any channel."""
    await request.by(*CUSTOMER_SIDE)
    command = messages.AskReasons(**request.heading(body))
    return await request.carry_out(command)


# --- the office ------------------------------------------------------------------------------------------------------


@router.post(
    "/screening/clear",
    summary="A screening hit was somebody else",
    responses=PENDING,
    response_model=Shown,
)
async def clear_screening(request: CurrentApplicationRequest, body: bodies.ReasonBody) -> Any:
    await request.by_operations()
    command = messages.ClearScreening(
        **request.heading(body),
        reason=body.reason,
        person=person_of(request.caller.principal),
    )
    return await request.carry_out(command)


@router.post(
    "/screening/confirm",
    summary="A screening hit is the listed person; two people must say so",
    responses=PENDING,
    response_model=Shown,
)
async def confirm_screening(request: CurrentApplicationRequest, body: bodies.ReasonBody) -> Any:
    await request.by_operations()
    command = messages.ConfirmScreening(
        **request.heading(body),
        reason=body.reason,
        person=person_of(request.caller.principal),
    )
    return await request.carry_out(command)


@router.post(
    "/interventions/{intervention_id}",
    summary="Decide about a step in trouble",
    responses=PENDING,
    response_model=Shown,
)
async def intervene(request: CurrentApplicationRequest, intervention_id: str, body: bodies.InterventionBody) -> Any:
    await request.by_operations()
    command = messages.Settle(
        **request.heading(),
        intervention_id=intervention_id,
        action=body.action,
        reason=body.reason,
    )
    return await request.carry_out(command)


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
    pdf = format == "pdf"
    content = written.pdf if pdf else written.text.encode()
    sent = found.pdf_sha256 if pdf else found.sha256
    if sent and sent != hashlib.sha256(content).hexdigest():
        # Our templates, or the person's name, are others by now: what was sent is what was told.
        with suppress(UnknownFile):
            content = await services.lending.documents.get(application_id, sent)
    return Response(content, media_type="application/pdf" if pdf else "text/plain; charset=utf-8")
