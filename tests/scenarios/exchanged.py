"""What people do with an exchange, seen and done over HTTP."""

from typing import TYPE_CHECKING, Any

from tests.scenarios.placed import Json, Placed

if TYPE_CHECKING:
    from tests.scenarios.world import World


def wish(order: Placed, sku: str, *, quantity: int = 1, reason: str = "wrong_size", **more: Any) -> Json:
    """Something else for units of line 1."""
    line = {"line_id": "1", "quantity": quantity, "reason": reason, "wanted": {"sku": sku, "quantity": quantity}}
    return {"order_id": order.id, "kind": "exchange", "lines": [line], "via": "store"} | more


def replacement(world: "World", order: Placed, view: Json) -> Placed:
    """The order that replaces what comes back."""
    found = Placed(world, order.body, {"order_id": view["exchange"]["order_id"]}, order.as_)
    found.external_id = view["exchange"]["external_id"]
    return found


async def is_collected(order: Placed, store: str, *, codes: int) -> None:
    """The replacement is fetched; `codes`: how many the customer has been sent by then."""
    await order.group_reaches("offered")
    await order.make_ready(store=store)
    await order.is_handed_over(await order.code(newest=codes), store=store)
    await order.reaches("completed")


async def over(world: "World", view: Json) -> Json:
    async def look() -> Json | None:
        found: Json = (await world.channel("GET", f"/v1/returns/{view['return_id']}")).json()
        return found if found["finished"] else None

    ended: Json = await world.until("the return is over", look)
    return ended


async def priced(world: "World", price: int, **units: int) -> str:
    """A new article at a price."""
    shelf = await world.shelf(**units)
    answer = await world.ops("PUT", "/v1/items", {"sku": shelf.sku, "name": "Another thing", "price": price})
    assert answer.status_code == 200, answer.text
    return shelf.sku


async def agrees(world: "World", *orders: Placed) -> None:
    """A reconciliation of these orders finds nothing."""
    answer = await world.ops("POST", "/v1/ops/reconciliations", {"order_ids": [order.id for order in orders]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["differences"] == []
