"""A signal or update that lacks its message is turned away: its handler would block the order for ever."""

import inspect
from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)


class WholeMessages(Interceptor):
    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002
        return _WholeMessages


class _WholeMessages(WorkflowInboundInterceptor):
    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        if _lacks(input.signal, input.args):
            workflow.logger.warning("signal %s came without its message and was dropped", input.signal)
            return
        await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        if _lacks(input.update, input.args):
            raise ApplicationError(f"{input.update} needs its message.", type="BadRequest", non_retryable=True)
        return await super().handle_update_handler(input)


def _lacks(name: str, given: Sequence[Any]) -> bool:
    """Handlers are methods of the same name."""
    handler = getattr(type(workflow.instance()), name, None)
    if handler is None:
        return False
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    return len(given) < sum(each.default is each.empty for each in parameters)
