"""A reconciliation finds what somebody changed behind our back, and nothing where nobody did."""

from typing import Any

import psycopg
import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.returned import back_in_store, receive, settled
from tests.scenarios.world import World, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def differences(world: World, *orders: Placed) -> list[dict[str, Any]]:
    answer = await world.ops("POST", "/v1/ops/reconciliations", {"order_ids": [order.id for order in orders]})
    page = taken(answer)
    assert page["orders"] == len(orders)
    return list(page["differences"])


async def of_stock(world: World, sku: str) -> list[dict[str, Any]]:
    """What differs in the levels of one article, found by walking over all of them."""
    found: list[dict[str, Any]] = []
    place: dict[str, Any] | None = {"part": "stock"}
    while place is not None:
        page = taken(await world.ops("POST", "/v1/ops/reconciliations", {"place": place, "limit": 200}))
        found += page["differences"]
        place = page["next_place"]
    return [each for each in found if each["subject"].startswith(f"{sku} at ")]


async def test_planted_differences_are_found_and_a_clean_order_has_none(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    view = await back_in_store(world, order, "S001")
    await receive(world, view, "S001", 1)
    await settled(world, view, "S001")
    assert await differences(world, order) == []
    assert await of_stock(world, shelf.sku) == []
    [capture] = [each for each in await world.provider_ledger(order.id) if each["operation"] == "capture"]
    await world.provider_tells("off")
    try:
        body = {"authorisation_id": capture["authorisation_id"], "amount": 1000, "currency": "EUR"}
        await world.provider_does("refunds", body, f"outside-{order.id}")
        await _by_hand(world, shelf.sku, 3, order, 9000)
        found = {(each["kind"], each["what"]): each for each in await differences(world, order)}
        assert set(found) == {("provider", "refunded"), ("record", "captured")}
        outside = found["provider", "refunded"]
        assert (outside["ours"], outside["theirs"], outside["amount"]) == (4999, 5999, 1000)
        assert (outside["cause"], outside["remedy"]) == ("moved_at_provider", "take_over")
        assert (found["record", "captured"]["ours"], found["record", "captured"]["theirs"]) == (9000, 9998)
        [level] = await of_stock(world, shelf.sku)
        assert (level["what"], level["ours"], level["theirs"], level["remedy"]) == ("on_hand", 7, 4, "count")
    finally:
        await _by_hand(world, shelf.sku, -3, order, 9998)
        await world.provider_tells("normal")


async def _by_hand(world: World, sku: str, units: int, order: Placed, captured: int) -> None:
    """Somebody changes the tables themselves."""
    async with await psycopg.AsyncConnection.connect(world.record["database"], autocommit=True) as connection:
        await connection.execute(
            "UPDATE stock_levels SET on_hand = on_hand + %s WHERE sku = %s AND location_id = 'S001'", (units, sku)
        )
        await connection.execute(
            "UPDATE orders SET head = jsonb_set(head, '{payment,captured}', to_jsonb(%s::int)) WHERE order_id = %s",
            (captured, order.id),
        )
