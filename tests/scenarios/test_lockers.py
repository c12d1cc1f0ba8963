"""Orders that are collected from a parcel machine: filled, full, left there, cancelled, and what is said of them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.lockers import InLocker, to_locker
from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def tasks(world: World, order: InLocker) -> list[Json]:
    return await world.tasks(order.store, order)


@story
async def test_goods_put_into_the_machine_are_taken_out_with_the_operators_code(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await InLocker.to(world, sku=shelf.sku, quantity=2)
    assert (await order.stay())["status"] == "requested"
    refused(await order.deposit_code(), 409, "not-allowed-now")
    await order.does("accept")
    await order.pick()
    reserved = await order.stay_becomes("reserved")
    [task] = await tasks(world, order)
    assert (task["task"], task["mode"]) == ("deposit", "locker")
    assert task["locker"]["compartment_id"] == reserved["compartment_id"]
    refused(await world.store(order, "ready"), 409, "not-allowed-now")
    code = taken(await order.deposit_code())
    assert (code["locker_id"], code["compartment_id"]) == ("L001", reserved["compartment_id"])
    await order.opens("deposit", code["code"])
    group = await order.group_reaches("ready")
    assert (group["locker"]["status"], group["deadline"]) == ("deposited", group["locker"]["collect_by"])
    assert await tasks(world, order) == []
    assert "customer collects from locker L001" in await order.waits()
    refused(await world.store(order, "hand-over", {"code": "12345678"}), 409, "not-allowed-now")
    refused(await world.store(order, "extend", {"until": "2036-01-01T00:00:00Z"}), 422, "beyond-limit")
    assert (await world.money(order.id))["capture"] == 0
    theirs = await order.operator_code()
    assert theirs not in str(await order.view()) + str(await order.timeline())
    assert theirs not in (await world.channel("GET", f"/v1/orders/{order.id}/messages")).text
    await order.opens("collect", theirs)
    await order.reaches("completed")
    [hand_over] = (await order.group())["hand_overs"]
    assert (hand_over["by"], hand_over["lines"]) == ("locker L001", {"1": 2})
    await shelf.adds_up(S001=1)
    await order.money_rests(authorised=9998, captured=9998)
    await order.told("order_confirmed", "ready_in_locker", "collected")


@story
async def test_a_machine_that_is_full_sends_the_customer_to_the_counter_of_the_store(world: World) -> None:
    shelf = await world.shelf(S002=2)
    order = await InLocker.to(world, "S002", "L-FULL", sku=shelf.sku, quantity=2)
    await order.does("accept")
    assert (await order.stay_becomes("full"))["counter"] == "locker_full"
    await order.pick()
    assert [(task["task"], task["mode"]) for task in await tasks(world, order)] == [("make_ready", "counter")]
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await shelf.adds_up(S002=0)
    await order.money_rests(authorised=9998, captured=9998)
    await order.told("order_confirmed", "counter_instead", "ready_for_pickup", "collected")
    assert (await order.event("counter_instead"))["reason"] == "locker_full"


@story
async def test_goods_that_nobody_takes_go_back_to_the_store(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await InLocker.to(world, sku=shelf.sku, quantity=2)
    compartment = (await order.is_put_in())["locker"]["compartment_id"]
    await order.operator_code()
    await order.operator_says(compartment, "expired")
    await order.reaches("cancelled")
    group = await order.group()
    assert (group["status"], group["put_back"]) == ("expired", {"1": 2})
    assert [task["task"] for task in await tasks(world, order)] == ["put_back"]
    await order.operator_says(compartment, "returned")
    await order.stay_becomes("returned")
    await order.does("put-back")
    await shelf.adds_up(S001=2)
    await order.money_rests(authorised=9998)
    await order.told("order_confirmed", "ready_in_locker", "pickup_expired")
    await order.store_told("store_new_order", "store_put_back")


@story
async def test_a_cancel_takes_the_goods_out_of_the_machine(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await InLocker.to(world, sku=shelf.sku, quantity=2)
    await order.is_put_in()
    code = await order.operator_code()
    plan = taken(await order.cancel())["plan"]
    assert ([part["quantity"] for part in plan["asked"]], plan["void"], plan["recall"]) == ([2], 0, [])
    await order.reaches("cancelled")
    assert (await order.group())["status"] == "cancelled"
    url = f"{world.record['lockers']}/machines/L001/collect"
    assert (await world.http.post(url, json={"code": code})).status_code == 422, "the code opens nothing any more"
    await order.does("put-back")
    await shelf.adds_up(S001=2)
    await order.money_rests(authorised=9998)
    await order.told("order_confirmed", "ready_in_locker", "order_cancelled")


@story
async def test_a_customer_who_was_quicker_than_the_cancel_has_the_goods_and_pays(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await InLocker.to(world, sku=shelf.sku, quantity=2)
    await order.is_put_in()
    code = await order.operator_code()
    await order.opens("collect", code)
    # Whichever comes first, the operator's word or the cancel: the goods are gone, and paid.
    assert (await order.cancel()).status_code in (200, 409)
    await order.reaches("completed")
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=9998, captured=9998)


@story
async def test_what_an_operator_says_late_twice_or_of_others_changes_nothing(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await InLocker.to(world, sku=shelf.sku, quantity=2)
    compartment = (await order.is_put_in())["locker"]["compartment_id"]
    code, now = await order.operator_code(), datetime.now(UTC)
    await order.event_comes(compartment, "door_jammed", now.isoformat(), f"jam {order.id}")
    await order.event_comes(compartment, "door_jammed", now.isoformat(), f"jam {order.id}")
    await order.event_comes("cmp_of_nobody", "collected", now.isoformat())
    await order.event_comes(compartment, "released", (now - timedelta(hours=1)).isoformat())
    assert (await order.group())["status"] == "ready"
    await order.opens("collect", code)
    await order.reaches("completed")
    await order.event_comes(compartment, "deposited", (now - timedelta(minutes=1)).isoformat())
    await order.event_comes(compartment, "expired", datetime.now(UTC).isoformat())
    said: list[str] = []

    async def all_is_kept() -> bool:
        said[:] = [item["data"]["said"] for item in await order.timeline() if item["event"] == "locker_event"]
        return "expired" in said

    await world.until("the last word is kept", all_is_kept)
    assert [said.count(word) for word in ("door_jammed", "collected", "expired")] == [1, 1, 1]
    view = await order.view()
    assert (view["status"], view["groups"][0]["locker"]["status"]) == ("completed", "collected")
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=9998, captured=9998)


@story
async def test_a_locker_that_the_store_does_not_have_is_refused(world: World) -> None:
    for store, locker, words in (("S001", "L777", "L001"), ("S004", "L001", "no locker")):
        body = world.body() | {"fulfilments": [to_locker(store, locker)]}
        problem = refused(await world.channel("POST", "/v1/orders", body), 422, "validation")
        [error] = problem["errors"]
        assert error["pointer"] == "/fulfilments/0/locker_id"
        assert words in error["reason"]
    body = world.body(tender="pay_in_store") | {"fulfilments": [to_locker("S001", "L001")]}
    problem = refused(await world.channel("POST", "/v1/orders", body), 422, "validation")
    assert [error["pointer"] for error in problem["errors"]] == ["/tenders/0/type"]
