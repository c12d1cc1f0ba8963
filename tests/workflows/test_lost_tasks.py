"""A task that recorded a milestone and died is done again, and something else may be decided first: what counts then?

A reset of the workflow to a task before the milestone makes just that: the records know more than the workflow.
"""

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType, ResetReapplyExcludeType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from domain.holds import HoldKind, HoldOutcome
from domain.ids import CommandId
from tests.workflows.watched import WatchedOrder, new_id
from tests.workflows.working import OpenShop
from workflows.messages import PlaceHold, ResolveHold
from workflows.order import OrderWorkflow

pytestmark = pytest.mark.stack

ACCEPTED = {"command_id": CommandId("the-store-accepts")}


async def forget_the_last_task(order: WatchedOrder) -> None:
    """What it recorded is done, as far as we know; Temporal has never heard of it."""
    history = await order.handle.fetch_history()
    completed = [e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    await order.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=order.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=order.handle.id),
            reason="the worker died after it had recorded what this task did",
            workflow_task_finish_event_id=completed[-1],
            request_id=new_id(),
            reset_reapply_exclude_types=[ResetReapplyExcludeType.RESET_REAPPLY_EXCLUDE_TYPE_UPDATE],
        )
    )


async def told(order: WatchedOrder) -> list[str]:
    return [entry.event.value for entry in await order.timeline()]


async def test_what_is_decided_instead_is_what_stands(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    order = await shop.place(2)
    placed = await told(order)
    await order.accept(**ACCEPTED)
    assert "store_accepted" in await told(order)

    await forget_the_last_task(order)
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    events = await told(order)
    assert events[: len(placed)] == placed, "what came before stays"
    assert "store_accepted" not in events
    assert len(events) == len(set(events)), "nothing is told twice"
    assert await shop.on_hand() == {1: 20}


async def test_what_is_done_again_later_moves_nothing_twice(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    order = await shop.place(2)
    await order.accept(**ACCEPTED)

    await forget_the_last_task(order)
    hold = PlaceHold(**order.customer(), hold_kind=HoldKind.MANUAL, reason="somebody calls")
    held = await order.tell(OrderWorkflow.place_hold, hold)
    record = await order.record()
    assert record.holds, "the hold is on record, under the number that the acceptance had"
    assert record.version == held.version
    assert "store_accepted" not in await told(order)

    assert held.hold_id is not None
    released = {"hold_id": held.hold_id, "outcome": HoldOutcome.RELEASE, "reason": "it is fine"}
    await order.tell(OrderWorkflow.resolve_hold, ResolveHold(**order.customer(), **released))
    await order.accept(**ACCEPTED)
    [level] = (await shop.levels()).values()
    assert (level.allocated, level.reserved) == (2, 0)
    await order.pick(2)
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    assert (await told(order)).count("store_accepted") == 1
    assert await shop.on_hand() == {1: 18}


async def test_what_is_decided_in_the_same_way_again_changes_nothing(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    order = await shop.place(2)
    await order.accept(**ACCEPTED)
    before = await order.timeline()

    await forget_the_last_task(order)
    await order.accept(**ACCEPTED)
    assert await order.timeline() == before, "also not the time at which it happened"
    [level] = (await shop.levels()).values()
    assert (level.allocated, level.reserved) == (2, 0)
