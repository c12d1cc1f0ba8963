"""`/v1/ops/reconciliations/runs`: runs over everything, what they found, and making it right under approval."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from temporalio.common import WorkflowIDConflictPolicy

from activities.compensating import Mender, NotMended
from adapters.reconciling.port import Found, FoundState, Reconciliation, RunState
from domain.ids import derived_id
from gateway.fields import Body, LongText
from gateway.idempotency import CommandRoute, CurrentCommandId
from gateway.paging import CurrentPage, Page
from gateway.problems import Problem, ProblemKind, not_found
from gateway.rights import Readers, Runners
from gateway.services import CurrentServices, Services
from workflows import options
from workflows.reconciling import ReconciliationRun, ReconciliationStart, run_by_hand

MOST_RUNS = 200


Number = Annotated[int, Path(ge=1, le=10**9)]

router = APIRouter(prefix="/v1/ops/reconciliations/runs", route_class=CommandRoute, tags=["ops"])


class DecisionBody(Body):
    reason: LongText


class Runs(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    items: Sequence[Reconciliation]


@router.post("", status_code=201, summary="Compare everything: orders, ledgers, the provider and the stock")
async def begin(caller: Runners, services: CurrentServices, command_id: CurrentCommandId) -> Reconciliation:
    run = run_by_hand(derived_id("reconciliation", command_id))
    begun = Reconciliation(run=run, state=RunState.RUNNING, requested_by=caller.principal.id, started_at=services.now())
    await services.reconciler.open(begun)
    await services.temporal.start_workflow(
        ReconciliationRun.run,
        ReconciliationStart(by=caller.principal.id),
        id=run,
        task_queue=options.BROKERING,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    return await services.reconciler.get(run) or begun


@router.get("", summary="Reconciliations, newest first")
async def find(caller: Readers, services: CurrentServices) -> Runs:
    return Runs(items=await services.reconciler.runs(limit=MOST_RUNS))


@router.get("/{run}", summary="One reconciliation")
async def read(run: str, caller: Readers, services: CurrentServices) -> Reconciliation:
    found = await services.reconciler.get(run)
    if found is None:
        raise not_found()
    return found


@router.get("/{run}/differences", summary="What a reconciliation found, and what became of each")
async def differences(run: str, caller: Readers, services: CurrentServices, page: CurrentPage) -> Page[Found]:
    if await services.reconciler.get(run) is None:
        raise not_found()
    after = int(str(page.after[0])) if page.after is not None else 0
    found = await services.reconciler.found(run, after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    last = shown[-1] if len(found) > page.limit else None
    return page.page(shown, (last.n, last.run) if last else None)


@router.post("/{run}/differences/{n}/apply", summary="Have it made right, as proposed")
async def apply(
    run: str, n: Number, caller: Runners, services: CurrentServices, command_id: CurrentCommandId, body: DecisionBody
) -> Found:
    """What moves more money than one person may alone waits for a second person."""
    found = await _one(services, run, n)
    if found.state not in (FoundState.OPEN, FoundState.FAILED):
        raise _not_now(found)
    asked = found.model_copy(update={"proposed_by": caller.principal.id, "reason": body.reason, "approved_by": None})
    if found.difference.needs_second_person:
        waiting = asked.model_copy(update={"state": FoundState.WAITS_FOR_APPROVAL})
        return await _decided(services, waiting, (FoundState.OPEN, FoundState.FAILED))
    return await _mended(services, asked)


@router.post("/{run}/differences/{n}/approve", summary="The second person agrees: it is made right")
async def approve(
    run: str, n: Number, caller: Runners, services: CurrentServices, command_id: CurrentCommandId, body: DecisionBody
) -> Found:
    found = await _one(services, run, n)
    if found.state is not FoundState.WAITS_FOR_APPROVAL:
        raise _not_now(found)
    if found.proposed_by == caller.principal.id:
        raise await caller.refused("needs another person than the one who proposed it")
    return await _mended(services, found.model_copy(update={"approved_by": caller.principal.id}))


@router.post("/{run}/differences/{n}/dismiss", summary="Leave it as it is, with the reason")
async def dismiss(
    run: str, n: Number, caller: Runners, services: CurrentServices, command_id: CurrentCommandId, body: DecisionBody
) -> Found:
    found = await _one(services, run, n)
    undecided = (FoundState.OPEN, FoundState.FAILED, FoundState.WAITS_FOR_APPROVAL)
    if found.state not in undecided:
        raise _not_now(found)
    left = {"state": FoundState.DISMISSED, "proposed_by": caller.principal.id, "reason": body.reason}
    return await _decided(services, found.model_copy(update=left | {"decided_at": services.now()}), undecided)


async def _one(services: Services, run: str, n: int) -> Found:
    found = await services.reconciler.one(run, n)
    if found is None:
        raise not_found()
    return found


async def _mended(services: Services, found: Found) -> Found:
    """Done under a key of its own: whoever does it a second time changes nothing."""
    mender = Mender(services.reconciler, services.payments, services.transactions)
    now = services.now()
    try:
        outcome = await mender.mend(found, now)
        state = FoundState.APPLIED
    except NotMended as fault:
        outcome, state = str(fault), FoundState.FAILED
    made = found.model_copy(update={"state": state, "outcome": outcome, "decided_at": now})
    return await _decided(services, made, (FoundState.OPEN, FoundState.FAILED, FoundState.WAITS_FOR_APPROVAL))


async def _decided(services: Services, found: Found, only_if: Sequence[FoundState]) -> Found:
    if not await services.reconciler.decide(found, only_if=only_if):
        raise _not_now(await _one(services, found.run, found.n))
    return found


def _not_now(found: Found) -> Problem:
    return Problem(ProblemKind.NOT_ALLOWED_NOW, f"This difference is {found.state}.", current=found)
