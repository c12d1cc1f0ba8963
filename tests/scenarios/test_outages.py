"""The payment system is away, slow or busy: orders wait and say so, nothing is lost or done twice."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MOMENTS = 9
"""So many refused calls outlast the patience of a caller at the counter."""


async def away_for(world: World, order: Placed, operation: str, **more: object) -> None:
    fault = {"kind": "status", "status": 503, "count": MOMENTS} | more
    await world.provider_fault(operation=operation, reference=order.id, **fault)


# --- one order's calls -------------------------------------------------------------------------------------------


@story
async def test_at_the_counter_the_goods_go_and_the_capture_follows(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    code = await order.code()
    await away_for(world, order, "capture")
    pickup = await order.is_handed_over(code)
    assert (pickup["status"], pickup["hand_overs"][0]["capture_pending"]) == ("collected", True)
    assert (await shelf.at("S001"))["on_hand"] == 4
    view = await order.view()
    assert (view["status"], view["payment"]["captured"]) == ("in_progress", 0)
    assert any(wait["kind"] == "payment_system" for wait in view["waiting_for"])
    await order.reaches("completed")
    assert "payment_pending" in await order.events()
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)
    await order.told("order_confirmed", "ready_for_pickup", "collected")


@story
async def test_a_cancel_is_answered_at_once_and_the_void_follows(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    await away_for(world, order, "void")
    done = taken(await order.cancel())
    assert done["plan"]["void"] == 4999
    assert (await shelf.at("S001"))["available"] == 5
    assert (await order.view())["payment"]["authorised"] == 4999
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=5)


@story
async def test_a_provider_that_is_busy_says_when_to_come_back_and_is_heard(world: World) -> None:
    order = await world.place()
    await order.make_ready()
    code = await order.code()
    await world.provider_fault(
        operation="capture", reference=order.id, kind="status", status=429, retry_after=2.5, count=1
    )
    asked = (await order.event("ready"))["at"]
    await order.is_handed_over(code)
    await order.reaches("completed")
    ledger = await world.provider_ledger(order.id)
    [capture] = [each for each in ledger if each["operation"] == "capture"]
    assert (instant(capture["at"]) - instant(asked)).total_seconds() > 2.5
    await order.money_rests(authorised=4999, captured=4999)


@pytest.mark.parametrize("kind", ["before", "after"])
async def test_calls_that_break_off_are_done_once(world: World, kind: str) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.make_ready()
    code = await order.code()
    await world.provider_fault(operation="capture", reference=order.id, kind=kind, count=1)
    await order.is_handed_over(code, lines={"1": 1})
    await world.provider_fault(operation="void", reference=order.id, kind=kind, count=1)
    taken(await order.cancel())
    await order.reaches("completed")
    await order.does("put-back")
    await order.money_rests(authorised=9998, captured=4999)
    assert [each["operation"] for each in await world.provider_ledger(order.id)] == ["authorise", "capture", "void"]
    await shelf.adds_up(S001=4)


# --- everybody's calls: these play alone -------------------------------------------------------------------------


@pytest.fixture
async def provider(world: World) -> AsyncIterator[World]:
    """The provider for whoever misuses it: well again afterwards."""
    yield world
    await world.provider_healed()
    await world.provider_tells("normal")


async def test_an_order_placed_while_the_payment_system_is_away_waits_and_goes_on(provider: World) -> None:
    shelf = await provider.shelf(S001=5)
    await provider.provider_fault(operation="authorise", kind="status", status=503, count=10_000)
    order = await provider.place(sku=shelf.sku)
    assert (order.answer["status"], [hold["kind"] for hold in order.answer["holds"]]) == ("held", ["payment"])
    assert any(wait["kind"] == "payment_system" for wait in order.answer["waiting_for"])
    refused(await provider.store(order, "accept"), 409, "held")
    assert (await shelf.at("S001"))["reserved"] == 1
    await provider.provider_healed()
    await order.reaches("in_progress")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


async def test_an_order_cancelled_while_the_payment_system_is_away_holds_no_money_afterwards(provider: World) -> None:
    shelf = await provider.shelf(S001=5)
    await provider.provider_fault(operation="authorise", kind="status", status=503, count=10_000)
    order = await provider.place(sku=shelf.sku)
    taken(await order.cancel())
    assert (await shelf.at("S001"))["available"] == 5
    await provider.provider_healed()
    await order.reaches("cancelled")
    money = await provider.money(order.id)
    assert (money["capture"], money["authorise"]) == (0, money["void"])
    await order.money_rests(authorised=money["authorise"])
    await shelf.adds_up(S001=5)


@pytest.mark.parametrize("mode", ["twice", "late", "reverse"])
async def test_webhooks_twice_late_or_in_the_wrong_order_lead_to_the_same_books(provider: World, mode: str) -> None:
    shelf = await provider.shelf(S001=5)
    await provider.provider_tells(mode)
    order = await provider.place(sku=shelf.sku, quantity=2, token="tok_3ds")
    await provider.bank_asks(order.answer["next_action"]["url"], approve=True)
    await order.reaches("in_progress")
    await order.make_ready()
    await order.is_handed_over(await order.code(), lines={"1": 1})
    taken(await order.cancel())
    await order.reaches("completed")
    await all_delivered(provider, order)
    await order.does("put-back")
    await order.money_rests(authorised=9998, captured=4999)
    assert await order.events("payment_authorised", "payment_captured", "payment_voided", "order_confirmed") == [
        "payment_authorised",
        "order_confirmed",
        "payment_captured",
        "payment_voided",
    ]
    await shelf.adds_up(S001=4)


async def all_delivered(world: World, order: Placed) -> None:
    async def look() -> bool:
        sent = await world.http.get(f"{world.record['payments']}/webhooks", params={"reference": order.id})
        events: list[Json] = sent.json()["items"]
        return all(event["delivered_at"] for event in events)

    await world.until("all webhooks were delivered", look)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
