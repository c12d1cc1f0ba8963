"""What was bought in one channel comes back in another: units once, and money to the cent the way it was paid."""

import asyncio
import uuid
from typing import Any

import pytest

from tests.scenarios.exchanged import agrees
from tests.scenarios.playing import story
from tests.scenarios.returned import asked, back_in_store, collected, does, receive, settled
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@story
async def test_what_was_bought_on_the_web_comes_back_in_a_store_of_another_zone(world: World) -> None:
    """10,000 in three units: two come back now, the last one later, and all of it is paid back to the cent."""
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=3, price=3334, discount=2)
    first = await back_in_store(world, order, "S005", quantity=2)
    assert (first["status"], first["lines"][0]["decision"]["outcome"]) == ("approved", "allowed")
    assert first["lines"][0]["decision"]["reasons"][0]["why"] == "in_window"
    [task] = await world.tasks("S005", order)
    assert (task["task"], task["return_id"]) == ("receive_return", first["return_id"])
    received = await receive(world, first, "S005", 2)
    assert (received["status"], received["waiting_for"][0]["kind"]) == ("inspected", "settlement")
    paid = await settled(world, first, "S005")
    assert (paid["status"], paid["refund"], paid["refunded"]) == ("settled", 6666, 6666)
    assert (await order.line())["returned"] == 2
    await shelf.becomes("S005", on_hand=2, available=2)
    second = await back_in_store(world, order, "S002", quantity=1, reason="faulty")
    await receive(world, second, "S002", 1, condition="faulty", disposition="vendor")
    assert (await settled(world, second, "S002"))["refund"] == 3334
    await order.money_rests(authorised=10_000, captured=10_000, refunded=10_000)
    await shelf.adds_up(S001=2, S005=2)
    assert (
        await order.events("return_requested", "return_received", "return_settled", "return_refunded")
        == [
            "return_requested",
            "return_received",
            "return_settled",
            "return_refunded",
        ]
        * 2
    )
    third = await back_in_store(world, order, "S002", quantity=1)
    assert (third["status"], third["lines"][0]["decision"]["reasons"][0]["why"]) == ("rejected", "more_than_received")


@story
async def test_two_stores_cannot_take_back_the_same_unit_at_the_same_moment(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=2)
    answers = await asyncio.gather(
        *(asked(world, order, store, quantity=1) for store in ("S001", "S002", "S003", "S004") * 2)
    )
    allowed = [
        answer
        for answer in answers
        if answer.status_code == 201 and answer.json()["lines"][0]["decision"]["outcome"] == "allowed"
    ]
    assert len(allowed) == 2, [answer.text for answer in answers]
    for answer in answers:
        if answer.status_code == 422:
            refused(answer, 422, "too-many-units")
    for answer in allowed:
        view = answer.json()
        await receive(world, view, view["store_id"], 1)
        await settled(world, view, view["store_id"])
    await order.money_rests(authorised=9998, captured=9998, refunded=9998)


@story
async def test_of_an_order_that_was_cancelled_in_part_only_what_was_handed_over_comes_back(world: World) -> None:
    """133.33 in four units: one is cancelled before it is picked, one when two are fetched, and those two come back."""
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=4, price=3334, discount=3)
    taken(await order.cancel(lines=[{"line_id": "1", "quantity": 1}]))
    await order.make_ready()
    await order.is_handed_over(await order.code(), lines={"1": 2})
    taken(await order.cancel(lines=[{"line_id": "1", "quantity": 1}]))
    await order.reaches("completed")
    await order.does("put-back")
    kept = (await world.money(order.id))["capture"]
    for too_many in (3, 4):
        view = await back_in_store(world, order, "S005", quantity=too_many)
        why = [each["why"] for each in view["lines"][0]["decision"]["reasons"]]
        assert (view["status"], why[0]) == ("rejected", "more_than_received")
    paid = 0
    for store in ("S005", "S002"):
        view = await back_in_store(world, order, store)
        await receive(world, view, store, 1)
        paid += (await settled(world, view, store))["refund"]
    assert paid == kept == 6666
    assert (await back_in_store(world, order, "S005"))["status"] == "rejected", "nothing is left to bring back"
    line = await order.line()
    assert (line["cancelled"], line["handed_over"], line["returned"]) == (2, 2, 2)
    await order.money_rests(authorised=13_333, captured=kept, refunded=kept)
    await shelf.adds_up(S001=3, S002=1, S005=1)
    await agrees(world, order)


@story
async def test_announced_three_came_one_whole_one_damaged_and_a_stranger(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=3, price=1000)
    view = taken(
        await world.channel(
            "POST",
            "/v1/returns",
            {
                "order_id": order.id,
                "lines": [{"line_id": "1", "quantity": 3, "reason": "wrong_size"}],
                "via": "post",
                "store_id": "S001",
            },
        )
    )
    dropped = taken(await world.channel("POST", f"/v1/returns/{view['return_id']}/drop-off", {"carrier": "dhl"}))
    assert dropped["status"] == "in_transit"
    came = {
        "store_id": "S001",
        "lines": [{"line_id": "1", "quantity": 2}, {"sku": "SHOE-42", "quantity": 1}],
    }
    received = taken(await does(world, view, "receive", came, "S001"))
    assert (received["status"], received["strangers"][0]["sku"]) == ("received", "SHOE-42")
    looked_at = {
        "lines": [
            {"line_id": "1", "quantity": 1, "accepted": True, "condition": "new", "disposition": "restock"},
            {"line_id": "1", "quantity": 1, "accepted": False, "condition": "damaged", "disposition": "destroy"},
        ]
    }
    inspected = taken(await does(world, view, "inspect", looked_at, "S001"))
    assert (inspected["lines"][0]["accepted"], inspected["lines"][0]["declined"]) == (1, 1)
    paid = await settled(world, view, "S001")
    assert (paid["refund"], paid["status"]) == (1000, "in_transit"), "the third may still come"
    closed = taken(await world.channel("POST", f"/v1/returns/{view['return_id']}/cancel", {}))
    assert closed["lines"][0]["closed"] == 1
    await order.money_rests(authorised=3000, captured=3000, refunded=1000)
    await shelf.adds_up(S001=3)
    again = await back_in_store(world, order, "S001", quantity=2)
    assert again["status"] == "approved", "what was declined and what never came are the customer's again"
    await order.told(
        "order_confirmed",
        "ready_for_pickup",
        "collected",
        "return_approved",
        "return_dropped_off",
        "return_received",
        "return_declined",
        "return_settled",
        "refund_done",
    )


@story
async def test_only_a_manager_with_a_reason_overrides_the_policy(world: World) -> None:
    shelf = await world.shelf(S001=5)
    taken(await world.ops("PUT", "/v1/items", {"sku": shelf.sku, "name": "Last chance", "category": "final"}))
    policies = (await world.ops("GET", "/v1/return-policies")).json()["items"]
    version = policies[0]["version"] + 1
    policy = {
        "name": "shop",
        "version": version,
        "exceptions": [{"categories": ["final"], "then": {"final_sale": True}}],
    }
    taken(await world.ops("PUT", "/v1/return-policies", policy))
    order = await collected(world, shelf.sku)
    view = await back_in_store(world, order, "S001")
    assert (view["status"], view["policy"]["version"]) == ("rejected", version)
    assert [each["why"] for each in view["lines"][0]["decision"]["reasons"]] == ["in_window", "final_sale"]
    refused(await does(world, view, "approve", {"reason": "regular customer"}, "S001"), 403, "forbidden")
    refused(await does(world, view, "approve", {}, "S001", manager=True), 422, "validation")
    approved = taken(await does(world, view, "approve", {"reason": "regular customer"}, "S001", manager=True))
    assert approved["status"] == "approved"
    assert (await order.event("return_overridden"))["reason"] == "regular customer"
    await receive(world, view, "S001", 1)
    assert (await settled(world, view, "S001"))["refund"] == 4999
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)


@story
async def test_a_claim_is_paid_back_and_goods_that_turn_up_bring_nothing_more(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, quantity=2)
    body = {"order_id": order.id, "kind": "claim", "lines": [{"line_id": "1", "quantity": 1, "reason": "missing"}]}
    view = taken(await world.channel("POST", "/v1/returns", body))
    assert (view["status"], view["lines"][0]["accepted"]) == ("inspected", 1), "there is nothing to send back"
    assert (await settled(world, view, "S001"))["refund"] == 4999

    async def over() -> bool:
        return bool((await world.channel("GET", f"/v1/returns/{view['return_id']}")).json()["finished"])

    await world.until("the claim is over", over)
    late = await receive(world, view, "S003", 1)
    assert (late["lines"][0]["turned_up"], late["refund"]) == (1, 4999)
    again = {"line_id": "1", "quantity": 1, "condition": "new", "disposition": "restock"}
    answer = await does(world, view, "receive", {"store_id": "S003", "lines": [again]}, "S003")
    refused(answer, 409, "not-allowed-now")
    await shelf.adds_up(S001=3, S003=1)
    await order.money_rests(authorised=9998, captured=9998, refunded=4999)
    await order.event("return_turned_up")


@story
async def test_a_store_finds_an_order_by_what_the_customer_has_in_hand(world: World) -> None:
    shelf = await world.shelf(S001=5)
    card = f"tok_{uuid.uuid4().hex[:12]}a"
    phone = f"+4930{uuid.uuid4().int % 10**7:07d}"
    customer = {"ref": f"C-{phone[1:]}", "name": "Test Customer", "phone": phone, "email": f"c{phone[1:]}@example.org"}
    order = await collected(world, shelf.sku, token=card, customer=customer)
    # S007 is in another country and zone than the store of the order.
    for lookup in (
        {"external_id": order.external_id},
        {"order_id": order.id},
        {"code": order.external_id},
        {"phone": f"{phone[:3]} 30 {phone[5:]}"},
        {"card": card},
        {"email": order.mailbox.upper()},
        {"customer": order.body["customer"]["ref"]},
        {"code": order.id},
    ):
        found = await world.call(
            "POST",
            "/v1/returns/preview",
            world.key_of("S007"),
            {"lookup": lookup, "lines": [{"line_id": "1", "quantity": 1, "reason": "other"}]},
        )
        assert (found.status_code, found.json().get("refund")) == (200, 4999), (lookup, found.text)
        assert found.json()["by_tender"] == [{"tender_id": "t1", "type": "card", "amount": 4999}]
    nobody = {"lookup": {"email": "nobody@example.org"}, "lines": [{"line_id": "1", "quantity": 1, "reason": "other"}]}
    refused(await world.call("POST", "/v1/returns", world.key_of("S007"), nobody), 404, "not-found")


@story
async def test_a_refund_that_fails_goes_to_a_person(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, token="tok_refund_fails")
    view = await back_in_store(world, order, "S001")
    await receive(world, view, "S001", 1)
    await does(world, view, "settle", {}, "S001")

    async def asking() -> dict[str, Any] | None:
        found = (await world.channel("GET", f"/v1/returns/{view['return_id']}")).json()
        return found if found["status"] == "needs_attention" else None

    stuck = await world.until("a person is asked", asking)
    [question] = stuck["interventions"]
    listed = (await world.ops("GET", "/v1/ops/interventions?limit=200")).json()["items"]
    assert question["intervention_id"] in [each["intervention_id"] for each in listed]
    answer = {"action": "skip", "reason": "paid out in cash"}
    taken(await world.ops("POST", f"/v1/ops/interventions/{question['intervention_id']}", answer))

    async def over() -> dict[str, Any] | None:
        found = (await world.channel("GET", f"/v1/returns/{view['return_id']}")).json()
        return found if found["finished"] else None

    ended = await world.until("the return is over", over)
    assert (ended["status"], ended["refund"], ended["refunded"]) == ("settled", 4999, 0)


@story
async def test_money_that_was_paid_in_a_store_goes_back_at_the_till(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, tender="pay_in_store")
    await order.make_ready()
    paid = {"tenders": [{"type": "pay_in_store", "amount": 4999, "reference": "till-1"}]}
    taken(await world.call("POST", f"/v1/orders/{order.id}/payments", world.keys["stores"]["S001"], paid))
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    view = await back_in_store(world, order, "S002")
    await receive(world, view, "S002", 1)
    done = await settled(world, view, "S002")
    assert done["paid_back"][0]["by_tender"] == {"till": 4999}
    await order.money_rests(till=4999, till_back=4999)
