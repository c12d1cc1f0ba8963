"""Documents of an application: uploaded, come on paper, accepted, rejected, waived."""

from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request

from adapters.access.port import PrincipalKind
from adapters.documents.port import MOST_BYTES, FileRefused
from domain.actors import Channel
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.applications import put_once
from gateway.applications.sending import (
    CUSTOMER_SIDE,
    STAFF_SIDE,
    ApplicationRequest,
    CurrentApplicationRequest,
    Shown,
    carry_out,
    product_of,
    visible_application,
)
from gateway.bodies import read_bounded
from gateway.idempotency import CommandRoute
from gateway.principals import CurrentCaller
from gateway.problems import Problem, ProblemKind, not_found
from gateway.rights import must_act_as
from gateway.services import CurrentServices
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications/{application_id}", route_class=CommandRoute, tags=["applications"])


@router.put("/documents/{doc}/content", summary="Upload a document", responses=PENDING, response_model=Shown)
async def upload(
    application_id: str, doc: str, request: Request, caller: CurrentCaller, services: CurrentServices
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    stored = await visible_application(services, caller, application_id)
    wanted = next((each for each in stored.view.documents if each.doc == doc), None)
    if wanted is None:
        raise not_found()
    definition = await product_of(services, stored.view)
    kind = definition.evidence.get(wanted.type)
    content = await read_bounded(request, MOST_BYTES)
    try:
        kept = await services.lending.documents.put(application_id, content, kind.media_types if kind else None)
    except FileRefused as refused:
        raise Problem(ProblemKind.UNSUPPORTED_MEDIA_TYPE, str(refused), title="Not such a document") from None
    command = messages.DocumentReceived(
        command_id=put_once(caller),
        actor=caller.actor,
        doc=doc,
        sha256=kept.sha256,
        media_type=kept.media_type,
        size=kept.size,
    )
    return await carry_out(services, caller, application_id, command)


@router.post(
    "/documents/{doc}/received",
    summary="A document came by another way",
    responses=PENDING,
    response_model=Shown,
)
async def received(request: CurrentApplicationRequest, doc: str, body: bodies.ReceivedBody | None = None) -> Any:
    stored = await request.by(*CUSTOMER_SIDE)
    wanted = next((each for each in stored.view.documents if each.doc == doc), None)
    if wanted is None:
        raise not_found()
    given = body or bodies.ReceivedBody()
    command = messages.DocumentReceived(
        **request.heading(given),
        doc=doc,
        sha256=given.sha256 or wanted.sha256 or "0" * 64,
        media_type=wanted.media_type or "application/octet-stream",
        size=wanted.size or 0,
    )
    return await request.carry_out(command)


async def _decide_document(
    request: ApplicationRequest,
    doc: str,
    body: bodies.DocumentBody | None,
    decision: Literal["accept", "reject", "waive"],
) -> Any:
    caller = request.caller
    await must_act_as(caller, *STAFF_SIDE)
    if caller.principal.kind is PrincipalKind.CHANNEL and caller.principal.channel is not Channel.BRANCH:
        raise await caller.refused("is for the office and the branch")
    await request.visible()
    given = body or bodies.DocumentBody()
    command = messages.DecideDocument(
        **request.heading(given), doc=doc, decision=decision, reason=given.reason, sighted=given.sighted
    )
    return await request.carry_out(command)


@router.post(
    "/documents/{doc}/accept",
    summary="A document is good",
    responses=PENDING,
    response_model=Shown,
)
async def accept_document(request: CurrentApplicationRequest, doc: str, body: bodies.DocumentBody | None = None) -> Any:
    return await _decide_document(request, doc, body, "accept")


@router.post(
    "/documents/{doc}/reject",
    summary="A document is not good, and is asked for again",
    responses=PENDING,
    response_model=Shown,
)
async def reject_document(request: CurrentApplicationRequest, doc: str, body: bodies.DocumentBody | None = None) -> Any:
    return await _decide_document(request, doc, body, "reject")


@router.post(
    "/documents/{doc}/waive",
    summary="A document is not needed",
    responses=PENDING,
    response_model=Shown,
)
async def waive_document(request: CurrentApplicationRequest, doc: str, body: bodies.DocumentBody | None = None) -> Any:
    return await _decide_document(request, doc, body, "waive")
