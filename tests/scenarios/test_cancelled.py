"""Cancels at every stage: what the plan says is done, the money is freed, the units are sold again."""

from typing import Any

import pytest

from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def units(plan: dict[str, Any], part: str) -> int:
    return sum(each["quantity"] for each in plan[part])


@story
async def test_a_preview_changes_nothing_and_the_cancel_does_what_it_said(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=2)
    before = await order.view()
    preview = taken(await order.cancel(preview=True))
    assert await order.view() == before
    assert (units(preview["plan"], "release"), preview["plan"]["void"], preview["plan"]["refund"]) == (2, 9998, 0)
    done = taken(await order.cancel(key=f"cancel-{order.id}"))
    assert done["plan"] == preview["plan"]
    again = await order.cancel(key=f"cancel-{order.id}")
    assert (again.json(), again.headers["idempotency-replayed"]) == (done, "true")
    await order.reaches("cancelled")
    problem = refused(await order.cancel(), 409, "not-allowed-now")
    assert problem["current"]["status"] == "cancelled"
    nothing = taken(await order.cancel(preview=True))["plan"]
    assert (units(nothing, "release"), nothing["void"], nothing["refund"]) == (0, 0, 0)
    await order.money_rests(authorised=9998)
    await shelf.adds_up(S001=10)
    await order.told("order_confirmed", "order_cancelled")


@story
async def test_cancelled_while_held_nothing_was_offered_to_a_store(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, token="tok_3ds")
    assert order.answer["status"] == "held"
    taken(await order.cancel())
    await order.reaches("cancelled")
    assert await order.events("store_offered") == []
    await order.money_rests()
    assert {entry["status"] for entry in await world.provider_ledger(order.id) if entry["amount"]} <= {
        "reversed",
        "succeeded",
    }
    await shelf.adds_up(S001=10)
    await order.told("action_needed", "order_cancelled")
    await order.store_told()


@story
async def test_cancelled_while_offered(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku)
    taken(await order.cancel(reason="staff"))
    await order.reaches("cancelled")
    refused(await world.store(order, "accept"), 409, "not-allowed-now")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=10)
    event = await order.event("units_cancelled")
    assert (event["reason"], event["actor"]) == ("staff", "web")


@story
async def test_cancelled_after_the_store_accepted_it_is_told_to_stop(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku)
    await order.does("accept")
    taken(await order.cancel())
    await order.reaches("cancelled")
    refused(await world.store(order, "pick", {"lines": [{"line_id": "1", "quantity": 1}]}), 409, "not-allowed-now")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=10)
    await order.store_told("store_new_order", "store_cancelled_while_picking")


@story
async def test_cancelled_while_picking_the_store_puts_the_units_back(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("accept")
    await order.pick()
    plan = taken(await order.cancel())["plan"]
    assert (units(plan, "release"), units(plan, "recall"), plan["void"]) == (0, 2, 9998)
    await order.reaches("cancelled")
    level = await shelf.at("S001")
    assert (level["set_aside"], level["available"]) == (2, 8)
    [task] = await world.tasks("S001", order)
    assert (task["task"], task["lines"][0]["quantity"]) == ("put_back", 2)
    await order.does("put-back", {"lines": [{"line_id": "1", "quantity": 1}]})
    assert (await shelf.at("S001"))["available"] == 9
    refused(await world.store(order, "put-back", {"lines": [{"line_id": "1", "quantity": 2}]}), 422, "too-many-units")
    await order.does("put-back")
    await order.does("put-back")
    await order.money_rests(authorised=9998)
    await shelf.adds_up(S001=10)
    await order.store_told("store_new_order", "store_put_back")


@story
async def test_cancelled_while_ready_the_code_opens_nothing_any_more(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    code = await order.code()
    taken(await order.cancel())
    problem = refused(await order.hand_over(code), 409, "not-allowed-now")
    assert problem["current"]["status"] == "cancelled"
    await order.reaches("cancelled")
    refused(await order.hand_over(code), 409, "not-allowed-now")
    await order.does("put-back")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=10)
    await order.told("order_confirmed", "ready_for_pickup", "order_cancelled")


@story
async def test_what_the_customer_has_stays_and_only_the_rest_is_cancelled(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.make_ready()
    code = await order.code()
    await order.is_handed_over(code, lines={"1": 1})
    plan = taken(await order.cancel())["plan"]
    assert (units(plan, "recall"), units(plan, "refused"), plan["void"], plan["refund"]) == (2, 1, 6667, 0)
    view = await order.reaches("completed")
    assert (view["lines"][0]["handed_over"], view["lines"][0]["cancelled"]) == (1, 2)
    assert (await order.is_handed_over(code))["already"] is True
    await order.does("put-back")
    await order.money_rests(authorised=10000, captured=3333)
    await shelf.adds_up(S001=9)
    await order.told("order_confirmed", "ready_for_pickup", "partly_collected", "lines_cancelled")


@story
async def test_lines_and_quantities_are_cancelled_again_and_again_until_nothing_is_left(world: World) -> None:
    shelf, other = await world.shelf(S001=10), await world.shelf(S001=10)
    order = await world.place(
        lines=[
            {"line_id": "1", "sku": shelf.sku, "quantity": 3, "unit_price": 3334, "discount": 2},
            {"line_id": "2", "sku": other.sku, "quantity": 1, "unit_price": 555},
        ]
    )
    first = taken(await order.cancel(lines=[{"line_id": "1", "quantity": 1}]))
    assert (first["plan"]["void"], first["status"]) == (3333, "in_progress")
    second = taken(await order.cancel(lines=["2"]))
    assert second["plan"]["void"] == 555
    await order.make_ready()
    third = taken(await order.cancel(lines=[{"line_id": "1", "quantity": 1}]))
    assert (units(third["plan"], "recall"), third["plan"]["void"]) == (1, 3333)
    refused(await order.cancel(lines=["2"]), 409, "not-allowed-now")
    refused(await order.cancel(lines=["9"]), 422, "validation")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.does("put-back")
    await order.money_rests(authorised=10555, captured=3334)
    await shelf.adds_up(S001=9)
    await other.adds_up(S001=10)


@story
async def test_a_cancel_without_notice_tells_the_store_but_not_the_customer(world: World) -> None:
    order = await world.place()
    taken(await order.cancel(notify=False))
    await order.reaches("cancelled")
    await order.told("order_confirmed")
    await order.store_told("store_new_order", "store_cancelled_while_picking")


@story
async def test_a_completed_order_cannot_be_cancelled(world: World) -> None:
    order = await world.place()
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    problem = refused(await order.cancel(), 409, "not-allowed-now")
    assert problem["current"]["status"] == "completed"
    assert "returned" in problem["detail"]
    await order.money_rests(authorised=4999, captured=4999)


@story
async def test_what_waits_for_the_customers_choice_can_always_be_cancelled(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await world.place(sku=shelf.sku)
    await order.does("reject", {"reason": "not_in_stock"})
    plan = taken(await order.cancel())["plan"]
    assert (units(plan, "release"), plan["void"]) == (1, 4999)
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=0)
