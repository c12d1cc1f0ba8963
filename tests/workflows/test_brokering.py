"""Runs: who waits is decided together, an order takes a decision or refuses it, and room comes back to where it was."""

from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import pytest

from activities.brokering import BrokeringSteps, Opening, Step
from adapters.brokering.port import Assignment, Run, RunCounts, RunState
from adapters.places.port import Capacity
from domain.actors import Channel
from domain.carriage import ParcelStatus
from domain.holds import HoldKind, HoldOutcome
from domain.ids import StoreId
from domain.policy_packs import STANDARD
from domain.refusals import RefusalKind
from domain.sourcing import REJECTED, QueueClass, QueueRuns
from domain.stock import RejectReason
from gateway.brokering import tell_order
from tests.workflows.brokering_journeys import QUEUE, broker, last_run, queued, under, waiting_rules
from tests.workflows.shop import OPS, Shop
from tests.workflows.watched import new_id
from tests.workflows.working import OpenShop
from workflows import messages, options
from workflows.brokering import BrokeringRun, RunStart
from workflows.order import OrderWorkflow

pytestmark = pytest.mark.stack

Before = Callable[[Assignment], Awaitable[None]]


@pytest.fixture
def stock() -> dict[str, int]:
    """What the shop's stores have."""
    return {"s1": 20, "s2": 20}


@pytest.fixture
async def shop(open_shop: OpenShop, stock: dict[str, int]) -> AsyncIterator[Shop]:
    """Its orders that come over social media wait for runs."""
    shop = await open_shop(**stock)
    async with under(shop, waiting_rules()):
        yield shop


tight = pytest.mark.parametrize("stock", [{"s1": 6, "s2": 5}], ids=["tight"])
"""Just what one order of five and one of six want."""


async def limit(shop: Shop, number: int, concurrent: int | None) -> None:
    async with shop.transactions.begin() as books:
        place = await books.places.place(shop.store(number))
        assert place is not None
        await books.places.put(place.model_copy(update={"capacity": Capacity(concurrent=concurrent)}))


async def taken_on(shop: Shop) -> dict[StoreId, int]:
    """Parcels that places have open."""
    async with shop.transactions.begin() as books:
        days = {shop.store(number): (await shop.clock()).date() for number in (1, 2)}
        used = await books.capacity.used(days)
    return {place: each.open for place, each in used.items() if each.open}


def steps(shop: Shop, before: Before | None = None, *, tells: bool = True) -> BrokeringSteps:
    """The steps of a run in this process. `before`: what happens just before an order is told."""

    async def tell(run: Run, assignment: Assignment, number: int) -> RefusalKind | None:
        if before is not None:
            await before(assignment)
        return await tell_order(shop.client, run, assignment, number)

    async def is_running(run: str) -> bool:
        return False

    return BrokeringSteps(shop.transactions, STANDARD.shipping, tell, is_running)


async def play(shop: Shop, before: Before | None = None, queue: str = QUEUE) -> RunCounts:
    """A whole run, step by step."""
    run, at, made = f"run-{new_id()}", await shop.clock(), steps(shop, before)
    await made.open_run(Opening(run=run, queue=queue, by="a test", at=at))
    step = Step(run=run, at=at)
    while (await made.decide(step)).looked_at:
        if (await made.tell_orders(step)).open:
            alone = step.model_copy(update={"alone": True})
            await made.decide(alone)
            await made.tell_orders(alone)
    return await made.close_run(step)


async def test_no_store_hears_of_an_order_before_its_run_and_nobody_else_gets_its_stock(shop: Shop) -> None:
    order = await queued(shop, 20)
    group = (await order.record()).groups[0]
    assert (group.store_id, group.queue, await taken_on(shop)) == (None, QUEUE, {})
    assert "store_offered" not in await order.events()
    other = await shop.place_to_ship(20)
    assert (await other.record()).groups[0].store_id == shop.store(2)
    assert (await shop.place_to_ship(1)).refusal.kind is RefusalKind.OUT_OF_STOCK
    assert await broker(shop) == RunCounts(looked_at=1, brokered=1, parts=1)
    group = (await order.record()).groups[0]
    assert (group.store_id, group.status, group.queue) == (shop.store(1), "offered", None)
    for each in (order, other):
        await each.cancel()
        await each.ended()
    assert await taken_on(shop) == {}
    assert await shop.on_hand() == {1: 20, 2: 20}


@tight
async def test_a_run_splits_less_than_orders_that_come_one_after_the_other(shop: Shop) -> None:
    """Each has some of what the other needs, to the last unit."""
    five, six = await queued(shop, 5), await queued(shop, 6)
    assert {n: level.reserved for n, level in (await shop.levels()).items()} == {1: 6, 2: 5}
    assert await broker(shop) == RunCounts(looked_at=2, brokered=2, parts=2)
    assert [group.store_id for group in (await five.record()).groups] == [shop.store(2)]
    assert [group.store_id for group in (await six.record()).groups] == [shop.store(1)]
    assert {n: level.allocated for n, level in (await shop.levels()).items()} == {1: 6, 2: 5}
    for order in (five, six):
        await order.cancel()
        await order.ended()
    assert await shop.on_hand() == {1: 6, 2: 5}


@pytest.mark.parametrize("stock", [{"s1": 20}], ids=["one place"])
async def test_what_a_place_cannot_take_on_stays_in_the_queue_with_its_stock(shop: Shop) -> None:
    await limit(shop, 1, 1)
    first, second = await queued(shop), await queued(shop)
    assert await broker(shop) == RunCounts(looked_at=2, brokered=1, parts=1, kept=1)
    if (await first.record()).groups[0].status == "queued":
        first, second = second, first
    assert (await second.record()).groups[0].status == "queued"
    assert (await shop.levels())[1].reserved == 2
    assert await broker(shop) == RunCounts(looked_at=1, kept=1)
    await first.make_packed(2)
    await first.carrier_says(await first.ship(), ParcelStatus.DELIVERED)
    await first.ended()
    assert (await broker(shop)).brokered == 1
    await second.cancel()
    await second.ended()
    assert await taken_on(shop) == {}
    assert await shop.on_hand() == {1: 18}


async def test_an_order_that_is_cancelled_while_it_is_decided_refuses_and_the_room_comes_back(shop: Shop) -> None:
    order = await queued(shop)

    async def cancel(_: Assignment) -> None:
        assert await taken_on(shop) == {shop.store(1): 1}
        await order.cancel()
        await order.ended()

    assert await play(shop, cancel) == RunCounts(looked_at=1, refused=1)
    assert await taken_on(shop) == {}
    assert await shop.on_hand() == {1: 20, 2: 20}


@tight
@pytest.mark.parametrize("cancelled", [1, 6])
async def test_an_order_whose_stock_was_moved_and_that_cancels_frees_all_of_it(shop: Shop, cancelled: int) -> None:
    five, six = await queued(shop, 5), await queued(shop, 6)

    async def cancel(assignment: Assignment) -> None:
        assert assignment.moved
        if assignment.order_id == six.order_id:
            await six.cancel(cancelled)

    assert await play(shop, cancel) == RunCounts(looked_at=2, brokered=1, parts=1, refused=1)
    levels = await shop.levels()
    assert sum(level.reserved + level.allocated for level in levels.values()) == 11 - cancelled
    assert await taken_on(shop) == {shop.store(2): 1}
    if cancelled < 6:
        assert (await broker(shop)).brokered == 1
        await six.cancel()
    await five.cancel()
    for order in (five, six):
        await order.ended()
    assert await taken_on(shop) == {}
    assert await shop.on_hand() == {1: 6, 2: 5}


async def test_a_held_order_refuses_and_is_brokered_by_the_next_run(shop: Shop) -> None:
    order = await queued(shop)
    hold = messages.PlaceHold(command_id=new_id(), actor=OPS, hold_kind=HoldKind.MANUAL, reason="a question")
    held = await order.tell(OrderWorkflow.place_hold, hold)
    assert held.hold_id is not None
    assert await broker(shop) == RunCounts(looked_at=1, refused=1)
    assert await taken_on(shop) == {}
    release = messages.ResolveHold(
        command_id=new_id(), actor=OPS, hold_id=held.hold_id, outcome=HoldOutcome.RELEASE, reason="answered"
    )
    await order.tell(OrderWorkflow.resolve_hold, release)
    assert (await broker(shop)).brokered == 1
    await order.cancel()
    await order.ended()


async def test_what_a_run_had_begun_that_was_cut_off_the_next_one_finishes(shop: Shop) -> None:
    order = await queued(shop)
    at, made, name = await shop.clock(), steps(shop), f"run-{new_id()}"
    await made.open_run(Opening(run=name, queue=QUEUE, by="a test", at=at))
    for _ in range(2):  # repeating the step changes nothing
        assert (await made.decide(Step(run=name, at=at))).open == 1
    assert await taken_on(shop) == {shop.store(1): 1}
    assert await play(shop) == RunCounts()
    assert (await order.record()).groups[0].status == "offered"
    async with shop.transactions.begin() as books:
        ended = await books.brokering.run(name)
    assert ended is not None
    assert (ended.state, ended.counts.brokered) == (RunState.CUT_OFF, 1)
    await order.cancel()
    await order.ended()
    assert await taken_on(shop) == {}


async def test_a_decision_is_taken_once_however_often_it_is_told(shop: Shop) -> None:
    order = await queued(shop)

    async def told_before(assignment: Assignment) -> None:
        run = await last_run(shop)
        for number in (1, 7):  # the same message, and one that the server does not know
            assert await tell_order(shop.client, run, assignment, number) is None

    assert (await play(shop, told_before)).brokered == 1
    assert (await order.events()).count("brokered") == 1
    assert await taken_on(shop) == {shop.store(1): 1}
    await order.cancel()
    await order.ended()


async def test_what_no_run_comes_for_is_brokered_by_itself(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20, s2=20)
    async with under(shop, waiting_rules(longest_wait_seconds=1)):
        order = await queued(shop)
        await order.until(lambda view: view.groups[0].status == "offered")
        assert (await order.record()).groups[0].store_id == shop.store(1)
        assert (await broker(shop)).looked_at == 0
        await order.cancel()
    await order.ended()
    assert await shop.on_hand() == {1: 20, 2: 20}


async def test_declined_lines_wait_in_the_queue_of_their_class_and_nowhere_else(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20, s2=20)
    declined = QueueClass(queue=REJECTED, taken_back=True, channels=(Channel.SOCIAL,))
    rules = waiting_rules().model_copy(
        update={"classes": (declined,), "runs": (QueueRuns(queue=REJECTED, every_seconds=86_400),)}
    )
    async with under(shop, rules):
        order = await shop.place_to_ship(2, channel="social")
        assert (await order.record()).groups[0].status == "offered"
        await order.reject(RejectReason.CLOSED)
        await order.until(lambda view: view.groups[-1].queue == REJECTED and view.groups[-1].status == "queued")
        async with shop.transactions.begin() as books:
            assert await books.brokering.queue_of(order.order_id, 2) == REJECTED
            assert await books.brokering.queue_of(order.order_id, 1) is None
        assert (await broker(shop, REJECTED)).brokered == 1
        await order.until(lambda view: view.groups[-1].status == "offered")
        await order.reject(RejectReason.CLOSED, n=2)
        await order.until(lambda view: len(view.groups) == 3 and view.groups[-1].status == "queued")
        assert (await broker(shop, REJECTED)).unfillable == 1
        await order.until(lambda view: view.groups[-1].queue == "unfillable")
        async with shop.transactions.begin() as books:
            assert await books.brokering.queue_of(order.order_id, 3) == "unfillable"
        await order.cancel()
        await order.ended()
        async with shop.transactions.begin() as books:
            assert await books.brokering.queue_of(order.order_id, 3) is None
    assert await taken_on(shop) == {}
    assert await shop.on_hand() == {1: 20, 2: 20}


async def test_a_long_queue_is_brokered_page_by_page_over_several_histories(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20, s2=20)
    async with under(shop, waiting_rules(batch=1)):
        orders = [await queued(shop, 1) for _ in range(3)]
        handle = await shop.client.start_workflow(
            BrokeringRun.run,
            RunStart(queue=QUEUE, pages=1),
            id=f"brokering/{QUEUE}-{new_id()}",
            task_queue=options.BROKERING,
        )
        assert await handle.result() == RunCounts(looked_at=3, brokered=3, parts=3)
        first = await shop.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).describe()
        assert first.status is not None
        assert first.status.name == "CONTINUED_AS_NEW"
        for order in orders:
            await order.cancel()
            await order.ended()


async def test_a_person_assigns_what_waits_for_a_run(shop: Shop) -> None:
    order = await queued(shop, 2)
    await order.assign(2, shop.store(2))
    assert {n: (level.reserved, level.allocated) for n, level in (await shop.levels()).items()} == {
        1: (0, 0),
        2: (0, 2),
    }
    assert (await broker(shop)).looked_at == 0
    await order.cancel()
    await order.ended()


async def test_orders_are_told_no_faster_than_the_runs_of_their_queue_may(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20, s2=20)
    rules = waiting_rules()
    slow = rules.model_copy(update={"runs": (rules.runs[0].model_copy(update={"orders_per_second": 2}),)})
    async with under(shop, slow):
        orders = [await queued(shop, 1) for _ in range(3)]
        before = await shop.clock()
        assert (await broker(shop)).brokered == 3
        assert (await shop.clock() - before).total_seconds() >= 1.5
        offered = sorted(
            [each.at for order in orders for each in await order.timeline() if each.event == "store_offered"]
        )
        apart = [(later - earlier).total_seconds() for earlier, later in pairwise(offered)]
        assert len(apart) == 2, "each is offered once"
        assert min(apart) > 0.25, "and evenly: not all at one moment"
        for order in orders:
            await order.cancel()
            await order.ended()
