"""Gift cards and store credit pay like any tender: held, drawn when goods leave, and restored to the cent."""

import asyncio

import httpx
import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.purses import balance, card, issued, number_in_mail, on_it, paid_with
from tests.scenarios.returned import back_in_store, collected, does, receive, settled
from tests.scenarios.shipped import Shipped
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


# --- what comes back --------------------------------------------------------------------------------------------------


@story
async def test_a_refund_goes_over_two_cards_a_gift_card_and_credit_to_the_cent(world: World) -> None:
    """100.00 by four tenders; 40.01 come back, the last tender first."""
    shelf = await world.shelf(S001=5)
    purse = await issued(world, "gift_card", 3000)
    body = world.body(sku=shelf.sku, quantity=3, price=3334, discount=2)
    credit = await issued(world, "credit", 2000, body["customer"]["ref"])
    body["tenders"] = [card(2000), card(4000), paid_with(purse, 3000), paid_with(credit, 1000)]
    order = await world.placed(body)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    assert (await on_it(world, purse), await on_it(world, credit)) == ((0, 0), (1000, 0))
    view = await back_in_store(world, order, "S002", quantity=2)
    await receive(world, view, "S002", 2)
    paid = await settled(world, view, "S002")
    assert (paid["refund"], paid["paid_back"][0]["by_tender"]) == (6666, {"t2": 2666, "t3": 3000, "t4": 1000})
    assert (await on_it(world, purse), await on_it(world, credit)) == ((3000, 0), (2000, 0))
    assert (await world.money(order.id))["refund"] == 2666
    statement = taken(await world.ops("GET", f"/v1/orders/{order.id}/ledger"))
    assert statement["violations"] == []


@story
async def test_store_credit_by_choice_pays_in_another_channel(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, price=5000)
    view = await back_in_store(world, order, "S003")
    await receive(world, view, "S003", 1)
    refused(await does(world, view, "settle", {"refund_to": "gift_card"}, "S003"), 409, "not-allowed-now")
    paid = taken(await does(world, view, "settle", {"refund_to": "store_credit"}, "S003"))
    [settlement] = paid["paid_back"]
    assert (settlement["to"], settlement["by_target"]) == ("store_credit", {"store_credit": 5000})
    purse = {"kind": "credit", "id": settlement["balance_id"], "number": await number_in_mail(world, order.mailbox)}
    assert await on_it(world, purse) == (5000, 0)
    by_customer = await world.channel("GET", f"/v1/balances/credit/{order.body['customer']['ref']}", as_="call_centre")
    assert taken(by_customer)["id"] == purse["id"]
    assert (await world.money(order.id))["refund"] == 0
    assert (await order.view())["payment"]["refunded"] == 5000
    statement = taken(await world.ops("GET", f"/v1/orders/{order.id}/ledger"))
    assert (statement["violations"], [each["amount"] for each in statement["redirected"]]) == ([], [5000])
    found = taken(await world.ops("POST", "/v1/ops/reconciliations", {"order_ids": [order.id]}))
    assert found["differences"] == []
    again = await world.place(sku=shelf.sku, price=3000, channel="app", tenders=[paid_with(purse, 3000)])
    assert await on_it(world, purse) == (5000, 3000)
    taken(await again.cancel())
    await rests(world, purse, 5000)


@story
async def test_a_refund_that_fails_goes_to_store_credit_when_a_person_says_so(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku, price=5000, token="tok_refund_fails")
    view = await back_in_store(world, order, "S001")
    await receive(world, view, "S001", 1)
    taken(await does(world, view, "settle", {}, "S001"))

    async def asked() -> Json | None:
        questions = (await world.ops("GET", "/v1/ops/interventions?limit=200")).json()["items"]
        return next((each for each in questions if each["order_id"] == order.id), None)

    question = await world.until("somebody is asked", asked)
    assert question["choices"] == ["retry", "skip", "supply"]
    path = f"/v1/ops/interventions/{question['intervention_id']}"
    nowhere = {"action": "supply", "value": "cash", "reason": "as the customer wishes"}
    refused(await world.ops("POST", path, nowhere), 409, "not-allowed-now")
    taken(await world.ops("POST", path, nowhere | {"value": "store_credit"}))
    number = await number_in_mail(world, order.mailbox)
    found = taken(await world.channel("POST", "/v1/balances/credit/look-up", {"number": number}))
    assert (found["balance"], found["customer_ref"]) == (5000, order.body["customer"]["ref"])
    assert (await order.view())["payment"]["refunded"] == 5000
    assert (await order.event("return_refunded"))["reason"] == "store_credit"


@story
async def test_what_an_order_pays_back_by_itself_goes_to_store_credit_too_when_it_fails(world: World) -> None:
    """Its parcel is lost: the money was taken when it left, and does not get back to the card."""
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku, price=5000)
    await order.packed()
    [parcel] = (await order.at_place("ship"))["parcels"]
    await world.provider_fault(operation="refund", reference=order.id, kind="status", status=402, count=9)
    await order.carrier_brings(parcel, "picked_up", "lost")
    await order.event("delivery_exception")
    taken(await order.claim("refund"))
    await order.reaches("needs_attention")

    async def asked() -> Json | None:
        questions = (await world.ops("GET", "/v1/ops/interventions?limit=200")).json()["items"]
        return next((each for each in questions if each["order_id"] == order.id), None)

    question = await world.until("somebody is asked", asked)
    assert question["choices"] == ["retry", "skip", "supply"]
    path = f"/v1/ops/interventions/{question['intervention_id']}"
    credit = {"action": "supply", "value": "store_credit", "reason": "the card is closed"}
    refused(await world.ops("POST", path, credit | {"value": "gift_card"}), 409, "not-allowed-now")
    taken(await world.ops("POST", path, credit))
    await order.reaches("cancelled")
    number = await number_in_mail(world, order.mailbox)
    found = taken(await world.channel("POST", "/v1/balances/credit/look-up", {"number": number}))
    assert (found["balance"], found["customer_ref"]) == (5000, order.body["customer"]["ref"])
    assert (await order.view())["payment"]["refunded"] == 5000
    assert (await world.money(order.id))["refund"] == 0, "never both"
    statement = taken(await world.ops("GET", f"/v1/orders/{order.id}/ledger"))
    assert (statement["violations"], [each["amount"] for each in statement["redirected"]]) == ([], [5000])
    reconciled = taken(await world.ops("POST", "/v1/ops/reconciliations", {"order_ids": [order.id]}))
    assert reconciled["differences"] == []


# --- cards that are sold ----------------------------------------------------------------------------------------------


async def gift_item(world: World) -> str:
    """An item of which nothing lies on any shelf."""
    return (await world.shelf()).sku


@story
async def test_a_gift_card_is_charged_issued_and_mailed_at_once_and_the_goods_beside_it_are_collected(
    world: World,
) -> None:
    shelf, sku = await world.shelf(S001=5), await gift_item(world)
    friend = f"friend-{sku.lower()}@example.org"
    lines = [
        {"line_id": "1", "sku": shelf.sku, "quantity": 1, "unit_price": 1000},
        {
            "line_id": "2",
            "sku": sku,
            "quantity": 2,
            "unit_price": 2500,
            "discount": 500,
            "kind": "gift_card",
            "recipient": {"email": friend, "name": "A Friend"},
        },
    ]
    order = await world.place(lines=lines)
    group = await order.group_reaches("delivered", n=2)
    assert (group["kind"], group["id"]) == ("virtual", f"virtual/{order.id}/2")
    assert (await order.line("2"))["delivered"] == 2
    assert (await world.money(order.id))["capture"] == 4500
    issued_events = [event for event in await order.timeline() if event["event"] == "gift_card_issued"]
    assert [event["data"]["amount"] for event in issued_events] == [2500, 2500]
    number = await number_in_mail(world, friend)
    assert number not in str(await order.timeline())
    found = taken(await world.channel("POST", "/v1/balances/gift_card/look-up", {"number": number}))
    assert (found["balance"], found["status"], found["order_id"], found["line_id"]) == (2500, "active", order.id, "2")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=5500, captured=5500)
    await shelf.adds_up(S001=4)


@story
async def test_an_order_of_nothing_but_a_gift_card_needs_no_store(world: World) -> None:
    sku = await gift_item(world)
    line = {"line_id": "1", "sku": sku, "quantity": 1, "unit_price": 3000, "kind": "gift_card", "fulfilment": "mail"}
    body = world.body(lines=[line], fulfilments=[{"id": "mail", "method": "virtual"}])
    order = await world.placed(body)
    await order.reaches("completed")
    number = await number_in_mail(world, order.mailbox)
    purse = {"kind": "gift_card", "number": number}
    assert (await world.money(order.id)) == {"authorise": 3000, "capture": 3000, "void": 0, "refund": 0}
    shelf = await world.shelf(S001=5)
    spent = await world.place(sku=shelf.sku, price=3000, tenders=[paid_with(purse, 3000)])
    assert spent.answer["status"] == "in_progress"
    goods = {"line_id": "1", "sku": shelf.sku, "quantity": 1, "unit_price": 100, "fulfilment": "mail"}
    wrong = world.body(lines=[goods], fulfilments=[{"id": "mail", "method": "virtual"}])
    assert (await world.channel("POST", "/v1/orders", wrong)).status_code == 422


@story
async def test_cards_that_come_back_are_disabled_and_paid_back_as_far_as_nobody_spent_them(world: World) -> None:
    """Two cards of 30.00 were sold, one of them has bought something for 10.00: both come back."""
    sku, shelf = await gift_item(world), await world.shelf(S001=5)
    line = {"line_id": "1", "sku": sku, "quantity": 2, "unit_price": 3000, "kind": "gift_card", "fulfilment": "mail"}
    order = await world.placed(world.body(lines=[line], fulfilments=[{"id": "mail", "method": "virtual"}]))
    await order.reaches("completed")
    number = await number_in_mail(world, order.mailbox)
    await collected(world, shelf.sku, price=1000, tenders=[paid_with({"kind": "gift_card", "number": number}, 1000)])
    first = await back_in_store(world, order, "S001", quantity=1)
    await receive(world, first, "S001", 1)
    assert (await settled(world, first, "S001"))["refund"] == 3000
    second = await back_in_store(world, order, "S001", quantity=1)
    await receive(world, second, "S001", 1)
    paid = await settled(world, second, "S001")
    assert (paid["refund"], paid["paid_back"][0]["spent"]) == (2000, 1000)
    found = taken(await world.channel("POST", "/v1/balances/gift_card/look-up", {"number": number}))
    assert (found["status"], found["balance"]) == ("disabled", 0)
    assert (await world.money(order.id))["refund"] == 5000
    body = world.body(sku=shelf.sku, price=100, tenders=[paid_with({"kind": "gift_card", "number": number}, 100)])
    refused(await world.channel("POST", "/v1/orders", body), 402, "payment-declined")


@story
async def test_what_nobody_finds_the_order_of_brings_store_credit_at_the_lowest_price_within_a_limit(
    world: World,
) -> None:
    """Sold for 40.00 and for 30.00: it brings 30.00, and one person no more than 100.00."""
    shelf = await world.shelf(S001=5)
    for price in (4000, 3000):
        await collected(world, shelf.sku, price=price)

    mailbox = f"blind-{shelf.sku.lower()}@example.org"

    async def brought(quantity: int, identity: str, sku: str = shelf.sku) -> httpx.Response:
        line = {"sku": sku, "quantity": quantity, "condition": "new", "disposition": "restock"}
        blind = {"identity": identity, "currency": "EUR", "lines": [line], "email": mailbox, "locale": "de-DE"}
        return await world.call("POST", "/v1/returns", world.key_of("S002"), {"blind": blind, "store_id": "S002"})

    person = f"ID-{shelf.sku}"
    first = taken(await brought(2, person))
    assert (first["status"], first["refund"]) == ("settled", 6000)
    purse = {"kind": "credit", "id": first["balance_id"], "number": first["number"]}
    assert await on_it(world, purse) == (6000, 0)
    await shelf.becomes("S002", on_hand=2, available=2)
    path, ending = f"/v1/returns/{first['return_id']}", first["number"][-4:]
    for key in (world.key_of("S002"), world.keys["ops"]["ada"]):
        seen = taken(await world.call("GET", path, key))
        assert (seen["last_four"], seen["refund"], seen["blind"]["lines"][0]["unit_price"]) == (ending, 6000, 3000)
        assert first["number"] not in str(seen) + str(await world.mails(mailbox))
    refused(await world.call("GET", path, world.key_of("S003")), 404, "not-found")
    refused(await world.channel("GET", path), 404, "not-found")

    async def told() -> list[str] | None:
        mails = await world.mails(mailbox)
        return sorted(mail["text"] for mail in mails) if len(mails) == 2 else None

    credited, received = await world.until("both mails come", told)
    assert f"endet auf {ending}" in credited
    assert "60,00" in credited
    assert "zurückgenommen" in received
    answers = await asyncio.gather(*(brought(1, person.lower()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    for answer in answers:
        if answer.status_code == 422:
            refused(answer, 422, "beyond-limit")
    taken(await brought(1, f"{person}-2"))
    assert (await brought(1, f"{person}-3", await gift_item(world))).status_code == 422
    await shelf.becomes("S002", on_hand=4, available=4)
    again = await world.place(sku=shelf.sku, price=5000, store="S002", tenders=[paid_with(purse, 5000)])
    assert again.answer["status"] == "in_progress"


@story
async def test_what_an_order_has_paid_back_and_comes_back_later_goes_to_a_person(world: World) -> None:
    """The provider takes the refund on, and tells later that the bank did not: the order has ended by then."""
    shelf = await world.shelf(S001=1)
    order = await Shipped.place(world, sku=shelf.sku, price=5000, token="tok_refund_fails")
    await order.packed()
    [parcel] = (await order.at_place("ship"))["parcels"]
    await order.carrier_brings(parcel, "picked_up", "lost")
    await order.event("delivery_exception")
    taken(await order.claim("refund"))

    async def asked() -> Json | None:
        questions = (await world.ops("GET", "/v1/ops/interventions?limit=200")).json()["items"]
        return next((each for each in questions if each["order_id"] == order.id), None)

    question = await world.until("somebody is asked", asked)
    assert (question["step"], question["choices"]) == ("refund of 50.00 EUR", ["skip"])
    await order.reaches("needs_attention")
    path = f"/v1/ops/interventions/{question['intervention_id']}"
    taken(await world.ops("POST", path, {"action": "skip", "reason": "paid by bank transfer"}))
    await order.reaches("cancelled")
    came_back = await order.event("refund_came_back")
    assert came_back["data"]["amount"] == 5000
