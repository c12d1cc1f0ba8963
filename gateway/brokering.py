"""Runs beside orders: telling an order what was decided, starting a run, and keeping the schedules as the rules say."""

from datetime import timedelta

import structlog
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from adapters.brokering.port import Assignment, Run
from adapters.transaction.port import Transactions
from domain.actors import Actor, ActorKind, Channel
from domain.ids import CommandId
from domain.personal import Readable
from domain.refusals import RefusalKind, Refused
from domain.sourcing.queues import Overlap, Queue, QueueRuns
from gateway.commands import Ended, StillWorking, is_not_found, update
from workflows import options
from workflows.brokering import BrokeringRun, RunStart, run_by_hand, schedule_id
from workflows.messages import Broker, BrokeredPart
from workflows.order import OrderWorkflow

log = structlog.get_logger(__name__)

PATIENCE = timedelta(seconds=5)
BY_RULES = Actor(kind=ActorKind.SYSTEM, id="brokering", channel=Channel.SYSTEM)
ASK_AGAIN = 6
"""So often an order is asked for its answer, before the step fails and is done again."""
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
"""As the schedules of Temporal count them."""
_OVERLAP = {Overlap.SKIP: ScheduleOverlapPolicy.SKIP, Overlap.BUFFER_ONE: ScheduleOverlapPolicy.BUFFER_ONE}


async def tell_order(client: Client, run: Run, assignment: Assignment, number: int) -> RefusalKind | None:
    """Tell an order of a run's decision, the `number`th time: nothing when it has taken it, else why not."""
    again = f"{number}{'a' if assignment.decided_alone else ''}"
    command = Broker(
        command_id=CommandId(f"{run.run}:{assignment.n}:{again}"),
        actor=BY_RULES,
        n=assignment.n,
        run=run.run,
        queue=run.queue,
        lines=assignment.lines,
        parts=[
            BrokeredPart(location_id=part.location_id, lines=part.lines, capacity=part.capacity)
            for part in assignment.parts
        ],
        then=assignment.then,
        moved=assignment.moved,
    )
    for tries_left in reversed(range(ASK_AGAIN)):
        try:
            await update(client, assignment.order_id, OrderWorkflow.broker, command)
        except Refused as refused:
            return refused.refusal.kind
        except Ended:
            return RefusalKind.NOT_FOUND
        except StillWorking:
            if not tries_left:
                raise
        else:
            break
    return None


async def is_running(client: Client, run: str) -> bool:
    """Whether the workflow of a run goes on."""
    try:
        found = await client.get_workflow_handle(run).describe(rpc_timeout=PATIENCE)
    except RPCError as fault:
        if is_not_found(fault):
            return False
        raise
    return found.status is WorkflowExecutionStatus.RUNNING


async def start_run(client: Client, queue: Queue, name: str, by: str) -> str:
    """Broker a queue now. The same name starts nothing twice; the run's id."""
    run = run_by_hand(queue, name)
    try:
        await client.start_workflow(
            BrokeringRun.run,
            RunStart(queue=queue, by=by),
            id=run,
            task_queue=options.BROKERING,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=Readable(f"Brokers the queue {queue}"),
            rpc_timeout=PATIENCE,
        )
    except WorkflowAlreadyStartedError:
        log.info("run_was_there", run=run)
    return run


async def keep_schedules(client: Client, transactions: Transactions) -> None:
    """Have one schedule for every queue with runs, as the newest rules say, and none for the others.

    Doing it again changes nothing; a schedule that is paused stays paused. A queue whose runs are ended is brokered a
    last time.
    """
    async with transactions.begin() as books:
        versions = [each.rules for each in await books.routing.versions()]
    newest = versions[0]
    for runs in newest.runs:
        await _keep(client, runs)
    before = {runs.queue for rules in versions[1:] for runs in rules.runs}
    for queue in sorted(before - {runs.queue for runs in newest.runs}):
        if await _end(client, queue):
            await start_run(client, queue, f"last-of-{newest.version - 1}", "its runs were ended")


async def _keep(client: Client, runs: QueueRuns) -> None:
    wanted = schedule_of(runs)
    try:
        await client.create_schedule(schedule_id(runs.queue), wanted, rpc_timeout=PATIENCE)
    except (ScheduleAlreadyRunningError, WorkflowAlreadyStartedError):

        def as_wanted(known: ScheduleUpdateInput) -> ScheduleUpdate | None:
            there = known.description.schedule
            if there.spec == wanted.spec and there.policy == wanted.policy:
                return None
            return ScheduleUpdate(Schedule(wanted.action, wanted.spec, policy=wanted.policy, state=there.state))

        await client.get_schedule_handle(schedule_id(runs.queue)).update(as_wanted, rpc_timeout=PATIENCE)


def schedule_of(runs: QueueRuns) -> Schedule:
    """What Temporal is asked for. It knows the zone, and so when clocks change."""
    days = [ScheduleRange(_DAYS.index(day)) for day in sorted(runs.days, key=_DAYS.index)] or [ScheduleRange(0, 6)]
    calendars = [
        ScheduleCalendarSpec(hour=[ScheduleRange(int(at[:2]))], minute=[ScheduleRange(int(at[3:]))], day_of_week=days)
        for at in sorted(runs.at)
    ]
    every = [ScheduleIntervalSpec(timedelta(seconds=runs.every_seconds))] if runs.every_seconds is not None else []
    return Schedule(
        action=ScheduleActionStartWorkflow(
            BrokeringRun.run,
            RunStart(queue=runs.queue),
            id=schedule_id(runs.queue),
            task_queue=options.BROKERING,
            static_summary=Readable(f"Brokers the queue {runs.queue}"),
        ),
        spec=ScheduleSpec(calendars=calendars, intervals=every, time_zone_name=runs.zone),
        policy=SchedulePolicy(overlap=_OVERLAP[runs.overlap], catchup_window=timedelta(seconds=runs.catch_up_seconds)),
    )


async def _end(client: Client, queue: Queue) -> bool:
    """True when there was one."""
    try:
        await client.get_schedule_handle(schedule_id(queue)).delete(rpc_timeout=PATIENCE)
    except RPCError as fault:
        if is_not_found(fault):
            return False
        raise
    return True


async def schedule_now(client: Client, queue: Queue) -> ScheduleDescription | None:
    """A queue's schedule as it is; none where it has no runs, or was not made yet."""
    try:
        return await client.get_schedule_handle(schedule_id(queue)).describe(rpc_timeout=PATIENCE)
    except RPCError as fault:
        if is_not_found(fault):
            return None
        raise


async def pause(client: Client, queue: Queue, note: str) -> None:
    await client.get_schedule_handle(schedule_id(queue)).pause(note=note, rpc_timeout=PATIENCE)


async def resume(client: Client, queue: Queue, note: str) -> None:
    await client.get_schedule_handle(schedule_id(queue)).unpause(note=note, rpc_timeout=PATIENCE)
