"""The code with which a store opens a compartment of a parcel machine, once: asked of its operator, never kept."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from adapters.locker.port import CompartmentRefused, NotKnown, OutsideFault
from domain.locker_stays import StayStatus
from domain.views import GroupView
from gateway.problems import Problem, ProblemKind
from gateway.services import Services


class DepositCode(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    locker_id: str
    compartment_id: str
    code: str = Field(repr=False)
    until: datetime | None
    """Until when the compartment is held."""


async def code_to_put_in(services: Services, group: GroupView) -> DepositCode:
    stay = group.locker
    if stay is None or stay.compartment_id is None or stay.status is not StayStatus.RESERVED:
        raise _not_now("No compartment is reserved for this pickup now.", group)
    try:
        code = await services.lockers.deposit_code(stay.compartment_id)
    except (CompartmentRefused, NotKnown):
        raise _not_now(
            "The compartment is not empty and held for it any more; look at the pickup again.", group
        ) from None
    except OutsideFault:
        raise Problem(
            ProblemKind.UNAVAILABLE,
            "The locker's operator does not answer. Ask again in a moment.",
            headers={"Retry-After": "1"},
        ) from None
    return DepositCode(
        locker_id=stay.locker_id,
        compartment_id=stay.compartment_id,
        code=code.get_secret_value(),
        until=stay.reserved_until,
    )


def _not_now(detail: str, group: GroupView) -> Problem:
    return Problem(ProblemKind.NOT_ALLOWED_NOW, detail, current=group.model_dump(mode="json", exclude_none=True))
