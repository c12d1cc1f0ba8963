"""`/v1/promises`: units of a store, ready at a time, kept for a customer who has not paid yet."""

import os
from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from temporalio.client import (
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from activities.promises import Standing, standing
from adapters.access.port import PrincipalKind
from adapters.places.port import Place, PlaceKind
from domain.actors import Channel
from domain.ids import OrderId, Sku, StoreId, derived_id, sortable_id
from domain.intake import MAX_LINES, Key
from domain.personal import Readable
from domain.pickup_windows import check_requested
from domain.promises import Promise, PromiseId, PromiseState, make_promise, promise_workflow_id
from gateway.channels.availability import needs_of
from gateway.channels.checks import in_words, instant, paused_until
from gateway.commands import PATIENCE, is_not_found
from gateway.fields import Body, Instant, Quantity
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import FieldError, Problem, ProblemKind, invalid, not_found, of_refusal, unavailable
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from workflows import options
from workflows.promise import LetGo, PromiseMade, PromiseWorkflow

router = APIRouter(prefix="/v1/promises", route_class=CommandRoute, tags=["orders"])

MAKERS = (PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)


class Wanted(Body):
    sku: Key
    quantity: Quantity


class PromiseBody(Body):
    store_id: Key
    lines: Annotated[list[Wanted], Field(min_length=1, max_length=MAX_LINES)]
    requested_pickup_at: Instant | None = None


class PromiseShown(BaseModel):
    """`ready_at` counts from the order's placing by `expires_at`; `order_id`: who has it, once it is `converted`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promise_id: PromiseId
    status: PromiseState
    channel: Channel
    store_id: StoreId
    lines: list[dict[str, Any]]
    requested_pickup_at: datetime | None
    ready_at: datetime
    expires_at: datetime
    order_id: OrderId | None = None


@router.post("", status_code=201, summary="Keep units of a store for a customer who has not paid yet")
async def make(body: PromiseBody, caller: CurrentCaller, services: CurrentServices, response: Response) -> PromiseShown:
    await must_act_as(caller, *MAKERS)
    promise = await _checked(services, caller, body)
    made = await _made(services, promise)
    if made.refusal is not None:
        raise of_refusal(made.refusal)
    response.headers["Location"] = f"/v1/promises/{promise.promise_id}"
    return _shown(promise, Standing(PromiseState.OPEN, None))


@router.get("/{promise_id}", summary="One promise, and what became of it")
async def read(promise_id: str, caller: CurrentCaller, services: CurrentServices) -> PromiseShown:
    promise = await visible_promise(services, caller, promise_id)
    return _shown(promise, await standing_of(services, promise))


@router.post("/{promise_id}/release", summary="Nobody wants it any more")
async def release(
    promise_id: str, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId
) -> PromiseShown:
    await must_act_as(caller, *MAKERS)
    promise = await visible_promise(services, caller, promise_id)
    handle = services.temporal.get_workflow_handle(promise_workflow_id(promise.promise_id), result_type=PromiseMade)
    try:
        await handle.execute_update(
            PromiseWorkflow.let_go, LetGo(command_id=command_id), id=command_id, rpc_timeout=PATIENCE
        )
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise unavailable("order engine", 2) from None
    except (RPCError, WorkflowUpdateFailedError) as fault:
        if isinstance(fault, RPCError) and not is_not_found(fault):
            raise
        # It is over already: what became of it says the rest.
    return _shown(promise, await standing_of(services, promise))


async def visible_promise(services: Services, caller: Caller, promise_id: str) -> Promise:
    """The promise, if the caller may know of it. Raises 404, with an audit row when it is another's."""
    promise = await promise_of(services, promise_id)
    if promise is None:
        raise not_found()
    if promise.created_by != caller.principal.id and not caller.sees_all_orders:
        raise await caller.hidden("another's promise")
    return promise


async def promise_of(services: Services, promise_id: str) -> Promise | None:
    """What was promised; also of a promise that is over, as long as its process is remembered."""
    workflow_id = promise_workflow_id(PromiseId(promise_id))
    try:
        handle = services.temporal.get_workflow_handle(workflow_id, result_type=PromiseMade)
        found: Promise = await handle.query(PromiseWorkflow.view, rpc_timeout=PATIENCE)
    except RPCError as fault:
        if not is_not_found(fault):
            raise
        return None
    except (WorkflowQueryFailedError, WorkflowQueryRejectedError):
        return None
    return found


async def standing_of(services: Services, promise: Promise) -> Standing:
    async with services.transactions.begin() as books:
        return await standing(books.inventory, promise, services.now())


async def _checked(services: Services, caller: Caller, body: PromiseBody) -> Promise:
    now = services.now()
    async with services.transactions.begin() as books:
        items = {item.sku: item for item in await books.items.items(sorted({line.sku for line in body.lines}))}
        [*found] = await books.places.places([StoreId(body.store_id)])
    if not found or found[0].kind is not PlaceKind.STORE:
        raise invalid("/store_id", "Unknown store")
    unknown = [
        FieldError(pointer=f"/lines/{n}/sku", reason="Unknown SKU")
        for n, line in enumerate(body.lines)
        if line.sku not in items
    ]
    if unknown:
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=unknown)
    [place] = found
    _check_time(services, place, body, now)
    units: Counter[Sku] = Counter()
    for line in body.lines:
        units[Sku(line.sku)] += line.quantity
    return make_promise(
        PromiseId(sortable_id(now, os.urandom(10))),
        caller.principal.channel,
        caller.principal.id,
        place.location_id,
        units,
        needs={sku: needs_of(items[sku]) for sku in units},
        hours=place.hours,
        policy=services.policy,
        at=now,
        requested=body.requested_pickup_at,
    )


def _check_time(services: Services, place: Place, body: PromiseBody, now: datetime) -> None:
    policy, requested = services.policy.pickup, body.requested_pickup_at
    problem = check_requested(place.hours, policy, now, requested, paused_until(place, now))
    if problem is None:
        return
    at = "/requested_pickup_at" if requested is not None else "/store_id"
    possible = problem.next_possible
    raise Problem(
        ProblemKind.VALIDATION,
        "See errors.",
        errors=[FieldError(pointer=at, reason=in_words(problem))],
        extra={"next_possible": instant(possible)} if possible is not None else {},
    )


async def _made(services: Services, promise: Promise) -> PromiseMade:
    """Started and answered in one round trip; what is started and not answered in time ends with its deadline."""
    workflow_id = promise_workflow_id(promise.promise_id)
    start = WithStartWorkflowOperation(
        PromiseWorkflow.run,
        promise,
        id=workflow_id,
        task_queue=options.ORDERS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        static_summary=Readable(f"Promise of {sum(promise.units.values())} units at {promise.store_id}"),
    )
    try:
        taken = await services.temporal.start_update_with_start_workflow(
            PromiseWorkflow.make,
            id=derived_id("make", workflow_id),
            start_workflow_operation=start,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            rpc_timeout=PATIENCE,
        )
        return await taken.result(rpc_timeout=PATIENCE)
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise unavailable("order engine", 2) from None


def _shown(promise: Promise, now: Standing) -> PromiseShown:
    return PromiseShown(
        promise_id=promise.promise_id,
        status=now.state,
        channel=promise.channel,
        store_id=promise.store_id,
        lines=[{"sku": sku, "quantity": quantity} for sku, quantity in promise.units.items()],
        requested_pickup_at=promise.requested_at,
        ready_at=promise.ready_at,
        expires_at=promise.expires_at,
        order_id=now.order_id,
    )
