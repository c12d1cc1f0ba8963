"""Sending commands to an order: as an update that is answered, or as a signal whose fate the timeline shows."""

from datetime import timedelta
from time import monotonic
from typing import Any, TypeVar

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import UpdateMethodMultiParam

from adapters.keys.port import KeyErased
from domain.ids import OrderId, order_workflow_id
from domain.refusals import Refusal, Refused
from gateway.problems import unavailable
from workflows import options
from workflows.messages import Command, StoreCommand
from workflows.order import OrderWorkflow

PATIENCE = timedelta(seconds=5)
"""How long a caller waits for an answer in all: until the command is taken, and then for its outcome."""
A_LAST_LOOK = timedelta(milliseconds=100)
"""For the outcome of a command whose taking has used up the caller's patience."""

Answer = TypeVar("Answer")
Sent = TypeVar("Sent", bound=Command)


class Ended(Exception):
    """The order's process is over: answer from its record."""


class StillWorking(Exception):
    """The command is taken and durable, but its answer did not come in time."""


def handle_of(client: Client, order_id: OrderId) -> WorkflowHandle[OrderWorkflow, Any]:
    return client.get_workflow_handle_for(OrderWorkflow.run, order_workflow_id(order_id))


async def update(
    client: Client, order_id: OrderId, do: UpdateMethodMultiParam[[OrderWorkflow, Sent], Answer], command: Sent
) -> Answer:
    """Carry out a command and wait for its answer. The same command id gives the same answer, whenever it is asked.

    Raises `Refused`, `Ended`, `StillWorking`; a 503 when nobody took the command: it may be sent again.
    """
    return await update_of(handle_of(client, order_id), do, command, command.command_id)


async def update_of(
    handle: WorkflowHandle[Any, Any],
    do: UpdateMethodMultiParam[[Any, Any], Answer],
    command: object,
    command_id: str,
    engine: str = "order engine",
) -> Answer:
    """The same for any workflow: `do` with `command`, as the update `command_id`."""
    begun = monotonic()
    try:
        taken = await handle.start_update(
            do,
            command,
            id=command_id,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            rpc_timeout=PATIENCE,
        )
    except KeyErased:
        raise Ended from None  # nobody is erased while an order is open
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise unavailable(engine, 2) from None
    except WorkflowUpdateFailedError as failed:
        raise _refused(failed) from None
    except RPCError as fault:
        raise _ended(fault) from None
    try:
        left = PATIENCE - timedelta(seconds=monotonic() - begun)
        answer: Answer = await taken.result(rpc_timeout=max(left, A_LAST_LOOK))
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise StillWorking from None
    except WorkflowUpdateFailedError as failed:
        raise _refused(failed) from None
    except RPCError as fault:
        raise _ended(fault) from None
    return answer


async def signal(client: Client, order_id: OrderId, command: StoreCommand) -> None:
    """Leave a store's command with the order, without waiting. Raises `Ended`."""
    try:
        await handle_of(client, order_id).signal(OrderWorkflow.store_command, command, rpc_timeout=PATIENCE)
    except KeyErased:
        raise Ended from None
    except RPCError as fault:
        raise _ended(fault) from None


def is_not_found(fault: RPCError) -> bool:
    """No such workflow, or one that is over: Temporal says the same of both."""
    return fault.status is RPCStatusCode.NOT_FOUND


def _ended(fault: RPCError) -> Exception:
    return Ended() if is_not_found(fault) else fault


def _refused(failed: WorkflowUpdateFailedError) -> Exception:
    cause = failed.cause
    if isinstance(cause, ApplicationError):
        if cause.type == options.REFUSED and cause.details:
            return Refused(Refusal.model_validate(cause.details[0]))
        if cause.type in _OVER:
            return Ended()
    return failed


_OVER = frozenset({"AcceptedUpdateCompletedWorkflow", "WorkflowUpdateAbortedByWorkflowClosing"})
"""The server's words for an update that the workflow's end overtook."""
