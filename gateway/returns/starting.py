"""How a return, or an appeasement, begins: its key is bound, its process is started, and the first answer awaited."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import WithStartWorkflowOperation, WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowUpdateStage
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import UpdateMethodMultiParam

from adapters.keys.port import CustomerRef
from adapters.vault.port import Subject
from domain.ids import return_workflow_id
from domain.personal import PersonalData, Readable
from domain.refusals import Refused
from domain.returns.returned import ReturnView
from domain.views import OrderView
from gateway.commands import StillWorking
from gateway.problems import not_found
from gateway.returns.bodies import Sender
from gateway.services import Services
from workflows import options
from workflows.return_messages import ReturnOpened, ReturnStart

REQUEST = "request"
"""The update id: it belongs to the return, so that every try gets the same answer."""
PATIENCE = timedelta(seconds=10)


async def start(
    services: Services,
    order: OrderView,
    begins: ReturnStart,
    run: Callable[[Any, ReturnStart], Awaitable[Any]],
    request: UpdateMethodMultiParam[[Any], ReturnOpened],
    summary: Readable,
    sender: Sender | None = None,
) -> ReturnView:
    """`run` and `request`: of the workflow. Raises `Refused` when it says no, `StillWorking`."""
    state = begins.asked
    workflow_id = return_workflow_id(state.return_id)
    async with services.transactions.begin() as books:
        key = await services.keys.key_for_customer(CustomerRef(order.customer_ref), services.now(), books.connection)
        await services.keys.bind(workflow_id, key.id, books.connection)
        if sender is not None and state.sender is not None:
            data = PersonalData(postal_code=sender.postal_code)
            await services.vault.put(Subject(state.sender), key.id, data, services.now(), books.connection)
    operation = WithStartWorkflowOperation(
        run,
        begins,
        id=workflow_id,
        task_queue=options.ORDERS,
        task_timeout=options.TASK_TIMEOUT,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
        static_summary=summary,
    )
    try:
        handle = await services.temporal.start_update_with_start_workflow(
            request,
            id=REQUEST,
            start_workflow_operation=operation,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            rpc_timeout=PATIENCE,
        )
        opened: ReturnOpened = await handle.result(rpc_timeout=PATIENCE)
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise StillWorking(state.return_id) from None
    except WorkflowAlreadyStartedError:
        # It was asked for before, has its end, and only the answer was lost.
        async with services.transactions.begin() as books:
            ended = await books.returns.get(state.return_id)
        if ended is None:
            raise not_found() from None
        return ended
    if opened.refusal is not None:
        raise Refused(opened.refusal)
    assert opened.view is not None
    return opened.view
