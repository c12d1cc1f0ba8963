"""`/v1/applications`: started in one channel, gone on with in any other."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from adapters.access.port import PrincipalKind
from adapters.applications.port import ApplicationEvent
from adapters.letters.writing import party_subject
from adapters.vault.port import UnknownSubject
from domain.actors import ActorKind, Channel
from domain.ids import CommandId, derived_id
from domain.lending.answers import beyond_limits, faults_in, taken
from domain.lending.application_view import ApplicationView
from domain.lending.products import StepDefinition, StepRole
from domain.lending.stages import Stage
from domain.personal import PersonalData
from gateway.answering import PENDING, pending
from gateway.applications import bodies
from gateway.applications.listing import place_of, stored_page, whole_unless_asked
from gateway.applications.persons import officer_of
from gateway.applications.sending import (
    CUSTOMER_SIDE,
    STAFF_SIDE,
    CurrentApplicationRequest,
    Shown,
    carry_out,
    product_of,
    shown,
    visible_application,
)
from gateway.applications.starting import said, start_application
from gateway.channels.placing import speaks_for
from gateway.commands import StillWorking
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import FieldError, Problem, ProblemKind, not_found
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from workflows import application_messages as messages

router = APIRouter(prefix="/v1/applications", route_class=CommandRoute, tags=["applications"])


class EventShown(BaseModel):
    """What happened, who did it and where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    event: str
    actor: str
    actor_kind: ActorKind
    on_behalf_of: str | None
    channel: Channel
    place: str | None
    reason: str | None
    data: dict[str, Any]


SeenVersion = Annotated[int | None, Query(ge=0, le=2**31 - 1, description="The version that the caller saw")]


@router.post("", status_code=201, summary="Start an application", responses=PENDING, response_model=Shown)
async def start(
    body: bodies.ApplicationBody, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    if not speaks_for(caller, body.channel):
        raise await caller.refused(f"needs a key that speaks for the channel {body.channel}")
    try:
        stored = await start_application(services, caller, body, command_id)
    except StillWorking as working:
        return pending(f"/v1/applications/{working}")
    view = shown(caller, stored)
    return JSONResponse(
        view.model_dump(mode="json"), 201, headers={"Location": f"/v1/applications/{view.application_id}"}
    )


@router.get("", summary="Applications, the newest first")
async def listed(
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    customer: Annotated[str | None, Query(max_length=128)] = None,
) -> Page[Shown]:
    await caller.must_be(*STAFF_SIDE)
    sees_all = caller.sees_all_orders or caller.principal.kind is PrincipalKind.UNDERWRITER
    found = await services.lending.applications.listed(
        customer_ref=customer,
        created_by=None if sees_all else caller.principal.id,
        limit=page.limit + 1,
        after=place_of(page),
    )
    return stored_page(page, caller, found)


@router.get("/{application_id}", summary="An application as it is now")
async def read(application_id: str, caller: CurrentCaller, services: CurrentServices) -> Shown:
    return shown(caller, await visible_application(services, caller, application_id))


@router.get("/{application_id}/timeline", summary="What happened, in order")
async def timeline(
    application_id: str, caller: CurrentCaller, services: CurrentServices, page: CurrentPage
) -> Page[EventShown]:
    await visible_application(services, caller, application_id)
    events = await services.lending.applications.timeline(application_id)
    if caller.principal.kind is PrincipalKind.CHANNEL:
        events = [each for each in events if each.event not in _NOT_FOR_CHANNELS]
    return whole_unless_asked(page, [_event(each) for each in events])


_NOT_FOR_CHANNELS = frozenset(
    {
        *("screening_held", "screening_judged", "screening_cleared", "screening_confirmed", "check_done"),
        *("decision_fell", "too_old", "decided"),
        *("review_claimed", "review_released", "review_reassigned", "recused", "approved"),
        *("intervention_needed", "intervention_made", "legal_hold_set", "legal_hold_released"),
    }
)
"""What staff weighed. Checks are left out as a whole: that one of them is missing would tell of a hold."""


def _event(event: ApplicationEvent) -> EventShown:
    actor = event.actor
    return EventShown(
        at=event.at,
        event=event.event,
        actor=actor.id,
        actor_kind=actor.kind,
        on_behalf_of=actor.on_behalf_of,
        channel=actor.channel,
        place=actor.place,
        reason=event.reason,
        data=event.data,
    )


# --- answers ---------------------------------------------------------------------------------------------------------


@router.put("/{application_id}/steps/{step}", summary="Answer a step", responses=PENDING, response_model=Shown)
async def answer_step(
    application_id: str,
    step: str,
    body: dict[str, Any],
    caller: CurrentCaller,
    services: CurrentServices,
    version: SeenVersion = None,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    stored = await visible_application(services, caller, application_id)
    definition = await product_of(services, stored.view)
    found = definition.step(step)
    if found is None:
        raise not_found()
    faults = faults_in(found, body, services.now().date()) or beyond_limits(definition, found, body)
    if faults:
        errors = [FieldError(pointer=each.pointer, reason=each.reason) for each in faults]
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors)
    answers = taken(found, body)
    command = messages.SubmitStep(
        command_id=put_once(caller),
        actor=caller.actor,
        version=version,
        step=step,
        data=answers.plain,
        digest=answers.digest,
        person=officer_of(caller.principal, caller.actor),
    )
    if answers.personal is None or not _may_be_taken(stored.view, found, caller, version, services.now()):
        return await carry_out(services, caller, application_id, command)
    known = await _known(services, application_id)
    async with said(services, application_id, "p1", _merged(known, answers.personal), before=known):
        return await carry_out(services, caller, application_id, command)


def _may_be_taken(
    view: ApplicationView, step: StepDefinition, caller: Caller, version: int | None, now: datetime
) -> bool:
    """What the application will refuse must change nothing in the vault."""
    if version is not None and version != view.version:
        return False
    pen, holder = view.pen, caller.actor.on_behalf_of or caller.actor.id
    mine = pen is None or (pen.holder, pen.channel) == (holder, caller.actor.channel)
    if pen is not None and not mine and pen.asked_for and pen.until > now:
        return False
    role = StepRole.OFFICER if officer_of(caller.principal, caller.actor) else StepRole.APPLICANT
    if role not in step.roles:
        return False
    is_open = view.outcome is None and view.stage.rank <= Stage.OFFERED.rank
    blocked = next((each.requires for each in view.steps if each.name == step.name), [])
    return is_open and not blocked and caller.actor.channel in step.channels


async def _known(services: Services, application_id: str) -> PersonalData:
    try:
        found = await services.vault.get(party_subject(application_id, "p1"))
    except UnknownSubject:
        return PersonalData()
    return found if isinstance(found, PersonalData) else PersonalData()


def _merged(known: PersonalData, said: PersonalData) -> PersonalData:
    return known.model_copy(update=said.model_dump(exclude_defaults=True))


def put_once(caller: Caller) -> CommandId:
    """PUT and DELETE may be repeated by themselves; each is a command of its own."""
    return CommandId(derived_id("command", caller.principal.id, uuid.uuid4().hex))


@router.post("/{application_id}/pen", summary="Take the pen", responses=PENDING, response_model=Shown)
async def take_pen(request: CurrentApplicationRequest, body: bodies.PenBody) -> Any:
    await request.by(*CUSTOMER_SIDE)
    command = messages.TakePen(
        **request.heading(body),
        holder=body.holder or request.caller.actor.on_behalf_of or request.caller.principal.id,
        take_over=body.take_over,
    )
    return await request.carry_out(command)


@router.post("/{application_id}/submit", summary="Ask for a decision", responses=PENDING, response_model=Shown)
async def submit(request: CurrentApplicationRequest, body: bodies.Versioned | None = None) -> Any:
    await request.by(*CUSTOMER_SIDE)
    command = messages.Submit(**request.heading(body))
    return await request.carry_out(command)


@router.post("/{application_id}/withdraw", summary="Go no further", responses=PENDING, response_model=Shown)
async def withdraw(request: CurrentApplicationRequest, body: bodies.WithdrawBody | None = None) -> Any:
    await request.by(*CUSTOMER_SIDE)
    given = body or bodies.WithdrawBody()
    command = messages.Withdraw(**request.heading(given), reason=given.reason)
    return await request.carry_out(command)


@router.post("/{application_id}/rescind", summary="Cancel what was signed", responses=PENDING, response_model=Shown)
async def rescind(request: CurrentApplicationRequest, body: bodies.Versioned | None = None) -> Any:
    await request.by(*CUSTOMER_SIDE)
    command = messages.Rescind(**request.heading(body))
    return await request.carry_out(command)
