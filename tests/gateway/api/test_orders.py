"""Reading orders by role, and commands on a whole order."""

from typing import Any

import httpx
import pytest

from adapters.access.port import PrincipalKind, Role
from domain.actors import Actor, ActorKind, Channel
from domain.cancellation import plan_cancel
from domain.holds import Hold, HoldKind
from domain.ids import HoldId, OrderId
from domain.notices import Notice, NoticeKind, notice_key
from domain.refusals import RefusalKind
from domain.timeline import Event, TimelineEntry
from tests.gateway.api.conftest import Shop, an_order, place, post
from tests.gateway.api.engine import answers_with_group, collected, refused
from workflows import messages


async def test_a_marketplace_sees_what_it_created_and_nothing_else(shop: Shop, web: httpx.AsyncClient) -> None:
    bazaar = await shop.caller("bazaar", channel=Channel.MARKETPLACE)
    others = await place(shop, web)
    own = (await post(bazaar, "/v1/orders", an_order(channel="marketplace"))).json()["order_id"]
    assert (await bazaar.get(f"/v1/orders/{own}")).status_code == 200
    assert (await bazaar.get(f"/v1/orders/{others}")).status_code == 404
    assert (await web.get(f"/v1/orders/{own}")).status_code == 200
    listed = {order["order_id"] for order in (await bazaar.get("/v1/orders")).json()["items"]}
    assert own in listed
    assert others not in listed


async def test_a_store_sees_what_has_work_at_it_with_the_name_only(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    assert (await s1.get(f"/v1/orders/{order_id}")).json()["customer"] == {
        "ref": (await web.get(f"/v1/orders/{order_id}")).json()["customer"]["ref"],
        "name": "Ann Example",
        "email": None,
        "phone": None,
    }
    other = await shop.store("S2")
    assert (await other.get(f"/v1/orders/{order_id}")).status_code == 404
    assert (await other.get("/v1/orders", params={"store": "S1"})).json()["items"] == []


async def test_a_marketplace_does_not_learn_who_works_in_a_store(shop: Shop) -> None:
    bazaar = await shop.caller("bazaar", channel=Channel.MARKETPLACE)
    order_id = (await post(bazaar, "/v1/orders", an_order(channel="marketplace"))).json()["order_id"]
    associate = Actor(kind=ActorKind.STORE, id="S1-associate", channel=Channel.STORE, place="S1")
    accepted = TimelineEntry(at=shop.services.now(), event=Event.STORE_ACCEPTED, actor=associate)
    await shop.engine.write(order_id, accepted)
    [event] = (await bazaar.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    assert (event["event"], event["actor"], event["place"]) == ("store_accepted", "staff", "S1")
    ops = await shop.ops()
    [event] = (await ops.get(f"/v1/orders/{order_id}/timeline")).json()["items"]
    assert event["actor"] == "S1-associate"


async def test_orders_come_in_pages_and_each_once(shop: Shop, web: httpx.AsyncClient) -> None:
    ref = an_order()["customer"]["ref"]
    customer = {"ref": ref, "name": "Ann Example"}
    placed = [await place(shop, web, customer=customer) for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        filters = {"customer": ref, "limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await web.get("/v1/orders", params=filters)).json()
        seen += [order["order_id"] for order in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(placed, reverse=True)


async def test_an_order_is_found_by_what_its_channel_calls_it(shop: Shop, web: httpx.AsyncClient) -> None:
    body = an_order()
    order_id = await place(shop, web, **body)
    found = await web.get("/v1/orders", params={"channel": "web", "external_id": body["external_id"]})
    assert [order["order_id"] for order in found.json()["items"]] == [order_id]


async def test_a_preview_says_what_a_cancel_would_do_and_does_nothing(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    answer = await web.post(f"/v1/orders/{order_id}/cancel", json={"preview": True, "lines": ["1"]})
    assert answer.status_code == 200, answer.text
    assert [part["quantity"] for part in answer.json()["plan"]["release"]] == [2]
    assert not shop.engine.of(order_id).commands


async def test_a_cancel_names_lines_or_units_of_them(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)

    def cancel(command: messages.Cancel) -> messages.CancelAnswer:
        plan = plan_cancel(running.order, command.lines)
        return messages.CancelAnswer(version=9, status=running.order.status, plan=plan)

    running.answers["cancel"] = cancel
    lines = [{"line_id": "1", "quantity": 1}]
    one = await post(web, f"/v1/orders/{order_id}/cancel", {"lines": lines, "reason": "customer"})
    assert [part["quantity"] for part in one.json()["plan"]["release"]] == [1]
    await post(web, f"/v1/orders/{order_id}/cancel", {"lines": ["1"]})
    first, second = running.commands
    assert isinstance(first, messages.Cancel)
    assert isinstance(second, messages.Cancel)
    assert (first.lines, second.lines) == ({"1": 1}, {"1": 2})
    for wrong in (["9"], ["1", "1"]):
        answer = await post(web, f"/v1/orders/{order_id}/cancel", {"lines": wrong})
        assert answer.status_code == 422


async def test_a_cancel_of_more_units_than_there_are_is_refused_and_not_cut(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    answer = await post(web, f"/v1/orders/{order_id}/cancel", {"lines": [{"line_id": "1", "quantity": 5}]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/lines/0/quantity")
    assert answer.json()["type"].endswith("/too-many-units")
    assert "has 2 units, not 5" in answer.json()["detail"]
    assert not shop.engine.of(order_id).commands


async def test_a_choice_of_a_store_that_is_none_says_so(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    answer = await post(web, f"/v1/orders/{order_id}/choice", {"option": "other_store", "store_id": "S999"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/store_id")
    assert not shop.engine.of(order_id).commands


@pytest.mark.parametrize(
    ("more", "pointer"),
    [({"store_id": "S2"}, "/store_id"), ({"tenders": [{"type": "card", "token": "t", "amount": 1}]}, "/tenders")],
)
async def test_a_choice_says_nothing_that_belongs_to_another_one(
    shop: Shop, web: httpx.AsyncClient, more: dict[str, Any], pointer: str
) -> None:
    order_id = await place(shop, web)
    answer = await post(web, f"/v1/orders/{order_id}/choice", {"option": "cancel", **more})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    assert not shop.engine.of(order_id).commands


async def test_an_auditor_makes_no_promise_and_releases_none(shop: Shop, web: httpx.AsyncClient) -> None:
    auditor = await shop.ops(Role.AUDITOR)
    await shop.stock("SHOE", "S1", 5)
    wanted = {"store_id": "S1", "lines": [{"sku": "SHOE", "quantity": 1}]}
    assert (await post(auditor, "/v1/promises", wanted)).status_code == 403
    made = await post(web, "/v1/promises", wanted)
    assert made.status_code == 201, made.text
    path = f"/v1/promises/{made.json()['promise_id']}"
    assert (await post(auditor, f"{path}/release")).status_code == 403
    assert (await auditor.get(path)).json()["status"] == "open"


async def test_a_promise_is_for_a_time_that_can_be_and_else_names_the_next(shop: Shop, web: httpx.AsyncClient) -> None:
    wanted = {"store_id": "S1", "lines": [{"sku": "SHOE", "quantity": 1}]}
    answer = await post(web, "/v1/promises", wanted | {"requested_pickup_at": "2026-11-23T09:00:00Z"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == "/requested_pickup_at"
    assert answer.json()["next_possible"] == "2026-11-23T12:00:00Z"


async def test_a_final_order_refuses_commands_with_what_it_is(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.order.groups[0].units["1"].open = 2  # type: ignore[index]
    running.order.groups[0].units["1"].allocated = 0  # type: ignore[index]
    collected(running.order)
    await shop.engine.write(order_id)
    running.over = True
    for verb, body in (("cancel", {}), ("holds", {"kind": "manual", "reason": "x"})):
        answer = await post(web, f"/v1/orders/{order_id}/{verb}", body)
        assert answer.status_code == 409, answer.text
        assert answer.json()["current"]["status"] == "completed"
        assert "can be returned" in answer.json()["detail"]


async def test_a_choice_goes_to_the_order_and_answers_with_the_pickup(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["choose"] = answers_with_group(shop.engine, order_id)
    body = {"option": "other_store", "store_id": "S2"}
    answer = await post(web, f"/v1/orders/{order_id}/choice", body)
    assert (answer.status_code, answer.json()["n"]) == (200, 1)
    [command] = running.commands
    assert isinstance(command, messages.Choose)
    assert (command.option, command.store_id) == ("other_store", "S2")


async def test_a_hold_says_its_id_and_an_absent_one_is_not_found(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)

    def hold(_: Any) -> messages.OrderAnswer:
        return messages.OrderAnswer(version=3, status=running.order.status, hold_id=HoldId("h1"))

    running.answers["place_hold"] = hold
    running.answers["resolve_hold"] = lambda _: refused(RefusalKind.NO_SUCH_HOLD)
    answer = await post(web, f"/v1/orders/{order_id}/holds", {"kind": "manual", "reason": "look at it"})
    assert (answer.status_code, answer.json()["hold_id"]) == (201, "h1")
    answer = await post(web, f"/v1/orders/{order_id}/holds/h9/resolve", {"outcome": "release", "reason": "fine"})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("/no-such-hold")


async def test_a_shop_does_not_clear_its_own_fraud_hold(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    hold = Hold(hold_id=HoldId("h1"), kind=HoldKind.FRAUD, reason="?", owner="ops", since=shop.services.now())
    running.order.holds.append(hold)
    await shop.engine.write(order_id)
    running.answers["resolve_hold"] = lambda _: messages.OrderAnswer(
        version=4, status=running.order.status, hold_id=HoldId("h1")
    )
    body = {"outcome": "release", "reason": "fine"}
    assert (await post(web, f"/v1/orders/{order_id}/holds/h1/resolve", body)).status_code == 403
    ops = await shop.ops()
    assert (await post(ops, f"/v1/orders/{order_id}/holds/h1/resolve", body)).status_code == 200


@pytest.mark.parametrize(
    ("tender", "status"),
    [
        ({"type": "card", "token": "tok_ok", "amount": 5}, 200),
        ({"type": "pay_in_store", "amount": 5, "reference": "POS-17"}, 403),
        ({"type": "gift_card", "number": "BCDF-GHJK-LMNP-QRST", "amount": 5}, 200),
        ({"type": "gift_card", "amount": 5}, 422),
        ({"type": "card", "token": "tok_ok", "amount": 0}, 422),
    ],
)
async def test_a_web_shop_pays_by_card_or_balance_only(
    tender: dict[str, Any], status: int, shop: Shop, web: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["pay"] = lambda _: messages.OrderAnswer(version=3, status=running.order.status)
    answer = await post(web, f"/v1/orders/{order_id}/payments", {"tenders": [tender]})
    assert answer.status_code == status, answer.text


async def test_a_till_reports_what_was_paid_there(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.answers["pay"] = lambda _: messages.OrderAnswer(version=3, status=running.order.status)
    tender = {"type": "pay_in_store", "amount": 9998, "reference": "POS-17"}
    assert (await post(s1, f"/v1/orders/{order_id}/payments", {"tenders": [tender]})).status_code == 200
    [command] = running.commands
    assert isinstance(command, messages.Pay)
    assert (command.tenders[0].type, command.tenders[0].token) == ("pay_in_store", "POS-17")


async def test_messages_are_listed_without_their_words_and_sent_again(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    notice = Notice(
        key=notice_key(OrderId(order_id), "confirmed"),
        kind=NoticeKind.ORDER_CONFIRMED,
        order_id=OrderId(order_id),
        at=shop.services.now(),
    )
    async with shop.services.transactions.begin() as books:
        await books.outbox.add([notice])
    [message] = (await web.get(f"/v1/orders/{order_id}/messages")).json()["items"]
    assert (message["kind"], message["state"]) == ("order_confirmed", "pending")
    again = await post(web, f"/v1/orders/{order_id}/messages/{message['id']}/resend")
    assert (again.status_code, again.json()["id"]) == (202, f"{notice.key}#2")
    other = await place(shop, web)
    assert (await post(web, f"/v1/orders/{other}/messages/{message['id']}/resend")).status_code == 404


async def test_the_ledger_of_an_order_is_shown_to_sellers_and_not_to_stores(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    statement = (await web.get(f"/v1/orders/{order_id}/ledger")).json()
    assert (statement["order_id"], statement["violations"]) == (order_id, [])
    assert (await s1.get(f"/v1/orders/{order_id}/ledger")).status_code == 403


async def test_a_customer_is_seen_with_the_orders_of_every_channel(shop: Shop, web: httpx.AsyncClient) -> None:
    kiosk = await shop.caller("kiosk", channel=Channel.KIOSK)
    body = an_order()
    first = await place(shop, web, customer=body["customer"])
    second = (await post(kiosk, "/v1/orders", an_order(channel="kiosk", customer=body["customer"]))).json()["order_id"]
    seen = (await web.get(f"/v1/customers/{body['customer']['ref']}")).json()
    assert seen["name"] == "Ann Example"
    assert {order["order_id"] for order in seen["orders"]} == {first, second}
    assert (await web.get("/v1/customers/C-nobody")).status_code == 404


async def test_availability_shows_numbers_to_the_seller_s_own_channels_only(shop: Shop, web: httpx.AsyncClient) -> None:
    await shop.stock("HAT", "S1", 3)
    await shop.stock("HAT", "S2", 0)
    wanted = {"sku": "HAT", "store": ["S1", "S2"]}
    items = (await web.get("/v1/availability", params=wanted)).json()["items"]
    seen = {each["store_id"]: (each["availability"], each["available"]) for each in items}
    assert seen == {"S1": ("low", 3), "S2": ("out", 0)}
    assert items[0]["methods"][0]["ready_at"] == "2026-11-23T12:00:00Z"
    bazaar = await shop.caller("bazaar", channel=Channel.MARKETPLACE)
    items = (await bazaar.get("/v1/availability", params=wanted)).json()["items"]
    assert {each["available"] for each in items} == {None}
    assert (await web.get("/v1/availability")).status_code == 422


async def test_availability_says_what_may_be_ordered_beyond_stock(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    await shop.stock("HAT", "S1", 0)
    for body in (
        {"sku": "HAT", "cap": 7, "expected_at": "2026-12-01T09:00:00Z"},
        {"sku": "HAT", "location_id": "S1", "cap": 2},
    ):
        assert (await ops.put("/v1/backorders", json=body)).status_code == 200
    wanted = {"sku": "HAT", "store": ["S1", "S2"]}
    items = (await web.get("/v1/availability", params=wanted)).json()["items"]
    assert {each["store_id"]: each["backorder"] for each in items} == {
        "S1": {"left": 2, "expected_at": None},
        "S2": {"left": 7, "expected_at": "2026-12-01T09:00:00Z"},
    }
    bazaar = await shop.caller("bazaar", channel=Channel.MARKETPLACE)
    items = (await bazaar.get("/v1/availability", params=wanted)).json()["items"]
    assert [each["backorder"]["left"] for each in items] == [None, None]
    for body in ({"sku": "HAT", "cap": 0}, {"sku": "HAT", "location_id": "S1", "cap": 0}):
        await ops.put("/v1/backorders", json=body)
    items = (await web.get("/v1/availability", params=wanted)).json()["items"]
    assert [each["backorder"] for each in items] == [None, None]


async def test_what_is_waited_for_lies_in_years_that_can_be_reckoned_with(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    order_id, never = await place(shop, web), "9999-12-31T23:59:59Z"
    asked = await ops.put("/v1/backorders", json={"sku": "HAT", "cap": 7, "expected_at": never})
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/expected_at")
    hold = {"kind": "manual", "reason": "x", "deadline": never}
    asked = await post(web, f"/v1/orders/{order_id}/holds", hold)
    assert (asked.status_code, asked.json()["errors"][0]["pointer"]) == (422, "/deadline")
    assert not shop.engine.of(order_id).commands


async def test_an_underwriter_has_no_business_with_orders(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    una = await shop.caller("una", kind=PrincipalKind.UNDERWRITER, channel=Channel.OPS, roles={Role.UNDERWRITER})
    assert (await una.get(f"/v1/orders/{order_id}")).status_code == 404
    assert (await post(una, f"/v1/orders/{order_id}/cancel")).status_code == 403
