"""`/v1/shipments/{order_id}/{n}`: the place's commands on a shipment, and what people decide about its parcels."""

from typing import Any

from fastapi import APIRouter

from adapters.access.port import PrincipalKind
from domain.ids import LineId, OrderId, Sku
from domain.parcels import Box
from gateway.answering import PENDING
from gateway.idempotency import CommandRoute
from gateway.principals import CurrentCaller
from gateway.problems import invalid
from gateway.reading import visible_group
from gateway.rights import must_run_operations
from gateway.services import CurrentServices
from gateway.showing import ShipmentShown, shipment_shown
from gateway.stores import bodies
from gateway.stores.bodies import quantities
from gateway.stores.ended import nothing_to_put_back
from gateway.stores.sending import CurrentGroupRequest, CurrentStoreRequest, Number
from workflows import messages
from workflows.order import OrderWorkflow

router = APIRouter(prefix="/v1/shipments/{order_id}/{n}", route_class=CommandRoute, tags=["stores"])

DECIDERS = (PrincipalKind.CHANNEL, PrincipalKind.OPS)
"""Who speaks for the customer and the seller about a parcel that went wrong."""
NOTHING = bodies.CommandBody()


@router.get("", summary="One shipment, whole")
async def read(order_id: str, n: Number, caller: CurrentCaller, services: CurrentServices) -> ShipmentShown:
    found = await visible_group(services, caller, OrderId(order_id), n, "shipment")
    return await shipment_shown(services, caller, found)


@router.post("/accept", summary="The place takes it on", response_model=ShipmentShown, responses=PENDING)
async def accept(request: CurrentStoreRequest, body: bodies.CommandBody = NOTHING) -> Any:
    found = await request.shipment()
    command = messages.Accept(**request.heading(body))
    return await request.leave_or_carry_out(found, OrderWorkflow.accept, command)


@router.post("/reject", summary="The place cannot serve it", response_model=ShipmentShown, responses=PENDING)
async def reject(request: CurrentStoreRequest, body: bodies.RejectBody) -> Any:
    found = await request.shipment()
    command = messages.Reject(
        **request.heading(body),
        lines=quantities(body.lines) if body.lines else None,
        missing=body.missing,
        reason=body.reason,
        stock_effect=body.stock_effect,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.reject, command)


@router.post("/pick", summary="Units were found", response_model=ShipmentShown, responses=PENDING)
async def pick(request: CurrentStoreRequest, body: bodies.PickBody) -> Any:
    lines, components = bodies.found(body.lines)
    found = await request.shipment()
    if body.substitutes:
        raise invalid("/substitutes", "Only what is collected may be another article")
    command = messages.Pick(
        **request.heading(body),
        lines=lines,
        components=components,
        staged_at=body.staged_at,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.pick, command)


@router.post("/pack", summary="Checked, and in a box", response_model=ShipmentShown, responses=PENDING)
async def pack(request: CurrentStoreRequest, body: bodies.PackBody) -> Any:
    found = await request.shipment()
    command = messages.Pack(
        **request.heading(body),
        lines=quantities(body.lines),
        scanned={LineId(line.line_id): Sku(line.sku) for line in body.lines if line.sku is not None},
        boxes=[Box()] * body.boxes if isinstance(body.boxes, int) else body.boxes,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.pack, command)


@router.post("/unpack", summary="Out of the box again", response_model=ShipmentShown, responses=PENDING)
async def unpack(request: CurrentStoreRequest, body: bodies.UnpackBody = bodies.UnpackBody()) -> Any:
    found = await request.shipment()
    lines = quantities(body.lines) if body.lines else None
    command = messages.Unpack(**request.heading(body), lines=lines)
    return await request.leave_or_carry_out(found, OrderWorkflow.unpack, command)


@router.post("/ship", summary="A carrier takes it away", response_model=ShipmentShown, responses=PENDING)
async def ship(request: CurrentStoreRequest, body: bodies.ShipBody = bodies.ShipBody()) -> Any:
    """Exactly what leaves is captured first. With `carrier` and `tracking_number` by hand; else a label is bought."""
    found = await request.shipment()
    command = messages.Ship(
        **request.heading(body),
        lines=quantities(body.lines) if body.lines else None,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.ship, command)


@router.post("/arrive", summary="It came to the pickup store", response_model=ShipmentShown, responses=PENDING)
async def arrive(request: CurrentStoreRequest, body: bodies.ArriveBody = bodies.ArriveBody()) -> Any:
    """What did not come, or came damaged, is asked about: the customer waits, goes elsewhere or cancels it."""
    found = await request.shipment()
    command = messages.Receive(
        **request.heading(body),
        lines=quantities(body.lines) if body.lines is not None else None,
        damaged=quantities(body.damaged, "/damaged"),
    )
    return await request.leave_or_carry_out(found, OrderWorkflow.arrive, command)


@router.post("/cancel-answer", summary="Whether it could be stopped", response_model=ShipmentShown, responses=PENDING)
async def cancel_answer(request: CurrentStoreRequest, body: bodies.CancelAnswerBody) -> Any:
    found = await request.shipment()
    command = messages.AnswerStop(**request.heading(body), stopped=body.stopped)
    return await request.leave_or_carry_out(found, OrderWorkflow.cancel_answer, command)


@router.post("/put-back", summary="Units are on the shelf again", response_model=ShipmentShown, responses=PENDING)
async def put_back(request: CurrentStoreRequest, body: bodies.PutBackBody = bodies.PutBackBody()) -> Any:
    found = await request.shipment()
    lines = quantities(body.lines) if body.lines else None
    if lines is None and not found.group.put_back:
        return await nothing_to_put_back(request.services, request.caller, found)
    command = messages.PutBack(**request.heading(body), lines=lines)
    return await request.leave_or_carry_out(found, OrderWorkflow.put_back, command)


@router.post(
    "/claim", summary="What becomes of a parcel that went wrong", response_model=ShipmentShown, responses=PENDING
)
async def claim(request: CurrentGroupRequest, body: bodies.ClaimBody) -> Any:
    """`reship`, `refund`, or `wait` until a later time. Nobody decides: refunded at the claim's deadline."""
    found = await request.shipment(DECIDERS)
    command = messages.DecideClaim(
        **request.heading(body),
        parcel=body.parcel,
        resolution=body.resolution,
        until=body.until,
        reason=body.reason or "",
    )
    return await request.carry_out(found, OrderWorkflow.decide_claim, command)


@router.post(
    "/auto-cancel", summary="Until when a place is looked for", response_model=ShipmentShown, responses=PENDING
)
async def auto_cancel(request: CurrentGroupRequest, body: bodies.AutoCancelBody) -> Any:
    """Set or cleared for a shipment in a queue."""
    await must_run_operations(request.caller)
    found = await request.shipment((PrincipalKind.OPS,))
    if body.until is not None and body.until <= request.services.now():
        raise invalid("/until", "Should lie in the future")
    command = messages.MoveAutoCancel(**request.heading(body), until=body.until)
    return await request.carry_out(found, OrderWorkflow.move_auto_cancel, command)
