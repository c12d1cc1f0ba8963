"""Reserved online, paid in the store: no authorisation, the till completes it, what is refused is paid back there."""

import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def at_the_till(amount: int) -> Json:
    return {"tenders": [{"type": "pay_in_store", "amount": amount, "reference": "till-3-1234"}]}


@story
async def test_an_order_is_paid_at_the_till_and_then_collected(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=2, tender="pay_in_store")
    assert (order.answer["status"], order.answer["payment"]["due"]) == ("in_progress", 9998)
    await order.make_ready()
    code = await order.code()
    refused(await order.hand_over(code), 402, "payment-due")
    refused(await order.ask("payments", at_the_till(9998)), 403, "forbidden")
    till = world.keys["stores"]["S001"]
    refused(await world.call("POST", f"/v1/orders/{order.id}/payments", till, at_the_till(99999)), 422, "beyond-limit")
    paid = await world.call("POST", f"/v1/orders/{order.id}/payments", till, at_the_till(9998))
    assert taken(paid)["payment"]["captured"] == 9998
    await order.is_handed_over(code)
    view = await order.reaches("completed")
    assert view["payment"]["due"] == 0
    await order.money_rests(till=9998)
    event = await order.event("paid_in_store")
    assert (event["place"], event["data"]["reference"]) == ("S001", "till-3-1234")
    await shelf.adds_up(S001=3)


@story
async def test_what_was_paid_at_the_till_and_then_refused_is_paid_back_there(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2, tender="pay_in_store")
    await order.make_ready()
    key = world.keys["stores"]["S001"]
    taken(await world.call("POST", f"/v1/orders/{order.id}/payments", key, at_the_till(10000)))
    await order.is_handed_over(await order.code(), refused={"1": 1})
    await order.reaches("completed")
    await order.does("put-back")
    await order.money_rests(till=10000, till_back=3334)
    assert (await order.event("payment_refunded"))["data"]["amount"] == 3334
    await shelf.adds_up(S001=3)


@story
async def test_an_unpaid_order_is_cancelled_before_anybody_pays(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, tender="pay_in_store")
    await order.make_ready()
    plan = taken(await order.cancel())["plan"]
    assert (plan["void"], plan["refund"]) == (0, 0)
    await order.reaches("cancelled")
    key = world.keys["stores"]["S001"]
    answer = await world.call("POST", f"/v1/orders/{order.id}/payments", key, at_the_till(4999))
    refused(answer, 409, "not-allowed-now")
    await order.does("put-back")
    await order.money_rests()
    await shelf.adds_up(S001=5)


@story
async def test_an_unpaid_order_may_be_paid_by_card_instead(world: World) -> None:
    order = await world.place(tender="pay_in_store")
    await order.make_ready()
    taken(await order.ask("payments", {"tenders": [{"type": "card", "token": "tok_ok", "amount": 4999}]}))
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
