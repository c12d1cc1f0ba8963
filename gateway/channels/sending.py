"""What every command on a whole order goes through: the order's answer, or its record's once the order has ended."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio.workflow import UpdateMethodMultiParam

from domain.refusals import Refusal, RefusalKind, Refused
from domain.views import OrderStatus, OrderView
from gateway import commands
from gateway.answering import pending, problem_of
from gateway.commands import Ended, StillWorking
from gateway.principals import Caller
from gateway.problems import unavailable
from gateway.services import Services
from gateway.showing import OrderShown, order_shown
from gateway.stores.late_reports import has_ended
from workflows.messages import Command
from workflows.order import OrderWorkflow

Sent = TypeVar("Sent", bound=Command)
Answer = TypeVar("Answer")


async def carry_out(
    services: Services,
    caller: Caller,
    order: OrderView,
    do: UpdateMethodMultiParam[[OrderWorkflow, Sent], Answer],
    command: Sent,
    show: Callable[[Answer], Awaitable[Any]],
) -> Any:
    """Send the command to the order and `show` its answer; refusals carry the order as it is then."""
    try:
        try:
            answer = await commands.update(services.temporal, order.order_id, do, command)
        except Ended:
            raise await over(services, order) from None
    except StillWorking:
        return pending(f"/v1/orders/{order.order_id}")
    except Refused as refused:
        raise await problem_of(refused, lambda: current(services, caller, order)) from None
    return await show(answer)


async def over(services: Services, order: OrderView) -> Exception:
    """What an order whose process has ended says to any command; 503 when only its start is late."""
    now = await reread(services, order)
    if not has_ended(now):
        return unavailable("order engine", 2)
    detail = f"This order is {now.status} and final; nothing more can be done with it."
    if now.status is not OrderStatus.CANCELLED:
        detail += " Goods can be returned."
    return Refused(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail))


async def current(services: Services, caller: Caller, order: OrderView) -> OrderShown:
    return await order_shown(services, caller, await reread(services, order))


async def reread(services: Services, order: OrderView) -> OrderView:
    async with services.transactions.begin() as books:
        return await books.records.order(order.order_id) or order
