"""`/v1/pickups/{order_id}/{n}`: the store's commands on a pickup, and the customer's about it."""

from typing import Any

from fastapi import APIRouter

from adapters.access.port import PrincipalKind, Role
from domain.ids import LineId, OrderId, ordered_at
from domain.intake import Relation
from domain.personal import PersonalData
from domain.pickups import ProofKind
from gateway.answering import PENDING
from gateway.happened import check_happened
from gateway.idempotency import CommandRoute
from gateway.principals import Caller, CurrentCaller
from gateway.reading import visible_group
from gateway.services import CurrentServices
from gateway.showing import PickupShown, arrival_subject, pickup_shown, proxy_subject
from gateway.stores import bodies
from gateway.stores.bodies import quantities
from gateway.stores.counter import fitting_serials, is_named, keep_person, put
from gateway.stores.deposit_codes import DepositCode, code_to_put_in
from gateway.stores.ended import nothing_to_put_back
from gateway.stores.instead import found_instead
from gateway.stores.sending import ANY_SIDE, CurrentGroupRequest, CurrentStoreRequest, Number, pickup_of
from workflows import messages
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/pickups/{order_id}/{n}", route_class=CommandRoute, tags=["stores"])

NOTHING = bodies.CommandBody()


@router.get("", summary="One pickup, whole")
async def read(order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices) -> PickupShown:
    return await pickup_shown(services, caller, await visible_group(services, caller, OrderId(order_id), n, "pickup"))


@router.get("/deposit-code", summary="What opens the locker's compartment once, to put the goods in")
async def deposit_code(order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices) -> DepositCode:
    found = await pickup_of(services, caller, order_id, n)
    return await code_to_put_in(services, found.group)


@router.post("/accept", summary="The store takes it on", response_model=PickupShown, responses=PENDING)
async def accept(request: CurrentStoreRequest, body: bodies.CommandBody = NOTHING) -> Any:
    found = await request.pickup()
    command = messages.Accept(**request.heading(body))
    return await request.leave_or_carry_out(found, OrderWorkflow.accept, command)


@router.post("/reject", summary="The store cannot serve it", response_model=PickupShown, responses=PENDING)
async def reject(request: CurrentStoreRequest, body: bodies.RejectBody) -> Any:
    found = await request.pickup()
    command = messages.Reject(
        **request.heading(body),
        lines=quantities(body.lines) if body.lines else None,
        missing=body.missing,
        reason=body.reason,
        stock_effect=body.stock_effect,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.reject, command)


@router.post("/pick", summary="Units were found", response_model=PickupShown, responses=PENDING)
async def pick(request: CurrentStoreRequest, body: bodies.PickBody) -> Any:
    lines, components = bodies.found(body.lines)
    found = await request.pickup()
    command = messages.Pick(
        **request.heading(body),
        lines=lines,
        components=components,
        substitutes=await found_instead(request.services, found, body.substitutes),
        staged_at=body.staged_at,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.pick, command)


@router.post("/ready", summary="Staged for the customer", response_model=PickupShown, responses=PENDING)
async def ready(request: CurrentStoreRequest, body: bodies.ReadyBody = bodies.ReadyBody()) -> Any:
    found = await request.pickup()
    command = messages.MakeReady(**request.heading(body), location=body.location)
    return await request.leave_or_carry_out(found, OrderWorkflow.ready, command)


@router.post("/arrived", summary="The customer is outside", response_model=PickupShown, responses=PENDING)
async def arrived(request: CurrentStoreRequest, body: bodies.ArrivedBody = bodies.ArrivedBody()) -> Any:
    found = await request.pickup(ANY_SIDE)
    if body.vehicle is not None:
        vehicle = PersonalData(vehicle=body.vehicle)
        subject = arrival_subject(found.order_id, request.n)
        await put(request.services, found.order_id, subject, vehicle, request.services.now())
    command = messages.Arrive(**request.heading(body), bay=body.bay)
    return await request.leave_or_carry_out(found, OrderWorkflow.arrived, command)


@router.post("/hand-over", summary="Give units to the customer", response_model=PickupShown, responses=PENDING)
async def hand_over(request: CurrentStoreRequest, body: bodies.HandOverBody) -> Any:
    found = await request.pickup()
    check_happened(body.at, "/at", request.services.now(), since=ordered_at(found.order_id), before="the order")
    if body.person is not None:
        await keep_person(request.services, found.order_id, request.command_id, body.person, request.services.now())
    command = messages.GiveOut(
        **request.heading(body),
        code_serials=fitting_serials(request.services.code_key, found.order_id, request.n, body.code),
        lines=quantities(body.lines) if body.lines else None,
        refused=quantities(body.refused, "/refused"),
        refusal_reasons={LineId(line.line_id): line.reason for line in body.refused if line.reason},
        relation=body.person.relation if body.person else Relation.SELF,
        person_is_named=await is_named(request.services, found, body.person),
        proof=body.proof.kind if body.proof else ProofKind.CODE,
        proof_ref=body.proof.ref if body.proof else None,
        at=body.at,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.hand_over, command)


@router.post("/shortage", summary="A staged unit is missing", response_model=PickupShown, responses=PENDING)
async def shortage(request: CurrentStoreRequest, body: bodies.ShortageBody) -> Any:
    found = await request.pickup()
    command = messages.ReportShortage(
        **request.heading(body),
        lines=quantities(body.lines),
        resolution=body.resolution,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.shortage, command)


@router.post("/refuse", summary="The customer does not want units", response_model=PickupShown, responses=PENDING)
async def refuse(request: CurrentStoreRequest, body: bodies.RefuseBody) -> Any:
    found = await request.pickup()
    command = messages.RefuseUnits(
        **request.heading(body),
        lines=quantities(body.lines),
        reason=body.reason,
        disposition=body.disposition,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.refuse, command)


@router.post("/extend", summary="Move the end of the window", response_model=PickupShown, responses=PENDING)
async def extend(request: CurrentStoreRequest, body: bodies.ExtendBody) -> Any:
    found = await request.pickup(ANY_SIDE)
    command = messages.ExtendWindow(**request.heading(body), until=body.until)
    return await request.leave_or_carry_out(found, OrderWorkflow.extend, command)


@router.post("/resend-code", summary="A new code; the old one is void", response_model=PickupShown, responses=PENDING)
async def resend_code(request: CurrentStoreRequest, body: bodies.CommandBody = NOTHING) -> Any:
    found = await request.pickup(ANY_SIDE)
    command = messages.ResendCode(**request.heading(body))
    return await request.leave_or_carry_out(found, OrderWorkflow.resend_code, command)


@router.post("/unlock", summary="A manager lets it be handed over again", response_model=PickupShown, responses=PENDING)
async def unlock(request: CurrentStoreRequest, body: bodies.CommandBody = NOTHING) -> Any:
    await _must_manage(request.caller)
    found = await request.pickup()
    command = messages.Unlock(**request.heading(body))
    return await request.leave_or_carry_out(found, OrderWorkflow.unlock, command)


@router.post("/put-back", summary="Units are on the shelf again", response_model=PickupShown, responses=PENDING)
async def put_back(request: CurrentStoreRequest, body: bodies.PutBackBody = bodies.PutBackBody()) -> Any:
    found = await request.pickup()
    lines = quantities(body.lines) if body.lines else None
    if lines is None and not found.group.put_back:
        return await nothing_to_put_back(request.services, request.caller, found)
    command = messages.PutBack(**request.heading(body), lines=lines)
    return await request.leave_or_carry_out(found, OrderWorkflow.put_back, command)


@router.post("/proxy", summary="Name who else may collect", response_model=PickupShown, responses=PENDING)
async def name_proxy(request: CurrentGroupRequest, body: bodies.ProxyBody) -> Any:
    found = await request.pickup((PrincipalKind.CHANNEL, PrincipalKind.OPS))
    named = PersonalData(pickup_person=body.name)
    await put(request.services, found.order_id, proxy_subject(found.order_id, request.n), named, request.services.now())
    command = messages.NameProxy(**request.heading(body), relation=body.relation)
    return await request.carry_out(found, OrderWorkflow.name_proxy, command)


async def _must_manage(caller: Caller) -> None:
    if caller.principal.kind is PrincipalKind.STORE:
        await caller.must_have(Role.MANAGER)
