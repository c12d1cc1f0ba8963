"""Starting an order's workflow and getting its fate, in one round trip; also for a start that was promised and lost."""

import asyncio
import contextlib
import time
from datetime import timedelta

from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateStage
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from adapters.keys.cipher import seal, unseal
from adapters.keys.port import CustomerKeys, DataKey, KeyMissing
from domain.ids import OrderId, order_workflow_id
from domain.personal import Readable
from domain.terms import OrderTerms
from domain.views import OrderStatus
from workflows import options, summaries, visibility
from workflows.desk import OrderStart
from workflows.messages import OrderResult, Placed
from workflows.order import OrderWorkflow

PLACE = "place"
"""The update id: it belongs to the order, not to a request, so that every try gets the same answer."""
PATIENCE = timedelta(seconds=10)
ASK_AGAIN_SECONDS = 0.05
AT_HAND_SECONDS = 0.01


def seal_terms(key: DataKey, terms: OrderTerms) -> bytes:
    """The promised start, as the intake keeps it until the order is taken."""
    return seal(key, terms.model_dump_json().encode(), _purpose(terms.order_id))


async def unseal_terms(keys: CustomerKeys, order_id: OrderId, start: bytes) -> OrderTerms:
    """Raises `KeyErased`, `KeyMissing`, `SealBroken`."""
    key = await keys.key_of_workflow(order_workflow_id(order_id))
    if key is None:
        raise KeyMissing(f"order {order_id} has no key; was it promised here?")
    return OrderTerms.model_validate_json(unseal(key, start, _purpose(order_id)))


async def start_order(client: Client, terms: OrderTerms, patience: timedelta = PATIENCE) -> Placed:
    """Start the order, or find it started, and wait for its fate.

    Raises `WorkflowUpdateRPCTimeoutOrCancelledError` when that takes longer: the same call answers later.
    """
    workflow_id = order_workflow_id(terms.order_id)
    end = time.monotonic() + patience.total_seconds()
    while True:
        try:
            return await _started(client, workflow_id, terms, end)
        except WorkflowAlreadyStartedError:
            return await _fate_of_ended(client, workflow_id, terms.order_id, _left_until(end))
        except RPCError as fault:
            # The workflow task that carried the call was lost: with its worker, or because news of the order came just
            # as it ended. The task is done again, and the fate is there a moment later.
            if fault.status is not RPCStatusCode.FAILED_PRECONDITION or time.monotonic() > end:
                raise
            await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _started(client: Client, workflow_id: str, terms: OrderTerms, end: float) -> Placed:
    start = WithStartWorkflowOperation(
        OrderWorkflow.run,
        OrderStart(terms=terms, screened_at_once=True),
        id=workflow_id,
        task_queue=options.ORDERS,
        task_timeout=options.TASK_TIMEOUT,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        search_attributes=visibility.at_start(terms),
        static_summary=Readable(summaries.order(terms)),
    )
    try:
        handle = await client.start_update_with_start_workflow(
            OrderWorkflow.place,
            id=PLACE,
            start_workflow_operation=start,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            rpc_timeout=_left_until(end),
        )
    except Exception:
        # The same failure stands in the operation, and would be logged as one that nobody looked at.
        with contextlib.suppress(Exception):
            await asyncio.wait_for(start.workflow_handle(), AT_HAND_SECONDS)
        raise
    return await handle.result(rpc_timeout=_left_until(end))


def _left_until(end: float) -> timedelta:
    return max(timedelta(seconds=end - time.monotonic()), timedelta(seconds=1))


async def _fate_of_ended(client: Client, workflow_id: str, order_id: OrderId, patience: timedelta) -> Placed:
    """The order's process is over already: what it came to."""
    result: OrderResult = await client.get_workflow_handle(workflow_id, result_type=OrderResult).result(
        rpc_timeout=patience
    )
    return Placed(
        order_id=order_id,
        status=result.status or OrderStatus.CANCELLED,
        version=result.version,
        refusal=result.refusal,
    )


def _purpose(order_id: OrderId) -> bytes:
    # Sealed to its order: a start copied to another order's row does not open.
    return f"start\x00{order_id}".encode()
