"""Kits: sold as one article at one price, and kept, picked and put back as their components."""

from typing import Any

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


class Kit:
    """One lamp and three bulbs in a box; `units` of each are in store S001."""

    def __init__(self, lamp: Shelf, bulb: Shelf):
        self.lamp, self.bulb = lamp, bulb
        self.sku = f"KIT-{lamp.sku}"

    async def left(self, *, lamps: int, bulbs: int) -> None:
        await self.lamp.adds_up(S001=lamps)
        await self.bulb.adds_up(S001=bulbs)


async def kit(world: World, *, lamps: int, bulbs: int) -> Kit:
    made = Kit(await world.shelf(S001=lamps), await world.shelf(S001=bulbs))
    parts = [{"sku": made.lamp.sku, "quantity": 1}, {"sku": made.bulb.sku, "quantity": 3}]
    taken(await world.ops("PUT", "/v1/items", {"sku": made.sku, "name": "Light set", "components": parts}))
    return made


async def available(world: World, *skus: str, store: str = "S001") -> dict[str, int]:
    query = "&".join(f"sku={sku}" for sku in skus)
    items = taken(await world.channel("GET", f"/v1/availability?{query}&store={store}"))["items"]
    return {item["sku"]: item["available"] for item in items}


async def picks(order: Placed, *lines: dict[str, Any]) -> dict[str, Any]:
    return await order.does("pick", {"lines": list(lines)})


@story
async def test_a_kit_is_picked_by_component_and_collected_at_its_one_price(world: World) -> None:
    box = await kit(world, lamps=5, bulbs=8)
    assert await available(world, box.sku, box.lamp.sku) == {box.sku: 2, box.lamp.sku: 5}
    order = await world.place(sku=box.sku, quantity=2, price=4999)
    assert await available(world, box.sku, box.lamp.sku) == {box.sku: 0, box.lamp.sku: 3}
    components = (await order.line())["components"]
    assert [(each["sku"], each["quantity"], each["share"]) for each in components] == [
        (box.lamp.sku, 1, 2500),
        (box.bulb.sku, 3, 7498),
    ]
    [task] = await world.tasks("S001", order)
    assert task["lines"] == [
        {
            "line_id": "1",
            "quantity": 2,
            "sku": box.sku,
            "components": [{"sku": box.lamp.sku, "quantity": 2}, {"sku": box.bulb.sku, "quantity": 6}],
        }
    ]
    await order.does("accept")
    found = [{"sku": box.lamp.sku, "quantity": 2}, {"sku": box.bulb.sku, "quantity": 6}]
    await picks(order, {"line_id": "1", "components": found})
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)
    await box.left(lamps=3, bulbs=2)
    mails = await world.mails(order.mailbox)
    assert all("Light set" in mail["text"] and box.bulb.sku not in mail["text"] for mail in mails)
    await order.told("order_confirmed", "ready_for_pickup", "collected")


@story
async def test_of_a_short_component_only_the_kits_are_short_that_cannot_be_made_whole(world: World) -> None:
    box = await kit(world, lamps=9, bulbs=9)
    order = await world.place(sku=box.sku, quantity=3, price=3334)
    await order.does("accept")
    # Eight of nine bulbs make two sets; two bulbs and a lamp stay on the shelf.
    found = [{"sku": box.lamp.sku, "quantity": 3}, {"sku": box.bulb.sku, "quantity": 8}]
    shown = await picks(order, {"line_id": "1", "components": found})
    assert [(line["line_id"], line["quantity"]) for line in shown["lines"]] == [("1", 2)]
    short = await order.event("short_pick")
    assert (short["data"]["lines"], short["data"]["components"]) == ({"1": 1}, [box.bulb.sku])
    taken(await order.choose("cancel"))
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=10002, captured=6668)
    # The count of what was short is proved wrong; nothing is said of the other component.
    await box.left(lamps=7, bulbs=0)


@story
async def test_a_kit_and_a_line_of_its_component_never_count_on_the_same_pieces(world: World) -> None:
    box = await kit(world, lamps=9, bulbs=7)
    lines = [
        {"line_id": "1", "sku": box.sku, "quantity": 2, "unit_price": 5000},
        {"line_id": "2", "sku": box.bulb.sku, "quantity": 2, "unit_price": 100},
    ]
    problem = refused(await world.channel("POST", "/v1/orders", world.body(lines=lines)), 409, "out-of-stock")
    assert [(each["sku"], each["asked"], each["available"]) for each in problem["shortfalls"]] == [(box.bulb.sku, 8, 7)]
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/0/quantity", "/lines/1/quantity"]
    lines[1]["quantity"] = 1
    order = await world.place(lines=lines)
    taken(await order.cancel())
    await order.reaches("cancelled")
    await box.left(lamps=9, bulbs=7)


@story
async def test_a_picked_kit_that_is_cancelled_is_put_back_piece_by_piece(world: World) -> None:
    box = await kit(world, lamps=2, bulbs=6)
    order = await world.place(sku=box.sku, quantity=2)
    await order.make_ready()
    taken(await order.cancel())
    await order.reaches("cancelled")
    assert (await box.bulb.at("S001"))["set_aside"] == 6
    [task] = await world.tasks("S001", order)
    assert task["lines"][0]["components"][1] == {"sku": box.bulb.sku, "quantity": 6}
    await order.does("put-back", {"lines": [{"line_id": "1", "quantity": 2}]})
    await box.left(lamps=2, bulbs=6)


@story
async def test_a_rejected_kit_says_which_component_is_missing_and_goes_where_all_are(world: World) -> None:
    box = await kit(world, lamps=3, bulbs=9)
    await box.lamp.receives("S002", 1)
    await box.bulb.receives("S002", 3)
    order = await world.place(sku=box.sku)
    wrong = {"lines": [{"line_id": "1", "quantity": 1, "missing": ["SHOE-42"]}], "reason": "not_in_stock"}
    refused(await world.store(order, "reject", wrong), 422, "wrong-unit")
    missing = {"line_id": "1", "quantity": 1, "missing": [box.lamp.sku]}
    await order.does("reject", {"lines": [missing], "reason": "not_in_stock"})
    assert ((await box.lamp.at("S001"))["on_hand"], (await box.bulb.at("S001"))["on_hand"]) == (0, 9)
    taken(await order.choose("other_store"))
    moved = next(each for each in (await order.view())["groups"] if each["status"] == "offered")
    assert moved["store_id"] == "S002"
    await order.make_ready(n=moved["n"], store="S002")
    await order.is_handed_over(await order.code(), n=moved["n"], store="S002")
    await order.reaches("completed")
    await box.lamp.adds_up(S001=0, S002=0)
    await box.bulb.adds_up(S001=9, S002=0)


@story
async def test_a_kit_that_a_place_cannot_make_whole_is_shipped_from_another(world: World) -> None:
    box = await kit(world, lamps=2, bulbs=6)
    await box.lamp.receives("S002", 1)
    await box.bulb.receives("S002", 3)
    order = await Shipped.place(world, sku=box.sku, quantity=2)
    await order.is_offered("S001")
    found = [{"sku": box.lamp.sku, "quantity": 2}, {"sku": box.bulb.sku, "quantity": 5}]
    await order.at_place("accept")
    await order.at_place("pick", {"lines": [{"line_id": "1", "components": found}]})
    moved = await order.group_reaches("offered", n=2)
    assert (moved["store_id"], moved["lines"]) == ("S002", [{"line_id": "1", "quantity": 1}])
    await order.at_place("pack", {"lines": [{"line_id": "1", "quantity": 1}], "boxes": 1})
    await order.shipped()
    await order.packed(n=2)
    await order.shipped(n=2)
    assert (await order.view())["payment"]["captured"] == 9998
    await box.lamp.becomes("S001", on_hand=1)
    await box.bulb.becomes("S001", on_hand=0)
    await box.bulb.becomes("S002", on_hand=0)


@story
async def test_an_order_keeps_what_its_kit_was_made_of(world: World) -> None:
    box = await kit(world, lamps=2, bulbs=6)
    order = await world.place(sku=box.sku)
    parts = [{"sku": box.bulb.sku, "quantity": 6}]
    taken(await world.ops("PUT", "/v1/items", {"sku": box.sku, "name": "Bulbs", "components": parts}))
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await box.left(lamps=1, bulbs=3)


@story
async def test_what_cannot_be_a_kit_is_refused_and_a_kit_has_no_stock_of_its_own(world: World) -> None:
    box = await kit(world, lamps=1, bulbs=3)
    for sku, part in ((f"BIG-{box.sku}", box.sku), (box.lamp.sku, box.bulb.sku), (box.sku, "NO-SUCH-THING")):
        item = {"sku": sku, "name": "Wrong", "components": [{"sku": part, "quantity": 1}]}
        refused(await world.ops("PUT", "/v1/items", item), 422, "validation")
    movement = {"kind": "receipt", "sku": box.sku, "store_id": "S001", "quantity": 5}
    problem = refused(
        await world.call("POST", "/v1/stock/movements", world.keys["stores"]["S001"], movement), 422, "validation"
    )
    assert problem["errors"][0]["pointer"] == "/sku"


@story
async def test_a_kit_that_is_added_later_is_held_picked_and_put_back_by_component(world: World) -> None:
    box, shelf = await kit(world, lamps=3, bulbs=6), await world.shelf(S001=2)
    order = await world.place(sku=shelf.sku, quantity=1, price=1000)
    line = {"line_id": "2", "sku": box.sku, "quantity": 1, "unit_price": 4999, "fulfilment": "f1"}
    opened = taken(await order.ask("changes", {"add": [line]}))
    assert not opened["applied"]
    assert await available(world, box.sku, box.bulb.sku) == {box.sku: 1, box.bulb.sku: 3}, "held while it waits"
    card = [{"type": "card", "token": "tok_ok", "amount": 4999}]
    taken(await order.ask("payments", {"tenders": card}))
    components = (await order.view())["lines"][1]["components"]
    assert [each["sku"] for each in components] == [box.lamp.sku, box.bulb.sku]
    await order.does("accept")
    lamp, bulbs = {"sku": box.lamp.sku, "quantity": 1}, {"sku": box.bulb.sku, "quantity": 3}
    await picks(order, {"line_id": "1", "quantity": 1}, {"line_id": "2", "components": [lamp, bulbs]})
    await order.cancel()
    lines = [{"line_id": "1", "quantity": 1}, {"line_id": "2", "quantity": 1}]
    await order.does("put-back", {"lines": lines})
    await order.reaches("cancelled")
    await box.left(lamps=3, bulbs=6)
    await shelf.adds_up(S001=2)
