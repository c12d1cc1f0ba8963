"""What an order waits for because its goods go through a parcel machine."""

from datetime import datetime

from domain.locker_stays import StayStatus
from domain.pickups import PickupGroup
from domain.waits import Wait, WaitKind


def locker_waits(group: PickupGroup, since: datetime) -> list[Wait]:
    """The operator's part; a hold stops none of it."""
    stay = group.locker
    if stay is None:
        return []
    waits = []
    if stay.take_out is not None:
        waits.append(
            Wait(
                id=f"stop/{group.n}",
                kind=WaitKind.STOP,
                what="locker operator takes the goods out again",
                who=_operator(stay.locker_id),
                since=stay.take_out.since,
                default="asked again until it answers; if the customer is quicker, it is collected",
            )
        )
    if group.locker_under_way:
        waits.append(
            Wait(
                id=f"locker/{group.n}",
                kind=WaitKind.LOCKER,
                what="locker operator takes a compartment back",
                who=_operator(stay.locker_id),
                since=since,
                default="asked again until it answers",
            )
        )
    return waits


def with_locker(group: PickupGroup, wait: Wait | None) -> Wait | None:
    """The wait of a pickup as it reads when a machine stands between its store and its customer."""
    stay = group.locker
    if wait is None or stay is None or stay.counter is not None:
        return wait
    if group.in_locker:
        what = f"customer collects from locker {stay.locker_id}"
        return wait.model_copy(update={"what": what, "default": "it goes back to the store; cancel and refund"})
    if wait.kind is not WaitKind.PICKING:
        return wait
    if stay.status is StayStatus.REQUESTED:
        return wait.model_copy(update={"what": f"{wait.what}; a compartment of locker {stay.locker_id} is reserved"})
    what = f"store puts it into locker {stay.locker_id}"
    return wait.model_copy(update={"what": what}) if wait.what == "store makes it ready" else wait


def _operator(locker_id: str) -> str:
    return f"operator of locker {locker_id}"
