"""Events from outside: believed only when signed, kept before they are answered, applied once, whenever they come."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def decided(order_id: str, decision: str) -> Json:
    return {"order_id": order_id, "decision": decision}


@story
async def test_a_review_that_ends_well_lets_the_order_go_on(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, ref="C-REVIEW")
    assert (order.answer["status"], order.answer["payment"]["authorised"]) == ("held", 4999)
    refused(await world.store(order, "accept"), 409, "held")
    answer = await world.webhook("fraud", decided(order.id, "accept"))
    assert (answer.status_code, answer.json()["known"]) == (202, False)
    await order.reaches("in_progress")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)
    await order.told("order_confirmed", "ready_for_pickup", "collected")


@story
async def test_a_review_that_ends_badly_frees_goods_and_money(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, ref="C-REVIEW")
    await world.webhook("fraud", decided(order.id, "decline"))
    await order.reaches("cancelled")
    assert (await order.event("units_cancelled"))["reason"] == "fraud"
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=5)
    await order.told("order_cancelled")


@story
async def test_the_same_event_again_is_recognised_and_changes_nothing(world: World) -> None:
    order = await world.place(ref="C-REVIEW")
    event_id = f"evt_{order.id}"
    first = await world.webhook("fraud", decided(order.id, "accept"), event_id=event_id)
    again = await world.webhook("fraud", decided(order.id, "accept"), event_id=event_id)
    assert (first.json()["known"], again.json()["known"], again.status_code) == (False, True, 202)
    await order.reaches("in_progress")
    late = await world.webhook("fraud", decided(order.id, "decline"))
    assert late.status_code == 202
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    assert await order.events("hold_resolved", "order_confirmed") == ["hold_resolved", "order_confirmed"]


@story
async def test_who_does_not_sign_is_not_believed(world: World) -> None:
    order = await world.place(ref="C-REVIEW")
    event = decided(order.id, "accept")
    secrets = world.record["webhook_secrets"]
    refused(await world.webhook("fraud", event, secret=secrets["payment"]), 401, "unauthorised")
    for hours in (-1, 1):
        stale = datetime.now(UTC) + timedelta(hours=hours)
        refused(await world.webhook("fraud", event, at=stale), 401, "unauthorised")
    unsigned = await world.http.post(f"{world.record['api']}/v1/webhooks/fraud", json=event)
    refused(unsigned, 401, "unauthorised")
    refused(await world.webhook("fraud", {"order_id": order.id, "decision": "perhaps"}), 422, "validation")
    assert await order.status() == "held"
    taken(await order.cancel())
    await order.reaches("cancelled")


@story
async def test_a_decision_that_comes_before_its_order_stands_is_applied_when_it_does(world: World) -> None:
    """The provider's answer to the authorisation is lost, so placing takes seconds; the review is quicker."""
    shelf = await world.shelf(S001=5)
    price = random.randint(10_000, 49_999)
    body = world.body(sku=shelf.sku, price=price, ref="C-REVIEW", token="tok_timeout_after")
    placing = asyncio.create_task(world.placed(body))

    async def reference() -> str | None:
        answer = await world.http.get(f"{world.record['payments']}/ledger")
        return next((str(each["reference"]) for each in answer.json()["entries"] if each["amount"] == price), None)

    order_id = await world.until("the provider has heard of the order", reference, pause=0.05)
    assert not placing.done(), "the order is still being placed"
    early = await world.webhook("fraud", decided(order_id, "accept"))
    assert early.status_code == 202
    order = await placing
    assert order.id == order_id
    await order.reaches("in_progress")
    assert await order.events("hold_placed", "hold_resolved", "order_confirmed") == [
        "hold_placed",
        "hold_resolved",
        "order_confirmed",
    ]
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=price)
    await shelf.adds_up(S001=5)


@story
async def test_an_event_of_an_order_that_nobody_knows_is_kept_and_harms_nobody(world: World) -> None:
    event_id = f"evt_{random.getrandbits(64):x}"
    unknown = decided("01zzzzzzzzzzzzzzzzzzzzzzzz", "accept")
    answers = [await world.webhook("fraud", unknown, event_id=event_id) for _ in range(2)]
    assert [(answer.status_code, answer.json()["known"]) for answer in answers] == [(202, False), (202, True)]


@story
async def test_the_providers_own_events_again_and_backwards_change_no_ledger(world: World) -> None:
    order = await world.place(quantity=2)
    await order.make_ready()
    code = await order.code()
    await order.is_handed_over(code, lines={"1": 1})
    taken(await order.cancel())
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=4999)
    before = (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json()
    sent = await world.http.get(f"{world.record['payments']}/webhooks", params={"reference": order.id})
    events = sent.json()["items"]
    assert {event["type"] for event in events} == {
        "authorisation.succeeded",
        "capture.succeeded",
        "authorisation.voided",
    }
    for event in reversed(events):
        copy = {"type": event["type"], "timestamp": event["created_at"], "data": event["data"]}
        assert (await world.webhook("payment", copy, event_id=event["id"])).json()["known"] is True
        assert (await world.webhook("payment", copy)).json()["known"] is False
    await order.money_rests(authorised=9998, captured=4999)
    assert (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json() == before


@story
async def test_a_payment_that_we_never_asked_for_is_parked_and_not_booked(world: World) -> None:
    order = await world.place()
    body = {"reference": order.id, "token": "tok_ok", "amount": 777, "currency": "EUR"}
    await world.provider_does("authorisations", body, f"stray-{order.id}")
    await told_of(world, order, 777)
    statement = (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json()
    assert [each["authorised"] for each in statement["tenders"]] == [4999]
    await order.make_ready()
    await order.is_handed_over(await order.code())
    view = await order.reaches("completed")
    assert (view["payment"]["authorised"], view["payment"]["captured"]) == (0, 4999)


async def told_of(world: World, order: Placed, amount: int) -> None:
    """Wait until the provider's event about an amount was taken."""

    async def look() -> bool:
        sent = await world.http.get(f"{world.record['payments']}/webhooks", params={"reference": order.id})
        return any(event["data"]["amount"] == amount and event["deliveries"] for event in sent.json()["items"])

    await world.until("the event was delivered", look)
