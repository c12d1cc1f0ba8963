"""`GET /v1/stores/{store_id}/tasks`: what the store has to do, by promise time."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from adapters.records.port import StoreGroup
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, ReturnId, StoreId
from domain.intake import PickupMode, Service
from domain.locker_stays import StayStatus
from domain.lockers import CompartmentId, LockerId
from domain.returns.returned import ReturnView
from domain.views import GroupView, LockerView
from domain.waits import WaitKind
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CallerRoute, require_store
from gateway.reading import place_of
from gateway.services import CurrentServices
from gateway.showing import PickupLine, arrival_subject, person_shown, pickup_line

router = APIRouter(prefix="/v1/stores/{store_id}", route_class=CallerRoute, tags=["stores"])

MOST = 2000
"""Groups with something to do, at one place."""


class TaskKind(StrEnum):
    ACCEPT = "accept"
    PICK = "pick"
    MAKE_READY = "make_ready"
    PACK = "pack"
    SHIP = "ship"
    """Packed: it goes with the next carrier."""
    RECEIVE = "receive"
    """On its way here for a customer: say what came."""
    CANCEL_ANSWER = "cancel_answer"
    """The customer has cancelled: say whether it could be stopped."""
    DEPOSIT = "deposit"
    """Picked: put it into the compartment of the parcel machine that is reserved for it."""
    HAND_OVER = "hand_over"
    """Ready: the customer may come any time."""
    ARRIVAL = "arrival"
    """The customer is outside and waits."""
    PUT_BACK = "put_back"
    RECEIVE_RETURN = "receive_return"
    """A customer brings or sends it back: say what came."""
    FETCH_RETURN = "fetch_return"
    """A customer has put it into the parcel machine: take it out, then say what came."""
    INSPECT_RETURN = "inspect_return"
    SETTLE_RETURN = "settle_return"


class Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    task: TaskKind
    kind: str
    """`pickup`, `shipment` or `return`."""
    order_id: OrderId
    return_id: ReturnId | None = None
    n: int
    external_id: str
    version: int
    mode: PickupMode | None
    service: Service | None
    promised_ready_at: datetime | None
    deadline: datetime | None
    """Of an offer: until when to accept it. Of a pickup that is ready: until when the customer may come. Of a cancel:
    until when to answer."""
    overdue: bool
    """The promised time is over and it is not ready."""
    lines: list[PickupLine]
    location: str | None
    locker: LockerView | None
    """Where it is to be put, or went."""
    bay: str | None
    vehicle: str | None
    arrived_at: datetime | None


_KINDS = {
    ("pickup", GroupStatus.OFFERED): TaskKind.ACCEPT,
    ("pickup", GroupStatus.ACCEPTED): TaskKind.PICK,
    ("pickup", GroupStatus.PICKING): TaskKind.MAKE_READY,
    ("pickup", GroupStatus.IN_TRANSIT_TO_STORE): TaskKind.RECEIVE,
    ("pickup", GroupStatus.ARRIVED): TaskKind.MAKE_READY,
    ("pickup", GroupStatus.READY): TaskKind.HAND_OVER,
    ("shipment", GroupStatus.OFFERED): TaskKind.ACCEPT,
    ("shipment", GroupStatus.ACCEPTED): TaskKind.PICK,
    ("shipment", GroupStatus.PICKING): TaskKind.PACK,
    ("shipment", GroupStatus.PACKED): TaskKind.SHIP,
}
NEVER_LATE = (TaskKind.PUT_BACK, TaskKind.CANCEL_ANSWER, TaskKind.RECEIVE)
"""Tasks beside the work that has a promised time."""


@router.get("/tasks", summary="The work queue")
async def tasks(
    store_id: str,
    caller: Annotated[Caller, Depends(require_store)],
    services: CurrentServices,
    page: CurrentPage,
) -> Page[Task]:
    await place_of(services, store_id)
    async with services.transactions.begin() as books:
        groups = await books.records.store_groups(StoreId(store_id), limit=MOST)
        returns = await books.returns.work_at(StoreId(store_id), limit=MOST)
    now = services.now()
    found = [task for group in groups for task in _tasks(group, now)]
    found += [task for view in returns for task in _of_return(view)]
    shown = page_of(page, found)
    return Page(items=[await _with_vehicle(services, task) for task in shown.items], next_cursor=shown.next_cursor)


def _tasks(found: StoreGroup, now: datetime) -> list[Task]:
    """A group may mean several: some units to hand over, others to put back."""
    group = found.group
    tasks = []
    if kind := _kind_of(group):
        arrived = kind is TaskKind.HAND_OVER and group.arrived_at is not None
        owed = {line.line_id: line.quantity for line in group.lines}
        tasks.append(_task(TaskKind.ARRIVAL if arrived else kind, found, owed, now))
    if group.asked_to_stop:
        tasks.append(_task(TaskKind.CANCEL_ANSWER, found, group.asked_to_stop, now))
    if group.put_back:
        tasks.append(_task(TaskKind.PUT_BACK, found, group.put_back, now))
    return tasks


def _kind_of(group: GroupView) -> TaskKind | None:
    kind, locker = _KINDS.get(_work_of(group)), group.locker
    if locker is None or locker.counter is not None:
        return kind
    if kind is TaskKind.HAND_OVER:
        return None  # it lies in the machine, and is nobody's work here
    # Without a compartment it waits for one: the store has nowhere to put it.
    ready_for_it = kind is TaskKind.MAKE_READY and locker.status is StayStatus.RESERVED
    return TaskKind.DEPOSIT if ready_for_it else kind


def _of_return(view: ReturnView) -> list[Task]:
    """A return may mean several: some units to receive, others to inspect or to settle."""
    drop = view.locker
    lies = drop is not None and drop.status == StayStatus.DEPOSITED
    wanted = (
        (
            TaskKind.FETCH_RETURN if lies else TaskKind.RECEIVE_RETURN,
            WaitKind.RETURN_ARRIVAL,
            {line.line_id: line.awaited for line in view.lines},
        ),
        (TaskKind.INSPECT_RETURN, WaitKind.INSPECTION, {line.line_id: line.received for line in view.lines}),
        (TaskKind.SETTLE_RETURN, WaitKind.SETTLEMENT, {each.line_id: each.unsettled for each in view.lines}),
    )
    deadlines = {wait.kind: wait.deadline for wait in view.waiting_for}
    skus = {line.line_id: line.sku for line in view.lines}
    return [
        Task(
            task=kind,
            kind="return",
            order_id=view.order_id,
            return_id=view.return_id,
            n=1,
            external_id=view.external_id,
            version=view.version,
            mode=None,
            service=None,
            promised_ready_at=None,
            deadline=deadlines.get(wait),
            overdue=False,
            lines=[PickupLine(line_id=line, quantity=n, sku=skus[line]) for line, n in lines.items() if n],
            location=None,
            bay=None,
            vehicle=None,
            locker=_locker_of(view) if kind is TaskKind.FETCH_RETURN else None,
            arrived_at=None,
        )
        for kind, wait, lines in wanted
        if any(lines.values())
    ]


def _locker_of(view: ReturnView) -> LockerView | None:
    drop = view.locker
    if drop is None:
        return None
    return LockerView(
        locker_id=LockerId(drop.locker_id),
        status=StayStatus(drop.status),
        compartment_id=CompartmentId(drop.compartment_id) if drop.compartment_id else None,
        collect_by=drop.collect_by,
    )


def _work_of(group: GroupView) -> tuple[str, GroupStatus]:
    """For its sender, what goes to a store is a shipment like any other."""
    return (group.kind, group.status) if group.sending is None else ("shipment", group.sending)


def _task(kind: TaskKind, found: StoreGroup, lines: dict[LineId, int], now: datetime) -> Task:
    group = found.group
    terms = {line.line_id: line for line in found.lines}
    late = group.promised_ready_at is not None and group.ready_at is None and group.promised_ready_at < now
    return Task(
        task=kind,
        kind=_work_of(group)[0],
        order_id=found.order_id,
        n=group.n,
        external_id=found.external_id,
        version=found.version,
        mode=group.mode,
        service=group.service,
        promised_ready_at=group.promised_ready_at,
        deadline=_until(kind, group),
        overdue=late and kind not in NEVER_LATE,
        lines=[pickup_line(line, n, terms.get(line)) for line, n in lines.items()],
        location=group.location,
        locker=group.locker,
        bay=group.bay,
        vehicle=None,
        arrived_at=group.arrived_at,
    )


def _until(kind: TaskKind, group: GroupView) -> datetime | None:
    match kind:
        case TaskKind.ACCEPT:
            return group.accept_by
        case TaskKind.CANCEL_ANSWER:
            return group.answer_by
        case _:
            return group.deadline


async def _with_vehicle(services: CurrentServices, task: Task) -> Task:
    if task.task is not TaskKind.ARRIVAL:
        return task
    person = await person_shown(services, arrival_subject(task.order_id, task.n))
    return task.model_copy(update={"vehicle": person.vehicle if person else None})
