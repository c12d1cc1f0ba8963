"""What every command on a group goes through: who may, and the answer of the order, or of its record once it ended."""

from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, TypeVar

from fastapi import Depends, Path
from fastapi.responses import JSONResponse
from temporalio.workflow import UpdateMethodMultiParam

from adapters.access.port import PrincipalKind
from adapters.records.port import StoreGroup
from domain.actors import Actor
from domain.ids import CommandId, OrderId
from domain.refusals import Refused
from gateway import commands
from gateway.answering import Prefer, pending, problem_of, wants_no_answer
from gateway.commands import Ended, StillWorking
from gateway.idempotency import CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import Problem, ProblemKind
from gateway.reading import visible_group
from gateway.rights import must_act_as
from gateway.services import CurrentServices, Services
from gateway.showing import GroupShown, group_answer, group_shown
from gateway.stores.bodies import CommandBody
from gateway.stores.ended import answer_from_record
from workflows.messages import GroupAnswer, GroupCommand, StoreCommand
from workflows.order import OrderWorkflow

Sent = TypeVar("Sent", bound=GroupCommand)
Do = UpdateMethodMultiParam[[OrderWorkflow, Sent], GroupAnswer]

Number = Annotated[int, Path(ge=1, le=10_000)]

STORE_SIDE = (PrincipalKind.STORE, PrincipalKind.OPS)
ANY_SIDE = (PrincipalKind.STORE, PrincipalKind.CHANNEL, PrincipalKind.OPS)


async def pickup_of(
    services: Services, caller: Caller, order_id: str, n: int, kinds: tuple[PrincipalKind, ...] = STORE_SIDE
) -> StoreGroup:
    """The pickup that a command is about. Raises 403 for a function outside the role, 404 for another's pickup."""
    return await _group_of(services, caller, order_id, n, kinds, "pickup")


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


class Heading(TypedDict):
    """What every command on a group begins with."""

    command_id: CommandId
    actor: Actor
    version: int | None
    n: int


@dataclass(frozen=True)
class GroupRequest:
    """A command on a pickup or a shipment as it comes in: whose it is, and what it is about."""

    order_id: str
    n: Number
    caller: CurrentCaller
    services: CurrentServices
    command_id: CurrentCommandId

    async def pickup(self, kinds: tuple[PrincipalKind, ...] = STORE_SIDE) -> StoreGroup:
        return await pickup_of(self.services, self.caller, self.order_id, self.n, kinds)

    async def shipment(self, kinds: tuple[PrincipalKind, ...] = STORE_SIDE) -> StoreGroup:
        return await _group_of(self.services, self.caller, self.order_id, self.n, kinds, "shipment")

    def heading(self, body: CommandBody) -> Heading:
        return Heading(command_id=self.command_id, actor=self.caller.actor, version=body.version, n=self.n)

    async def carry_out(self, found: StoreGroup, do: "Do[Sent]", command: Sent) -> GroupShown | JSONResponse:
        """Send the command to the order and answer with the group as it is then."""
        try:
            answer = await commands.update(self.services.temporal, found.order_id, do, command)
        except StillWorking:
            return pending(f"/v1/{found.group.kind}s/{found.order_id}/{found.group.n}")
        except Ended:
            return await self._answer_from_record(found, command)
        except Refused as refused:
            raise await self._problem(refused, found) from None
        return group_answer(self.caller, found, answer)

    async def _answer_from_record(self, found: StoreGroup, command: GroupCommand) -> GroupShown:
        try:
            return group_answer(self.caller, found, await answer_from_record(self.services, found, command))
        except Refused as refused:
            raise await self._problem(refused, found) from None

    async def _problem(self, refused: Refused, found: StoreGroup) -> Problem:
        return await problem_of(refused, lambda: current(self.services, self.caller, found))


@dataclass(frozen=True)
class StoreRequest(GroupRequest):
    """One that a store may also leave behind, when it does not want to wait: as a signal."""

    prefer: Prefer = None

    async def leave_or_carry_out(
        self, found: StoreGroup, do: "Do[Any]", command: StoreCommand
    ) -> GroupShown | JSONResponse:
        if not wants_no_answer(self.prefer):
            return await self.carry_out(found, do, command)
        try:
            await commands.signal(self.services.temporal, found.order_id, command)
        except Ended:
            return await self._answer_from_record(found, command)
        return pending(f"/v1/orders/{found.order_id}/timeline", ask_again=False)


CurrentGroupRequest = Annotated[GroupRequest, Depends()]
CurrentStoreRequest = Annotated[StoreRequest, Depends()]


async def current(services: Services, caller: Caller, found: StoreGroup) -> GroupShown:
    """The group as its record has it now."""
    async with services.transactions.begin() as books:
        now = await books.records.group(found.order_id, found.group.n)
    return await group_shown(services, caller, now or found)
