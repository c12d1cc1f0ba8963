"""`POST /v1/orders`: one order for ever, refused with reasons, or promised and started."""

import asyncio
from typing import Any

import httpx
import pytest
from temporalio.service import RPCStatusCode

from adapters.access.port import PrincipalKind
from adapters.places.port import Pause
from adapters.vault.port import Subject
from domain.actors import Channel
from domain.ids import OrderId
from domain.personal import PersonalData
from domain.refusals import Refusal, RefusalKind, Shortfall
from domain.views import NextAction
from gateway.starting import start_order, unseal_terms
from tests.gateway.api.conftest import Shop, a_store, an_order, post
from tests.gateway.api.engine import rpc

ORDERS = "/v1/orders"


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_an_order_is_started_once_and_answered_whole(shop: Shop, web: httpx.AsyncClient) -> None:
    body = an_order()
    answer = await post(web, ORDERS, body)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert answer.headers["location"] == f"/v1/orders/{order['order_id']}"
    assert order["external_id"] == body["external_id"]
    assert order["customer"] == {**body["customer"], "phone": None}
    [terms] = shop.engine.starts
    assert terms.order_id == order["order_id"]
    assert "Ann" not in terms.model_dump_json()
    kept = await shop.services.vault.get(Subject(order["order_id"]))
    assert kept == PersonalData(name="Ann Example", email="ann@example.org")


async def test_the_same_order_under_a_new_key_is_the_same_order(shop: Shop, web: httpx.AsyncClient) -> None:
    body = an_order()
    first, again = await post(web, ORDERS, body), await post(web, ORDERS, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["order_id"] == first.json()["order_id"]
    assert len(shop.engine.starts) == 1


async def test_the_same_order_with_other_content_is_a_conflict(shop: Shop, web: httpx.AsyncClient) -> None:
    body = an_order()
    first = (await post(web, ORDERS, body)).json()
    answer = await post(web, ORDERS, body | {"locale": "en"})
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/order-exists")
    assert answer.json()["current"]["order_id"] == first["order_id"]


async def test_one_order_sent_twenty_times_at_once_is_one_order(shop: Shop, web: httpx.AsyncClient) -> None:
    body = an_order()
    answers = await asyncio.gather(*(post(web, ORDERS, body) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200, 201}
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len({answer.json()["order_id"] for answer in answers}) == 1
    assert len(shop.engine.starts) == 1


async def test_a_refused_order_leaves_its_external_id_free(shop: Shop, web: httpx.AsyncClient) -> None:
    short = Shortfall(sku="SHOE", location_id="S1", asked=2, available=1)
    shop.engine.fate = lambda _: Refusal(kind=RefusalKind.OUT_OF_STOCK, detail="Too few.", shortfalls=[short])
    body = an_order()
    answer = await post(web, ORDERS, body)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/out-of-stock")
    assert pointers(answer) == ["/lines/0/quantity"]
    assert answer.json()["shortfalls"] == [short.model_dump()]
    shop.engine.fate = lambda _: None
    assert (await post(web, ORDERS, body)).status_code == 201


async def test_a_declined_payment_says_why(shop: Shop, web: httpx.AsyncClient) -> None:
    shop.engine.fate = lambda _: Refusal(
        kind=RefusalKind.PAYMENT_DECLINED, detail="Declined.", reason="insufficient_funds"
    )
    answer = await post(web, ORDERS, an_order())
    assert answer.status_code == 402
    assert answer.json()["reason"] == "insufficient_funds"


async def test_a_start_that_was_lost_is_made_from_what_was_promised(shop: Shop, web: httpx.AsyncClient) -> None:
    shop.engine.away = rpc(RPCStatusCode.UNAVAILABLE)
    body = an_order()
    answer = await post(web, ORDERS, body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert not shop.engine.starts
    shop.engine.away = None
    async with shop.services.transactions.begin() as books:
        late = await books.intake.overdue(shop.services.now().replace(year=2027), 1000)
        overdue = {each.order_id: each.start for each in late}
        known = await books.intake.by_external_id("web", body["external_id"])
    assert known is not None
    terms = await unseal_terms(shop.services.keys, known.order_id, overdue[known.order_id])
    placed = await start_order(shop.services.temporal, terms)
    assert placed.order_id == known.order_id
    again = await post(web, ORDERS, body)
    assert (again.status_code, again.json()["order_id"]) == (200, known.order_id)


async def test_the_same_request_goes_on_with_a_start_that_was_lost(shop: Shop, web: httpx.AsyncClient) -> None:
    shop.engine.away = rpc(RPCStatusCode.UNAVAILABLE)
    body = an_order()
    assert (await post(web, ORDERS, body, key="one")).status_code == 503
    shop.engine.away = None
    answer = await post(web, ORDERS, body, key="one")
    assert answer.status_code == 200
    assert len(shop.engine.starts) == 1


async def test_a_fate_that_takes_long_is_asked_for_with_the_same_key(shop: Shop, web: httpx.AsyncClient) -> None:
    shop.engine.slow = True
    body = an_order()
    waiting = await post(web, ORDERS, body, key="slow")
    assert waiting.status_code == 202
    assert waiting.headers["location"] == waiting.json()["look"]
    shop.engine.slow = False
    answer = await post(web, ORDERS, body, key="slow")
    assert answer.status_code == 200
    assert waiting.headers["location"] == f"/v1/orders/{answer.json()['order_id']}"


async def test_an_order_that_was_refused_meanwhile_answers_as_refused(shop: Shop, web: httpx.AsyncClient) -> None:
    """Two requests for one order: the process of the first is over before the second asks for its fate."""
    shop.engine.fate = lambda _: Refusal(kind=RefusalKind.PAYMENT_DECLINED, detail="No.", reason="declined")
    body = an_order()
    answers = await asyncio.gather(*(post(web, ORDERS, body) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {402}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"tenders": [{"type": "settled", "reference": "R1", "amount": 9998}]}, "/tenders/0/type"),
    ],
)
async def test_what_is_not_built_yet_says_so(
    change: dict[str, Any], pointer: str, shop: Shop, web: httpx.AsyncClient
) -> None:
    answer = await post(web, ORDERS, an_order(**change))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/not-supported")
    assert pointers(answer) == [pointer]
    assert not shop.engine.starts


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"placed_at": "2026-11-23T10:10:00Z"}, "/placed_at"),
        ({"currency": "ZZZ"}, "/currency"),
        ({"currency": "XXX"}, "/currency"),
        ({"currency": "XTS"}, "/currency"),
        ({"fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S9"}]}, "/fulfilments/0/store_id"),
        ({"fulfilments": [{"id": "f1", "method": "pickup", "store_id": "W1"}]}, "/fulfilments/0/store_id"),
        (
            {"fulfilments": [{"id": "f1", "method": "pickup", "store_id": "S2", "mode": "curbside"}]},
            "/fulfilments/0/mode",
        ),
        (
            {"lines": [{"line_id": "1", "sku": "NONE", "quantity": 2, "unit_price": 4999, "fulfilment": "f1"}]},
            "/lines/0/sku",
        ),
        (
            {
                "tenders": [
                    {"type": "card", "token": "a", "amount": 9998},
                    {"type": "card", "token": "b", "amount": 0},
                ]
            },
            "/tenders/1/amount",
        ),
    ],
)
async def test_an_order_that_cannot_be_names_the_field(
    change: dict[str, Any], pointer: str, shop: Shop, web: httpx.AsyncClient
) -> None:
    answer = await post(web, ORDERS, an_order(**change))
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"].endswith("/validation")
    assert pointers(answer) == [pointer]
    assert not shop.engine.starts


@pytest.mark.parametrize(
    ("asked", "possible"),
    [
        ("2026-11-23T09:00:00Z", "2026-11-23T12:00:00Z"),  # over: as soon as it can be ready
        ("2026-11-23T20:00:00Z", "2026-11-24T08:00:00Z"),  # after closing
    ],
)
async def test_a_time_that_cannot_be_names_the_next_that_can(asked: str, possible: str, web: httpx.AsyncClient) -> None:
    answer = await post(web, ORDERS, an_order(requested_pickup_at=asked))
    assert answer.status_code == 422
    assert pointers(answer) == ["/requested_pickup_at"]
    assert answer.json()["next_possible"] == possible
    assert possible in answer.json()["errors"][0]["reason"]


async def test_a_paused_store_takes_nothing_until_its_pause_ends(shop: Shop, web: httpx.AsyncClient) -> None:
    until = shop.services.now().replace(hour=15)
    async with shop.services.transactions.begin() as books:
        await books.places.put(a_store("S1", pause=Pause(until=until)))
    answer = await post(web, ORDERS, an_order())
    assert (answer.status_code, pointers(answer)) == (422, ["/fulfilments/0/store_id"])
    assert answer.json()["next_possible"] > "2026-11-23T15:00:00Z"
    shop.pass_time(hours=6)
    assert (await post(web, ORDERS, an_order())).status_code == 201


async def test_an_order_that_is_known_is_answered_also_when_its_store_is_paused(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    body = an_order()
    first = (await post(web, ORDERS, body)).json()
    async with shop.services.transactions.begin() as books:
        await books.places.put(a_store("S1", pause=Pause()))
    again = await post(web, ORDERS, body)
    assert (again.status_code, again.json()["order_id"]) == (200, first["order_id"])


async def test_sums_that_differ_are_refused_with_the_difference(shop: Shop, web: httpx.AsyncClient) -> None:
    tenders = [{"type": "card", "token": "tok_ok", "amount": 9000}]
    answer = await post(web, ORDERS, an_order(total=9999, tenders=tenders))
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/does-not-add-up")
    assert pointers(answer) == ["/total", "/tenders"]
    reasons = [error["reason"] for error in answer.json()["errors"]]
    assert "+1" in reasons[0]
    assert "-999" in reasons[1]


async def test_a_channel_that_is_trusted_to_be_corrected_gets_a_hold_instead(shop: Shop) -> None:
    centre = await shop.caller("call_centre", channel=Channel.CALL_CENTRE)
    answer = await post(centre, ORDERS, an_order(channel="call_centre", total=9999))
    assert answer.status_code == 201, answer.text
    [terms] = shop.engine.starts
    assert terms.discrepancy is not None
    assert not terms.discrepancy.adds_up


async def test_a_key_speaks_for_its_own_channel_only(shop: Shop, web: httpx.AsyncClient) -> None:
    answer = await post(web, ORDERS, an_order(channel="kiosk"))
    assert answer.status_code == 403
    granted = await shop.caller("mobile", channel=Channel.APP, rights=frozenset({"channel:kiosk"}))
    assert (await post(granted, ORDERS, an_order(channel="kiosk"))).status_code == 201
    service = await shop.caller("carrier", kind=PrincipalKind.SERVICE, channel=Channel.SYSTEM)
    assert (await post(service, ORDERS, an_order(channel="system"))).status_code == 403


async def test_a_held_order_without_a_bank_page_links_to_ours(shop: Shop, web: httpx.AsyncClient) -> None:
    body = an_order()
    order = (await post(web, ORDERS, body)).json()
    running = shop.engine.of(order["order_id"])
    running.order.next_action = NextAction(kind="pay", url="", deadline=shop.services.now())
    await shop.engine.write(OrderId(order["order_id"]))
    shown = (await web.get(f"{ORDERS}/{order['order_id']}")).json()
    assert shown["next_action"]["url"].startswith("http://shop/c/")


async def test_two_sellers_of_one_channel_do_not_learn_of_each_others_orders(shop: Shop) -> None:
    bazaar, rival = [await shop.caller(name, channel=Channel.MARKETPLACE) for name in ("bazaar", "rival")]
    body = an_order(channel="marketplace")
    order_id = (await post(bazaar, ORDERS, body)).json()["order_id"]
    for sent in (body, body | {"locale": "en"}):
        answer = await post(rival, ORDERS, sent)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "order-exists")
        assert "current" not in answer.json()
        assert order_id not in answer.text
    assert (await post(bazaar, ORDERS, body)).status_code == 200
    assert (await post(bazaar, ORDERS, body | {"locale": "en"})).json()["current"]["order_id"] == order_id


async def test_a_fault_of_the_whole_order_points_to_its_line(shop: Shop, web: httpx.AsyncClient) -> None:
    line = an_order()["lines"][0]
    answer = await post(web, ORDERS, an_order(lines=[line, line]))
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/lines/1/line_id"]
