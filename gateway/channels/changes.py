"""`POST /v1/orders/{id}/changes`: what a change would do, or the change itself."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from adapters.access.port import PrincipalKind
from adapters.keys.port import KeyErased
from domain.change_wishes import ChangeWish
from domain.changes import ChangePlan
from domain.ids import OrderId
from domain.open_changes import Totals
from domain.refusals import Refused
from domain.views import NextAction, OrderStatus, OrderView
from gateway.answering import PENDING, problem_of
from gateway.channels import bodies
from gateway.channels.sending import carry_out, current, over, reread
from gateway.channels.wishes import held_tenders, wish_of
from gateway.commands import PATIENCE, handle_of, is_not_found
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import invalid, unavailable
from gateway.reading import visible_order
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from workflows import messages
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/orders/{order_id}", route_class=CommandRoute, tags=["orders"])


class ChangeShown(BaseModel):
    """Totals before and after, what is owed or due, and whether the change is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    before: Totals
    after: Totals
    owed: int
    due: int
    plan: ChangePlan
    applied: bool = False
    change_id: str | None = None
    """Of a change that was made, or that waits for its payment."""
    next_action: NextAction | None = None
    """What the customer must do before the change is made."""
    version: int
    status: OrderStatus


@router.post(
    "/changes",
    summary="Change lines, quantities, the address or the way, or ask what that would do",
    response_model=ChangeShown,
    responses=PENDING,
)
async def change(
    order_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ChangesBody,
) -> Any:
    """All of it is done, or nothing. What is owed is paid first: by `tenders`, or by the customer, who is asked.

    One change at a time waits for its payment; `drop` gives it up.
    """
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.OPS)
    order = await visible_order(services, caller, OrderId(order_id))
    if body.drop:
        dropped = messages.DropChange(command_id=command_id, actor=caller.actor, version=body.version)
        return await carry_out(services, caller, order, OrderWorkflow.drop_change, dropped, _shown)
    wish = await wish_of(services, order, command_id, body)
    if wish.empty:
        raise invalid("", "Say what to change: add, remove, quantity, address, method or contact")
    if body.preview:
        return await _preview(services, caller, order, wish)
    command = messages.Change(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        wish=wish,
        tenders=held_tenders(services, body.tenders),
    )
    return await carry_out(services, caller, order, OrderWorkflow.change, command, _shown)


async def _shown(answer: messages.ChangeAnswer) -> ChangeShown:
    return _of_plan(
        answer.plan,
        applied=answer.applied,
        change_id=answer.change_id,
        next_action=answer.next_action,
        version=answer.version,
        status=answer.status,
    )


def _of_plan(plan: ChangePlan, **known: Any) -> ChangeShown:
    return ChangeShown(before=plan.before, after=plan.after, owed=plan.owed, due=plan.due, plan=plan, **known)


async def _preview(services: Services, caller: Caller, order: OrderView, wish: ChangeWish) -> ChangeShown:
    try:
        seen = await handle_of(services.temporal, order.order_id).query(
            OrderWorkflow.change_plan, wish, rpc_timeout=PATIENCE
        )
    except RPCError as fault:
        if not is_not_found(fault):
            raise
        seen = None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError, KeyErased):
        seen = None
    now = await reread(services, order)
    refused: Exception | None = None
    if seen is None or now.status in (OrderStatus.COMPLETED, OrderStatus.CANCELLED):
        refused = await over(services, order)
    elif seen.refusal is not None:
        refused = Refused(seen.refusal)
    if isinstance(refused, Refused):
        raise await problem_of(refused, lambda: current(services, caller, order))
    if seen is None or seen.plan is None:
        raise refused or unavailable("order engine", 2)
    return _of_plan(seen.plan, version=now.version, status=now.status)
