"""Bought at the counter besides the order: one way to pay, two records that name each other."""

import uuid
from typing import Any

import httpx
import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def sells(order: Placed, sku: str, quantity: int = 1, **more: Any) -> httpx.Response:
    body = {
        "external_id": f"R-{uuid.uuid4().hex[:8]}",
        "lines": [{"sku": sku, "quantity": quantity, "unit_price": 990}],
    }
    return await order.world.store(order, "extras", body | more)


async def sale_of(world: World, answer: httpx.Response) -> Json:
    sale = taken(answer)["sale"]

    async def look() -> Json | None:
        found = await world.ops("GET", f"/v1/orders/{sale['order_id']}")
        view: Json = found.json()
        return view if view["status"] == "completed" else None

    found: Json = await world.until("the sale is over", look)
    return found


@story
async def test_more_is_sold_by_the_order_s_card_as_a_sale_of_its_own(world: World) -> None:
    shelf, extra = await world.shelf(S001=2), await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    refused(await sells(order, extra.sku), 409, "not-allowed-now")
    await order.make_ready()
    problem = refused(await sells(order, extra.sku, sold_at=later(days=1)), 422, "validation")
    assert [error["pointer"] for error in problem["errors"]] == ["/sold_at"]
    answer = await sells(order, extra.sku, 2)
    sale = await sale_of(world, answer)
    assert sale["linked_to"] == {"order_id": order.id, "n": 1}
    assert (sale["channel"], sale["total"], sale["payment"]["captured"]) == ("store", 1980, 1980)
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    assert (await world.money(sale["order_id"]))["capture"] == 1980
    await extra.adds_up(S001=3)
    await shelf.adds_up(S001=1)
    noted = await order.event("extras_sold")
    assert (noted["data"]["sale"], noted["data"]["amount"]) == (sale["order_id"], 1980)
    subjects = [mail["subject"] for mail in await world.mails(order.mailbox)]
    assert len([subject for subject in subjects if sale["external_id"] in subject]) == 1, subjects


@story
async def test_one_receipt_is_one_sale_also_after_the_order_is_over(world: World) -> None:
    shelf, extra = await world.shelf(S001=2), await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    paid = {"type": "pay_in_store", "reference": "T-77", "amount": 990}
    receipt = f"R-{uuid.uuid4().hex[:8]}"
    first = taken(await sells(order, extra.sku, external_id=receipt, tender=paid))["sale"]["order_id"]
    refused(await sells(order, extra.sku, 2, external_id=receipt, tender=paid | {"amount": 1980}), 409, "order-exists")
    await extra.adds_up(S001=4)
    assert await order.events("extras_sold") == ["extras_sold"]
    assert (await order.event("extras_sold"))["data"]["sale"] == first
    assert await world.provider_ledger(first) == []


@story
async def test_nothing_is_left_of_a_sale_that_cannot_be(world: World) -> None:
    shelf, extra = await world.shelf(S001=2), await world.shelf(S001=1)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    refused(await sells(order, extra.sku, 2), 409, "out-of-stock")
    declined = {"type": "card", "token": "tok_declined", "amount": 990}
    refused(await sells(order, extra.sku, tender=declined), 402, "payment-declined")
    at_capture = {"type": "card", "token": "tok_capture_declined", "amount": 990}
    refused(await sells(order, extra.sku, tender=at_capture), 402, "payment-declined")
    bank = {"type": "card", "token": "tok_3ds", "amount": 990}
    refused(await sells(order, extra.sku, tender=bank), 402, "payment-due")
    refused(await sells(order, extra.sku, tender=declined | {"amount": 1}), 422, "validation")
    await extra.adds_up(S001=1)
    assert await order.events("extras_sold") == []
    taken(await order.cancel())
