"""What is shown at a carrier's counter or a machine's door: labels and codes, asked of their owners, never kept."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from adapters.access.port import PrincipalKind
from adapters.locker.port import CompartmentRefused
from adapters.outside import NotKnown, OutsideFault
from domain.carriage import TrackingNumber
from domain.lockers import CompartmentId, CompartmentStatus
from domain.returns.carried import DropView, LabelState
from domain.returns.returned import ReturnView
from gateway.idempotency import CommandRoute
from gateway.principals import CurrentCaller
from gateway.problems import Problem, ProblemKind
from gateway.returns.sending import visible_return
from gateway.rights import must_act_as
from gateway.services import CurrentServices

router = APIRouter(prefix="/v1/returns", route_class=CommandRoute, tags=["returns"])


class ReturnLabel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    carrier: str
    tracking_number: str
    document: str
    """What is printed and stuck on the parcel, as ZPL."""


class LockerCode(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    locker_id: str
    compartment_id: str
    code: str = Field(repr=False)
    until: datetime | None
    """Until when it opens."""


@router.get("/{return_id}/label", summary="The label of a posted return, to be printed")
async def label(return_id: str, caller: CurrentCaller, services: CurrentServices) -> ReturnLabel:
    await must_act_as(caller, PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS)
    view = await visible_return(services, caller, return_id)
    parcel = view.parcel
    if parcel is None or parcel.label is not LabelState.BOUGHT or parcel.tracking_number is None:
        raise _not_now("This return has no label now.", view)
    try:
        bought = await services.shipping.parcel(TrackingNumber(parcel.tracking_number))
        document = await services.shipping.document(bought.id)
    except NotKnown:
        raise _not_now("The carrier does not know this label any more.", view) from None
    except OutsideFault:
        raise _away("The carrier does not answer. Ask again in a moment.") from None
    return ReturnLabel(carrier=bought.carrier, tracking_number=bought.tracking_number, document=document)


@router.get("/{return_id}/locker-code", summary="What opens the locker's compartment for the store, to fetch a return")
async def locker_code(return_id: str, caller: CurrentCaller, services: CurrentServices) -> LockerCode:
    await must_act_as(caller, PrincipalKind.STORE, PrincipalKind.OPS)
    view = await visible_return(services, caller, return_id)
    drop = view.locker
    if view.store_id is not None:
        await caller.must_act_at(view.store_id)
    if drop is None or drop.compartment_id is None or drop.status != CompartmentStatus.DEPOSITED:
        raise _not_now("Nothing of this return lies in a locker now.", view)
    return await _code(services, view, drop, CompartmentId(drop.compartment_id))


async def _code(services: CurrentServices, view: ReturnView, drop: DropView, compartment: CompartmentId) -> LockerCode:
    try:
        code = await services.lockers.pickup_code(compartment)
    except (CompartmentRefused, NotKnown):
        raise _not_now("Nothing lies in the compartment any more; look at the return again.", view) from None
    except OutsideFault:
        raise _away("The locker's operator does not answer. Ask again in a moment.") from None
    return LockerCode(
        locker_id=drop.locker_id, compartment_id=compartment, code=code.get_secret_value(), until=drop.collect_by
    )


def _not_now(detail: str, view: ReturnView) -> Problem:
    return Problem(ProblemKind.NOT_ALLOWED_NOW, detail, current=view)


def _away(detail: str) -> Problem:
    return Problem(ProblemKind.UNAVAILABLE, detail, headers={"Retry-After": "1"})
