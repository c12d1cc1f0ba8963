"""Orders that ship: whole, from several places, mixed with a pickup, in parts; and what carriers say of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shipped import ADDRESS, Shipped, to_ship
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@story
async def test_an_order_is_shipped_whole_and_exactly_its_worth_is_captured(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    assert order.answer["status"] == "in_progress"
    group = await order.is_offered("S001")
    assert (group["kind"], group["id"]) == ("shipment", f"shipment/{order.id}/1")
    assert (await shelf.at("S001"))["available"] == 3
    assert (await order.packed())["status"] == "packed"
    assert await world.money(order.id) == {"authorise": 9998, "capture": 0, "void": 0, "refund": 0}
    parcel = await order.shipped()
    assert (await order.group())["status"] == "shipped"
    assert await world.money(order.id) == {"authorise": 9998, "capture": 9998, "void": 0, "refund": 0}
    for status in ("picked_up", "in_transit", "out_for_delivery", "delivered"):
        await order.carrier_says(parcel, status)
    await order.reaches("completed")
    assert (await order.group())["status"] == "delivered"
    assert (await order.line())["delivered"] == 2
    await shelf.adds_up(S001=3)
    await order.money_rests(authorised=9998, captured=9998)
    await order.told("order_confirmed", "shipped", "delivered")
    await order.store_told("store_new_shipment", store="S001")


@story
async def test_the_place_reads_the_address_and_others_do_not(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku)
    path = f"/v1/shipments/{order.id}/1"
    shown = taken(await world.call("GET", path, world.key_of("S001")))
    assert (shown["recipient"], shown["address"]) == (ADDRESS["name"], ["Example Street 1", "10115 Berlin", "DE"])
    refused(await world.call("GET", path, world.key_of("S002")), 404, "not-found")
    refused(await world.call("GET", path.replace("shipments", "pickups"), world.key_of("S001")), 404, "not-found")


@story
async def test_an_order_that_no_place_has_whole_is_split(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1, W001=1)
    order = await Shipped.place(world, sku=shelf.sku, quantity=3)
    groups = (await order.view())["groups"]
    assert sorted(group["store_id"] for group in groups) == ["S001", "S002", "W001"]
    for group in groups:
        await order.packed(n=group["n"])
        await order.shipped(n=group["n"])
    assert (await order.view())["payment"]["captured"] == 3 * 4999
    for group in (await order.view())["groups"]:
        await order.carrier_says(group["parcels"][0], "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0, S002=0, W001=0)
    await order.money_rests(authorised=3 * 4999, captured=3 * 4999)


@story
async def test_an_order_that_must_not_be_split_is_refused_where_no_place_has_it_whole(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    body = world.body(sku=shelf.sku, quantity=2) | {"fulfilments": [to_ship(allow_split=False)]}
    refused(await world.channel("POST", "/v1/orders", body), 409, "out-of-stock")
    await shelf.adds_up(S001=1, S002=1)


@story
async def test_a_place_that_the_order_excludes_does_not_serve_it(world: World) -> None:
    shelf = await world.shelf(S001=5, S003=5)
    order = await Shipped.place(world, {"exclude": ["S001"]}, sku=shelf.sku)
    await order.is_offered("S003")


@story
async def test_what_is_in_no_place_is_refused_and_leaves_nothing(world: World) -> None:
    shelf = await world.shelf(S001=1)
    body = world.body(sku=shelf.sku, quantity=2) | {"fulfilments": [to_ship()]}
    problem = refused(await world.channel("POST", "/v1/orders", body), 409, "out-of-stock")
    assert problem["errors"][0]["pointer"] == "/lines/0/quantity"
    assert "places that ship" in problem["detail"]
    await shelf.adds_up(S001=1)


@story
async def test_pay_in_store_does_not_pay_for_what_is_shipped(world: World) -> None:
    body = world.body(tender="pay_in_store") | {"fulfilments": [to_ship()]}
    problem = refused(await world.channel("POST", "/v1/orders", body), 422, "validation")
    assert [error["pointer"] for error in problem["errors"]] == ["/tenders/0/type"]


@story
async def test_one_order_is_collected_and_shipped(world: World) -> None:
    shelf = await world.shelf(S001=3, W001=3)
    line = {"sku": shelf.sku, "quantity": 1, "unit_price": 1000}
    lines = [line | {"line_id": "1", "fulfilment": "f0"}, line | {"line_id": "2", "fulfilment": "f1"}]
    body = world.body(lines=lines)
    body["fulfilments"] = [{"id": "f0", "method": "pickup", "store_id": "S001", "mode": "counter"}, to_ship()]
    order = await Shipped.placed(world, body)
    groups = (await order.view())["groups"]
    assert [(group["kind"], group["n"]) for group in groups] == [("pickup", 1), ("shipment", 2)]
    await order.make_ready(n=1)
    await order.packed(n=2)
    parcel = await order.shipped(n=2)
    await order.is_handed_over(await order.code(), n=1)
    assert await order.status() == "in_progress"
    await order.carrier_says(parcel, "delivered")
    view = await order.reaches("completed")
    assert [group["status"] for group in view["groups"]] == ["collected", "delivered"]
    await order.money_rests(authorised=2000, captured=2000)


@story
async def test_some_units_leave_now_and_the_rest_later(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await Shipped.place(world, sku=shelf.sku, quantity=3)
    await order.packed()
    first = await order.shipped(lines={"1": 1})
    group = await order.group()
    assert (group["status"], group["units"]["1"]) == ("packed", {"picked": 2, "shipped": 1})
    assert (await order.view())["payment"]["captured"] == 4999
    await order.carrier_says(first, "delivered")
    await order.shipped()
    second = (await order.group())["parcels"][1]
    await order.carrier_says(second, "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=3 * 4999, captured=3 * 4999)
    await order.told("order_confirmed", "shipped", "delivered", "shipped", "delivered")


@story
async def test_only_what_was_picked_goes_into_the_box(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    await order.at_place("accept")
    refused(await order.tries("pack", {"lines": [{"line_id": "1", "quantity": 1}]}), 409, "not-allowed-now")
    await order.at_place("pick", {"lines": [{"line_id": "1", "quantity": 2}]})
    extra = {"lines": [{"line_id": "1", "quantity": 3}]}
    refused(await order.tries("pack", extra), 422, "too-many-units")
    wrong = {"lines": [{"line_id": "1", "quantity": 1, "sku": "OTHER-1"}]}
    refused(await order.tries("pack", wrong), 422, "wrong-unit")
    half = await order.at_place("pack", {"lines": [{"line_id": "1", "quantity": 1, "sku": shelf.sku}]})
    assert (half["status"], half["packed"]) == ("picking", {"1": 1})
    whole = await order.at_place("pack", {"lines": [{"line_id": "1", "quantity": 1}], "boxes": [{"weight_g": 900}]})
    assert (whole["status"], [box["weight_g"] for box in whole["boxes"]]) == ("packed", [900])
    again = await order.at_place("unpack")
    assert (again["status"], again["packed"]) == ("picking", {})


@story
async def test_carriers_may_speak_early_twice_and_out_of_order(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.packed()
    now = datetime.now(UTC)
    parcel = {"carrier": "Handcart", "tracking_number": f"HC-{order.id[-12:]}"}
    await order.carrier_says(parcel, "picked_up", at=now)
    shown = await order.at_place("ship", parcel)
    assert shown["parcels"][0]["status"] == "picked_up"
    await order.carrier_says(parcel, "out_for_delivery", at=now + timedelta(seconds=3), event_id=f"e-{order.id}")
    await order.carrier_says(parcel, "out_for_delivery", at=now + timedelta(seconds=3), event_id=f"e-{order.id}")
    await order.carrier_says(parcel, "in_transit", at=now + timedelta(seconds=1))
    await order.carrier_says(parcel, "taken_to_the_moon", at=now + timedelta(seconds=4))
    await order.carrier_says(parcel, "delivered", at=now + timedelta(seconds=5))
    await order.reaches("completed")
    events = (await order.group())["parcels"][0]["events"]
    assert [(event["said"], event["effect"]) for event in events] == [
        ("picked_up", "applied"),
        ("out_for_delivery", "applied"),
        ("in_transit", "out_of_order"),
        ("taken_to_the_moon", "unknown"),
        ("delivered", "applied"),
    ]
    await order.told("order_confirmed", "shipped", "delivered")


@story
async def test_a_lost_parcel_is_paid_back_and_turns_up_without_a_second_refund(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await Shipped.place(world, sku=shelf.sku, quantity=2)
    await order.packed()
    lost = await order.shipped(lines={"1": 1})
    await order.carrier_says(lost, "lost")
    await order.event("delivery_exception")
    taken(await order.claim("refund", parcel=1))
    await order.event("payment_refunded")
    await order.carrier_says(lost, "returned")
    task = await order.event("parcel_returned")
    assert task["data"]["lines"] == {"1": 1}
    await order.at_place("put-back")
    last = await order.shipped()
    await order.carrier_says(last, "delivered")
    await order.reaches("completed")
    line = await order.line()
    assert (line["delivered"], line["lost"]) == (1, 1)
    await shelf.adds_up(S001=1)
    await order.money_rests(authorised=9998, captured=9998, refunded=4999)


@story
async def test_a_lost_parcel_is_sent_again_and_charged_once(world: World) -> None:
    shelf = await world.shelf(S001=1, S002=1)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.packed()
    await order.carrier_says(await order.shipped(), "lost")
    await order.event("delivery_exception")
    assert (await order.group())["status"] == "exception"
    taken(await order.claim("reship"))
    again = await order.is_offered("S002", n=2)
    assert again["replaces"] == 1
    await order.packed(n=2)
    await order.carrier_says(await order.shipped(n=2), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0, S002=0)
    await order.money_rests(authorised=4999, captured=4999)


@story
async def test_labels_are_bought_where_nobody_names_a_carrier(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.packed()
    shown = await order.at_place("ship")
    [parcel] = shown["parcels"]
    assert parcel["label_id"]
    assert parcel["carrier"] in ("northway", "kestrel")
    await order.carrier_brings(parcel, "picked_up", "out_for_delivery", "delivered")
    await order.reaches("completed")


@story
async def test_a_card_that_is_declined_at_the_capture_ships_nothing(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku, token="tok_capture_declined")
    await order.packed()
    problem = refused(await order.tries("ship"), 402, "payment-declined")
    assert "nothing is shipped" in problem["detail"]
    await order.event("label_voided")
    await order.reaches("held")
    payment = {"tenders": [{"type": "card", "token": "tok_ok", "amount": 4999}]}
    taken(await order.ask("payments", payment))
    await order.reaches("in_progress")
    await order.carrier_says(await order.shipped(), "delivered")
    await order.reaches("completed")
    await shelf.adds_up(S001=0)


@story
async def test_two_tries_to_ship_in_one_second_ship_once(world: World) -> None:
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku)
    await order.packed()
    parcel = {"carrier": "Handcart", "tracking_number": f"HC-{order.id[-12:]}"}
    answers = await asyncio.gather(*(order.tries("ship", parcel) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert len((await order.group())["parcels"]) == 1
