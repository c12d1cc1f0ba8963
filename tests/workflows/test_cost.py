"""What one order costs the Temporal server. A change that makes it dearer must be meant: then write the new numbers."""

import pytest
from temporalio.api.enums.v1 import EventType

from tests.workflows.journeys import JOURNEYS
from tests.workflows.shipping_journeys import SHIPPING_JOURNEYS
from tests.workflows.watched import WatchedOrder
from tests.workflows.working import OpenShop

pytestmark = pytest.mark.stack

ALL = JOURNEYS | SHIPPING_JOURNEYS

COSTS = {
    "declined": (10, 1),
    "cancelled_at_once": (23, 2),
    "collected": (47, 5),
    "extended_then_collected": (54, 6),
    "collected_in_parts": (54, 6),
    "refused_at_the_counter": (50, 5),
    "never_collected": (53, 6),
    "rejected_then_waited_for_stock": (73, 8),
    "short_pick_completed_at_another_store": (94, 10),
    "shipped": (61, 7),
    "cancelled_while_packed": (61, 6),
    "lost_and_sent_again": (111, 12),
}
"""Events and workflow tasks of whole journeys, as they are."""
PLACED = (11, 1)
"""From the start until the caller has the answer."""


async def cost(order: WatchedOrder, until: str | None = None) -> tuple[int, int]:
    """Events and workflow tasks, up to the answer of the update `until`."""
    events = (await order.history()).events
    tasks = 0
    for number, event in enumerate(events, start=1):
        tasks += event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        completed = event.workflow_execution_update_completed_event_attributes
        if until and completed.meta.update_id == until:
            return number, tasks
    return len(events), tasks


async def test_placing_takes_one_task(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    # A machine that is busy elsewhere may need a task more now and then, never every time.
    costs = [await cost(await shop.place(1), until="place") for _ in range(3)]
    assert min(costs) == PLACED


@pytest.mark.parametrize("journey", COSTS)
async def test_an_order_costs_no_more_than_it_did(open_shop: OpenShop, journey: str) -> None:
    allowed_events, allowed_tasks = COSTS[journey]
    for _ in range(3):
        events, tasks = await cost(await ALL[journey](await open_shop(s1=20, s2=20)))
        if events <= allowed_events and tasks <= allowed_tasks:
            break
    assert events <= allowed_events
    assert tasks <= allowed_tasks
    assert events > allowed_events - 5, "it has become cheaper: write the new numbers"
