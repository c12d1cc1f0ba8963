"""`/v1/approvals`: what waits for a second person because it is above the limit of the first."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path

from adapters.access.port import PrincipalKind
from adapters.returns.port import ReturnFilter
from domain.ids import ReturnId
from domain.returns.goodwill import limit_of
from domain.returns.returned import ReturnView
from domain.returns.settling import goodwill_of
from domain.returns.words import ReturnKind, ReturnStatus
from gateway.answering import PENDING
from gateway.fields import LongText
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import not_found
from gateway.returns import asking
from gateway.returns.appeasements import AppeasementShown, shown
from gateway.returns.finding import order_to_return
from gateway.returns.sending import carry_out
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from gateway.stores.bodies import CommandBody
from workflows.appeasing import AppeasementWorkflow
from workflows.return_messages import DecideGoodwill

router = APIRouter(prefix="/v1/approvals", route_class=CommandRoute, tags=["ops"])

Approval = Annotated[str, Path(max_length=128)]


class ApprovalBody(CommandBody):
    reason: LongText | None = None


class RefusalBody(CommandBody):
    reason: LongText


@router.get("", summary="What waits for a second person, newest first")
async def waiting(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[AppeasementShown]:
    await must_act_as(caller, PrincipalKind.OPS)
    after = (_instant(page.after[0]), str(page.after[1])) if page.after is not None else None
    wanted = ReturnFilter(status=ReturnStatus.REQUESTED, kind=ReturnKind.APPEASEMENT)
    async with services.transactions.begin() as books:
        found = await books.returns.find(wanted, after=after, limit=page.limit + 1)
    listed = found[: page.limit]
    last = (listed[-1].requested_at.isoformat(), listed[-1].return_id) if len(found) > page.limit else None
    return page.page([shown(view) for view in listed], last)


@router.post("/{approval_id}/approve", summary="Approve it", response_model=AppeasementShown, responses=PENDING)
async def approve(
    approval_id: Approval,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: ApprovalBody,
) -> Any:
    """A second person, who may give so much by themself."""
    view = await _of(services, caller, approval_id)
    await _must_reach(services, caller, view)
    command = DecideGoodwill(
        command_id=command_id, actor=caller.actor, version=body.version, approved=True, reason=body.reason
    )
    return await _decided(services, view, command)


@router.post("/{approval_id}/refuse", summary="Refuse it", response_model=AppeasementShown, responses=PENDING)
async def refuse(
    approval_id: Approval,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: RefusalBody,
) -> Any:
    view = await _of(services, caller, approval_id)
    await _must_reach(services, caller, view)
    command = DecideGoodwill(
        command_id=command_id, actor=caller.actor, version=body.version, approved=False, reason=body.reason
    )
    return await _decided(services, view, command)


async def _of(services: Services, caller: Caller, approval_id: str) -> ReturnView:
    await must_act_as(caller, PrincipalKind.STORE, PrincipalKind.OPS)
    async with services.transactions.begin() as books:
        view = await books.returns.get(ReturnId(approval_id))
    if view is None or view.goodwill is None:
        raise not_found()
    await order_to_return(services, caller, view.order_id)
    return view


async def _must_reach(services: Services, caller: Caller, view: ReturnView) -> None:
    """Somebody else, whose own limit is as high as all goodwill of the order comes to."""
    assert view.goodwill is not None
    if view.goodwill.asked_by == caller.principal.id:
        raise await caller.refused("needs a second person: who asked does not approve")
    order = await order_to_return(services, caller, view.order_id)
    limits = (await asking.facts_of(services, order)).policy.appeasement_limits
    limit = limit_of((role.value for role in caller.principal.roles), limits)
    async with services.transactions.begin() as books:
        together = goodwill_of(await books.returns.of_order(view.order_id))
    if limit is not None and together > limit:
        raise await caller.refused(f"needs a role that may give {together} by itself")


async def _decided(services: Services, view: ReturnView, command: DecideGoodwill) -> Any:
    answer = await carry_out(services, view, AppeasementWorkflow.decide, command)
    return shown(answer) if isinstance(answer, ReturnView) else answer


def _instant(value: object) -> datetime:
    return datetime.fromisoformat(str(value))
