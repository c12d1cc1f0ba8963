"""`/v1/ops`: search, what waits for a person, and who did what."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from adapters.access.port import PrincipalKind
from adapters.audit.port import AuditEntry, AuditPosition
from adapters.records.port import OpenIntervention, OrderFilter
from domain.actors import Channel
from domain.refusals import Refused
from domain.views import OrderStatus
from gateway.answering import PENDING, problem_of
from gateway.applications import attention
from gateway.applications.sending import Shown as ApplicationShown
from gateway.channels.orders import list_orders
from gateway.channels.sending import carry_out, current, reread
from gateway.fields import LongText
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.listing import page_of
from gateway.ops.decisions import order_of, was_made
from gateway.ops.disputes import close_dispute, is_dispute, question_of
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CurrentCaller
from gateway.problems import invalid, not_found
from gateway.reading import visible_order
from gateway.returns.crediting import check_credit
from gateway.returns.interventions import answer_for_return, is_of_return, questions_of
from gateway.rights import Readers, Runners
from gateway.services import CurrentServices
from gateway.showing import OrderShown, order_shown
from gateway.stores import late_reports
from gateway.stores.bodies import CommandBody
from workflows import messages
from workflows.messages import InterventionAction
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/ops", route_class=CommandRoute, tags=["ops"])

Text = Annotated[str | None, Query(min_length=1, max_length=64)]
MOST = 2000


async def _office(caller: CurrentCaller) -> Caller:
    await caller.must_be(PrincipalKind.OPS)
    return caller


Office = Annotated[Caller, Depends(_office)]


class InterventionBody(CommandBody):
    action: InterventionAction
    reason: LongText
    value: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = None
    """With `supply`: what the step should have given, e.g. an amount in minor units."""


class InterventionShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    intervention_id: str
    order: OrderShown | None = None
    """As it is after the answer; of a question about a return, the order that it is of."""
    application: ApplicationShown | None = None
    """Of a question about an application, as it is after the answer."""


@router.get("/orders", summary="Find orders of any channel")
async def orders(
    caller: Office,
    services: CurrentServices,
    page: CurrentPage,
    channel: Channel | None = None,
    external_id: Text = None,
    customer: Text = None,
    status: OrderStatus | None = None,
    store: Text = None,
    text: Text = None,
) -> Page[OrderShown]:
    """`text`: an order id or external id, whole or its beginning."""
    wanted = OrderFilter(
        channel=channel, external_id=external_id, customer_ref=customer, status=status, store_id=store, text=text
    )
    return await list_orders(services, caller, page, wanted)


@router.get("/interventions", summary="What waits for a person, the longest wait first")
async def interventions(caller: Office, services: CurrentServices, page: CurrentPage) -> Page[OpenIntervention]:
    async with services.transactions.begin() as books:
        found = [*await books.records.interventions(limit=MOST)]
        found += [each for view in await books.returns.asking(limit=MOST) for each in questions_of(view)]
    found += await attention.questions(services, MOST)
    found += [question_of(each) for each in await services.payments.open_disputes(MOST)]
    return page_of(page, sorted(found, key=lambda each: each.since))


@router.post(
    "/interventions/{intervention_id}",
    summary="Retry, skip, supply a value, or give up",
    response_model=InterventionShown,
    responses=PENDING,
)
async def intervene(
    intervention_id: Annotated[str, Path(max_length=128)],
    caller: Runners,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: InterventionBody,
) -> Any:
    if (body.action is InterventionAction.SUPPLY) != (body.value is not None):
        raise invalid("/value", "Goes with the action supply, and only with it")
    if is_dispute(intervention_id):
        closed = await close_dispute(services, caller, intervention_id, body.action, body.reason)
        order = await visible_order(services, caller, closed.order_id)
        return InterventionShown(intervention_id=intervention_id, order=await order_shown(services, caller, order))
    if attention.is_of_application(intervention_id):
        view = await attention.answer_for_application(
            services, caller, intervention_id, body.action, body.reason, command_id
        )
        if isinstance(view, JSONResponse):
            return view
        return InterventionShown(intervention_id=intervention_id, application=view)
    if is_of_return(intervention_id):
        return await answer_for_return(
            services, caller, intervention_id, body.action, body.reason, body.value, command_id
        )
    async with services.transactions.begin() as books:
        found = await books.records.intervention(intervention_id)
    order = await visible_order(services, caller, order_of(intervention_id))
    await check_credit(services, order, body.action, body.value)

    async def show(_: messages.OrderAnswer | None) -> InterventionShown:
        view = await order_shown(services, caller, await reread(services, order))
        return InterventionShown(intervention_id=intervention_id, order=view)

    if found is None:
        if await was_made(services, order.order_id, command_id):
            return await show(None)  # taken before, when its answer had not come in time
        raise not_found()
    command = messages.Intervene(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        intervention_id=intervention_id,
        action=body.action,
        reason=body.reason,
        value=body.value,
    )
    if late_reports.is_late_report(intervention_id):
        try:
            await late_reports.settle(services, order.order_id, command)
        except Refused as refused:
            raise await problem_of(refused, lambda: current(services, caller, order)) from None
        return await show(None)
    return await carry_out(services, caller, order, OrderWorkflow.intervene, command, show)


@router.get("/audit", summary="Who did, or tried, what")
async def audit(
    caller: Readers, services: CurrentServices, page: CurrentPage, principal: Text = None
) -> Page[AuditEntry]:
    after = None
    if page.after is not None:
        at, row = page.after
        after = AuditPosition(datetime.fromisoformat(str(at)), int(row or 0))
    found = await services.edge.audit.read(limit=page.limit, after=after, principal_id=principal)
    following = (found.next.at.isoformat(), found.next.id) if found.next else None
    return page.page(found.entries, following)
