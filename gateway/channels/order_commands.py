"""Commands on a whole order: cancel, the customer's choice, holds, payments."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from temporalio.client import WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from adapters.access.port import PrincipalKind
from adapters.keys.port import KeyErased
from domain.actors import Channel
from domain.cancellation import CancelPlan
from domain.holds import HoldKind
from domain.ids import HoldId, LineId, OrderId, StoreId
from domain.intake import TenderType
from domain.refusals import Refused
from domain.views import OrderStatus, OrderView
from gateway.answering import PENDING, problem_of
from gateway.channels import bodies
from gateway.channels.financing import check_financing
from gateway.channels.sending import carry_out, current, over, reread
from gateway.channels.tenders import not_taken, terms_of_tenders
from gateway.channels.wishes import held_tenders, way_home
from gateway.commands import PATIENCE, handle_of, is_not_found
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import FieldError, Problem, ProblemKind, invalid
from gateway.reading import visible_group, visible_order
from gateway.rights import must_act_as, must_run_operations
from gateway.services import CurrentServices, Services
from gateway.showing import GroupShown, OrderShown, ShipmentShown, group_answer, order_shown
from workflows import messages
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/orders/{order_id}", route_class=CommandRoute, tags=["orders"])

CUSTOMER_SIDE = (PrincipalKind.CHANNEL, PrincipalKind.OPS)
FOR_OPS = frozenset({HoldKind.FRAUD, HoldKind.APPROVAL, HoldKind.PAYMENT})
"""Holds that a sales channel must not lift by itself."""


class CancelShown(BaseModel):
    """What was, or would be, done; the order's version and status after it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: CancelPlan
    version: int
    status: OrderStatus


class HoldShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    hold_id: HoldId
    version: int
    status: OrderStatus


@router.post(
    "/cancel", summary="Cancel what can be, or ask what would be", response_model=CancelShown, responses=PENDING
)
async def cancel(
    order_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CancelBody,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    order = await visible_order(services, caller, OrderId(order_id))
    lines = _cancelled(body, order)
    if body.preview:
        return await _preview(services, caller, order, lines)
    command = messages.Cancel(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        lines=lines,
        reason=body.reason,
        notify=body.notify,
    )

    async def show(answer: messages.CancelAnswer) -> CancelShown:
        return CancelShown(plan=answer.plan, version=answer.version, status=answer.status)

    return await carry_out(services, caller, order, OrderWorkflow.cancel, command, show)


def _cancelled(body: bodies.CancelBody, order: OrderView) -> dict[LineId, int] | None:
    if body.lines is None:
        return None
    ordered = {line.line_id: line.ordered for line in order.lines}
    lines: dict[LineId, int] = {}
    for position, each in enumerate(body.lines):
        line_id = LineId(each if isinstance(each, str) else each.line_id)
        if line_id not in ordered:
            raise invalid(f"/lines/{position}", "This order has no such line")
        if line_id in lines:
            raise invalid(f"/lines/{position}", "The line is named twice")
        if not isinstance(each, str) and each.quantity > ordered[line_id]:
            raise Problem(
                ProblemKind.TOO_MANY_UNITS,
                f"Line {line_id} has {ordered[line_id]} units, not {each.quantity}.",
                errors=[FieldError(pointer=f"/lines/{position}/quantity", reason=f"At most {ordered[line_id]}")],
            )
        lines[line_id] = ordered[line_id] if isinstance(each, str) else each.quantity
    return lines


async def _preview(
    services: Services, caller: Caller, order: OrderView, lines: dict[LineId, int] | None
) -> CancelShown:
    try:
        plan = await handle_of(services.temporal, order.order_id).query(
            OrderWorkflow.cancel_plan, lines, rpc_timeout=PATIENCE
        )
    except RPCError as fault:
        if not is_not_found(fault):
            raise
        plan = None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError, KeyErased):
        plan = None
    now = await reread(services, order)
    if plan is None:
        refused = await over(services, order)
        if isinstance(refused, Refused):
            raise await problem_of(refused, lambda: current(services, caller, order))
        raise refused
    return CancelShown(plan=plan, version=now.version, status=now.status)


@router.post("/choice", summary="The customer's answer after a rejection", response_model=GroupShown, responses=PENDING)
async def choose(
    order_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ChoiceBody,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    order = await visible_order(services, caller, OrderId(order_id))
    if body.store_id:
        async with services.transactions.begin() as books:
            if await books.places.place(StoreId(body.store_id)) is None:
                raise invalid("/store_id", "Unknown store")
    if (body.option is messages.ChoiceOption.SHIP) is (body.address is None):
        raise invalid("/address", "Is needed with ship, and with nothing else")
    command = messages.Choose(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=body.n,
        option=body.option,
        store_id=StoreId(body.store_id) if body.store_id else None,
        way=await way_home(services, order, command_id, body.address, body.service) if body.address else None,
        tenders=held_tenders(services, body.tenders),
    )

    async def show(answer: messages.GroupAnswer) -> GroupShown:
        return group_answer(caller, await visible_group(services, caller, order.order_id, answer.group.n), answer)

    return await carry_out(services, caller, order, OrderWorkflow.choose, command, show)


@router.post("/assign", summary="Choose the place that ships units", response_model=ShipmentShown, responses=PENDING)
async def assign(
    order_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.AssignBody,
) -> Any:
    """Units that nobody has picked go to the named store or warehouse, whatever the rules say, if it has them."""
    await must_run_operations(caller)
    order = await visible_order(services, caller, OrderId(order_id))
    async with services.transactions.begin() as books:
        place = await books.places.place(StoreId(body.location_id))
    if place is None:
        raise invalid("/location_id", "Unknown store or warehouse")
    command = messages.Assign(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        lines=_assigned(body, order),
        location_id=place.location_id,
        reason=body.reason,
    )

    async def show(answer: messages.GroupAnswer) -> GroupShown:
        return group_answer(caller, await visible_group(services, caller, order.order_id, answer.group.n), answer)

    return await carry_out(services, caller, order, OrderWorkflow.assign, command, show)


def _assigned(body: bodies.AssignBody, order: OrderView) -> dict[LineId, int]:
    """A line without a quantity: all of it that is shipped and not picked yet."""
    shipped = [group for group in order.groups if group.kind == "shipment" or group.sending is not None]
    lines: dict[LineId, int] = {}
    for position, each in enumerate(body.lines):
        line_id = LineId(each if isinstance(each, str) else each.line_id)
        if line_id not in {line.line_id for line in order.lines}:
            raise invalid(f"/lines/{position}", "This order has no such line")
        if line_id in lines:
            raise invalid(f"/lines/{position}", "The line is named twice")
        counts = [group.units.get(line_id, {}) for group in shipped if group.at_work != body.location_id]
        there = sum(units.get("open", 0) + units.get("allocated", 0) for units in counts)
        lines[line_id] = there if isinstance(each, str) else each.quantity
    if not any(lines.values()):
        raise invalid("/lines", "Nothing of these lines waits to be picked somewhere else")
    return {line: n for line, n in lines.items() if n}


@router.post("/holds", status_code=201, summary="Hold the order", response_model=HoldShown, responses=PENDING)
async def place_hold(
    order_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.HoldBody,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    order = await visible_order(services, caller, OrderId(order_id))
    if body.deadline is not None and body.deadline <= services.now():
        raise invalid("/deadline", "Should lie in the future")
    known = {line.line_id for line in order.lines}
    for position, line_id in enumerate(body.lines or ()):
        if line_id not in known:
            raise invalid(f"/lines/{position}", "This order has no such line")
    command = messages.PlaceHold(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        hold_kind=body.kind,
        reason=body.reason,
        deadline=body.deadline,
        default=body.default,
        lines=[LineId(line) for line in body.lines] if body.lines else None,
    )
    return await carry_out(services, caller, order, OrderWorkflow.place_hold, command, _hold_shown)


@router.post("/holds/{hold_id}/resolve", summary="Clear a hold", response_model=HoldShown, responses=PENDING)
async def resolve_hold(
    order_id: str,
    hold_id: Annotated[str, Path(max_length=64)],
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ResolveBody,
) -> Any:
    await must_act_as(caller, *CUSTOMER_SIDE)
    order = await visible_order(services, caller, OrderId(order_id))
    kind = next((hold.kind for hold in order.holds if hold.hold_id == hold_id), None)
    if caller.principal.kind is not PrincipalKind.OPS and (kind in FOR_OPS or not caller.sees_all_orders):
        raise await caller.refused(f"needs an ops key: this is a {kind} hold" if kind else "needs an ops key")
    command = messages.ResolveHold(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        hold_id=HoldId(hold_id),
        outcome=body.outcome,
        reason=body.reason,
    )
    return await carry_out(services, caller, order, OrderWorkflow.resolve_hold, command, _hold_shown)


async def _hold_shown(answer: messages.OrderAnswer) -> HoldShown:
    assert answer.hold_id is not None
    return HoldShown(hold_id=answer.hold_id, version=answer.version, status=answer.status)


@router.post("/payments", summary="Pay what is due", response_model=OrderShown, responses=PENDING)
async def pay(
    order_id: str,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.PaymentsBody,
) -> Any:
    """Less than what is due counts, and the order stays held for the rest. More at the till is refused: 422.

    A confirmation with the bank that is under way is given up only when all is paid in another way; a part of what is
    being confirmed is refused.
    """
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)
    _check_tenders(body)
    if any(tender.type is TenderType.PAY_IN_STORE for tender in body.tenders) and not _has_a_till(caller):
        raise await caller.refused("needs a key of a store or of its tills")
    order = await visible_order(services, caller, OrderId(order_id))
    await check_financing(services, caller, body.tenders, order.customer_ref)
    command = messages.Pay(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        tenders=terms_of_tenders(services, body.tenders, "paid"),
    )

    async def show(_: messages.OrderAnswer) -> OrderShown:
        return await order_shown(services, caller, await reread(services, order))

    return await carry_out(services, caller, order, OrderWorkflow.pay, command, show)


def _check_tenders(body: bodies.PaymentsBody) -> None:
    if errors := not_taken(body.tenders):
        raise Problem(ProblemKind.NOT_SUPPORTED, "See errors.", errors=errors[:1])
    for position, tender in enumerate(body.tenders):
        if tender.amount == 0:
            raise invalid(f"/tenders/{position}/amount", "Should be greater than 0")


def _has_a_till(caller: Caller) -> bool:
    kind, channel = caller.principal.kind, caller.principal.channel
    return kind in (PrincipalKind.STORE, PrincipalKind.OPS) or channel in (Channel.POS, Channel.BRANCH, Channel.KIOSK)
