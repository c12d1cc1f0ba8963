"""Money: declined, confirmed with the bank, lost answers, one capture only, renewed in time, split."""

import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def card(amount: int, token: str = "tok_ok") -> Json:
    return {"tenders": [{"type": "card", "token": token, "amount": amount}]}


async def nothing_is_left_of(world: World, body: Json, shelf: Shelf, **on_hand: int) -> None:
    """No order, no reservation, and nothing held at the provider."""
    found = await world.channel("GET", f"/v1/orders?channel={body['channel']}&external_id={body['external_id']}")
    assert found.json()["items"] == []
    await shelf.adds_up(**on_hand)
    assert await world.mails(body["customer"]["email"]) == []


# --- at placing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["declined", "insufficient_funds", "card_expired"])
async def test_after_a_decline_nothing_is_left_and_the_external_id_is_free(world: World, reason: str) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku, token=f"tok_{reason}")
    first = await world.channel("POST", "/v1/orders", body, idempotency=body["external_id"])
    problem = refused(first, 402, "payment-declined")
    assert problem["reason"] == reason
    assert "tok_" not in first.text
    await nothing_is_left_of(world, body, shelf, S001=5)
    again = await world.channel("POST", "/v1/orders", body, idempotency=body["external_id"])
    assert (again.status_code, again.json(), again.headers["idempotency-replayed"]) == (402, problem, "true")
    body["tenders"][0]["token"] = "tok_ok"
    order = await world.placed(body)
    assert order.answer["status"] == "in_progress"
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=5)


@story
async def test_a_decline_is_answered_at_once_also_when_the_providers_own_word_comes_in_between(world: World) -> None:
    """Its webhook reaches the order just as this ends: the first answer must be the decline, not a try later."""
    shelf = await world.shelf(S001=5)
    for _ in range(12):
        body = world.body(sku=shelf.sku, token="tok_declined")
        answer = await world.channel("POST", "/v1/orders", body, patient=False)
        refused(answer, 402, "payment-declined")
    await shelf.adds_up(S001=5)


@story
async def test_a_customer_whom_the_screening_declines_is_never_charged(world: World) -> None:
    shelf = await world.shelf(S001=5)
    body = world.body(sku=shelf.sku, ref="C-FRAUD")
    problem = refused(await world.channel("POST", "/v1/orders", body), 402, "payment-declined")
    assert problem["reason"] == "fraud"
    await nothing_is_left_of(world, body, shelf, S001=5)


@story
async def test_a_decline_of_the_second_card_frees_the_first(world: World) -> None:
    shelf = await world.shelf(S001=5)
    tenders = [
        {"type": "card", "token": "tok_ok", "amount": 1999},
        {"type": "card", "token": "tok_declined", "amount": 3000},
    ]
    body = world.body(sku=shelf.sku, tenders=tenders)
    refused(await world.channel("POST", "/v1/orders", body), 402, "payment-declined")
    await nothing_is_left_of(world, body, shelf, S001=5)


# --- confirmed with the bank -------------------------------------------------------------------------------------


@story
async def test_a_payment_confirmed_with_the_bank_lets_the_order_go_on(world: World) -> None:
    """The bank's page is the simulator's; its word comes back as a signed webhook of its own."""
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_3ds")
    action = order.answer["next_action"]
    assert (order.answer["status"], action["kind"]) == ("held", "confirm_payment")
    assert [hold["kind"] for hold in order.answer["holds"]] == ["payment"]
    refused(await world.store(order, "accept"), 409, "held")
    await world.bank_asks(action["url"], approve=True)
    view = await order.reaches("in_progress")
    assert (view["holds"], view.get("next_action"), view["payment"]["authorised"]) == ([], None, 4999)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)
    await order.told("action_needed", "order_confirmed", "ready_for_pickup", "collected")


@story
async def test_what_the_bank_declines_is_paid_with_another_card(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_3ds")
    await world.bank_asks(order.answer["next_action"]["url"], approve=False)
    await order.event("payment_declined")
    assert await order.status() == "held"
    shown = await order.view()
    assert shown["next_action"]["kind"] == "pay"
    assert await order.waits() == ["payment hold: the customer pays in another way"]
    assert shown["next_action"]["deadline"] == order.answer["next_action"]["deadline"]
    refused(await order.ask("payments", card(4999, "tok_insufficient_funds")), 402, "payment-declined")
    assert await order.status() == "held"
    taken(await order.ask("payments", card(4999)))
    await order.reaches("in_progress")
    refused(await order.ask("payments", card(4999)), 409, "not-allowed-now")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_who_takes_another_card_instead_of_confirming_is_not_held_twice(world: World) -> None:
    order = await world.place(token="tok_3ds")
    url = order.answer["next_action"]["url"]
    taken(await order.ask("payments", card(4999)))
    await order.reaches("in_progress")
    answer = await world.http.post(url, json={"outcome": "approve"})
    assert answer.status_code != 200, "the first attempt was given up"
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    assert (await world.money(order.id))["capture"] == 4999
    assert (await order.view())["payment"]["captured"] == 4999


# --- lost answers ------------------------------------------------------------------------------------------------


@story
async def test_an_authorisation_whose_answer_was_lost_is_one_authorisation(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_timeout_after")
    await order.reaches("in_progress")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    assert [each["operation"] for each in await world.provider_ledger(order.id)] == ["authorise", "capture"]
    await shelf.adds_up(S001=4)


@story
async def test_a_capture_whose_answer_was_lost_is_one_capture_and_the_goods_go(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_capture_timeout_after")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    assert [each["operation"] for each in await world.provider_ledger(order.id)] == ["authorise", "capture"]
    await shelf.adds_up(S001=4)


@story
async def test_a_void_whose_answer_was_lost_is_one_void(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_void_timeout_after")
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    assert [each["operation"] for each in await world.provider_ledger(order.id)] == ["authorise", "void"]
    await shelf.adds_up(S001=5)


# --- captures ----------------------------------------------------------------------------------------------------


@story
async def test_where_one_capture_is_all_there_is_the_rest_is_authorised_anew(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2, token="tok_single_capture")
    await order.make_ready()
    code = await order.code()
    await order.is_handed_over(code, lines={"1": 1})
    await order.is_handed_over(code)
    await order.reaches("completed")
    await order.money_rests(authorised=16667, captured=10000)
    ledger = await world.provider_ledger(order.id)
    assert [(each["operation"], each["amount"]) for each in ledger if each["operation"] != "void"] == [
        ("authorise", 10000),
        ("capture", 3333),
        ("authorise", 6667),
        ("capture", 6667),
    ]
    await shelf.adds_up(S001=2)


@story
async def test_a_capture_declined_at_the_counter_hands_nothing_over(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_capture_declined")
    await order.make_ready()
    code = await order.code()
    problem = refused(await order.hand_over(code), 402, "payment-declined")
    assert problem["reason"] == "declined"
    assert ((await order.line())["ready"], (await shelf.at("S001"))["on_hand"]) == (1, 5)
    await order.reaches("held")
    refused(await order.hand_over(code), 402, "payment-due")
    taken(await order.ask("payments", card(4999)))
    await order.reaches("in_progress")
    await order.is_handed_over(code)
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=4999)
    await shelf.adds_up(S001=4)
    assert "payment_failed" in await sent_to(order)


@story
async def test_captures_of_a_split_payment_add_up_to_the_cent(world: World) -> None:
    shelf = await world.shelf(S001=5)
    tenders = [
        {"type": "card", "token": "tok_ok", "amount": 3333},
        {"type": "card", "token": "tok_ok", "amount": 6667},
    ]
    order = await world.place(sku=shelf.sku, quantity=3, price=3334, discount=2, tenders=tenders)
    await order.make_ready()
    code = await order.code()
    for _ in range(2):
        await order.is_handed_over(code, lines={"1": 1})
    taken(await order.cancel())
    await order.reaches("completed")
    await order.does("put-back")
    await order.money_rests(authorised=10000, captured=6666)
    await shelf.adds_up(S001=3)


# --- authorisations that end -------------------------------------------------------------------------------------


@story
async def test_an_authorisation_that_ends_before_the_pickup_is_renewed_in_time(world: World) -> None:
    """Renewing begins when a third of its time is left: two authorisations, the old one voided, one capture."""
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_expires_12s")
    await order.make_ready()
    await order.event("payment_renewed")
    live = [each for each in await world.provider_ledger(order.id) if each["held"]]
    assert len({each["authorisation_id"] for each in live}) == 1
    assert (await order.view())["payment"]["authorised"] == 4999
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    renewals = (await order.events()).count("payment_renewed")
    await order.money_rests(authorised=4999 * (1 + renewals), captured=4999)
    ledger = [each["operation"] for each in await world.provider_ledger(order.id)]
    assert ledger.count("capture") == 1
    assert ledger[:3] == ["authorise", "authorise", "void"]
    await shelf.adds_up(S001=4)


@story
async def test_where_it_cannot_be_renewed_nothing_is_handed_over_after_its_end(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, token="tok_expires_9s+tok_extend_declined")
    await order.make_ready()
    code = await order.code()
    await order.reaches("held")
    assert "payment_failed" in await sent_to(order)
    refused(await order.hand_over(code), 402, "payment-due")
    taken(await order.ask("payments", card(4999)))
    await order.reaches("in_progress")
    await order.is_handed_over(code)
    await order.reaches("completed")
    assert (await world.money(order.id))["capture"] == 4999
    await order.money_rests(authorised=9998, captured=4999)
    await shelf.adds_up(S001=4)


async def sent_to(order: Placed) -> list[str]:
    """The kinds of messages that the customer got."""

    async def look() -> list[str] | None:
        answer = await order.world.channel("GET", f"/v1/orders/{order.id}/messages", as_=order.as_)
        messages = [message for message in answer.json()["items"] if message["audience"] == "customer"]
        pending = any(message["state"] == "pending" for message in messages)
        return None if pending else [message["kind"] for message in messages]

    kinds: list[str] = await order.world.until("all messages are sent", look)
    return kinds
