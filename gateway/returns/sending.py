"""What every command on a return goes through: its answer, or its record's once it is over."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.workflow import UpdateMethodMultiParam

from domain.ids import ReturnId, return_workflow_id
from domain.refusals import Refusal, RefusalKind, Refused
from domain.returns.returned import ReturnView
from gateway.answering import pending, problem_of
from gateway.commands import Ended, StillWorking, update_of
from gateway.principals import Caller
from gateway.problems import not_found
from gateway.returns.finding import order_to_return
from gateway.services import Services
from workflows.messages import Command
from workflows.return_messages import ReturnAnswer
from workflows.returns import ReturnWorkflow

Sent = TypeVar("Sent", bound=Command)


def handle_of(client: Client, return_id: ReturnId) -> WorkflowHandle[ReturnWorkflow, Any]:
    return client.get_workflow_handle_for(ReturnWorkflow.run, return_workflow_id(return_id))


async def carry_out(
    services: Services,
    view: ReturnView,
    do: UpdateMethodMultiParam[[Any, Sent], ReturnAnswer],
    command: Sent,
    once_over: Callable[[ReturnView], Awaitable[ReturnView]] | None = None,
) -> Any:
    """Send the command and answer with the return as it is then; refusals carry it too.

    `once_over`: what is done all the same when the return is over.
    """

    async def now() -> ReturnView:
        return await reread(services, view)

    try:
        try:
            answer = await update_of(handle_of(services.temporal, view.return_id), do, command, command.command_id)
        except Ended:
            present = await now()
            if once_over is not None:
                return await once_over(present)
            detail = f"This return is {present.status} and over."
            raise Refused(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail)) from None
    except StillWorking:
        return pending(f"/v1/returns/{view.return_id}")
    except Refused as refused:
        raise await problem_of(refused, now) from None
    return answer.view


async def reread(services: Services, view: ReturnView) -> ReturnView:
    async with services.transactions.begin() as books:
        return await books.returns.get(view.return_id) or view


async def visible_return(services: Services, caller: Caller, return_id: str) -> ReturnView:
    """The return, if the caller may know of it: stores take any back, others see those of their orders."""
    async with services.transactions.begin() as books:
        view = await books.returns.get(ReturnId(return_id))
    if view is None or view.goodwill is not None:
        raise not_found()
    await order_to_return(services, caller, view.order_id)
    return view
