"""Orders that the customer collects: whole, in part, at the kerb, by somebody else."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

FRIEND = {"name": "Test Friend", "relation": "friend"}
STRANGER = {"name": "Test Stranger", "relation": "other"}


@story
async def test_an_order_is_collected_whole_and_exactly_its_worth_is_captured(world: World) -> None:
    shelf = await world.shelf(S001=20)
    order = await world.place(sku=shelf.sku, quantity=2)
    assert order.answer["status"] == "in_progress"
    assert (await shelf.at("S001"))["available"] == 18
    await order.make_ready()
    pickup = await order.is_handed_over(await order.code())
    assert pickup["status"] == "collected"
    await order.reaches("completed")
    await shelf.adds_up(S001=18)
    await order.money_rests(authorised=9998, captured=9998)
    await order.told("order_confirmed", "ready_for_pickup", "collected")
    await order.store_told("store_new_order")
    assert await order.events() == [
        "order_placed",
        "payment_authorised",
        "store_offered",
        "order_confirmed",
        "store_accepted",
        "picked",
        "ready",
        "payment_captured",
        "handed_over",
        "order_completed",
    ]


@story
async def test_one_unit_today_and_the_rest_tomorrow_are_charged_to_the_cent(world: World) -> None:
    """10,000 in three units: the last one bears the odd cents."""
    shelf = await world.shelf(S001=20)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.make_ready()
    code = await order.code()
    pickup = await order.is_handed_over(code, lines={"1": 1})
    assert (pickup["status"], pickup["hand_overs"][0]["captured"]) == ("ready", 3333)
    assert await world.money(order.id) == {"authorise": 10000, "capture": 3333, "void": 0, "refund": 0}
    assert (await order.view())["payment"]["authorised"] == 6667
    await order.is_handed_over(code)
    view = await order.reaches("completed")
    assert [each["captured"] for each in view["groups"][0]["hand_overs"]] == [3333, 6667]
    await shelf.adds_up(S001=17)
    await order.money_rests(authorised=10000, captured=10000)
    await order.told("order_confirmed", "ready_for_pickup", "partly_collected", "collected")


@story
async def test_only_the_person_whom_the_buyer_named_may_collect(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, pickup={"person": FRIEND})
    await order.make_ready()
    code = await order.code()
    refused(await order.hand_over(code, person=STRANGER), 422, "consent-needed")
    pickup = await order.is_handed_over(code, person=FRIEND, proof={"kind": "id_sighted", "ref": "till-7"})
    [proof] = pickup["hand_overs"]
    assert (proof["relation"], proof["proof"], proof["by"]) == ("friend", "id_sighted", "S001-associate")
    await order.reaches("completed")
    assert not any("Test Friend" in str(item) for item in await order.timeline()), "a timeline names nobody"
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_the_buyer_may_name_the_collecting_person_later(world: World) -> None:
    order = await world.place()
    await order.make_ready()
    code = await order.code()
    refused(await order.hand_over(code, person=FRIEND), 422, "consent-needed")
    taken(await world.channel("POST", f"/v1/pickups/{order.id}/1/proxy", FRIEND))
    await order.is_handed_over(code, person=FRIEND)
    await order.reaches("completed")
    await order.told("order_confirmed", "ready_for_pickup", "collected")


@story
async def test_at_the_kerb_the_store_sees_bay_and_car_and_is_told(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, mode="curbside")
    await order.make_ready()
    arrival = {"bay": "4", "vehicle": "blue estate car"}
    taken(await world.channel("POST", f"/v1/pickups/{order.id}/1/arrived", arrival))
    [task] = await world.tasks("S001", order)
    assert (task["task"], task["bay"], task["vehicle"]) == ("arrival", "4", "blue estate car")
    assert task["arrived_at"] is not None
    await order.store_told("store_new_order", "store_customer_arrived")
    [mail] = [
        mail for mail in await world.mails("s001@stores.example") if f"{order.external_id}, bay 4" in mail["subject"]
    ]
    assert "blue estate car" in mail["text"]
    assert "Code:" not in mail["text"], "no mail to a store carries a code"
    event = await order.event("customer_arrived")
    assert "blue" not in str(event), "the car is the customer's affair"
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.told("order_confirmed", "ready_for_pickup", "collected")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_goods_of_great_value_need_more_than_the_code(world: World) -> None:
    order = await world.place(price=50_001)
    await order.make_ready()
    code = await order.code()
    refused(await order.hand_over(code), 422, "proof-needed")
    await order.is_handed_over(code, proof={"kind": "signature"})
    await order.reaches("completed")
    await order.money_rests(authorised=50_001, captured=50_001)


@story
async def test_one_order_is_collected_in_two_stores(world: World) -> None:
    shelf = await world.shelf(S001=5, S002=5)
    order = await world.place(
        lines=[
            {"line_id": "1", "sku": shelf.sku, "quantity": 1, "unit_price": 1999, "fulfilment": "f1"},
            {"line_id": "2", "sku": shelf.sku, "quantity": 2, "unit_price": 1000, "fulfilment": "f2", "discount": 1},
        ],
        fulfilments=[
            {"id": "f1", "method": "pickup", "store_id": "S001"},
            {"id": "f2", "method": "pickup", "store_id": "S002"},
        ],
    )
    await order.make_ready(n=1, store="S001")
    await order.is_handed_over(await order.code(), n=1, store="S001")
    await order.make_ready(n=2, store="S002")
    refused(await order.hand_over(await order.code(newest=1), n=2, store="S002"), 422, "wrong-code")
    await order.is_handed_over(await order.code(newest=2), n=2, store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=3998, captured=3998)
    captures = [each["amount"] for each in await world.provider_ledger(order.id) if each["operation"] == "capture"]
    assert captures == [1999, 1999]
    await shelf.adds_up(S001=4, S002=3)
    await order.store_told("store_new_order", store="S001")
    await order.store_told("store_new_order", store="S002")
