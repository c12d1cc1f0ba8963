"""Parcel machines: a compartment reserved, looked into, emptied; each under a key of the business, however often."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.faults import AWAY, NEEDS_A_PERSON
from adapters.locker.port import (
    CompartmentRefused,
    KeyConflict,
    Lockers,
    NotKnown,
    NotUnderstood,
    OutcomeUnknown,
    OutsideFault,
    ReserveRequest,
    Unavailable,
)
from domain.ids import OperationKey, OrderId
from domain.lockers import (
    Compartment,
    CompartmentId,
    CompartmentSize,
    CompartmentStatus,
    LockerId,
    LockerRefusal,
)

NO_COMPARTMENT = "NoCompartment"
"""The failure type when the operator says no for good; its detail is the reason."""

MOST_PAUSE = 30.0
"""Seconds between two tries, unless the operator asks for more."""

T = TypeVar("T")


class CompartmentWanted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    key: OperationKey
    order_id: OrderId
    group: str
    locker_id: LockerId
    size: CompartmentSize
    until: datetime


class LongerStay(BaseModel):
    """How long the goods in a compartment are to wait for their customer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    compartment_id: CompartmentId
    until: datetime


class LockerSteps:
    def __init__(self, lockers: Lockers):
        self.lockers = lockers

    @activity.defn
    async def reserve_compartment(self, wanted: CompartmentWanted) -> Compartment:
        """One compartment, whatever is repeated. Fails with `NoCompartment`; `Away` is tried again."""
        if activity.info().attempt > 1 and (known := await _told(self.lockers.find(wanted.key))) is not None:
            return known
        request = ReserveRequest(
            key=wanted.key,
            reference=wanted.order_id,
            group=wanted.group,
            locker_id=wanted.locker_id,
            size=wanted.size,
            until=wanted.until,
        )
        return await self._changed(wanted.key, lambda: self.lockers.reserve(request))

    @activity.defn
    async def look_into_compartment(self, compartment: CompartmentId) -> Compartment:
        """How it stands, for the operator knows best."""
        return await _told(self.lockers.compartment(compartment))

    @activity.defn
    async def extend_stay(self, wanted: LongerStay) -> Compartment:
        """The compartment as it is then: out of the customer's reach, if its time was over, or somebody was quicker.

        Fails with `NoCompartment` when the operator lets nothing wait that long.
        """
        compartment, until = wanted.compartment_id, wanted.until
        key = OperationKey(f"{compartment}:until:{until.isoformat(timespec='seconds')}")
        try:
            return await self._changed(key, lambda: self.lockers.extend(compartment, until, key=key))
        except ApplicationError as fault:
            if fault.type != NO_COMPARTMENT or fault.details[0] != LockerRefusal.EMPTY:
                raise
            return await _told(self.lockers.compartment(compartment))

    @activity.defn
    async def take_goods_out(self, compartment: CompartmentId) -> Compartment:
        """Have the goods brought back; the compartment as it is then: collected, if the customer was quicker."""
        return await self._sent_back(compartment)

    @activity.defn
    async def empty_compartment(self, key: OperationKey) -> Compartment | None:
        """The operator has what was reserved under `key` again, and brings back what lies in it. None: nothing was."""
        try:
            found = await self.lockers.find(key)
        except CompartmentRefused:
            return None  # nothing was reserved, and nothing will be
        except OutsideFault as fault:
            raise _failure(fault) from fault
        if found is None:
            return None
        if found.status is not CompartmentStatus.RESERVED:
            return await self._sent_back(found.id) if _holds_goods(found) else found
        release = OperationKey(f"{key}:release")
        try:
            return await self._changed(release, lambda: self.lockers.release(found.id, key=release))
        except ApplicationError as fault:
            if fault.type != NO_COMPARTMENT:
                raise
            return await self._sent_back(found.id)  # somebody has just put the goods in

    async def _sent_back(self, compartment: CompartmentId) -> Compartment:
        key = OperationKey(f"{compartment}:back")
        try:
            return await self._changed(key, lambda: self.lockers.send_back(compartment, key=key))
        except ApplicationError as fault:
            if fault.type != NO_COMPARTMENT:
                raise
            return await _told(self.lockers.compartment(compartment))

    async def _changed(self, key: OperationKey, change: Callable[[], Awaitable[Compartment]]) -> Compartment:
        try:
            return await _told(change())
        except ApplicationError as fault:
            if not isinstance(fault.__cause__, OutcomeUnknown):
                raise
            found = await _told(self.lockers.find(key))
            if found is None:
                raise
            return found


def _holds_goods(compartment: Compartment) -> bool:
    return compartment.status in (CompartmentStatus.DEPOSITED, CompartmentStatus.UNKNOWN)


async def _told(call: Awaitable[T]) -> T:
    """The answer, with a fault of the operator's as a failure that a workflow can read."""
    try:
        return await call
    except OutsideFault as fault:
        raise _failure(fault) from fault


def _failure(fault: OutsideFault) -> ApplicationError:
    if isinstance(fault, CompartmentRefused):
        return ApplicationError(
            str(fault),
            fault.reason.value,
            type=NO_COMPARTMENT,
            non_retryable=True,
            category=ApplicationErrorCategory.BENIGN,
        )
    if isinstance(fault, KeyConflict | NotKnown | NotUnderstood):
        return ApplicationError(str(fault), type=NEEDS_A_PERSON, non_retryable=True)
    return ApplicationError(str(fault), type=AWAY, next_retry_delay=_pause(fault))


def _pause(fault: OutsideFault) -> timedelta | None:
    """As long as the operator asks for, and longer the longer it is away: it may say "in a second" for hours."""
    if not isinstance(fault, Unavailable) or not fault.retry_after:
        return None
    return timedelta(seconds=max(fault.retry_after, min(1.7 ** activity.info().attempt, MOST_PAUSE)))
