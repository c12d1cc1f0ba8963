"""`/v1/shipments/{order_id}/{n}`: the place's commands on a shipment, and what people decide about its parcels."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from adapters.access.port import PrincipalKind
from domain.ids import LineId, OrderId, Sku
from domain.parcels import Box
from gateway.answering import PENDING, Prefer
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.principals import CurrentCaller
from gateway.problems import invalid
from gateway.reading import visible_group
from gateway.rights import must_run_operations
from gateway.services import CurrentServices
from gateway.showing import ShipmentShown, shipment_shown
from gateway.stores import bodies
from gateway.stores.bodies import quantities
from gateway.stores.ended import nothing_to_put_back
from gateway.stores.sending import carry_out, carry_out_or_leave, shipment_of
from workflows import messages
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/shipments/{order_id}/{n}", route_class=CommandRoute, tags=["stores"])

Number = Annotated[int, Path(ge=1, le=10_000)]
DECIDERS = (PrincipalKind.CHANNEL, PrincipalKind.OPS)
"""Who speaks for the customer and the seller about a parcel that went wrong."""
NOTHING = bodies.CommandBody()


@router.get("", summary="One shipment, whole")
async def read(order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices) -> ShipmentShown:
    found = await visible_group(services, caller, OrderId(order_id), n, "shipment")
    return await shipment_shown(services, caller, found)


@router.post("/accept", summary="The place takes it on", response_model=ShipmentShown, responses=PENDING)
async def accept(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CommandBody = NOTHING,
    prefer: Prefer = None,
) -> Any:
    found = await shipment_of(services, caller, order_id, n)
    command = messages.Accept(command_id=command_id, actor=caller.actor, version=body.version, n=n)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.accept, command, prefer)


@router.post("/reject", summary="The place cannot serve it", response_model=ShipmentShown, responses=PENDING)
async def reject(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.RejectBody,
    prefer: Prefer = None,
) -> Any:
    found = await shipment_of(services, caller, order_id, n)
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


@router.post("/pick", summary="Units were found", response_model=ShipmentShown, responses=PENDING)
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
    found = await shipment_of(services, caller, order_id, n)
    if body.substitutes:
        raise invalid("/substitutes", "Only what is collected may be another article")
    command = messages.Pick(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=lines,
        components=components,
        staged_at=body.staged_at,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.pick, command, prefer)


@router.post("/pack", summary="Checked, and in a box", response_model=ShipmentShown, responses=PENDING)
async def pack(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.PackBody,
    prefer: Prefer = None,
) -> Any:
    found = await shipment_of(services, caller, order_id, n)
    command = messages.Pack(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=quantities(body.lines),
        scanned={LineId(line.line_id): Sku(line.sku) for line in body.lines if line.sku is not None},
        boxes=[Box()] * body.boxes if isinstance(body.boxes, int) else body.boxes,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.pack, command, prefer)


@router.post("/unpack", summary="Out of the box again", response_model=ShipmentShown, responses=PENDING)
async def unpack(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.UnpackBody = bodies.UnpackBody(),
    prefer: Prefer = None,
) -> Any:
    found = await shipment_of(services, caller, order_id, n)
    lines = quantities(body.lines) if body.lines else None
    command = messages.Unpack(command_id=command_id, actor=caller.actor, version=body.version, n=n, lines=lines)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.unpack, command, prefer)


@router.post("/ship", summary="A carrier takes it away", response_model=ShipmentShown, responses=PENDING)
async def ship(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ShipBody = bodies.ShipBody(),
    prefer: Prefer = None,
) -> Any:
    """Exactly what leaves is captured first. With `carrier` and `tracking_number` by hand; else a label is bought."""
    found = await shipment_of(services, caller, order_id, n)
    command = messages.Ship(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=quantities(body.lines) if body.lines else None,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.ship, command, prefer)


@router.post("/arrive", summary="It came to the pickup store", response_model=ShipmentShown, responses=PENDING)
async def arrive(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ArriveBody = bodies.ArriveBody(),
    prefer: Prefer = None,
) -> Any:
    """What did not come, or came damaged, is asked about: the customer waits, goes elsewhere or cancels it."""
    found = await shipment_of(services, caller, order_id, n)
    command = messages.Receive(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        lines=quantities(body.lines) if body.lines is not None else None,
        damaged=quantities(body.damaged, "/damaged"),
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.arrive, command, prefer)


@router.post("/cancel-answer", summary="Whether it could be stopped", response_model=ShipmentShown, responses=PENDING)
async def cancel_answer(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.CancelAnswerBody,
    prefer: Prefer = None,
) -> Any:
    found = await shipment_of(services, caller, order_id, n)
    command = messages.AnswerStop(
        command_id=command_id, actor=caller.actor, version=body.version, n=n, stopped=body.stopped
    )
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.cancel_answer, command, prefer)


@router.post("/put-back", summary="Units are on the shelf again", response_model=ShipmentShown, responses=PENDING)
async def put_back(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.PutBackBody = bodies.PutBackBody(),
    prefer: Prefer = None,
) -> Any:
    found = await shipment_of(services, caller, order_id, n)
    lines = quantities(body.lines) if body.lines else None
    if lines is None and not found.group.put_back:
        return await nothing_to_put_back(services, caller, found)
    command = messages.PutBack(command_id=command_id, actor=caller.actor, version=body.version, n=n, lines=lines)
    return await carry_out_or_leave(services, caller, found, OrderWorkflow.put_back, command, prefer)


@router.post(
    "/claim", summary="What becomes of a parcel that went wrong", response_model=ShipmentShown, responses=PENDING
)
async def claim(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.ClaimBody,
) -> Any:
    """`reship`, `refund`, or `wait` until a later time. Nobody decides: refunded at the claim's deadline."""
    found = await shipment_of(services, caller, order_id, n, DECIDERS)
    command = messages.DecideClaim(
        command_id=command_id,
        actor=caller.actor,
        version=body.version,
        n=n,
        parcel=body.parcel,
        resolution=body.resolution,
        until=body.until,
        reason=body.reason or "",
    )
    return await carry_out(services, caller, found, OrderWorkflow.decide_claim, command)


@router.post(
    "/auto-cancel", summary="Until when a place is looked for", response_model=ShipmentShown, responses=PENDING
)
async def auto_cancel(
    order_id: str,
    n: Number,
    caller: CurrentCaller,
    services: CurrentServices,
    command_id: CurrentCommandId,
    body: bodies.AutoCancelBody,
) -> Any:
    """Set or cleared for a shipment in a queue."""
    await must_run_operations(caller)
    found = await shipment_of(services, caller, order_id, n, (PrincipalKind.OPS,))
    if body.until is not None and body.until <= services.now():
        raise invalid("/until", "Should lie in the future")
    command = messages.MoveAutoCancel(
        command_id=command_id, actor=caller.actor, version=body.version, n=n, until=body.until
    )
    return await carry_out(services, caller, found, OrderWorkflow.move_auto_cancel, command)
