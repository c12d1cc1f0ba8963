"""Queues of shipments that wait for a place, and the runs that broker them: see, start, pause, go on."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict
from temporalio.client import ScheduleDescription, ScheduleState

from adapters.audit.port import AuditOutcome
from adapters.brokering.port import QueueLength, Run, RunCounts, RunState
from domain.sourcing import RoutingRules
from domain.sourcing.queues import UNFILLABLE, Queue, QueueRuns
from gateway import brokering
from gateway.audit import trail_of
from gateway.fields import Body, Instant, LongText
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.listing import page_of
from gateway.paging import CurrentPage, Page
from gateway.principals import CurrentCaller
from gateway.problems import Problem, ProblemKind, invalid, not_found
from gateway.rights import must_read_operations, must_run_operations
from gateway.services import CurrentServices, Services

queues = APIRouter(prefix="/v1/ops/routing/queues", route_class=CommandRoute, tags=["ops"])
runs = APIRouter(prefix="/v1/brokering-runs", route_class=CommandRoute, tags=["ops"])

NEXT = 3
"""Coming runs that are shown."""
QueueName = Annotated[Queue, Path(max_length=32)]


class RunShown(BaseModel):
    """A run, and what it did: shipments by what became of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    queue: Queue
    by: str
    """`schedule`, or who asked for it."""
    state: RunState
    started_at: Instant
    ended_at: Instant | None
    rules: str
    rules_version: int
    counts: RunCounts


class QueueShown(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    queue: Queue
    waiting: int
    """Shipments that wait in it now."""
    since: Instant | None
    """When the first of them came."""
    runs: QueueRuns | None
    """When it is brokered; null: its orders are brokered when they come (or, of `unfillable`, looked at again)."""
    paused: bool
    note: str | None
    """Who paused it, or let it go on, and why."""
    next_runs: list[datetime]
    last_run: RunShown | None


class RunBody(Body):
    """Broker this queue now, paused or not."""

    queue: Queue


class RunStarted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    queue: Queue


class PauseBody(Body):
    reason: LongText


@queues.get("", summary="Who waits for a place in which queue, and when it is brokered")
async def all_queues(caller: CurrentCaller, services: CurrentServices, page: CurrentPage) -> Page[QueueShown]:
    await must_read_operations(caller)
    rules, lengths = await _read(services)
    names = sorted({*_names(rules), *lengths})
    return page_of(page, await asyncio.gather(*(_shown(services, name, rules, lengths) for name in names)))


@queues.post("/{queue}/pause", summary="Have a queue wait: no run comes until it goes on")
async def pause(queue: QueueName, body: PauseBody, caller: CurrentCaller, services: CurrentServices) -> QueueShown:
    """Orders come to it meanwhile. What has waited its longest is brokered by itself all the same."""
    await must_run_operations(caller)
    await _must_have_runs(services, queue)
    await brokering.pause(services.temporal, queue, _note(body.reason, caller.actor.id))
    await trail_of(caller.request).write(caller.actor, "pause queue", queue, AuditOutcome.DONE)
    return await _shown(services, queue, *await _read(services))


@queues.post("/{queue}/resume", summary="Let a queue's runs come again")
async def resume(queue: QueueName, body: PauseBody, caller: CurrentCaller, services: CurrentServices) -> QueueShown:
    await must_run_operations(caller)
    await _must_have_runs(services, queue)
    await brokering.resume(services.temporal, queue, _note(body.reason, caller.actor.id))
    await trail_of(caller.request).write(caller.actor, "resume queue", queue, AuditOutcome.DONE)
    return await _shown(services, queue, *await _read(services))


@runs.post("", status_code=202, summary="Broker a queue now")
async def start(
    body: RunBody, caller: CurrentCaller, services: CurrentServices, command_id: CurrentCommandId
) -> RunStarted:
    """Answered at once; `GET /v1/brokering-runs` shows what it did."""
    await must_run_operations(caller)
    rules, lengths = await _read(services)
    if body.queue not in {*_names(rules), *lengths}:
        raise invalid("/queue", "No such queue; GET /v1/ops/routing/queues lists them")
    run = await brokering.start_run(services.temporal, body.queue, command_id[:16], caller.actor.id)
    await trail_of(caller.request).write(caller.actor, "start brokering run", run, AuditOutcome.DONE)
    return RunStarted(run=run, queue=body.queue)


@runs.get("", summary="Brokering runs, the newest first")
async def past_runs(
    caller: CurrentCaller,
    services: CurrentServices,
    page: CurrentPage,
    queue: Annotated[Queue | None, Query(max_length=32)] = None,
) -> Page[RunShown]:
    await must_read_operations(caller)
    skip = int(page.after[0] or 0) if page.after is not None else 0
    async with services.transactions.begin() as books:
        found = await books.brokering.runs(queue, limit=page.limit + 1, skip=skip)
    more = (skip + page.limit,) if len(found) > page.limit else None
    return page.page([_run_shown(run) for run in found[: page.limit]], more)


async def _read(services: Services) -> tuple[RoutingRules, dict[Queue, QueueLength]]:
    async with services.transactions.begin() as books:
        rules = await books.routing.rules()
        lengths = {each.queue: each for each in await books.brokering.lengths()}
    assert rules is not None, "there are always rules"
    return rules, lengths


def _names(rules: RoutingRules) -> set[Queue]:
    return {each.queue for each in rules.classes} | {rules.otherwise, rules.unfillable, UNFILLABLE}


async def _must_have_runs(services: Services, queue: Queue) -> None:
    rules, lengths = await _read(services)
    if queue not in {*_names(rules), *lengths}:
        raise not_found()
    if rules.runs_of(queue) is None:
        raise Problem(
            ProblemKind.NOT_ALLOWED_NOW,
            f"The queue {queue} has no runs: its orders are brokered when they come. Give it some in its rules.",
        )
    if await brokering.schedule_now(services.temporal, queue) is None:
        await brokering.keep_schedules(services.temporal, services.transactions)


async def _shown(
    services: Services, queue: Queue, rules: RoutingRules, lengths: dict[Queue, QueueLength]
) -> QueueShown:
    async with services.transactions.begin() as books:
        last = await books.brokering.runs(queue, limit=1)
    wanted, length = rules.runs_of(queue), lengths.get(queue)
    schedule: ScheduleDescription | None = None
    if wanted is not None:
        schedule = await brokering.schedule_now(services.temporal, queue)
    state = schedule.schedule.state if schedule is not None else ScheduleState()
    return QueueShown(
        queue=queue,
        waiting=length.waiting if length else 0,
        since=length.since if length else None,
        runs=wanted,
        paused=state.paused,
        note=state.note or None,
        next_runs=list(schedule.info.next_action_times[:NEXT]) if schedule is not None and not state.paused else [],
        last_run=_run_shown(last[0]) if last else None,
    )


def _run_shown(run: Run) -> RunShown:
    return RunShown(**run.model_dump(exclude={"after", "assignments"}))


def _note(reason: str, who: str) -> str:
    return f"{who}: {reason}"
