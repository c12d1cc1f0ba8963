"""`GET /v1/stores/{store_id}/tasks`: what the store has to do, by promise time."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from adapters.records.port import StoreGroup
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId, StoreId
from domain.intake import PickupMode
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import Caller, CallerRoute, require_store
from gateway.reading import place_of
from gateway.services import CurrentServices
from gateway.showing import PickupLine, arrival_subject, person_shown, pickup_line

router = APIRouter(prefix="/v1/stores/{store_id}", route_class=CallerRoute, tags=["stores"])

MOST = 2000
"""Pickups with something to do, at one store."""


class TaskKind(StrEnum):
    ACCEPT = "accept"
    PICK = "pick"
    MAKE_READY = "make_ready"
    HAND_OVER = "hand_over"
    """Ready: the customer may come any time."""
    ARRIVAL = "arrival"
    """The customer is outside and waits."""
    PUT_BACK = "put_back"


class Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    task: TaskKind
    order_id: OrderId
    n: int
    external_id: str
    version: int
    mode: PickupMode
    promised_ready_at: datetime | None
    deadline: datetime | None
    """Of a pickup that is ready: until when the customer may come."""
    overdue: bool
    """The promised time is over and it is not ready."""
    lines: list[PickupLine]
    location: str | None
    bay: str | None
    vehicle: str | None
    arrived_at: datetime | None


_KINDS = {
    GroupStatus.OFFERED: TaskKind.ACCEPT,
    GroupStatus.ACCEPTED: TaskKind.PICK,
    GroupStatus.PICKING: TaskKind.MAKE_READY,
    GroupStatus.READY: TaskKind.HAND_OVER,
}


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
    now = services.now()
    found = [task for group in groups for task in _tasks(group, now)]
    shown = page_of(page, found)
    return Page(items=[await _with_vehicle(services, task) for task in shown.items], next_cursor=shown.next_cursor)


def _tasks(found: StoreGroup, now: datetime) -> list[Task]:
    """A pickup may mean two: some units to hand over, others to put back."""
    group = found.group
    tasks = []
    if kind := _KINDS.get(group.status):
        arrived = kind is TaskKind.HAND_OVER and group.arrived_at is not None
        owed = {line.line_id: line.quantity for line in group.lines}
        tasks.append(_task(TaskKind.ARRIVAL if arrived else kind, found, owed, now))
    if group.put_back:
        tasks.append(_task(TaskKind.PUT_BACK, found, group.put_back, now))
    return tasks


def _task(kind: TaskKind, found: StoreGroup, lines: dict[LineId, int], now: datetime) -> Task:
    group = found.group
    terms = {line.line_id: line for line in found.lines}
    late = group.promised_ready_at is not None and group.ready_at is None and group.promised_ready_at < now
    return Task(
        task=kind,
        order_id=found.order_id,
        n=group.n,
        external_id=found.external_id,
        version=found.version,
        mode=group.mode,
        promised_ready_at=group.promised_ready_at,
        deadline=group.deadline,
        overdue=late and kind is not TaskKind.PUT_BACK,
        lines=[pickup_line(line, n, terms.get(line)) for line, n in lines.items()],
        location=group.location,
        bay=group.bay,
        vehicle=None,
        arrived_at=group.arrived_at,
    )


async def _with_vehicle(services: CurrentServices, task: Task) -> Task:
    if task.task is not TaskKind.ARRIVAL:
        return task
    person = await person_shown(services, arrival_subject(task.order_id, task.n))
    return task.model_copy(update={"vehicle": person.vehicle if person else None})
