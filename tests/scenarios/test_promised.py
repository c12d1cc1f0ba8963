"""Units that are kept before they are paid: an order has them once, or they are free again by themselves."""

import asyncio
from typing import Any

import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def promised(world: World, sku: str, quantity: int = 1, **more: Any) -> Json:
    body = {"store_id": "S001", "lines": [{"sku": sku, "quantity": quantity}]}
    return taken(await world.channel("POST", "/v1/promises", body, **more))


def with_promise(world: World, sku: str, promise: Json, quantity: int = 1, **more: Any) -> Json:
    pickup = {"id": "f1", "method": "pickup", "store_id": "S001", "promise": promise["promise_id"]}
    return world.body(sku=sku, quantity=quantity, fulfilments=[pickup], **more)


async def state(world: World, promise: Json) -> tuple[str, str | None]:
    shown = taken(await world.channel("GET", f"/v1/promises/{promise['promise_id']}"))
    return shown["status"], shown["order_id"]


@story
async def test_the_last_units_are_kept_and_one_order_has_them_at_the_promised_time(world: World) -> None:
    shelf = await world.shelf(S001=2)
    promise = await promised(world, shelf.sku, 2)
    assert (await world.stock(shelf.sku, "S001"))["reserved"] == 2
    refused(await world.channel("POST", "/v1/orders", world.body(sku=shelf.sku)), 409, "out-of-stock")
    order = await world.placed(with_promise(world, shelf.sku, promise, 2))
    assert (await order.group())["promised_ready_at"] == promise["ready_at"]
    assert await state(world, promise) == ("converted", order.id)
    second = await world.channel("POST", "/v1/orders", with_promise(world, shelf.sku, promise, 2))
    refused(second, 409, "not-allowed-now")
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=2)


@story
async def test_of_two_orders_at_once_one_has_it(world: World) -> None:
    shelf = await world.shelf(S001=1)
    promise = await promised(world, shelf.sku)
    tries = [with_promise(world, shelf.sku, promise) for _ in range(5)]
    answers = await asyncio.gather(*(world.channel("POST", "/v1/orders", body) for body in tries))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    [placed] = [answer.json() for answer in answers if answer.status_code == 201]
    assert await state(world, promise) == ("converted", placed["order_id"])
    assert (await world.stock(shelf.sku, "S001"))["available"] == 0


@story
async def test_a_declined_payment_leaves_the_promise_for_another_try(world: World) -> None:
    shelf = await world.shelf(S001=1)
    promise = await promised(world, shelf.sku)
    declined = await world.channel("POST", "/v1/orders", with_promise(world, shelf.sku, promise, token="tok_declined"))
    refused(declined, 402, "payment-declined")
    assert await state(world, promise) == ("open", None)
    assert (await world.stock(shelf.sku, "S001"))["reserved"] == 1
    order = await world.placed(with_promise(world, shelf.sku, promise))
    assert await state(world, promise) == ("converted", order.id)


@story
async def test_who_does_not_want_it_lets_it_go_and_nobody_else_can(world: World) -> None:
    shelf = await world.shelf(S001=1)
    promise = await promised(world, shelf.sku)
    path = f"/v1/promises/{promise['promise_id']}"
    marketplace = world.keys.get("marketplace")
    if marketplace is not None:
        refused(await world.call("POST", f"{path}/release", marketplace), 404, "not-found")
    for _ in range(2):
        assert taken(await world.channel("POST", f"{path}/release"))["status"] == "released"
    assert (await world.stock(shelf.sku, "S001"))["available"] == 1
    other = with_promise(world, shelf.sku, promise, 2)
    assert refused(await world.channel("POST", "/v1/orders", other), 422, "validation")["errors"] == [
        {"pointer": "/fulfilments/0/promise", "reason": "Is for other units than this fulfilment's lines"}
    ]
    refused(await world.channel("GET", "/v1/promises/none"), 404, "not-found")
    nowhere = {"store_id": "S099", "lines": [{"sku": shelf.sku, "quantity": 1}]}
    refused(await world.channel("POST", "/v1/promises", nowhere), 422, "validation")
    too_many = {"store_id": "S001", "lines": [{"sku": shelf.sku, "quantity": 2}]}
    refused(await world.channel("POST", "/v1/promises", too_many), 409, "out-of-stock")
