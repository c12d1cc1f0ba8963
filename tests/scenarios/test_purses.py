"""Gift cards and store credit pay like any tender: held, drawn when goods leave, and restored to the cent."""

import asyncio

import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.purses import balance, card, issued, on_it, paid_with
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def rests(world: World, purse: Json, left: int) -> None:
    async def look() -> bool:
        return await on_it(world, purse) == (left, 0)

    await world.until(f"{left} is on {purse['id']} and nothing is held", look)


@story
async def test_a_cancelled_part_is_restored_to_the_gift_card_to_the_cent(world: World) -> None:
    """10,000 in three units, 4,000 by gift card: one unit is cancelled, two are collected."""
    shelf = await world.shelf(S001=5)
    purse = await issued(world, "gift_card", 5000)
    tenders = [card(6000), paid_with(purse, 4000)]
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2, tenders=tenders)
    assert await on_it(world, purse) == (5000, 4000)
    assert purse["number"] not in str(await order.view()) + str(await order.timeline())
    lines = [{"line_id": "1", "quantity": 1}]
    plan = taken(await order.cancel(lines=lines))
    assert plan["plan"]["void"] == 3333
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await rests(world, purse, 5000 - 667)
    assert await world.money(order.id) == {"authorise": 6000, "capture": 6000, "void": 0, "refund": 0}
    statement = taken(await world.ops("GET", f"/v1/orders/{order.id}/ledger"))
    assert statement["violations"] == []
    history = (await balance(world, purse))["history"]
    assert [(each["movement"], each["amount"]) for each in history] == [
        ("issue", 5000),
        ("hold", 4000),
        ("release", 3333),
        ("draw", 667),
    ]
    assert history[-1]["reference"] == order.id


@story
async def test_two_orders_at_once_never_overdraw_a_card(world: World) -> None:
    shelf = await world.shelf(S001=20)
    purse = await issued(world, "gift_card", 7000)
    bodies = [world.body(sku=shelf.sku, price=3000, tenders=[paid_with(purse, 3000)]) for _ in range(5)]
    answers = await asyncio.gather(*(world.channel("POST", "/v1/orders", body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 402, 402, 402]
    for answer in answers:
        if answer.status_code == 402:
            assert refused(answer, 402, "payment-declined")["reason"] == "insufficient_funds"
    assert await on_it(world, purse) == (7000, 6000)
    for answer in answers:
        if answer.status_code == 201:
            taken(await world.channel("POST", f"/v1/orders/{answer.json()['order_id']}/cancel", {"reason": "customer"}))
    await rests(world, purse, 7000)
    await shelf.adds_up(S001=20)


@story
async def test_a_number_that_nobody_issued_pays_nothing(world: World) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku, tenders=[{"type": "gift_card", "number": "BCDF-GHJK-LMNP-QRST", "amount": 4999}])
    refused(await world.channel("POST", "/v1/orders", body), 402, "payment-declined")
    await shelf.adds_up(S001=5)
    del body["tenders"][0]["number"]
    assert (await world.channel("POST", "/v1/orders", body)).status_code == 422
