"""Pickups that nobody collects in time: reminded, warned, ended, put back; extended; handed over while offline.

A day takes a second here: the window is 8 s, the reminder comes after 3 s, the last warning 2 s before the end.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LASTING = "tok_expires_7d"
"""A card whose authorisation outlives every story."""


@pytest.fixture(scope="module")
def world(short_world: World) -> World:
    return short_world


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def passes(world: World, moment: str, *, seconds: float = 0.5) -> None:
    """Wait until an instant is over."""

    async def look() -> bool:
        return datetime.now(UTC) > instant(moment) + timedelta(seconds=seconds)

    await world.until(f"{moment} is over", look)


@story
async def test_nobody_comes(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=2, token=LASTING)
    await order.make_ready()
    code = await order.code()
    group = await order.group_reaches("expired")
    assert (group["put_back"], (await order.line())["cancelled"]) == ({"1": 2}, 2)
    view = await order.reaches("cancelled")
    assert view["waiting_for"] == []
    problem = refused(await order.hand_over(code), 409, "not-allowed-now")
    assert problem["current"]["status"] == "expired"
    await order.money_rests(authorised=9998)
    level = await shelf.at("S001")
    assert (level["on_hand"], level["set_aside"], level["available"]) == (10, 2, 8)
    [task] = await world.tasks("S001", order)
    assert (task["task"], task["lines"][0]["quantity"]) == ("put_back", 2)
    await order.does("put-back")
    assert (await shelf.at("S001"))["available"] == 10
    assert await world.tasks("S001", order) == []
    await shelf.adds_up(S001=10)
    await order.told("order_confirmed", "ready_for_pickup", "pickup_reminder", "pickup_expiring", "pickup_expired")
    await order.store_told("store_new_order", "store_about_to_expire", "store_put_back")
    assert await order.events("reminder_sent", "window_expired", "order_cancelled", "payment_voided", "put_back") == [
        "reminder_sent",
        "reminder_sent",
        "window_expired",
        "payment_voided",
        "order_cancelled",
        "put_back",
    ]


@story
async def test_an_extended_window_keeps_the_goods_and_stops_the_old_clock(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, token=LASTING)
    first = (await order.make_ready())["deadline"]
    path = f"/v1/pickups/{order.id}/1/extend"
    refused(await world.channel("POST", path, {"until": later(seconds=1)}), 422, "beyond-limit")
    problem = refused(await world.channel("POST", path, {"until": later(days=1)}), 422, "beyond-limit")
    assert "at most" in problem["detail"]
    until = later(seconds=20)
    pickup = taken(await world.channel("POST", path, {"until": until}))
    assert instant(pickup["deadline"]) == instant(until)
    await passes(world, first)
    assert (await order.group())["status"] == "ready"
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=9)
    sent = await told_kinds(order)
    assert sent.count("window_extended") == 1
    assert "pickup_expired" not in sent


@story
async def test_what_was_collected_stays_when_the_rest_expires(world: World) -> None:
    shelf = await world.shelf(S001=10)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2, token=LASTING)
    await order.make_ready()
    code = await order.code()
    await order.is_handed_over(code, lines={"1": 1})
    view = await order.reaches("completed")
    assert (view["lines"][0]["handed_over"], view["lines"][0]["cancelled"]) == (1, 2)
    await order.money_rests(authorised=10000, captured=3333)
    await order.does("put-back")
    await shelf.adds_up(S001=9)
    assert (await told_kinds(order))[-1] == "pickup_expired"


@story
async def test_reminders_stop_at_once_when_the_order_is_cancelled(world: World) -> None:
    order = await world.place(token=LASTING)
    deadline = (await order.make_ready())["deadline"]
    taken(await order.cancel())
    await passes(world, deadline)
    await order.told("order_confirmed", "ready_for_pickup", "order_cancelled")
    assert await order.events("reminder_sent", "window_expired") == []


@story
async def test_an_offline_store_reports_a_hand_over_that_was_in_time_and_the_earlier_truth_wins(world: World) -> None:
    """The first pickup expired on paper; the order still lives by its second one, and the money is found again."""
    shelf = await world.shelf(S001=5, S002=5)
    order = await two_pickups(world, shelf.sku)
    deadline = (await order.make_ready(n=1, store="S001"))["deadline"]
    code = await order.code()
    await order.make_ready(n=2, store="S002")
    taken(await world.channel("POST", f"/v1/pickups/{order.id}/2/extend", {"until": later(seconds=30)}))
    await order.group_reaches("expired", n=1)
    in_time = (instant(deadline) - timedelta(seconds=2)).isoformat()
    pickup = await order.is_handed_over(code, n=1, store="S001", at=in_time)
    assert (pickup["status"], pickup["put_back"]) == ("collected", {})
    assert pickup["hand_overs"][0]["captured"] == 2500
    await order.is_handed_over(await order.code(newest=2), n=2, store="S002")
    view = await order.reaches("completed")
    assert view["payment"]["captured"] == 3998
    kept = await world.money(order.id)
    assert (kept["capture"], kept["authorise"] - kept["void"]) == (3998, 3998)
    await order.money_rests(authorised=kept["authorise"], captured=3998)
    await shelf.adds_up(S001=4, S002=4)


@story
async def test_a_hand_over_against_the_end_of_the_window_has_one_winner(world: World) -> None:
    shelf = await world.shelf(S001=20)
    ends = await asyncio.gather(*(handed_over_at_the_end(world, shelf.sku, early / 10) for early in range(-2, 4)))
    await shelf.adds_up(S001=20 - ends.count("completed"))


async def handed_over_at_the_end(world: World, sku: str, early: float) -> str:
    """The code is scanned so many seconds before its pickup ends: the order's end says whether that was in time."""
    order = await world.place(sku=sku, token=LASTING)
    deadline = instant((await order.make_ready())["deadline"])
    code = await order.code()
    await asyncio.sleep((deadline - datetime.now(UTC)).total_seconds() - early)
    answer = await order.hand_over(code)
    view = await order.reaches("completed", "cancelled")
    if answer.status_code == 200:
        assert (view["status"], view["payment"]["captured"]) == ("completed", 4999)
        await order.money_rests(authorised=4999, captured=4999)
        assert await order.events("window_expired") == []
    else:
        assert refused(answer, 409, "not-allowed-now")["current"]["status"] == "expired"
        assert (view["status"], view["payment"]["captured"]) == ("cancelled", 0)
        await order.money_rests(authorised=4999)
        await order.does("put-back")
    return str(view["status"])


@story
async def test_a_hand_over_reported_after_the_order_has_ended_is_kept_for_a_person(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token=LASTING)
    deadline = (await order.make_ready())["deadline"]
    code = await order.code()
    await order.reaches("cancelled")
    in_time = (instant(deadline) - timedelta(seconds=2)).isoformat()
    problem = refused(await order.hand_over(code, at=in_time), 409, "not-allowed-now")
    assert problem["current"]["status"] == "expired"
    kept = await order.event("command_refused")
    assert "person" in kept["reason"]
    assert kept["data"]["command"] == "hand_over"
    await order.reaches("needs_attention")
    listed = (await world.ops("GET", "/v1/ops/interventions?limit=200")).json()["items"]
    [question] = [each for each in listed if each["order_id"] == order.id]
    decision = {"action": "skip", "reason": "the customer brings it back"}
    taken(await world.ops("POST", f"/v1/ops/interventions/{question['intervention_id']}", decision))
    await order.reaches("cancelled")
    await order.does("put-back")
    await shelf.adds_up(S001=5)


async def told_kinds(order: Placed) -> list[str]:
    """What was sent to the customer, once nothing waits to be sent any more."""

    async def look() -> list[str] | None:
        answer = await order.world.channel("GET", f"/v1/orders/{order.id}/messages", as_=order.as_)
        messages = [message for message in answer.json()["items"] if message["audience"] == "customer"]
        if any(message["state"] == "pending" for message in messages):
            return None
        return [message["kind"] for message in messages if message["state"] == "sent"]

    kinds: list[str] = await order.world.until("all messages are sent", look)
    assert len(await order.world.mails(order.mailbox)) == len(kinds)
    return kinds


async def two_pickups(world: World, sku: str) -> Placed:
    """2500 at S001 and 1498 at S002."""
    return await world.place(
        token=LASTING,
        lines=[
            {"line_id": "1", "sku": sku, "quantity": 1, "unit_price": 2500, "fulfilment": "f1"},
            {"line_id": "2", "sku": sku, "quantity": 1, "unit_price": 1498, "fulfilment": "f2"},
        ],
        fulfilments=[
            {"id": "f1", "method": "pickup", "store_id": "S001"},
            {"id": "f2", "method": "pickup", "store_id": "S002"},
        ],
    )
