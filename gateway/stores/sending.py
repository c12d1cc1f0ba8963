"""What every command on a group goes through: who may, and the answer of the order, or of its record once it ended."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi.responses import JSONResponse
from temporalio.workflow import UpdateMethodMultiParam

from adapters.access.port import PrincipalKind
from adapters.records.port import StoreGroup
from domain.ids import OrderId
from domain.refusals import Refused
from gateway import commands
from gateway.answering import pending, problem_of, wants_no_answer
from gateway.commands import Ended, StillWorking
from gateway.principals import Caller
from gateway.problems import Problem, ProblemKind
from gateway.reading import visible_group
from gateway.rights import must_act_as
from gateway.services import Services
from gateway.showing import GroupShown, group_answer, group_shown
from gateway.stores.ended import answer_from_record
from workflows.messages import GroupAnswer, GroupCommand, StoreCommand
from workflows.order import OrderWorkflow

Sent = TypeVar("Sent", bound=GroupCommand)
Do = UpdateMethodMultiParam[[OrderWorkflow, Sent], GroupAnswer]

STORE_SIDE = (PrincipalKind.STORE, PrincipalKind.OPS)
ANY_SIDE = (PrincipalKind.STORE, PrincipalKind.CHANNEL, PrincipalKind.OPS)


async def pickup_of(
    services: Services, caller: Caller, order_id: str, n: int, kinds: tuple[PrincipalKind, ...] = STORE_SIDE
) -> StoreGroup:
    """The pickup that a command is about. Raises 403 for a function outside the role, 404 for another's pickup."""
    return await _group_of(services, caller, order_id, n, kinds, "pickup")


async def shipment_of(
    services: Services, caller: Caller, order_id: str, n: int, kinds: tuple[PrincipalKind, ...] = STORE_SIDE
) -> StoreGroup:
    """The shipment that a command is about; likewise."""
    return await _group_of(services, caller, order_id, n, kinds, "shipment")


async def _group_of(
    services: Services, caller: Caller, order_id: str, n: int, kinds: tuple[PrincipalKind, ...], kind: str
) -> StoreGroup:
    await must_act_as(caller, *kinds)
    found = await visible_group(services, caller, OrderId(order_id), n, kind)
    if found.group.ship_to_store and caller.principal.kind is PrincipalKind.STORE:
        await _must_be_at_work(services, caller, found)
    return found


async def _must_be_at_work(services: Services, caller: Caller, found: StoreGroup) -> None:
    """Two places see what is sent to a store; one at a time has something to do with it."""
    at_work = found.group.at_work
    if caller.principal.store_id != at_work:
        detail = f"It is {at_work}'s turn." if at_work else "A place that can send it is looked for."
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, detail, current=await current(services, caller, found))


async def carry_out(
    services: Services, caller: Caller, found: StoreGroup, do: "Do[Sent]", command: Sent
) -> GroupShown | JSONResponse:
    """Send the command to the order and answer with the group as it is then."""
    try:
        answer = await commands.update(services.temporal, found.order_id, do, command)
    except StillWorking:
        return pending(_look(found))
    except Ended:
        return await _shown(services, caller, found, answer_from_record(services, found, command))
    except Refused as refused:
        raise await problem_of(refused, lambda: current(services, caller, found)) from None
    return group_answer(caller, found, answer)


async def carry_out_or_leave(
    services: Services,
    caller: Caller,
    found: StoreGroup,
    do: "Do[Any]",
    command: StoreCommand,
    prefer: str | None,
) -> GroupShown | JSONResponse:
    """The same, unless the store does not want to wait: then the command is left as a signal."""
    if not wants_no_answer(prefer):
        return await carry_out(services, caller, found, do, command)
    try:
        await commands.signal(services.temporal, found.order_id, command)
    except Ended:
        return await _shown(services, caller, found, answer_from_record(services, found, command))
    return pending(f"/v1/orders/{found.order_id}/timeline", ask_again=False)


async def current(services: Services, caller: Caller, found: StoreGroup) -> GroupShown:
    """The group as its record has it now."""
    async with services.transactions.begin() as books:
        now = await books.records.group(found.order_id, found.group.n)
    return await group_shown(services, caller, now or found)


async def _shown(services: Services, caller: Caller, found: StoreGroup, answer: Awaitable[GroupAnswer]) -> GroupShown:
    try:
        return group_answer(caller, found, await answer)
    except Refused as refused:
        raise await problem_of(refused, lambda: current(services, caller, found)) from None


def _look(found: StoreGroup) -> str:
    return f"/v1/{found.group.kind}s/{found.order_id}/{found.group.n}"
