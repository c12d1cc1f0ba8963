"""What stores and the ERP say about stock while orders hold some of it."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def moved(sku: str, kind: str, quantity: int, store: str = "S001") -> dict[str, object]:
    return {"kind": kind, "sku": sku, "store_id": store, "quantity": quantity, "reason": "stocktaking"}


@story
async def test_a_count_below_what_is_promised_shows_nothing_for_sale_and_the_shortfall(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=3)
    key = world.keys["stores"]["S001"]
    level = taken(await world.call("POST", "/v1/stock/movements", key, moved(shelf.sku, "count", 1)))
    assert (level["on_hand"], level["allocated"], level["available"], level["shortfall"]) == (1, 3, 0, 2)
    refused(await world.channel("POST", "/v1/orders", world.body(sku=shelf.sku)), 409, "out-of-stock")
    await order.does("accept")
    await order.pick(_1=1)
    taken(await order.choose("cancel"))
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=14997, captured=4999)
    await shelf.adds_up(S001=0)


@story
async def test_more_than_is_there_cannot_be_written_off_nor_moved_by_another_store(world: World) -> None:
    shelf = await world.shelf(S001=5)
    key = world.keys["stores"]["S001"]
    problem = refused(
        await world.call("POST", "/v1/stock/movements", key, moved(shelf.sku, "write_off", 6)), 409, "not-allowed-now"
    )
    assert problem["current"]["on_hand"] == 5
    elsewhere = moved(shelf.sku, "receipt", 1, store="S002")
    refused(await world.call("POST", "/v1/stock/movements", key, elsewhere), 404, "not-found")
    body = moved(shelf.sku, "adjustment", -2)
    first = await world.call("POST", "/v1/stock/movements", key, body, idempotency=f"move-{shelf.sku}")
    again = await world.call("POST", "/v1/stock/movements", key, body, idempotency=f"move-{shelf.sku}")
    assert (taken(first)["on_hand"], again.json(), again.headers["idempotency-replayed"]) == (3, first.json(), "true")
    await shelf.adds_up(S001=3)


@story
async def test_what_a_marketplace_may_sell_leaves_the_buffer_untouched(world: World) -> None:
    shelf = await world.shelf(S001=5)
    rule = {"sku": shelf.sku, "channel": "marketplace", "quantity": 3}
    assert (await world.ops("PUT", "/v1/buffers", rule)).status_code == 200
    many = world.body(sku=shelf.sku, quantity=3, channel="marketplace")
    problem = refused(await world.channel("POST", "/v1/orders", many, as_="marketplace"), 409, "out-of-stock")
    assert problem["shortfalls"][0]["available"] == 2
    for order in (
        await world.place(sku=shelf.sku, quantity=2, channel="marketplace"),
        await world.place(sku=shelf.sku, quantity=3),
    ):
        taken(await order.cancel())
        await order.reaches("cancelled")
    await shelf.adds_up(S001=5)
