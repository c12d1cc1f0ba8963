"""A worker process: one Temporal worker for each pool that it serves, until it is told to stop; then it drains.

`python -m workers.worker`
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from datetime import timedelta
from functools import partial

import uvloop
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.worker import Worker

from activities.alternatives import AlternativeSteps
from activities.balances import BalanceSteps
from activities.brokering import BrokeringSteps
from activities.claiming import ClaimSteps
from activities.declining import DecliningSteps
from activities.dropship import PartnerSteps
from activities.financing import FinancingSteps
from activities.lending import ApplicationRecords, LendingSteps
from activities.lockers import LockerSteps
from activities.milestones import Milestones
from activities.notices import NoticeSteps
from activities.payment import PaymentSteps, QuickPaymentSteps
from activities.promises import PromiseSteps
from activities.reconciling import ReconcilingSteps
from activities.retention import RetentionSteps
from activities.returns import ReturnSteps
from activities.screening import ScreeningSteps
from activities.shipping import LabelSteps
from activities.signing import SigningSteps
from activities.sourcing import SourcingSteps
from activities.sweeping import SweepingSteps
from adapters.payment.financing import disbursement_plan, orders_of
from adapters.reconciling.runs import PostgresReconciler
from domain.ids import OrderId
from domain.personal import Readable
from gateway.brokering import is_running, keep_schedules, tell_order
from gateway.starting import start_order, unseal_terms
from gateway.webhooks.delivery import deliver
from workers.composition import Parts, parts
from workers.logs import configure_logging
from workers.settings import Settings
from workflows import housekeeping, options
from workflows.appeasing import AppeasementWorkflow
from workflows.application import ApplicationWorkflow
from workflows.brokering import BrokeringRun
from workflows.order import OrderWorkflow
from workflows.promise import PromiseWorkflow
from workflows.reconciling import EVERY, SCHEDULE_ID, ReconciliationRun, ReconciliationStart
from workflows.retention import RetentionWorkflow
from workflows.returns import ReturnWorkflow

POOLS = (
    options.ORDERS,
    options.PAYMENT,
    options.SHIPPING,
    options.LOCKER,
    options.PARTNERS,
    options.BROKERING,
    options.NOTIFICATION,
    options.APPLICATIONS,
    options.LENDING,
)


def make_workers(client: Client, made: Parts, pools: tuple[str, ...] = POOLS) -> list[Worker]:
    """One worker a pool. Each outside system has its own queue, so that it can be limited and drained alone."""
    settings = made.settings
    grace = timedelta(seconds=settings.grace)
    workers = []
    if options.ORDERS in pools:
        returns = ReturnSteps(made.transactions, made.payments)
        balances = BalanceSteps(made.balances)
        sourcing = SourcingSteps(made.transactions)
        milestones = Milestones(made.transactions)
        sweeping = _sweeping(client, made)
        promises = PromiseSteps(made.transactions, made.reservations)
        payment_here = QuickPaymentSteps(made.payments, settings.payments_here, options.PAYMENT_HERE_SECONDS)
        workers.append(
            Worker(
                client,
                task_queue=options.ORDERS,
                workflows=[
                    OrderWorkflow,
                    PromiseWorkflow,
                    ReturnWorkflow,
                    AppeasementWorkflow,
                    housekeeping.NoticeDispatchWorkflow,
                    housekeeping.SweepWorkflow,
                ],
                activities=[
                    ClaimSteps(made.transactions, made.reservations, made.screening).claim_stock,
                    milestones.record_milestone,
                    milestones.forget_order,
                    ScreeningSteps(made.screening).screen,
                    AlternativeSteps(made.transactions).find_stores,
                    DecliningSteps(made.transactions).decline_elsewhere,
                    returns.record_return,
                    returns.settle_units,
                    returns.read_tenders,
                    returns.promise_replacement,
                    balances.pay_as_balance,
                    balances.issue,
                    balances.disable_sold,
                    sourcing.find_places,
                    sourcing.hold_capacity,
                    sweeping.sweep,
                    promises.keep_promise,
                    promises.end_promise,
                    payment_here.authorise,
                    payment_here.capture,
                    payment_here.void,
                    payment_here.refund,
                ],
                max_cached_workflows=settings.workflow_cache,
                max_concurrent_workflow_tasks=settings.workflow_tasks,
                max_concurrent_activities=settings.activities,
                max_concurrent_local_activities=settings.local_activities,
                sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_timeout),
                graceful_shutdown_timeout=grace,
            )
        )
    if options.PAYMENT in pools:
        payment = PaymentSteps(made.payments)
        workers.append(
            Worker(
                client,
                task_queue=options.PAYMENT,
                activities=[
                    payment.authorise,
                    payment.capture,
                    payment.void,
                    payment.refund,
                    payment.look_up_authorisation,
                ],
                max_concurrent_activities=settings.activities,
                graceful_shutdown_timeout=grace,
                disable_eager_activity_execution=True,
            )
        )
    if options.SHIPPING in pools:
        labels = LabelSteps(made.shipping, made.transactions, made.vault)
        workers.append(
            Worker(
                client,
                task_queue=options.SHIPPING,
                activities=[labels.buy_label, labels.buy_return_label, labels.give_back_label],
                max_concurrent_activities=settings.activities,
                graceful_shutdown_timeout=grace,
                disable_eager_activity_execution=True,
            )
        )
    if options.LOCKER in pools:
        lockers = LockerSteps(made.lockers)
        workers.append(
            Worker(
                client,
                task_queue=options.LOCKER,
                activities=[
                    lockers.reserve_compartment,
                    lockers.look_into_compartment,
                    lockers.take_goods_out,
                    lockers.extend_stay,
                    lockers.empty_compartment,
                ],
                max_concurrent_activities=settings.activities,
                graceful_shutdown_timeout=grace,
                disable_eager_activity_execution=True,
            )
        )
    if options.PARTNERS in pools:
        asking = PartnerSteps(made.partners, made.vault)
        workers.append(
            Worker(
                client,
                task_queue=options.PARTNERS,
                activities=[asking.ask_partner, asking.look_at_request, asking.call_off_request],
                max_concurrent_activities=settings.activities,
                graceful_shutdown_timeout=grace,
                disable_eager_activity_execution=True,
            )
        )
    if options.BROKERING in pools:
        reconciling = ReconcilingSteps(PostgresReconciler(made.engine), made.payments)
        brokering = BrokeringSteps(
            made.transactions, made.policy.shipping, partial(tell_order, client), partial(is_running, client)
        )
        workers.append(
            Worker(
                client,
                task_queue=options.BROKERING,
                workflows=[BrokeringRun, ReconciliationRun],
                activities=[
                    brokering.open_run,
                    brokering.decide,
                    brokering.tell_orders,
                    brokering.close_run,
                    reconciling.open_reconciliation,
                    reconciling.read_provider,
                    reconciling.compare_orders,
                    reconciling.compare_rest,
                    reconciling.close_reconciliation,
                ],
                graceful_shutdown_timeout=grace,
            )
        )
    if options.NOTIFICATION in pools:
        workers.append(
            Worker(
                client,
                task_queue=options.NOTIFICATION,
                activities=[NoticeSteps(made.relay()).dispatch_notices],
                graceful_shutdown_timeout=grace,
            )
        )
    if options.APPLICATIONS in pools:
        workers.append(
            Worker(
                client,
                task_queue=options.APPLICATIONS,
                workflows=[ApplicationWorkflow, RetentionWorkflow],
                activities=[ApplicationRecords(made.applications).record_application],
                max_cached_workflows=settings.workflow_cache,
                max_concurrent_workflow_tasks=settings.workflow_tasks,
                max_concurrent_local_activities=settings.local_activities,
                sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_timeout),
                graceful_shutdown_timeout=grace,
            )
        )
    if options.LENDING in pools:
        lending = LendingSteps(made.checks, made.letters, made.banking, made.payouts)
        signing = SigningSteps(made.signatures)
        financing = FinancingSteps(partial(disbursement_plan, made.engine), partial(orders_of, made.engine))
        retention = RetentionSteps(made.archives, made.retention, options.APPLICATIONS)
        workers.append(
            Worker(
                client,
                task_queue=options.LENDING,
                activities=[
                    lending.ask_about_party,
                    lending.send_letter,
                    lending.open_account,
                    lending.replan_account,
                    lending.settle_transaction,
                    lending.look_at_account,
                    lending.pay_out,
                    financing.plan_disbursement,
                    financing.tell_orders_paid,
                    signing.send_envelope,
                    signing.look_at_envelope,
                    signing.void_envelope,
                    retention.archive_application,
                    retention.keep_file,
                    retention.purge_application,
                ],
                max_concurrent_activities=settings.activities,
                graceful_shutdown_timeout=grace,
                disable_eager_activity_execution=True,
            )
        )
    return workers


def _sweeping(client: Client, made: Parts) -> SweepingSteps:
    async def start_again(order_id: OrderId, start: bytes) -> None:
        await start_order(client, await unseal_terms(made.keys, order_id, start))

    return SweepingSteps(
        made.transactions,
        made.events,
        start_again,
        lambda event: deliver(
            event, client=client, payments=made.payments, events=made.events, transactions=made.transactions
        ),
        keep_schedules=partial(keep_schedules, client, made.transactions),
    )


async def keep_house(client: Client) -> None:
    """Have the dispatcher and the sweeper run: started once, found running ever after."""
    await client.start_workflow(
        housekeeping.NoticeDispatchWorkflow.run,
        id=housekeeping.NOTICES_ID,
        task_queue=options.ORDERS,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        static_summary=Readable("Sends customers' and stores' notices"),
    )
    with contextlib.suppress(ScheduleAlreadyRunningError, WorkflowAlreadyStartedError):
        await client.create_schedule(
            housekeeping.SWEEP_ID,
            Schedule(
                action=ScheduleActionStartWorkflow(
                    housekeeping.SweepWorkflow.run,
                    id=housekeeping.SWEEP_ID,
                    task_queue=options.ORDERS,
                    execution_timeout=timedelta(minutes=2),
                ),
                spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=housekeeping.SWEEP_EVERY)]),
                policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(seconds=10)),
            ),
        )


async def reconcile_daily(client: Client) -> None:
    """Have everything compared once a day; whoever has changed or paused the schedule keeps what they made of it."""
    with contextlib.suppress(ScheduleAlreadyRunningError, WorkflowAlreadyStartedError):
        await client.create_schedule(
            SCHEDULE_ID,
            Schedule(
                action=ScheduleActionStartWorkflow(
                    ReconciliationRun.run, ReconciliationStart(), id=SCHEDULE_ID, task_queue=options.BROKERING
                ),
                spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY, offset=timedelta(hours=3))]),
                policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
            ),
        )


async def serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with parts(settings, "throughline-worker") as made:
        client = await made.connect()
        workers = make_workers(client, made, settings.pools or POOLS)
        await keep_house(client)
        await reconcile_daily(client)
        await keep_schedules(client, made.transactions)
        running = [asyncio.create_task(worker.run()) for worker in workers]
        stopping = asyncio.create_task(stop.wait())
        # A worker that fails ends the process: what restarts it must not have to guess.
        await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        # Side by side, so that all together take no longer than the grace.
        await asyncio.gather(*(worker.shutdown() for worker in workers))
        await asyncio.gather(*running)


def main() -> None:
    settings = Settings()
    configure_logging(settings.log_format, settings.log_level)
    # A twentieth of a worker's time went into looking through modules that stay, and young objects that are all in use.
    gc.freeze()
    gc.set_threshold(10_000, 20)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except Exception:
        logging.getLogger("throughline").exception("the worker ended")
        sys.stderr.flush()
        os._exit(1)
    # The SDK's threads may abort the interpreter on its way out, after all work is done: end here.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
