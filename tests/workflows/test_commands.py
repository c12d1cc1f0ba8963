"""How an order takes commands: each is done once or refused with a reason, however it comes."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.refusals import Refused
from domain.views import OrderView
from gateway.commands import Ended
from gateway.starting import start_order
from tests.workflows.journeys import quick
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder, new_id
from tests.workflows.working import OpenShop
from workflows import messages, options
from workflows.order import OrderWorkflow

pytestmark = pytest.mark.stack

IN_FLIGHT = 9
"""A Temporal server takes ten updates of one workflow at a time."""


def two_pickups(shop: Shop) -> dict[str, Any]:
    """What makes an order of two units at the first store and one at the second."""
    line = {"sku": shop.sku, "unit_price": PRICE, "tax": 798}
    return {
        "quantity": 3,
        "lines": [
            {"line_id": "1", "quantity": 2, "fulfilment": "f1", **line},
            {"line_id": "2", "quantity": 1, "fulfilment": "f2", **line},
        ],
        "fulfilments": [
            {"id": "f1", "method": "pickup", "store_id": shop.store(1)},
            {"id": "f2", "method": "pickup", "store_id": shop.store(2)},
        ],
    }


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop(s1=100, s2=20)


async def test_an_order_placed_many_times_at_once_is_placed_once(shop: Shop) -> None:
    terms = await shop.terms(2)
    await shop.bind(terms)
    fates = await asyncio.gather(*(start_order(shop.client, terms) for _ in range(10)))
    assert len({fate.model_dump_json() for fate in fates}) == 1
    order = shop.watch(terms, fates[0])
    assert await order.money() == ["authorise 9998"]
    await order.cancel()
    await order.ended()
    again = await start_order(shop.client, terms)
    assert (again.order_id, again.refusal) == (terms.order_id, None)
    assert await order.money() == ["authorise 9998", "void 9998"]


async def test_an_update_id_that_comes_again_gets_the_first_answer(shop: Shop) -> None:
    order = await shop.place(2)
    command = messages.Accept(**order.store())
    first = await order.tell(OrderWorkflow.accept, command)
    await order.pick(2)
    assert await order.tell(OrderWorkflow.accept, command) == first
    other_content = messages.Accept(**order.store(n=7, command_id=command.command_id))
    assert await order.tell(OrderWorkflow.accept, other_content) == first
    assert (await order.events()).count("store_accepted") == 1


async def test_a_hand_over_repeated_under_another_id_changes_nothing(shop: Shop) -> None:
    order = await shop.place(**two_pickups(shop))
    await order.make_ready(2)
    first = await order.hand_over()
    second = await order.hand_over()
    assert (first.already, second.already) == (False, True)
    assert first.group.hand_overs == second.group.hand_overs
    await order.cancel()
    await order.ended()
    assert await order.money() == ["authorise 14997", "capture 9998", "void 4999"]


async def test_a_hand_over_that_an_offline_store_reports_late_counts_if_it_was_in_time(shop: Shop) -> None:
    """Two pickups, so that the order is still open when the first one's window is over."""
    shop.policy = quick(window=1, expiring_notice=0)
    order = await shop.place(**two_pickups(shop))
    ready = await order.make_ready(2)
    assert ready.group.deadline is not None
    await order.until(lambda view: view.groups[0].status == "expired" and view.payment.voided == 9998)
    too_late = order.hand_over(at=ready.group.deadline)
    assert await order.refused(too_late) == "not-allowed-now"
    late = await order.hand_over(at=ready.group.deadline - timedelta(milliseconds=500))
    assert (late.group.status, late.group.put_back) == ("collected", {})
    await order.until(lambda view: view.payment.authorised == PRICE)
    await order.accept(n=2)
    await order.tell(OrderWorkflow.pick, messages.Pick(**order.store(n=2, lines={"2": 1})))
    await order.stage(n=2)
    await order.hand_over(n=2)
    view = await order.ended()
    assert (view.status, view.payment.captured) == ("completed", 14997)
    assert await shop.on_hand() == {1: 98, 2: 19}


async def test_a_command_that_saw_an_older_version_is_refused(shop: Shop) -> None:
    order = await shop.place(2)
    seen = (await order.record()).version
    accepted = await order.accept(version=seen)
    assert accepted.version == seen + 1
    assert await order.refused(order.pick(2, version=seen)) == "stale-version"
    assert (await order.record()).groups[0].status == "accepted"
    await order.pick(2, version=accepted.version)


async def test_commands_out_of_their_time_are_refused_and_change_nothing(shop: Shop) -> None:
    order = await shop.place(2)
    before = await order.record()
    commands = [
        order.stage(),
        order.hand_over(),
        order.extend(before.placed_at + timedelta(days=9)),
        order.pick(3),
        order.accept(n=9),
        order.put_back(n=9),
        order.choose(messages.ChoiceOption.WAIT),
    ]
    kinds = [await order.refused(command) for command in commands]
    off, many, unknown = "not-allowed-now", "too-many-units", "not-found"
    assert kinds == [off, off, off, many, unknown, unknown, off]
    assert await order.record() == before


# --- fire and forget -------------------------------------------------------------------------------------------------


async def test_a_store_that_fires_and_forgets_reaches_the_order_and_its_refusals_are_shown(shop: Shop) -> None:
    order = await shop.place(2)
    for command in (
        messages.Accept(**order.store()),
        messages.Pick(**order.store(lines={"1": 9})),
        messages.Pick(**order.store(lines={"1": 2})),
        messages.MakeReady(**order.store()),
    ):
        await order.handle.signal(OrderWorkflow.store_command, command)
    await order.until(lambda view: view.groups[0].status == "ready")
    [refused] = await order.until_event("command_refused")
    assert (refused.actor.kind, refused.data.model_dump()["command"]) == ("store", "pick")
    assert refused.reason == "Line 1 has 2 such units in this pickup, not 9."
    wanted = ["store_accepted", "command_refused", "picked", "ready"]
    assert [event for event in await order.events() if event in wanted] == wanted


async def test_signals_and_updates_that_nobody_can_read_leave_the_order_alone(shop: Shop) -> None:
    order = await shop.place(2)
    before = await order.record()
    await order.handle.signal("store_command", {"kind": "nonsense"})
    await order.handle.signal("no_such_signal", 7)
    with pytest.raises(WorkflowUpdateFailedError):
        await order.handle.execute_update("accept", {"n": "one"}, id=new_id())
    assert await order.record() == before
    await order.accept()


async def test_a_signal_without_its_message_does_not_block_the_order(shop: Shop) -> None:
    order = await shop.place(2)
    await order.handle.signal("payment_event")
    try:
        await asyncio.wait_for(order.accept(), 3)
    finally:
        await order.handle.terminate("the test is over")


async def test_a_start_that_nobody_can_read_fails_at_once(shop: Shop) -> None:
    terms = await shop.terms(2)
    await shop.bind(terms)
    order = shop.watch(terms)
    await shop.client.start_workflow(
        "OrderWorkflow", {"terms": {"nonsense": 1}}, id=order.handle.id, task_queue=options.ORDERS
    )
    with pytest.raises(WorkflowFailureError):
        await asyncio.wait_for(order.handle.result(), 10)
    assert not await order.is_recorded()
    with pytest.raises((WorkflowAlreadyStartedError, WorkflowFailureError)):
        await start_order(shop.client, terms)


# --- at the same moment ----------------------------------------------------------------------------------------------


async def test_of_a_hand_over_and_a_cancel_in_the_same_moment_exactly_one_wins(shop: Shop) -> None:
    async def race(number: int) -> tuple[WatchedOrder, OrderView]:
        order = await shop.place(2)
        await order.make_ready(2)
        rivals = [order.hand_over(), order.cancel()]
        answers = await asyncio.gather(*(rivals if number % 2 else reversed(rivals)), return_exceptions=True)
        [loser] = [answer for answer in answers if isinstance(answer, BaseException)]
        # The winner may have been the order's last command: then its record answers the other one.
        assert isinstance(loser, Ended) or (isinstance(loser, Refused) and loser.refusal.kind == "not-allowed-now"), (
            loser
        )
        return order, await order.ended()

    for order, view in await asyncio.gather(*(race(number) for number in range(8))):
        given = view.status == "completed"
        assert await order.money() == ["authorise 9998", "capture 9998" if given else "void 9998"]
        events = await order.events()
        assert ("handed_over" in events, "units_cancelled" in events) == (given, not given)


async def test_of_a_hand_over_and_the_end_of_the_window_in_the_same_second_exactly_one_wins(shop: Shop) -> None:
    shop.policy = quick(window=2.5, expiring_notice=0)

    async def race(number: int) -> tuple[WatchedOrder, OrderView, bool]:
        order = await shop.place(2)
        ready = await order.make_ready(2)
        assert ready.group.deadline is not None
        moment = ready.group.deadline + timedelta(seconds=0.25 * (number - 3))
        await asyncio.sleep((moment - datetime.now(UTC)).total_seconds())
        try:
            given = (await order.hand_over()).group.status == "collected"
        except (Refused, Ended):
            given = False
        return order, await order.ended(), given

    for order, view, given in await asyncio.gather(*(race(number) for number in range(8))):
        assert (view.status, view.groups[0].status) == (
            ("completed", "collected") if given else ("cancelled", "expired")
        )
        assert await order.money() == ["authorise 9998", "capture 9998" if given else "void 9998"]
        assert view.groups[0].put_back == ({} if given else {"1": 2})


async def test_twenty_commands_at_once_are_each_done_once_or_refused(shop: Shop) -> None:
    order = await shop.place(30)
    await order.accept()
    commands = [
        *(order.accept() for _ in range(2)),
        *(order.pick(30) for _ in range(2)),
        *(order.stage() for _ in range(3)),
        *(order.hand_over(2) for _ in range(5)),
        *(order.cancel(1) for _ in range(5)),
        order.extend(order.terms.placed_at + timedelta(days=10)),
        order.hand_over(code_serials=[]),
        order.choose(messages.ChoiceOption.WAIT),
    ]
    assert len(commands) == 20
    gate = asyncio.Semaphore(IN_FLIGHT)

    async def through(command: Awaitable[Any]) -> Any:
        async with gate:
            return await command

    answers = await asyncio.gather(*(through(command) for command in commands), return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, BaseException) and not isinstance(answer, Refused)] == []
    done = [answer for answer in answers if not isinstance(answer, BaseException) and not getattr(answer, "already", 0)]
    versions = [answer.version for answer in done]
    assert len(set(versions)) == len(versions)
    events = await order.events()
    assert len(done) == sum(
        events.count(event) for event in ("picked", "ready", "handed_over", "units_cancelled", "window_extended")
    )
    await order.audit()

    await order.cancel()
    view = await order.ended()
    [line] = view.lines
    assert line.handed_over == 2 * events.count("handed_over")
    assert view.payment.captured == PRICE * line.handed_over
    assert (await shop.levels())[1].on_hand == 100 - line.handed_over


async def test_more_commands_at_once_than_the_server_takes_move_no_unit_twice(open_shop: OpenShop) -> None:
    """By default the server takes ten updates of an order at a time; ours takes more (`workers/stack/temporal.py`)."""

    async def crowded() -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        shop = await open_shop(s1=100)
        order = await shop.place(30)
        await order.make_ready(30)
        rivals = [command for _ in range(8) for command in (order.hand_over(1), order.cancel(1))]
        await asyncio.gather(*rivals, return_exceptions=True)
        [line] = (await order.record()).lines
        level = (await shop.levels())[1]
        moved = (level.on_hand, level.allocated, level.set_aside)
        return moved, (100 - line.handed_over, line.ready, line.cancelled)

    for moved, recorded in await asyncio.gather(*(crowded() for _ in range(5))):
        assert moved == recorded


async def test_versions_and_timeline_only_grow(shop: Shop) -> None:
    order = await shop.place(2)
    seen = [(await order.record()).version]

    async def watch() -> None:
        while True:
            seen.append((await order.record()).version)
            await asyncio.sleep(0.005)

    watching = asyncio.create_task(watch())
    await order.make_ready(2)
    await asyncio.gather(order.hand_over(1), order.cancel(1))
    await order.ended()
    watching.cancel()
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    async with shop.transactions.begin() as books:
        positions = [stored.position for stored in await books.records.timeline(order.order_id, after=0, limit=100)]
    assert positions == sorted(set(positions))
