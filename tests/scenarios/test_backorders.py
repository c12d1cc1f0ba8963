"""Selling beyond stock: a cap, a fair queue for supply, dates that are told, money asked for when supply is near."""

from typing import Any

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.shipped import Shipped, to_ship
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def sold_ahead(
    world: World, shelf: Shelf, cap: int, expected_at: str | None = None, **more: Any
) -> dict[str, Any]:
    return taken(
        await world.ops("PUT", "/v1/backorders", {"sku": shelf.sku, "cap": cap, "expected_at": expected_at, **more})
    )


async def queue(world: World, shelf: Shelf) -> list[tuple[str, int]]:
    """Who waits, first come first, and for how many pieces."""
    items = taken(await world.channel("GET", f"/v1/backorders/queue?sku={shelf.sku}"))["items"]
    return [(each["order_id"], sum(line["quantity"] for line in each["lines"])) for each in items]


async def is_collected(order: Placed, n: int = 1) -> None:
    await order.make_ready(n=n)
    await order.is_handed_over(await order.code(), n=n)
    await order.reaches("completed")


@story
async def test_three_customers_are_served_in_the_order_of_their_orders(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 3, later(days=40))
    orders = [await world.place(sku=shelf.sku) for _ in range(3)]
    assert await queue(world, shelf) == [(order.id, 1) for order in orders]
    view = await orders[0].view()
    assert view["payment"] == {"authorised": 0, "captured": 0, "refunded": 0, "voided": 0, "due": 4999}
    [wait] = view["waiting_for"]
    assert (wait["kind"], wait["who"], wait["default"]) == ("stock", "seller", "cancel")
    assert wait["what"].startswith("stock arrives, expected ")
    assert (view["groups"][0]["status"], view["groups"][0]["backordered"]) == ("waiting", True)
    level = {"on_hand": 0, "allocated": 0, "reserved": 0, "available": 0}
    for number, order in enumerate(orders):
        await shelf.receives("S001", 1)
        await order.group_reaches("offered")
        assert await queue(world, shelf) == [(each.id, 1) for each in orders[number + 1 :]]
        assert (await shelf.at("S001")) == level | (await shelf.at("S001")) | {"on_hand": number + 1, "available": 0}
    for order in orders:
        assert (await world.money(order.id))["authorise"] == 4999
        await is_collected(order)
        await order.money_rests(authorised=4999, captured=4999)
        await order.told("order_confirmed", "choice_applied", "ready_for_pickup", "collected")
    await shelf.adds_up(S001=0)


@story
async def test_who_fits_is_served_and_who_does_not_keeps_the_first_place(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 9)
    many, few = await world.place(sku=shelf.sku, quantity=3), await world.place(sku=shelf.sku)
    await shelf.receives("S001", 2)
    await few.group_reaches("offered")
    assert await queue(world, shelf) == [(many.id, 3)]
    # One is left, for everybody: who buys it now gets it, and who wants two waits behind.
    last = await world.place(sku=shelf.sku)
    assert (await last.group())["status"] == "offered"
    two = await world.place(sku=shelf.sku, quantity=2)
    await shelf.receives("S001", 3)
    await many.group_reaches("offered")
    assert await queue(world, shelf) == [(two.id, 2)]
    for order in (many, few, last, two):
        taken(await order.cancel())
        await order.reaches("cancelled")
    await shelf.adds_up(S001=5)
    assert await queue(world, shelf) == []


@story
async def test_beyond_the_cap_nothing_is_sold_and_a_cancelled_order_gives_its_place_up(world: World) -> None:
    shelf = await world.shelf(S001=1)
    await sold_ahead(world, shelf, 3, later(days=40), location_id="S001")
    first = await world.place(sku=shelf.sku)
    assert (await first.group())["status"] == "offered", "what is in stock is sold first"
    second, third = await world.place(sku=shelf.sku, quantity=2), await world.place(sku=shelf.sku)
    one_more = world.body(sku=shelf.sku)
    refused(await world.channel("POST", "/v1/orders", one_more), 409, "out-of-stock")
    refused(await world.channel("POST", "/v1/orders", world.body(sku=shelf.sku, store="S002")), 409, "out-of-stock")
    taken(await second.cancel(lines=[{"line_id": "1", "quantity": 1}]))
    fourth = await world.placed(one_more)
    assert await queue(world, shelf) == [(second.id, 1), (third.id, 1), (fourth.id, 1)]
    taken(await second.cancel())
    await second.reaches("cancelled")
    await second.money_rests()
    items = taken(await world.ops("GET", "/v1/backorders?limit=200"))["items"]
    [rule] = [each for each in items if each["sku"] == shelf.sku]
    assert (rule["cap"], rule["waiting"], rule["left"]) == (3, 2, 1)
    # The unit that the first one gives back goes to who has waited longest, not to a new buyer.
    taken(await first.cancel())
    await third.group_reaches("offered")
    assert await queue(world, shelf) == [(fourth.id, 1)]
    for order in (third, fourth):
        taken(await order.cancel())
        await order.reaches("cancelled")
    await shelf.adds_up(S001=1)


@story
async def test_a_new_date_is_told_and_who_does_not_want_to_wait_cancels(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 9, later(days=40))
    patient, hasty = await world.place(sku=shelf.sku), await world.place(sku=shelf.sku)
    before = (await patient.group())["expected_at"]
    await sold_ahead(world, shelf, 9, later(days=90))
    moved = await patient.event("supply_rescheduled")
    assert moved["data"]["before"][:16] == before[:16]
    assert (await patient.group())["expected_at"] > before
    [wait] = (await patient.view())["waiting_for"]
    assert wait["deadline"] > (await patient.group())["expected_at"]
    await hasty.event("supply_rescheduled")
    taken(await hasty.choose("wait"))
    refused(await hasty.choose("other_store"), 409, "not-allowed-now")
    taken(await hasty.choose("cancel"))
    await hasty.reaches("cancelled")
    await hasty.money_rests()
    await hasty.told("order_confirmed", "supply_date_changed", "order_cancelled")
    mail = next(mail for mail in await world.mails(patient.mailbox) if "Another date" in mail["subject"])
    assert "/c/" in mail["text"]
    assert await queue(world, shelf) == [(patient.id, 1)]
    taken(await patient.cancel())
    await patient.reaches("cancelled")


@story
async def test_what_is_in_stock_goes_on_and_what_is_not_waits_in_a_group_of_its_own(world: World) -> None:
    here, ahead = await world.shelf(S001=5), await world.shelf(S001=1)
    await sold_ahead(world, ahead, 9, later(days=40))
    order = await world.place(
        lines=[
            {"line_id": "1", "sku": here.sku, "quantity": 1, "unit_price": 1000},
            {"line_id": "2", "sku": ahead.sku, "quantity": 2, "unit_price": 2000},
        ]
    )
    groups = {group["status"]: group for group in (await order.view())["groups"]}
    assert [line["line_id"] for line in groups["offered"]["lines"]] == ["1"]
    assert [line["line_id"] for line in groups["waiting"]["lines"]] == ["2"]
    assert (await ahead.at("S001"))["available"] == 1, "a line waits whole: none of it is taken off the shelf"
    assert (await world.money(order.id))["authorise"] == 5000
    now, waits = groups["offered"]["n"], groups["waiting"]["n"]
    await order.make_ready(n=now)
    await order.is_handed_over(await order.code(), n=now)
    await ahead.receives("S001", 1)
    await order.group_reaches("offered", n=waits)
    await order.make_ready(n=waits)
    await order.is_handed_over(await order.code(newest=2), n=waits)
    await order.reaches("completed")
    await order.money_rests(authorised=5000, captured=5000)
    await here.adds_up(S001=4)
    await ahead.adds_up(S001=0)


@story
async def test_money_that_is_declined_when_supply_comes_holds_the_order_until_it_is_paid(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 9, later(days=40))
    order = await world.place(sku=shelf.sku, token="tok_declined")
    assert (await order.status()) == "in_progress", "nothing was asked of the bank yet"
    await shelf.receives("S001", 1)
    held = await order.reaches("held")
    assert [hold["kind"] for hold in held["holds"]] == ["payment"]
    assert held["next_action"]["kind"] == "pay"
    assert "/c/" in held["next_action"]["url"]
    assert (await shelf.at("S001"))["reserved"] == 1, "it keeps what it was given"
    assert await order.events("store_offered") == []
    taken(await order.ask("payments", {"tenders": [{"type": "card", "token": "tok_ok", "amount": 4999}]}))
    await order.group_reaches("offered")
    await is_collected(order)
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=0)


@story
async def test_a_kit_waits_for_the_component_that_is_not_there(world: World) -> None:
    lamp, bulb = await world.shelf(S001=5), await world.shelf(S001=2)
    parts = [{"sku": lamp.sku, "quantity": 1}, {"sku": bulb.sku, "quantity": 3}]
    sku = f"KIT-{lamp.sku}"
    taken(await world.ops("PUT", "/v1/items", {"sku": sku, "name": "Light set", "components": parts}))
    refused(await world.ops("PUT", "/v1/backorders", {"sku": sku, "cap": 5}), 422, "validation")
    await sold_ahead(world, bulb, 6)
    order = await world.place(sku=sku, quantity=2)
    assert await queue(world, bulb) == [(order.id, 8)]
    assert (await lamp.at("S001"))["available"] == 5
    await bulb.receives("S001", 3)
    assert await queue(world, bulb) == [(order.id, 8)]
    await bulb.receives("S001", 1)
    await order.group_reaches("offered")
    await is_collected(order)
    await lamp.adds_up(S001=3)
    await bulb.adds_up(S001=0)


@story
async def test_what_is_shipped_waits_for_any_place_and_leaves_from_where_supply_came(world: World) -> None:
    here, ahead = await world.shelf(S001=2), await world.shelf()
    await sold_ahead(world, ahead, 3, later(days=40))
    order = await Shipped.place(
        world,
        lines=[
            {"line_id": "1", "sku": here.sku, "quantity": 1, "unit_price": 1000},
            {"line_id": "2", "sku": ahead.sku, "quantity": 2, "unit_price": 2000},
        ],
    )
    groups = {group["status"]: group for group in (await order.view())["groups"]}
    assert [line["line_id"] for line in groups["offered"]["lines"]] == ["1"]
    waits = groups["waiting"]
    assert ([line["line_id"] for line in waits["lines"]], waits["backordered"]) == (["2"], True)
    too_many = world.body(sku=ahead.sku, quantity=2) | {"fulfilments": [to_ship()]}
    refused(await world.channel("POST", "/v1/orders", too_many), 409, "out-of-stock")
    last = await Shipped.place(world, sku=ahead.sku)
    assert await queue(world, ahead) == [(order.id, 2), (last.id, 1)]
    assert (await last.view())["payment"] == dict.fromkeys(("authorised", "captured", "refunded", "voided"), 0) | {
        "due": 4999
    }
    await ahead.receives("S002", 3)
    found = await order.group_reaches("offered", n=waits["n"])
    assert found["store_id"] == "S002"
    await last.group_reaches("offered")
    assert await queue(world, ahead) == []
    await order.packed(n=groups["offered"]["n"])
    await order.shipped(n=groups["offered"]["n"])
    await order.packed(n=waits["n"])
    await order.shipped(n=waits["n"])
    assert (await order.view())["payment"]["captured"] == 5000
    taken(await last.cancel())
    await last.reaches("cancelled")
    await last.money_rests(authorised=4999)
    await ahead.becomes("S002", on_hand=1, available=1)


@story
async def test_shipments_sold_ahead_leave_in_the_order_of_their_orders(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 3, later(days=40))
    orders = [await Shipped.place(world, sku=shelf.sku) for _ in range(3)]
    for number, order in enumerate(orders):
        await shelf.receives("W001", 1)
        await order.is_offered("W001")
        assert await queue(world, shelf) == [(each.id, 1) for each in orders[number + 1 :]]
        assert (await shelf.at("W001"))["available"] == 0
    for order in reversed(orders):
        await order.packed()
        await order.carrier_says(await order.shipped(), "delivered")
        await order.reaches("completed")
        await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(W001=0)


@story
async def test_who_ordered_a_shipment_ahead_cancels_by_the_link_of_the_new_date(world: World) -> None:
    shelf = await world.shelf()
    await sold_ahead(world, shelf, 3, later(days=40))
    order = await Shipped.place(world, sku=shelf.sku)
    await sold_ahead(world, shelf, 3)
    await order.event("supply_rescheduled")
    taken(await order.choose("cancel"))
    await order.reaches("cancelled")
    assert await queue(world, shelf) == []
    await order.told("order_confirmed", "supply_date_changed", "order_cancelled")


@story
async def test_only_those_who_may_set_what_is_sold_beyond_stock(world: World) -> None:
    shelf = await world.shelf()
    rule = {"sku": shelf.sku, "cap": 1}
    refused(await world.channel("PUT", "/v1/backorders", rule), 403, "forbidden")
    refused(await world.ops("PUT", "/v1/backorders", rule | {"location_id": "S999"}), 422, "validation")
    refused(await world.ops("PUT", "/v1/backorders", rule | {"sku": "NO-SUCH-THING"}), 422, "validation")
