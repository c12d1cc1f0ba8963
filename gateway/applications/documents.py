"""Documents of an application: uploaded, come on paper, accepted, rejected, waived."""

from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request

from adapters.access.port import PrincipalKind
from adapters.documents.port import MOST_BYTES, FileRefused
from domain.actors import Channel
from domain.ids import CommandId
from gateway.answering import PENDING
from gateway.applications import bodies
from gateway.applications.applications import CUSTOMER_SIDE, STAFF_SIDE, put_once
from gateway.applications.sending import Shown, carry_out, product_of, visible_application
from gateway.bodies import read_bounded
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind, not_found
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
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
async def received(
    application_id: str,
    doc: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ReceivedBody | None = None,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    stored = await visible_application(services, caller, application_id)
    wanted = next((each for each in stored.view.documents if each.doc == doc), None)
    if wanted is None:
        raise not_found()
    given = body or bodies.ReceivedBody()
    command = messages.DocumentReceived(
        command_id=command_id,
        actor=caller.actor,
        version=given.version,
        doc=doc,
        sha256=given.sha256 or wanted.sha256 or "0" * 64,
        media_type=wanted.media_type or "application/octet-stream",
        size=wanted.size or 0,
    )
    return await carry_out(services, caller, application_id, command)


async def _decide_document(
    services: Services,
    caller: Caller,
    application_id: str,
    doc: str,
    command_id: CommandId,
    body: bodies.DocumentBody | None,
    decision: Literal["accept", "reject", "waive"],
) -> Any:
    await must_act_as(caller, *STAFF_SIDE)
    if caller.principal.kind is PrincipalKind.CHANNEL and caller.principal.channel is not Channel.BRANCH:
        raise await caller.refused("is for the office and the branch")
    await visible_application(services, caller, application_id)
    given = body or bodies.DocumentBody()
    command = messages.DecideDocument(
        command_id=command_id,
        actor=caller.actor,
        version=given.version,
        doc=doc,
        decision=decision,
        reason=given.reason,
        sighted=given.sighted,
    )
    return await carry_out(services, caller, application_id, command)


@router.post(
    "/documents/{doc}/accept",
    summary="A document is good",
    responses=PENDING,
    response_model=Shown,
)
async def accept_document(
    application_id: str,
    doc: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.DocumentBody | None = None,
) -> Any:
    return await _decide_document(services, caller, application_id, doc, command_id, body, "accept")


@router.post(
    "/documents/{doc}/reject",
    summary="A document is not good, and is asked for again",
    responses=PENDING,
    response_model=Shown,
)
async def reject_document(
    application_id: str,
    doc: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.DocumentBody | None = None,
) -> Any:
    return await _decide_document(services, caller, application_id, doc, command_id, body, "reject")


@router.post(
    "/documents/{doc}/waive",
    summary="A document is not needed",
    responses=PENDING,
    response_model=Shown,
)
async def waive_document(
    application_id: str,
    doc: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.DocumentBody | None = None,
) -> Any:
    return await _decide_document(services, caller, application_id, doc, command_id, body, "waive")
