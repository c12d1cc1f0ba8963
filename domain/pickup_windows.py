"""Until when each side of a pickup must act: the store accepts and gets ready, the customer collects.

A policy is data; these functions turn it, the store's hours and an instant into absolute UTC deadlines. A pack may
ignore opening hours (the demo's, where a day is a second): its durations are then plain elapsed time.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from domain.store_hours import (
    HORIZON_DAYS,
    StoreHours,
    add_open_time,
    closing_on_or_after,
    is_closed_all_day,
    is_open,
    local_wall_later,
    next_opening,
)

Duration = Annotated[timedelta, Field(ge=timedelta(), le=timedelta(days=366))]

PAUSED_INDEFINITELY = datetime(9999, 12, 31, tzinfo=UTC)
"""`paused_until` of a store whose pause has no end."""


class PickupPolicy(BaseModel):
    """The durations and bounds of a pickup, fixed for an order when it is placed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accept_within: Duration
    """Opening time for the store to answer an offer; then it is reminded and the matter goes up."""
    escalation_within: Duration
    """Opening time for an answer after that; then the customer is offered alternatives."""
    ready_within: Duration
    """Opening time from placement or acceptance until the units are staged; then the store is reminded."""
    late_within: Duration = timedelta(hours=4)
    """Opening time for the store to get ready after that; then the customer is offered alternatives."""
    cut_off: Duration
    """An order that comes this close to closing counts as the next opening day's."""
    book_ahead: Duration
    """How far in the future a pickup time may be asked for."""
    window: Duration
    """How long units wait for the customer, counted on the store's clock; then to the closing time that follows."""
    reminders_after_ready: tuple[Duration, ...]
    reminders_before_deadline: tuple[Duration, ...]
    expiring_notice: Duration
    """How long before the deadline the last warning goes out."""
    max_extension: Duration
    """How far beyond the first deadline the window may be moved."""
    curbside_sla: Duration
    """How soon after arrival the store should be at the car."""
    choice_within: Duration
    """How long the customer has to choose after a rejection."""
    other_store_within_km: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How far away another store may be that is offered in its stead; none: anywhere in the same country."""
    pay_in_store_hold: Duration
    """How long unpaid units are held."""
    payment_within: Duration
    """How long the customer has for 3-D Secure or another try to pay."""
    approval_within: Duration
    fraud_within: Duration
    hold_within: Duration = timedelta(days=3)
    """How long a hold stands that a person placed without saying until when."""
    remorse: Duration
    """How long after placement no store is told, so that the order may be changed freely; zero for not at all."""
    deposit_within: Duration = timedelta(days=1)
    """How long beyond the promised time a compartment of a parcel machine is held for the store to put the goods in."""
    look_into_locker: Duration = timedelta(minutes=5)
    """How long after the customer's time in a parcel machine its operator is asked what became of the goods."""
    ignores_opening_hours: bool = False


class WorkPolicy(Protocol):
    """How long a place may take to answer and to get goods ready, for a pickup or for a carrier."""

    @property
    def accept_within(self) -> timedelta: ...
    @property
    def escalation_within(self) -> timedelta: ...
    @property
    def ready_within(self) -> timedelta: ...
    @property
    def late_within(self) -> timedelta: ...
    @property
    def cut_off(self) -> timedelta: ...
    @property
    def ignores_opening_hours(self) -> bool: ...


class PickupTimeReason(StrEnum):
    PAST = "past"
    TOO_FAR_AHEAD = "too_far_ahead"
    PAUSED = "paused"
    HOLIDAY = "holiday"
    CLOSED = "closed"


class PickupTimeProblem(BaseModel):
    """Why a pickup cannot be at the time asked for, and the next possible time, if one is in sight."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: PickupTimeReason
    next_possible: datetime | None


def accept_deadline(hours: StoreHours, policy: WorkPolicy, at: datetime) -> datetime:
    """Until when the store must accept or reject an offer made at `at`."""
    return _open_time_later(hours, policy, at, policy.accept_within)


def escalation_deadline(hours: StoreHours, policy: WorkPolicy, accept_by: datetime) -> datetime:
    """Until when an answer still counts after the accept deadline passed."""
    return _open_time_later(hours, policy, accept_by, policy.escalation_within)


def late_deadline(hours: StoreHours, policy: WorkPolicy, at: datetime) -> datetime:
    """Until when a store that was reminded at `at`, or has gone on since, may still get ready."""
    return _open_time_later(hours, policy, at, policy.late_within)


def promised_ready_at(
    hours: StoreHours, policy: WorkPolicy, at: datetime, requested: datetime | None = None
) -> datetime:
    """When the units will be ready: `ready_within` of opening time after `at`, or later if the customer asked so."""
    ready = _open_time_later(hours, policy, _counted_from(hours, policy, at), policy.ready_within)
    return ready if requested is None else max(ready, requested)


def pickup_deadline(hours: StoreHours, policy: PickupPolicy, ready_at: datetime) -> datetime:
    """Until when the customer may collect: never less than the window, to the end of a day when the store is open."""
    return _to_closing(hours, policy, ready_at, policy.window)


def latest_extension(hours: StoreHours, policy: PickupPolicy, ready_at: datetime) -> datetime:
    """The last instant to which the window may be moved, however often it is."""
    return _to_closing(hours, policy, pickup_deadline(hours, policy, ready_at), policy.max_extension)


def resumed_deadline(
    hours: StoreHours, policy: PickupPolicy, deadline: datetime, held_since: datetime, at: datetime
) -> datetime:
    """Where a window ends whose order was held from `held_since` to `at`, while nobody could collect.

    It stays where it is as long as the next opening day's closing lies before it. Else it ends when what was left of
    it is over, and not before that closing.
    """
    least = _to_closing(hours, policy, at, policy.expiring_notice)
    if deadline >= least:
        return deadline
    left = max(deadline - held_since, timedelta())
    return max(least, _to_closing(hours, policy, at, left))


def reminder_times(policy: PickupPolicy, ready_at: datetime, deadline: datetime) -> list[datetime]:
    """When to remind, in order: between ready and the deadline only. After an extension ask again and skip the past."""
    times = {ready_at + span for span in policy.reminders_after_ready}
    times |= {deadline - span for span in policy.reminders_before_deadline}
    return sorted(at for at in times if ready_at < at < deadline)


def expiring_notice_at(policy: PickupPolicy, ready_at: datetime, deadline: datetime) -> datetime:
    """When to warn that the window ends: before the deadline, not before the units were ready."""
    return max(ready_at, deadline - policy.expiring_notice)


def check_requested(
    hours: StoreHours,
    policy: PickupPolicy,
    at: datetime,
    requested: datetime | None,
    paused_until: datetime | None = None,
) -> PickupTimeProblem | None:
    """Why an order placed at `at` cannot be picked up at `requested` (`None`: as soon as it is ready).

    A time that the customer names must be an opening time under every policy. One too early for the goods is no
    problem: the promise is later (`promised_ready_at`).
    """
    reason = _problem(hours, policy, at, requested, paused_until)
    if reason is None:
        return None
    if paused_until is not None and paused_until - at > timedelta(days=HORIZON_DAYS):
        return PickupTimeProblem(reason=reason, next_possible=None)
    placed = at if paused_until is None else max(at, paused_until)
    earliest = promised_ready_at(hours, policy, placed)
    if requested is not None and reason is not PickupTimeReason.TOO_FAR_AHEAD:
        earliest = max(earliest, requested)
    return PickupTimeProblem(reason=reason, next_possible=next_opening(hours, earliest))


def _problem(
    hours: StoreHours, policy: PickupPolicy, at: datetime, requested: datetime | None, paused_until: datetime | None
) -> PickupTimeReason | None:
    wanted = at if requested is None else requested
    if wanted < at:
        return PickupTimeReason.PAST
    if wanted > at + policy.book_ahead:
        return PickupTimeReason.TOO_FAR_AHEAD
    if paused_until is not None and wanted < paused_until:
        return PickupTimeReason.PAUSED
    if requested is None:
        return PickupTimeReason.CLOSED if next_opening(hours, at) is None else None
    if is_open(hours, requested):
        return None
    return PickupTimeReason.HOLIDAY if is_closed_all_day(hours, requested) else PickupTimeReason.CLOSED


def _counted_from(hours: StoreHours, policy: WorkPolicy, at: datetime) -> datetime:
    """`at`, or past the cut-off this day's closing, so that nothing of the day counts."""
    if policy.ignores_opening_hours or not policy.cut_off:
        return at
    closes = closing_on_or_after(hours, at)
    return at if closes is None or closes - at >= policy.cut_off else closes


def _open_time_later(hours: StoreHours, policy: WorkPolicy, at: datetime, span: timedelta) -> datetime:
    # A store without any opening in sight still gets a deadline, so that the order never waits for ever.
    end = None if policy.ignores_opening_hours else add_open_time(hours, at, span)
    return at + span if end is None else end


def _to_closing(hours: StoreHours, policy: PickupPolicy, at: datetime, span: timedelta) -> datetime:
    if policy.ignores_opening_hours:
        return at + span
    end = local_wall_later(hours, at, span)
    return closing_on_or_after(hours, end) or end
