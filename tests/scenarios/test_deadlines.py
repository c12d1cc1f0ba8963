"""Whoever does not act in time: stores, customers, banks, reviewers. Each wait has its end, and says what happens then.

A day takes a second here: a store has 4 s to accept and 2 more after a reminder; customers have 10 s to choose or pay.
"""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LASTING = "tok_expires_7d"


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


@story
async def test_a_silent_store_is_reminded_then_relieved_and_its_late_answer_politely_refused(world: World) -> None:
    shelf = await world.shelf(S001=5, S002=5)
    order = await world.place(sku=shelf.sku, token=LASTING)
    await order.group_reaches("waiting")
    problem = refused(await world.store(order, "accept"), 409, "not-allowed-now")
    assert "Thank you" in problem["detail"]
    assert problem["current"]["status"] == "waiting"
    late = await order.event("late_answer_refused")
    assert late["actor"] == "S001-associate"
    assert await order.events("store_reminded", "store_silent", "choice_asked") == [
        "store_reminded",
        "store_silent",
        "choice_asked",
    ]
    assert (await shelf.at("S001"))["allocated"] == 0
    taken(await order.choose("other_store"))
    moved = next(each for each in (await order.view())["groups"] if each["status"] == "offered")
    assert moved["store_id"] == "S002"
    await order.make_ready(n=moved["n"], store="S002")
    await order.is_handed_over(await order.code(), n=moved["n"], store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=5, S002=4)
    await order.store_told("store_new_order", "store_waiting", store="S001")
    await order.told("order_confirmed", "choice_needed", "choice_applied", "ready_for_pickup", "collected")


@story
async def test_who_does_not_choose_gets_the_default(world: World) -> None:
    shelf = await world.shelf(S001=5, S002=5)
    order = await world.place(sku=shelf.sku, quantity=2, token=LASTING)
    await order.does("reject", {"reason": "damaged"})
    [wait] = (await order.view())["waiting_for"]
    assert (wait["kind"], wait["default"]) == ("choice", "cancel and refund")
    await order.reaches("cancelled")
    assert (await order.event("choice_defaulted"))["data"]["choice"] == "cancel"
    refused(await order.choose("wait"), 409, "not-allowed-now")
    await order.money_rests(authorised=9998)
    await shelf.adds_up(S001=3, S002=5)
    await order.told("order_confirmed", "choice_needed", "order_cancelled")


@story
async def test_stock_that_never_comes_ends_the_wait(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await world.place(sku=shelf.sku, token=LASTING)
    await order.does("reject", {"reason": "not_in_stock"})
    taken(await order.choose("wait"))
    await order.reaches("cancelled")
    assert (await order.event("units_cancelled"))["reason"] == "inventory"
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=0)
    await order.told("order_confirmed", "choice_needed", "choice_applied", "order_cancelled")


@story
async def test_a_store_that_is_late_with_picking_is_reminded_once(world: World) -> None:
    order = await world.place(token=LASTING)
    await order.does("accept")
    await order.event("store_reminded")
    await order.store_told("store_new_order", "store_waiting")
    await order.pick()
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    assert await order.events("store_reminded") == ["store_reminded"]


@story
async def test_a_payment_that_is_never_confirmed_with_the_bank_ends_the_order(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_3ds")
    assert (order.answer["status"], order.answer["next_action"]["kind"]) == ("held", "confirm_payment")
    assert order.answer["next_action"]["deadline"]
    assert (await shelf.at("S001"))["reserved"] == 1
    await order.reaches("cancelled")
    assert (await order.event("units_cancelled"))["reason"] == "declined"
    await order.money_rests()
    await shelf.adds_up(S001=5)
    await order.told("action_needed", "order_cancelled")
    await order.store_told()


@story
async def test_what_is_paid_in_store_and_never_collected_costs_nobody_anything(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, tender="pay_in_store")
    await order.make_ready()
    await order.reaches("cancelled")
    await order.does("put-back")
    await order.money_rests()
    await shelf.adds_up(S001=5)


@story
async def test_a_review_without_an_answer_ends_the_order(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, ref="C-REVIEW", token=LASTING)
    [hold] = order.answer["holds"]
    assert (hold["kind"], hold["owner"], hold["default"]) == ("fraud", "fraud screening", "cancel")
    await order.reaches("cancelled")
    assert (await order.event("units_cancelled"))["reason"] == "fraud"
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=5)


@story
async def test_an_approval_that_is_not_given_ends_the_order(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, channel="social", price=50_001, token=LASTING)
    assert [hold["kind"] for hold in order.answer["holds"]] == ["approval"]
    await order.reaches("cancelled")
    await order.money_rests(authorised=50_001)
    await shelf.adds_up(S001=5)


@story
async def test_a_hold_ends_as_it_was_said_to_be(world: World) -> None:
    shelf = await world.shelf(S001=5)
    kept, lost = await world.place(sku=shelf.sku, token=LASTING), await world.place(sku=shelf.sku, token=LASTING)
    until = later(seconds=3)
    for order, default in ((kept, "release"), (lost, "cancel")):
        hold = {"kind": "manual", "reason": "somebody calls", "deadline": until, "default": default}
        taken(await order.ask("holds", hold))
        assert await order.status() == "held"
    await lost.reaches("cancelled")
    await kept.reaches("in_progress")
    assert (await kept.event("hold_resolved"))["data"]["outcome"] == "release"
    await kept.make_ready()
    await kept.is_handed_over(await kept.code())
    await kept.reaches("completed")
    await lost.money_rests(authorised=4999)
    await kept.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_the_stores_clock_stands_still_while_the_order_is_held(world: World) -> None:
    """Held for longer than the store has to accept: nobody blames the store."""
    order = await world.place(token=LASTING)
    taken(
        await order.ask(
            "holds", {"kind": "manual", "reason": "wait", "deadline": later(seconds=9), "default": "release"}
        )
    )
    await order.event("hold_resolved")
    assert (await order.group())["status"] == "offered"
    assert await order.events("store_reminded", "store_silent") == []
    await order.does("accept")
    taken(await order.cancel())
    await order.reaches("cancelled")
