"""What the people at a returns desk do, with the shortcuts that every story needs."""

from typing import TYPE_CHECKING, Any

import httpx

from tests.scenarios.placed import Json, Placed

if TYPE_CHECKING:
    from tests.scenarios.world import World


async def collected(world: "World", sku: str, **wanted: Any) -> Placed:
    """An order that the customer has fetched."""
    order = await world.place(sku=sku, **wanted)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    return order


async def asked(
    world: "World", order: Placed, store: str, *, quantity: int = 1, reason: str = "no_longer_wanted", **more: Any
) -> httpx.Response:
    """A store asks for a return of line 1."""
    line = {"line_id": "1", "quantity": quantity, "reason": reason}
    body = {"order_id": order.id, "lines": [line], "via": "store"} | more
    return await world.call("POST", "/v1/returns", world.key_of(store), body)


async def back_in_store(world: "World", order: Placed, store: str, **more: Any) -> Json:
    answer = await asked(world, order, store, **more)
    assert answer.status_code == 201, answer.text
    view: Json = answer.json()
    return view


async def does(
    world: "World", view: Json, command: str, body: Json, store: str, *, manager: bool = False
) -> httpx.Response:
    key = world.keys["managers"][store] if manager else world.key_of(store)
    return await world.call("POST", f"/v1/returns/{view['return_id']}/{command}", key, body)


async def receive(
    world: "World", view: Json, store: str, quantity: int, *, condition: str = "new", disposition: str = "restock"
) -> Json:
    line = {"line_id": "1", "quantity": quantity, "condition": condition, "disposition": disposition}
    answer = await does(world, view, "receive", {"store_id": store, "lines": [line]}, store)
    assert answer.status_code == 200, answer.text
    received: Json = answer.json()
    return received


async def settled(world: "World", view: Json, store: str) -> Json:
    """Settle, and wait until the money is where it goes."""
    answer = await does(world, view, "settle", {}, store)
    assert answer.status_code == 200, answer.text

    async def paid() -> Json | None:
        found: Json = (await world.call("GET", f"/v1/returns/{view['return_id']}", world.key_of(store))).json()
        return found if found["refund"] == found["refunded"] and found["paid_back"] else None

    found: Json = await world.until(f"return {view['return_id']} is paid back", paid)
    return found
