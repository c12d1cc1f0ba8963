"""Orders on their way in: the same one again, sums that differ, approvals, places that cannot, and who may see what."""

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@story
async def test_the_same_order_again_is_the_same_order(world: World) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku)
    order = await world.placed(body)
    again = await world.channel("POST", "/v1/orders", body)
    assert (again.status_code, again.json()["order_id"]) == (200, order.id)
    by_other_key = await world.channel("POST", "/v1/orders", {**body, "lines": body["lines"]})
    assert by_other_key.json()["order_id"] == order.id
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    ended = await world.channel("POST", "/v1/orders", body)
    assert (ended.status_code, ended.json()["order_id"], ended.json()["status"]) == (200, order.id, "completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_the_same_external_id_with_other_content_is_refused_with_the_order_there_is(world: World) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku)
    order = await world.placed(body)
    other = deepcopy(body)
    other["lines"][0]["quantity"], other["total"], other["tenders"][0]["amount"] = 2, 9998, 9998
    problem = refused(await world.channel("POST", "/v1/orders", other), 409, "order-exists")
    assert (problem["current"]["order_id"], problem["current"]["total"]) == (order.id, 4999)
    assert (await shelf.at("S001"))["allocated"] == 1
    taken(await order.cancel())
    await order.reaches("cancelled")
    refused(await world.channel("POST", "/v1/orders", other), 409, "order-exists")
    await shelf.adds_up(S001=5)


@story
async def test_one_external_id_may_come_from_two_channels(world: World) -> None:
    body = world.body()
    web = await world.placed(body)
    app = await world.placed({**body, "channel": "app"}, "app")
    assert web.id != app.id
    for order in (web, app):
        taken(await order.cancel())
        await order.reaches("cancelled")


@story
async def test_two_lines_that_need_the_same_item_are_checked_as_one_sum(world: World) -> None:
    shelf = await world.shelf(S001=3)
    lines = [
        {"line_id": "1", "sku": shelf.sku, "quantity": 2, "unit_price": 1000},
        {"line_id": "2", "sku": shelf.sku, "quantity": 2, "unit_price": 1000},
    ]
    body = world.body(lines=lines)
    problem = refused(await world.channel("POST", "/v1/orders", body), 409, "out-of-stock")
    assert problem["shortfalls"] == [{"sku": shelf.sku, "location_id": "S001", "asked": 4, "available": 3}]
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/0/quantity", "/lines/1/quantity"]
    await shelf.adds_up(S001=3)
    await shelf.receives("S001", 1)
    order = await world.placed(body)
    assert (await shelf.at("S001"))["available"] == 0
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=4)


# --- sums that differ --------------------------------------------------------------------------------------------


@story
async def test_a_channel_that_can_be_told_no_hears_the_exact_difference(world: World) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku)
    body["total"] = 5002
    problem = refused(await world.channel("POST", "/v1/orders", body), 422, "does-not-add-up")
    assert {error["pointer"]: error["reason"].split(": ")[-1] for error in problem["errors"]} == {
        "/total": "+3",
        "/tenders": "-3",
    }
    await shelf.adds_up(S001=5)


@pytest.mark.parametrize("channel", ["call_centre", "marketplace"])
async def test_where_nobody_can_be_told_no_a_person_settles_the_difference(world: World, channel: str) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku, channel=channel)
    body["total"] = 5002
    order = await world.placed(body, channel)
    [hold] = order.answer["holds"]
    assert (order.answer["status"], hold["kind"], hold["owner"]) == ("held", "data", "ops")
    assert "difference 3" in hold["reason"]
    refused(await world.store(order, "accept"), 409, "held")
    assert (await world.money(order.id))["capture"] == 0
    resolve = {"outcome": "release", "reason": "a typing error of three cents"}
    taken(await world.ops("POST", f"/v1/orders/{order.id}/holds/{hold['hold_id']}/resolve", resolve))
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


# --- approval ----------------------------------------------------------------------------------------------------


@story
async def test_an_order_of_great_value_waits_for_approval_by_ops(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, channel="social", price=50_001)
    [hold] = order.answer["holds"]
    assert (order.answer["status"], hold["kind"]) == ("held", "approval")
    assert (await shelf.at("S001"))["reserved"] == 1
    path, release = f"/v1/orders/{order.id}/holds/{hold['hold_id']}/resolve", {"outcome": "release", "reason": "known"}
    refused(await world.channel("POST", path, release, as_="social"), 403, "forbidden")
    refused(await world.ops("POST", path, release, as_="eva"), 403, "forbidden")
    assert taken(await world.ops("POST", path, release))["status"] == "in_progress"
    level = await shelf.at("S001")
    assert (level["reserved"], level["allocated"]) == (0, 1)
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=50_001)
    await shelf.adds_up(S001=5)


@story
async def test_an_order_up_to_the_limit_needs_no_approval(world: World) -> None:
    order = await world.place(channel="social", price=50_000)
    assert (order.answer["status"], order.answer["holds"]) == ("in_progress", [])
    taken(await order.cancel())
    await order.reaches("cancelled")


@story
async def test_an_order_that_is_not_approved_is_cancelled(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, channel="social", price=50_001)
    [hold] = order.answer["holds"]
    path = f"/v1/orders/{order.id}/holds/{hold['hold_id']}/resolve"
    taken(await world.ops("POST", path, {"outcome": "cancel", "reason": "too much"}))
    await order.reaches("cancelled")
    await order.money_rests(authorised=50_001)
    await shelf.adds_up(S001=5)
    await order.told("order_cancelled")


# --- places and methods ------------------------------------------------------------------------------------------


@story
async def test_places_that_cannot_serve_are_named_with_the_next_possible_time(world: World) -> None:
    async def errors_of(**wanted: Any) -> tuple[list[str], str]:
        problem = refused(await world.channel("POST", "/v1/orders", world.body(**wanted)), 422, "validation")
        return [error["pointer"] for error in problem["errors"]], problem.get("next_possible", "")

    assert await errors_of(store="S999") == (["/fulfilments/0/store_id"], "")
    assert await errors_of(store="W001") == (["/fulfilments/0/store_id"], "")
    assert await errors_of(store="S004", mode="curbside") == (["/fulfilments/0/mode"], "")
    assert await errors_of(sku="NO-SUCH-THING") == (["/lines/0/sku"], "")
    pointers, possible = await errors_of(requested_pickup_at="2020-01-01T10:00:00Z")
    assert (pointers, bool(possible)) == (["/requested_pickup_at"], True)
    key, until = world.keys["managers"]["S009"], later(days=1)
    paused = await world.call("PUT", "/v1/stores/S009/pause", key, {"until": until, "reason": "no staff"})
    assert paused.status_code == 200, paused.text
    pointers, possible = await errors_of(store="S009")
    assert (pointers, possible > until) == (["/fulfilments/0/store_id"], True)
    assert (await world.call("DELETE", "/v1/stores/S009/pause", key)).status_code == 200
    order = await world.place(store="S009")
    taken(await order.cancel())
    await order.reaches("cancelled")


@story
async def test_what_is_not_offered_yet_is_said_so(world: World) -> None:
    wanted = {"tenders": [{"type": "settled", "reference": "R-1", "amount": 4999}]}
    refused(await world.channel("POST", "/v1/orders", world.body(**wanted)), 422, "not-supported")


# --- who sees what -----------------------------------------------------------------------------------------------


@story
async def test_a_marketplace_sees_its_own_orders_only_and_no_names_of_staff(world: World) -> None:
    web = await world.place()
    own = await world.place(channel="marketplace")
    for path in (f"/v1/orders/{web.id}", f"/v1/orders/{web.id}/timeline", f"/v1/orders/{web.id}/messages"):
        refused(await world.channel("GET", path, as_="marketplace"), 404, "not-found")
    refused(await world.channel("POST", f"/v1/orders/{web.id}/cancel", {}, as_="marketplace"), 404, "not-found")
    refused(await world.channel("GET", "/v1/orders/none", as_="marketplace"), 404, "not-found")
    found = (await world.channel("GET", "/v1/orders?limit=200", as_="marketplace")).json()["items"]
    assert {order["channel"] for order in found} == {"marketplace"}
    assert own.id in {order["order_id"] for order in found}
    body = world.body(channel="web")
    refused(await world.channel("POST", "/v1/orders", body, as_="marketplace"), 403, "forbidden")
    await own.make_ready()
    await own.is_handed_over(await own.code())
    view = await own.reaches("completed")
    assert view["groups"][0]["hand_overs"][0]["by"] == "staff"
    assert {item["actor"] for item in await own.timeline() if item["place"]} == {"staff"}
    web_sees = await world.channel("GET", f"/v1/orders/{own.id}")
    assert web_sees.json()["groups"][0]["hand_overs"][0]["by"] == "S001-associate"
    taken(await web.cancel())
    await web.reaches("cancelled")


@story
async def test_a_store_sees_what_has_work_at_it_and_only_the_name_of_the_customer(world: World) -> None:
    order = await world.place(store="S001")
    for store, status in (("S001", 200), ("S002", 404)):
        answer = await world.call("GET", f"/v1/orders/{order.id}", world.keys["stores"][store])
        assert answer.status_code == status
    seen = (await world.call("GET", f"/v1/orders/{order.id}", world.keys["stores"]["S001"])).json()["customer"]
    assert (seen["name"], seen["email"], seen["phone"]) == ("Test Customer", None, None)
    refused(await world.call("GET", "/v1/stores/S001/tasks", world.keys["stores"]["S002"]), 404, "not-found")
    refused(await world.store(order, "accept", store="S002"), 404, "not-found")
    refused(
        await world.call("POST", f"/v1/orders/{order.id}/cancel", world.keys["stores"]["S001"], {}), 403, "forbidden"
    )
    taken(await order.cancel())
    await order.reaches("cancelled")


@story
async def test_what_a_call_centre_does_for_a_customer_names_both(world: World) -> None:
    order = await world.place(channel="call_centre")
    headers = {"On_Behalf_Of": "customer/C-77"}
    taken(await order.ask("cancel", {"reason": "customer"}, **headers))
    await order.reaches("cancelled")
    event = await order.event("units_cancelled")
    assert (event["actor"], event["on_behalf_of"], event["channel"]) == ("call_centre", "customer/C-77", "call_centre")


# --- large and many ----------------------------------------------------------------------------------------------


async def test_five_hundred_lines_work_and_one_more_is_refused(world: World) -> None:
    shelf = await world.shelf(S001=1000)
    lines = [{"line_id": str(n), "sku": shelf.sku, "quantity": 2, "unit_price": n} for n in range(1, 502)]
    problem = refused(await world.channel("POST", "/v1/orders", world.body(lines=lines)), 422, "validation")
    assert "500" in problem["errors"][0]["reason"]
    order = await world.place(lines=lines[:500])
    await order.make_ready()
    await order.is_handed_over(await order.code(), proof={"kind": "signature"})
    await order.reaches("completed")
    worth = sum(2 * n for n in range(1, 501))
    await order.money_rests(authorised=worth, captured=worth)
    assert (await shelf.at("S001"))["on_hand"] == 0


async def test_the_same_order_fifty_times_at_once_is_one_order_with_one_authorisation(world: World) -> None:
    shelf = await world.shelf(S001=60)
    body = world.body(sku=shelf.sku)
    key = body["external_id"]
    same_key = [world.channel("POST", "/v1/orders", body, idempotency=key, patient=False) for _ in range(25)]
    other_keys = [world.channel("POST", "/v1/orders", body) for _ in range(25)]
    answers = await asyncio.gather(*same_key, *other_keys)
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "request-in-progress")
            assert answer.headers["retry-after"]
        else:
            assert answer.status_code in (200, 201), answer.text
    decided = [answer for answer in answers if answer.status_code in (200, 201)]
    assert len({answer.json()["order_id"] for answer in decided}) == 1
    assert len(decided) >= 26
    order = Placed(world, body, decided[0].json(), "web")
    assert [each["operation"] for each in await world.provider_ledger(order.id)] == ["authorise"]
    assert (await shelf.at("S001"))["allocated"] == 1
    assert await order.events("order_placed", "order_confirmed") == ["order_placed", "order_confirmed"]
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=60)
    await order.told("order_confirmed", "order_cancelled")
