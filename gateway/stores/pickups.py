"""`/v1/pickups/{order_id}/{n}`: the store's commands on a pickup, and the customer's about it."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path

from adapters.access.port import PrincipalKind, Role
from domain.ids import LineId, OrderId, ordered_at
from domain.intake import Relation
from domain.personal import PersonalData
from domain.pickups import ProofKind
from gateway.answering import PENDING, Prefer
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import Caller, CurrentCaller
from gateway.problems import invalid
from gateway.reading import visible_group
from gateway.services import CurrentServices
from gateway.showing import PickupShown, arrival_subject, pickup_shown, proxy_subject
from gateway.stores import bodies
from gateway.stores.bodies import quantities
from gateway.stores.counter import fitting_serials, is_named, keep_person, put
from gateway.stores.deposit_codes import DepositCode, code_to_put_in
from gateway.stores.ended import nothing_to_put_back
from gateway.stores.instead import found_instead
from gateway.stores.sending import ANY_SIDE, carry_out, carry_out_or_leave, pickup_of
from workflows import messages
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/pickups/{order_id}/{n}", route_class=CommandRoute, tags=["stores"])

Number = Annotated[int, Path(ge=1, le=10_000)]
OFF_CLOCK = timedelta(minutes=5)
"""A store's clock may run a little fast or slow."""
NOTHING = bodies.CommandBody()


@router.get("", summary="One pickup, whole")
async def read(order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices) -> PickupShown:
    return await pickup_shown(services, caller, await visible_group(services, caller, OrderId(order_id), n, "pickup"))


@router.get("/deposit-code", summary="What opens the locker's compartment once, to put the goods in")
async def deposit_code(order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices) -> DepositCode:
    found = await pickup_of(services, caller, order_id, n)
    return await code_to_put_in(services, found.group)


@router.post("/accept", summary="The store takes it on", response_model=PickupShown, responses=PENDING)
async def accept(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CommandBody = NOTHING,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    command = messages.Accept(command_id=command_id, actor=caller.actor, version=body.version, n=n)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.accept, command, prefer)


@router.post("/reject", summary="The store cannot serve it", response_model=PickupShown, responses=PENDING)
async def reject(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.RejectBody,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    command = messages.Reject(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=quantities(body.lines) if body.lines else None,
        missing=body.missing,
        reason=body.reason,
        stock_effect=body.stock_effect,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.reject, command, prefer)


@router.post("/pick", summary="Units were found", response_model=PickupShown, responses=PENDING)
async def pick(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.PickBody,
    prefer: Prefer = None,
) -> Any:
    lines, components = bodies.found(body.lines)
    found = await pickup_of(services, caller, order_id, n)
    command = messages.Pick(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=lines,
        components=components,
        substitutes=await found_instead(services, found, body.substitutes),
        staged_at=body.staged_at,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.pick, command, prefer)


@router.post("/ready", summary="Staged for the customer", response_model=PickupShown, responses=PENDING)
async def ready(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ReadyBody = bodies.ReadyBody(),
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    command = messages.MakeReady(
        command_id=command_id, actor=caller.actor, version=body.version, n=n, location=body.location
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.ready, command, prefer)


@router.post("/arrived", summary="The customer is outside", response_model=PickupShown, responses=PENDING)
async def arrived(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ArrivedBody = bodies.ArrivedBody(),
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n, ANY_SIDE)
    if body.vehicle is not None:
        vehicle = PersonalData(vehicle=body.vehicle)
        await put(services, found.order_id, arrival_subject(found.order_id, n), vehicle, services.now())
    command = messages.Arrive(command_id=command_id, actor=caller.actor, version=body.version, n=n, bay=body.bay)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.arrived, command, prefer)


@router.post("/hand-over", summary="Give units to the customer", response_model=PickupShown, responses=PENDING)
async def hand_over(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.HandOverBody,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    if body.at is not None and body.at > services.now() + OFF_CLOCK:
        raise invalid("/at", "Should not lie in the future")
    if body.at is not None and body.at < ordered_at(found.order_id) - OFF_CLOCK:
        raise invalid("/at", "Should not lie before the order")
    if body.person is not None:
        await keep_person(services, found.order_id, command_id, body.person, services.now())
    command = messages.GiveOut(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        code_serials=fitting_serials(services.code_key, found.order_id, n, body.code),
        lines=quantities(body.lines) if body.lines else None,
        refused=quantities(body.refused, "/refused"),
        refusal_reasons={LineId(line.line_id): line.reason for line in body.refused if line.reason},
        relation=body.person.relation if body.person else Relation.SELF,
        person_is_named=await is_named(services, found, body.person),
        proof=body.proof.kind if body.proof else ProofKind.CODE,
        proof_ref=body.proof.ref if body.proof else None,
        at=body.at,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.hand_over, command, prefer)


@router.post("/shortage", summary="A staged unit is missing", response_model=PickupShown, responses=PENDING)
async def shortage(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ShortageBody,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    command = messages.ReportShortage(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=quantities(body.lines),
        resolution=body.resolution,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.shortage, command, prefer)


@router.post("/refuse", summary="The customer does not want units", response_model=PickupShown, responses=PENDING)
async def refuse(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.RefuseBody,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    command = messages.RefuseUnits(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=quantities(body.lines),
        reason=body.reason,
        disposition=body.disposition,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.refuse, command, prefer)


@router.post("/extend", summary="Move the end of the window", response_model=PickupShown, responses=PENDING)
async def extend(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ExtendBody,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n, ANY_SIDE)
    command = messages.ExtendWindow(
        command_id=command_id, actor=caller.actor, version=body.version, n=n, until=body.until
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.extend, command, prefer)


@router.post("/resend-code", summary="A new code; the old one is void", response_model=PickupShown, responses=PENDING)
async def resend_code(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CommandBody = NOTHING,
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n, ANY_SIDE)
    command = messages.ResendCode(command_id=command_id, actor=caller.actor, version=body.version, n=n)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.resend_code, command, prefer)


@router.post("/unlock", summary="A manager lets it be handed over again", response_model=PickupShown, responses=PENDING)
async def unlock(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CommandBody = NOTHING,
    prefer: Prefer = None,
) -> Any:
    await _must_manage(caller)
    found = await pickup_of(services, caller, order_id, n)
    command = messages.Unlock(command_id=command_id, actor=caller.actor, version=body.version, n=n)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.unlock, command, prefer)


@router.post("/put-back", summary="Units are on the shelf again", response_model=PickupShown, responses=PENDING)
async def put_back(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.PutBackBody = bodies.PutBackBody(),
    prefer: Prefer = None,
) -> Any:
    found = await pickup_of(services, caller, order_id, n)
    lines = quantities(body.lines) if body.lines else None
    if lines is None and not found.group.put_back:
        return await nothing_to_put_back(services, caller, found)
    command = messages.PutBack(command_id=command_id, actor=caller.actor, version=body.version, n=n, lines=lines)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.put_back, command, prefer)


@router.post("/proxy", summary="Name who else may collect", response_model=PickupShown, responses=PENDING)
async def name_proxy(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ProxyBody,
) -> Any:
    found = await pickup_of(services, caller, order_id, n, (PrincipalKind.CHANNEL, PrincipalKind.OPS))
    named = PersonalData(pickup_person=body.name)
    await put(services, found.order_id, proxy_subject(found.order_id, n), named, services.now())
    command = messages.NameProxy(
        command_id=command_id, actor=caller.actor, version=body.version, n=n, relation=body.relation
    )
    return await carry_out(services, caller, found, OrderWorkflow.name_proxy, command)


async def _must_manage(caller: Caller) -> None:
    if caller.principal.kind is PrincipalKind.STORE:
        await caller.must_have(Role.MANAGER)
