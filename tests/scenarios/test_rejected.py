"""Stores that cannot serve some or all units: nothing is silently re-sourced, the customer chooses."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import ADDRESS
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@story
async def test_of_a_short_pick_the_rest_comes_from_another_store_and_money_follows_to_the_cent(world: World) -> None:
    shelf = await world.shelf(S001=10, S002=4)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.does("accept")
    picked = await order.pick(_1=2)
    assert [line["quantity"] for line in picked["lines"]] == [2]
    assert sorted(await order.waits()) == [
        "customer chooses how to go on",
        "store makes it ready",
    ]
    await order.does("ready")
    taken(await order.choose("other_store"))
    moved = await order.group(2)
    assert (moved["store_id"], moved["status"]) == ("S002", "offered")
    await order.is_handed_over(await order.code())
    await order.make_ready(n=2, store="S002")
    await order.is_handed_over(await order.code(newest=2), n=2, store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=10000, captured=10000)
    captures = [each["amount"] for each in await world.provider_ledger(order.id) if each["operation"] == "capture"]
    assert captures == [6666, 3334]
    # The unit that was not found proves the count wrong: nothing is left to sell there.
    await shelf.adds_up(S001=0, S002=3)
    await order.told(
        "order_confirmed",
        "choice_needed",
        "ready_for_pickup",
        "choice_applied",
        "collected",
        "ready_for_pickup",
        "collected",
    )


@story
async def test_of_a_short_pick_the_rest_is_cancelled_and_its_share_of_the_discount_too(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(
        lines=[
            {"line_id": "1", "sku": shelf.sku, "quantity": 3, "unit_price": 100, "discount": 200},
            {"line_id": "2", "sku": shelf.sku, "quantity": 2, "unit_price": 333},
        ]
    )
    await order.does("accept")
    await order.pick(_1=2, _2=2)
    taken(await order.choose("cancel"))
    await order.does("ready")
    pickup = await order.is_handed_over(await order.code())
    await order.reaches("completed")
    kept = pickup["hand_overs"][0]["captured"]
    assert kept == 666 + 67
    await order.money_rests(authorised=766, captured=733)
    await shelf.adds_up(S001=0)


@story
async def test_a_rejected_order_goes_where_all_of_it_is(world: World) -> None:
    """The nearest store has one of two: the one that has all is better than the nearest. One abroad is not offered."""
    shelf = await world.shelf(S001=10, S002=1, S003=2, S005=2)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("reject", {"reason": "damaged"})
    assert (await order.group())["status"] == "waiting"
    taken(await order.choose("other_store"))
    moved = next(each for each in (await order.view())["groups"] if each["status"] == "offered")
    assert moved["store_id"] == "S003"
    await order.make_ready(n=moved["n"], store="S003")
    await order.is_handed_over(await order.code(), n=moved["n"], store="S003")
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)
    await shelf.adds_up(S001=8, S002=1, S003=0, S005=2)


@story
async def test_where_no_store_has_all_the_nearest_with_most_takes_what_it_has(world: World) -> None:
    shelf = await world.shelf(S001=10, S002=1, S003=2, S005=2)
    order = await world.place(sku=shelf.sku, quantity=3)
    await order.does("reject", {"reason": "not_in_stock"})
    taken(await order.choose("other_store"))
    groups = {group["store_id"]: group for group in (await order.view())["groups"] if group["status"] == "offered"}
    assert {store: group["lines"][0]["quantity"] for store, group in groups.items()} == {"S003": 2}
    assert await order.waits() != []
    taken(await order.choose("cancel"))
    moved = groups["S003"]["n"]
    await order.make_ready(n=moved, store="S003")
    await order.is_handed_over(await order.code(), n=moved, store="S003")
    await order.reaches("completed")
    await order.money_rests(authorised=14997, captured=9998)
    await shelf.adds_up(S001=0, S002=1, S003=0, S005=2)


@story
async def test_the_customer_names_the_other_store(world: World) -> None:
    shelf = await world.shelf(S001=10, S002=5, S004=5)
    order = await world.place(sku=shelf.sku)
    await order.does("reject", {"reason": "closed"})
    refused(await order.choose("other_store", store_id="S006"), 409, "out-of-stock")
    taken(await order.choose("other_store", store_id="S004"))
    moved = next(each for each in (await order.view())["groups"] if each["status"] == "offered")
    assert moved["store_id"] == "S004"
    refused(await world.store(order, "accept", store="S001"), 409, "not-allowed-now")
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=10, S002=5, S004=5)


@story
async def test_who_waits_is_served_when_stock_comes(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("reject", {"reason": "not_in_stock"})
    taken(await order.choose("wait"))
    assert await order.waits() == ["stock arrives at S001"]
    await shelf.receives("S001", 1)
    await shelf.receives("S001", 4)
    await order.group_reaches("offered")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)
    await shelf.adds_up(S001=3)
    assert "stock_arrived" in await order.events()


@story
async def test_who_waits_is_served_by_what_another_order_gives_back(world: World) -> None:
    shelf = await world.shelf(S001=5)
    waits, cancelled = await world.place(sku=shelf.sku, quantity=2), await world.place(sku=shelf.sku, quantity=3)
    await cancelled.make_ready()
    taken(await cancelled.cancel())
    await waits.does("reject", {"reason": "not_in_stock"})
    taken(await waits.choose("wait"))
    await cancelled.does("put-back", {})
    await waits.group_reaches("offered", patience=60)
    await waits.make_ready()
    await waits.is_handed_over(await waits.code())
    await waits.reaches("completed")
    await shelf.adds_up(S001=1)
    assert "stock_arrived" in await waits.events()


@story
async def test_who_waits_may_still_choose_otherwise(world: World) -> None:
    shelf = await world.shelf(S001=2, S002=2)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("reject", {"reason": "not_in_stock"})
    taken(await order.choose("wait"))
    taken(await order.choose("cancel"))
    await order.reaches("cancelled")
    await order.money_rests(authorised=9998)
    await shelf.adds_up(S001=0, S002=2)
    await order.told("order_confirmed", "choice_needed", "choice_applied", "order_cancelled")


@story
async def test_a_choice_that_cannot_be_is_refused_and_nothing_changes_by_asking(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await world.place(sku=shelf.sku)
    refused(await order.choose("cancel"), 409, "not-allowed-now")
    await order.does("reject", {"reason": "no_variance"})
    before = await order.view()
    for answer in (await order.choose("ship"), await order.choose("wait", address=ADDRESS)):
        problem = refused(answer, 422, "validation")
        assert [error["pointer"] for error in problem["errors"]] == ["/address"]
    assert await order.view() == before
    taken(await order.choose("cancel"))
    await order.reaches("cancelled")
    await shelf.adds_up(S001=2)


@story
async def test_a_store_rejects_one_line_and_serves_the_other(world: World) -> None:
    shelf, other = await world.shelf(S001=5), await world.shelf(S001=5, S002=5)
    order = await world.place(
        lines=[
            {"line_id": "1", "sku": shelf.sku, "quantity": 1, "unit_price": 1999},
            {"line_id": "2", "sku": other.sku, "quantity": 2, "unit_price": 1000, "discount": 1},
        ]
    )
    await order.does("accept")
    await order.does("reject", {"lines": [{"line_id": "2", "quantity": 2}], "reason": "damaged"})
    await order.pick(_1=1)
    await order.does("ready")
    await order.is_handed_over(await order.code())
    taken(await order.choose("other_store"))
    await order.make_ready(n=2, store="S002")
    await order.is_handed_over(await order.code(newest=2), n=2, store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=3998, captured=3998)
    await shelf.adds_up(S001=4)
    await other.adds_up(S001=3, S002=3)


@pytest.mark.parametrize(
    ("reason", "effect", "on_hand", "available"),
    [
        ("not_in_stock", None, 0, 0),
        ("damaged", None, 8, 8),
        ("mismatch", None, 10, 8),
        ("no_variance", None, 10, 10),
        ("closed", None, 10, 10),
        ("not_in_stock", "minus", 8, 8),
        ("damaged", "none", 10, 10),
    ],
)
async def test_the_reason_of_a_rejection_says_what_becomes_of_the_stores_stock(
    world: World, reason: str, effect: str | None, on_hand: int, available: int
) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("reject", {"reason": reason} | ({"stock_effect": effect} if effect else {}))
    level = await shelf.at("S001")
    assert (level["on_hand"], level["available"], level["allocated"]) == (on_hand, available, 0)
    taken(await order.choose("cancel"))
    await order.reaches("cancelled")
    await order.money_rests(authorised=9998)
    await shelf.adds_up(S001=on_hand)


@story
async def test_a_store_with_an_empty_shelf_still_has_what_it_staged_and_what_it_must_put_back(world: World) -> None:
    shelf = await world.shelf(S001=22)
    staged, cancelled, rejected = [await world.place(sku=shelf.sku, quantity=n) for n in (2, 3, 1)]
    await staged.make_ready()
    await cancelled.make_ready()
    taken(await cancelled.cancel())
    await shelf.becomes("S001", set_aside=3)
    await rejected.does("reject", {"reason": "not_in_stock"})
    level = await shelf.at("S001")
    assert (level["on_hand"], level["allocated"], level["available"]) == (5, 2, 0)
    await cancelled.does("put-back", {})
    assert (await shelf.at("S001"))["available"] == 3
    await staged.is_handed_over(await staged.code())
    taken(await rejected.choose("cancel"))
    await rejected.reaches("cancelled")
    await shelf.adds_up(S001=3)


@story
async def test_a_rejection_of_staged_units_asks_the_customer_too(world: World) -> None:
    shelf = await world.shelf(S001=10, S002=2)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    code = await order.code()
    await order.does("reject", {"reason": "damaged"})
    refused(await order.hand_over(code), 409, "not-allowed-now")
    taken(await order.choose("other_store"))
    moved = next(each for each in (await order.view())["groups"] if each["status"] == "offered")
    await order.make_ready(n=moved["n"], store="S002")
    await order.is_handed_over(await order.code(newest=2), n=moved["n"], store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)
    await shelf.adds_up(S001=8, S002=0)
