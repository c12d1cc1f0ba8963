"""What goes wrong at the counter: codes, refused goods, missing goods, stores that only fire and forget."""

import asyncio

import pytest

from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@story
async def test_goods_refused_at_the_counter_are_not_charged_and_go_back_on_the_shelf(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.make_ready()
    chipped = [{"line_id": "1", "quantity": 1, "reason": "chipped"}]
    pickup = await order.is_handed_over(await order.code(), lines={"1": 2}, refused=chipped)
    assert (pickup["status"], pickup["put_back"]) == ("collected", {"1": 1})
    view = await order.reaches("completed")
    assert (view["lines"][0]["handed_over"], view["lines"][0]["cancelled"]) == (2, 1)
    await order.money_rests(authorised=10000, captured=6666)
    assert (await shelf.at("S001"))["set_aside"] == 1
    assert [task["task"] for task in await world.tasks("S001", order)] == ["put_back"]
    await order.does("put-back")
    assert await world.tasks("S001", order) == []
    await shelf.adds_up(S001=8)
    await order.told("order_confirmed", "ready_for_pickup", "collected")
    await order.store_told("store_new_order", "store_put_back")


@story
async def test_a_refusal_before_the_hand_over_keeps_its_reason_and_disposition(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    unwanted = {"lines": [{"line_id": "1", "quantity": 1}], "reason": "wrong colour", "disposition": "vendor"}
    await order.does("refuse", unwanted)
    event = await order.event("refused_at_counter")
    assert (event["reason"], event["data"]["disposition"]) == ("wrong colour", "vendor")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=4999)
    await order.does("put-back")
    await shelf.adds_up(S001=9)


@story
async def test_who_refuses_everything_pays_nothing(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    await order.is_handed_over(await order.code(), refused={"1": 2})
    view = await order.reaches("cancelled")
    assert view["groups"][0]["status"] == "cancelled"
    await order.money_rests(authorised=9998)
    await order.does("put-back")
    await shelf.adds_up(S001=10)


@story
async def test_a_missing_unit_is_cancelled_at_the_counter(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.make_ready()
    await order.does("shortage", {"lines": [{"line_id": "1", "quantity": 1}], "resolution": "cancel"})
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=10000, captured=6667)
    await shelf.adds_up(S001=7)
    await order.told("order_confirmed", "ready_for_pickup", "lines_cancelled", "collected")


@story
async def test_a_missing_unit_is_handed_over_later_when_stock_arrives(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2)
    await order.make_ready()
    await order.does("shortage", {"lines": [{"line_id": "1", "quantity": 1}], "resolution": "later"})
    await order.is_handed_over(await order.code())
    assert (await order.group(2))["status"] == "waiting"
    assert await order.waits() == ["stock arrives at S001"]
    await shelf.receives("S001", 4)
    await order.group_reaches("offered", n=2)
    await order.make_ready(n=2)
    await order.is_handed_over(await order.code(newest=2), n=2)
    await order.reaches("completed")
    await order.money_rests(authorised=10000, captured=10000)
    captures = [each["amount"] for each in await world.provider_ledger(order.id) if each["operation"] == "capture"]
    assert captures == [6666, 3334]
    await shelf.adds_up(S001=3)


@story
async def test_a_missing_unit_comes_from_another_store(world: World) -> None:
    shelf = await world.shelf(S001=3, S002=5)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    await order.does("shortage", {"lines": [{"line_id": "1", "quantity": 1}], "resolution": "other_store"})
    there = await order.group_reaches("offered", n=2)
    assert there["store_id"] == "S002"
    await order.is_handed_over(await order.code())
    await order.make_ready(n=2, store="S002")
    await order.is_handed_over(await order.code(newest=2), n=2, store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)
    await shelf.adds_up(S001=1, S002=4)
    await order.store_told("store_new_order", store="S002")


@story
async def test_a_missing_unit_that_no_store_has_is_the_customers_choice(world: World) -> None:
    shelf = await world.shelf(S001=2)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    await order.does("shortage", {"lines": [{"line_id": "1", "quantity": 1}], "resolution": "other_store"})
    assert (await order.group(2))["status"] == "waiting"
    taken(await order.choose("cancel"))
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=4999)
    await shelf.adds_up(S001=0)
    await order.told("order_confirmed", "ready_for_pickup", "choice_needed", "lines_cancelled", "collected")


@story
async def test_five_wrong_codes_lock_the_pickup_until_a_manager_unlocks_it(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    code = await order.code()
    wrong = f"{(int(code) + 1) % 10**8:08}"
    for left in (4, 3, 2, 1):
        problem = refused(await order.hand_over(wrong), 422, "wrong-code")
        assert ("1 try is left" if left == 1 else f"{left} tries are left") in problem["detail"]
        assert wrong not in str(problem)
    refused(await order.hand_over(wrong), 423, "locked")
    refused(await order.hand_over(code), 423, "locked")
    assert (await order.group())["locked"] is True
    refused(await world.store(order, "unlock"), 403, "forbidden")
    assert (await order.does("unlock", manager=True))["locked"] is False
    await order.is_handed_over(code)
    await order.reaches("completed")
    assert await order.events("wrong_code", "code_locked", "code_unlocked", "handed_over") == [
        *["wrong_code"] * 5,
        "code_locked",
        "code_unlocked",
        "handed_over",
    ]
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=2)


@story
async def test_a_new_code_makes_the_old_one_void(world: World) -> None:
    order = await world.place()
    await order.make_ready()
    old = await order.code()
    taken(await world.channel("POST", f"/v1/pickups/{order.id}/1/resend-code", {}))
    new = await order.code(newest=2)
    assert "replaced by a newer one" in refused(await order.hand_over(old), 422, "wrong-code")["detail"]
    await order.is_handed_over(new)
    await order.reaches("completed")
    await order.told("order_confirmed", "ready_for_pickup", "code_resent", "collected")


@story
async def test_the_right_code_at_another_store_opens_nothing(world: World) -> None:
    order = await world.place(store="S001")
    await order.make_ready()
    code = await order.code()
    refused(await order.hand_over(code, store="S002"), 404, "not-found")
    audit = await world.ops("GET", "/v1/ops/audit?limit=50&principal=S002-associate", as_="eva")
    assert any(order.id in str(entry) for entry in audit.json()["items"]), "the try is on record"
    assert (await order.group())["status"] == "ready"
    await order.is_handed_over(code)
    await order.reaches("completed")


@story
async def test_a_second_scan_of_the_code_gives_the_first_answer_and_changes_nothing(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    code = await order.code()
    first = await world.store(order, "hand-over", {"code": code}, idempotency=f"scan-{order.id}")
    again = await world.store(order, "hand-over", {"code": code}, idempotency=f"scan-{order.id}")
    assert (again.json(), again.headers["idempotency-replayed"]) == (taken(first), "true")
    refused(
        await world.store(order, "hand-over", {"code": "1"}, idempotency=f"scan-{order.id}"),
        422,
        "idempotency-key-reused",
    )
    second = await order.is_handed_over(code)
    assert (second["already"], second["hand_overs"]) == (True, first.json()["hand_overs"])
    await order.reaches("completed")
    assert (await order.is_handed_over(code))["already"] is True
    refused(await order.hand_over("00000000"), 409, "not-allowed-now")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=2)
    assert await order.events("handed_over") == ["handed_over"]
    await order.told("order_confirmed", "ready_for_pickup", "collected")


@story
async def test_more_units_than_are_ready_are_not_handed_over(world: World) -> None:
    order = await world.place(quantity=2)
    await order.make_ready()
    code = await order.code()
    refused(await order.hand_over(code, lines={"1": 3}), 422, "too-many-units")
    refused(await order.hand_over(code, lines={"1": 2}, refused={"1": 1}), 422, "too-many-units")
    await order.is_handed_over(code)
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)


@story
async def test_a_store_that_saw_an_older_version_is_refused_with_the_present_one(world: World) -> None:
    order = await world.place()
    seen = (await order.view())["version"]
    await order.does("accept", {"version": seen})
    problem = refused(
        await world.store(order, "pick", {"lines": [{"line_id": "1", "quantity": 1}], "version": seen}),
        409,
        "stale-version",
    )
    assert problem["current"]["version"] > seen
    assert problem["current"]["status"] == "accepted"
    await order.does("pick", {"lines": [{"line_id": "1", "quantity": 1}], "version": problem["current"]["version"]})
    refused(await order.cancel(version=seen), 409, "stale-version")
    taken(await order.cancel())
    await order.reaches("cancelled")


@story
async def test_a_store_that_fires_and_forgets_finds_its_commands_fate_in_the_timeline(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await world.place(sku=shelf.sku)
    sent = await world.store(order, "ready", Prefer="respond-async")
    assert (sent.status_code, sent.headers["preference-applied"]) == (202, "respond-async")
    fate = await order.event("command_refused")
    assert (fate["data"]["command"], fate["actor"]) == ("ready", "S001-associate")
    assert "accept" in fate["reason"]
    for command, body, event in (
        ("accept", {}, "store_accepted"),
        ("pick", {"lines": [{"line_id": "1", "quantity": 1}]}, "picked"),
        ("ready", {}, "ready"),
    ):
        assert (await world.store(order, command, body, Prefer="respond-async")).status_code == 202
        await order.event(event)
    code = await order.code()
    scans = [world.store(order, "hand-over", {"code": code}, Prefer="respond-async") for _ in range(2)]
    assert {answer.status_code for answer in await asyncio.gather(*scans)} <= {200, 202}
    await order.reaches("completed")
    assert await order.events("handed_over", "payment_captured") == ["payment_captured", "handed_over"]
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=2)
