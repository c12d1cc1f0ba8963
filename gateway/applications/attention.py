"""Applications among what waits for the office: questions about steps in trouble, and whatever is late."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from adapters.access.port import PrincipalKind
from adapters.applications.port import StoredApplication
from adapters.records.port import OpenIntervention
from domain.ids import CommandId
from domain.lending.application import INTERVENTION
from domain.lending.clocks import ClockState
from gateway.applications.sending import Shown, carry_out, visible_application
from gateway.idempotency import CommandRoute
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import not_found
from gateway.services import CurrentServices, Services
from workflows import application_messages as messages
from workflows.messages import InterventionAction

router = APIRouter(prefix="/v1/ops", route_class=CommandRoute, tags=["ops"])

MOST = 2000
Kind = Annotated[str | None, Query(min_length=1, max_length=64, description="Of a wait, e.g. screening_hold, review")]


class WaitingApplication(BaseModel):
    """One wait of one application. `late`: its time is over, or a duty of the application was missed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    application_id: str
    product: str
    stage: str
    kind: str
    what: str
    who: str
    since: datetime | None = None
    deadline: datetime | None = None
    default: str | None = None
    breached: list[str]
    late: bool


def is_of_application(intervention_id: str) -> bool:
    return intervention_id.startswith(INTERVENTION)


async def questions(services: Services, limit: int) -> list[OpenIntervention]:
    return [
        OpenIntervention(application_id=stored.view.application_id, **question.model_dump())
        for stored in await services.lending.applications.asking(limit)
        for question in stored.view.interventions
    ]


async def answer_for_application(
    services: Services,
    caller: Caller,
    intervention_id: str,
    action: InterventionAction,
    reason: str,
    command_id: CommandId,
) -> Shown | JSONResponse:
    """The application as it is after the answer; 202 when it is still being worked on."""
    application_id = intervention_id.removeprefix(INTERVENTION).rpartition("-")[0]
    stored = await visible_application(services, caller, application_id)
    if all(each.intervention_id != intervention_id for each in stored.view.interventions):
        raise not_found()
    command = messages.Settle(
        command_id=command_id, actor=caller.actor, intervention_id=intervention_id, action=action, reason=reason
    )
    return await carry_out(services, caller, application_id, command)


@router.get("/applications", summary="What applications wait for, the first deadline first")
async def waiting(
    caller: CurrentCaller, services: CurrentServices, page: CurrentPage, kind: Kind = None, late: bool = False
) -> Page[WaitingApplication]:
    """`late`: only what is over its time, and applications of which a duty was missed."""
    await caller.must_be(PrincipalKind.OPS)
    lending, now = services.lending, services.now()
    stored = [*await lending.applications.open(MOST), *await lending.applications.asking(MOST)]
    known = {each.view.application_id: each for each in stored}
    found = [wait for each in known.values() for wait in _waits(each, now)]
    wanted = [each for each in found if kind in (None, each.kind) and (each.late or not late)]
    return page_of(page, sorted(wanted, key=_first_due))


def _waits(stored: StoredApplication, now: datetime) -> list[WaitingApplication]:
    view = stored.view
    breached = [each.name for each in view.clocks if each.state is ClockState.BREACHED]
    found = []
    for wait in view.waiting_for:
        over = wait.deadline is not None and wait.deadline <= now
        found.append(
            WaitingApplication(
                application_id=view.application_id,
                product=view.product,
                stage=view.outcome or view.stage,
                breached=breached,
                late=over or bool(breached),
                **wait.model_dump(),
            )
        )
    return found


def _first_due(wait: WaitingApplication) -> tuple[bool, str, str]:
    at = wait.deadline or wait.since
    return (wait.deadline is None, at.isoformat() if at else "", wait.application_id)
