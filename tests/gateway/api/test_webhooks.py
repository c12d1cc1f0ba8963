"""Events from outside: verified on raw bytes, kept before they are answered, handed on once, parked while early."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook
from temporalio.service import RPCStatusCode

from adapters.access.port import Role
from adapters.inbound.port import InboundEvent
from adapters.keys.port import KeyErased, KeyMissing
from adapters.payment.port import AuthoriseRequest
from domain.card_data import find_card_data, has_card_number
from domain.ids import OperationKey, OrderId
from domain.money import Money
from domain.payments import TenderId
from gateway.webhooks.delivery import deliver
from tests.gateway.api.conftest import SECRETS, Shop, place, post
from tests.gateway.api.engine import rpc


async def send(
    shop: Shop,
    provider: str,
    body: Any,
    *,
    event_id: str = "",
    secret: str = "",
    at: datetime | None = None,
    raw: bytes | None = None,
) -> httpx.Response:
    event_id, at = event_id or uuid.uuid4().hex, at or datetime.now(UTC)
    text = json.dumps(body)
    headers = {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret or SECRETS[provider]).sign(event_id, at, text),
    }
    return await shop.client().post(f"/v1/webhooks/{provider}", content=raw or text.encode(), headers=headers)


async def parked(shop: Shop, order_id: str) -> list[InboundEvent]:
    found = await shop.services.events.parked(limit=1000)
    return [each.event for each in found if each.event.order_id == order_id]


async def hand_on(shop: Shop, event: InboundEvent) -> bool:
    services = shop.services
    return await deliver(
        event,
        client=services.temporal,
        payments=services.payments,
        events=services.events,
        transactions=services.transactions,
    )


async def test_a_fraud_decision_reaches_its_order_once(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    for known in (False, True):
        answer = await send(shop, "fraud", {"order_id": order_id, "decision": "decline"}, event_id=f"e-{order_id}")
        assert (answer.status_code, answer.json()["known"]) == (202, known)
    [(name, decision)] = shop.engine.of(order_id).signals
    assert (name, decision.accept) == ("fraud_decision", False)
    assert await parked(shop, order_id) == []


async def test_an_event_that_comes_before_its_order_is_parked_and_applied_later(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.running.pop(f"order/{order_id}")
    assert (await send(shop, "fraud", {"order_id": order_id, "decision": "accept"})).status_code == 202
    [event] = await parked(shop, order_id)
    assert not await hand_on(shop, event)
    shop.engine.running[f"order/{order_id}"] = running
    assert await hand_on(shop, event)
    assert await parked(shop, order_id) == []
    assert [name for name, _ in running.signals] == ["fraud_decision"]


async def test_an_event_is_kept_also_while_temporal_is_away(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    shop.engine.away = rpc(RPCStatusCode.UNAVAILABLE)
    assert (await send(shop, "fraud", {"order_id": order_id, "decision": "accept"})).status_code == 202
    assert len(await parked(shop, order_id)) == 1


async def test_an_event_for_an_order_that_has_ended_is_settled(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    shop.engine.of(order_id).over = True
    await send(shop, "fraud", {"order_id": order_id, "decision": "accept"})
    assert await parked(shop, order_id) == []


async def test_what_is_unsigned_stale_or_signed_by_another_is_refused(shop: Shop) -> None:
    body = {"order_id": "x", "decision": "accept"}
    stranger = "whsec_" + base64.b64encode(b"another secret, another house").decode()
    stale = datetime.now(UTC) - timedelta(minutes=10)
    answers = [
        await send(shop, "fraud", body, secret=stranger),
        await send(shop, "fraud", body, at=stale),
        await send(shop, "fraud", body, at=datetime.now(UTC) + timedelta(minutes=10)),
        await send(shop, "fraud", body, raw=b'{"order_id": "y", "decision": "accept"}'),
        await send(shop, "fraud", body, raw=b"\xff\xfe"),
        await send(shop, "bureau", body, secret=SECRETS["fraud"]),
        await shop.client().post("/v1/webhooks/fraud", json=body),
        await shop.client().post("/v1/webhooks/fraud", json=body, headers={"webhook-signature": "nonsense"}),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert await parked(shop, "x") == []


async def test_a_body_that_says_nothing_is_refused_and_not_kept(shop: Shop) -> None:
    assert (await send(shop, "fraud", {"order_id": "z", "decision": "maybe"})).status_code == 422
    assert (await send(shop, "payment", {"type": "capture.succeeded", "data": {}})).status_code == 422
    assert (await send(shop, "fraud", "x" * 300_000)).status_code == 413
    assert await parked(shop, "z") == []


SCAN = {
    "carrier": "northway",
    "label_id": "lbl_1",
    "tracking_number": "NW473124829DE",
    "reference": "shipped",
    "shipment": "shipment/shipped/1",
    "status": "in_transit",
    "at": "2026-11-23T11:00:00+01:00",
}
SIGHTING = {
    "locker_id": "L001",
    "compartment_id": "cmp_1",
    "reference": "locked",
    "group": "pickup/locked/1",
    "status": "deposited",
    "at": "2026-11-23T10:00:00Z",
    "collect_by": "2026-11-26T10:00:00Z",
}


@pytest.mark.parametrize(
    ("provider", "data", "kind"),
    [
        ("carrier", SCAN, "parcel.in_transit"),
        ("carrier", SCAN | {"status": "held_for_inspection"}, "parcel.held_for_inspection"),
        ("locker", SIGHTING, "locker.deposited"),
    ],
)
async def test_what_carriers_and_lockers_say_is_kept_once_and_nothing_beside_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, provider: str, data: dict[str, str], kind: str
) -> None:
    kept: list[InboundEvent] = []
    keep = shop.services.events.keep

    async def noted(event: InboundEvent) -> bool:
        kept.append(event)
        return await keep(event)

    monkeypatch.setattr(shop.services.events, "keep", noted)
    event_id = uuid.uuid4().hex
    body = {"type": "Ada Lovelace", "data": data | {"signed_by": "Ada Lovelace"}}
    assert (await send(shop, provider, body, event_id=event_id)).status_code == 422, "a type is no text"
    body["type"] = kind
    for known in (False, True):
        answer = await send(shop, provider, body, event_id=event_id)
        assert (answer.status_code, answer.json()["known"]) == (202, known)
    event = kept[0]
    assert (event.order_id, event.type) == (data["reference"], kind)
    assert event.data == data | {"at": "2026-11-23T10:00:00Z"}
    # An order that carriers and lockers know may come yet.
    assert event.event_id in [each.event_id for each in await parked(shop, event.order_id)]


@pytest.mark.parametrize(
    ("provider", "data", "wrong"),
    [
        *(("carrier", SCAN, wrong) for wrong in ({"status": 7}, {"status": "Ada Lovelace"}, {"at": "yesterday"})),
        *(("carrier", SCAN, wrong) for wrong in ({"reference": "x" * 65}, {"tracking_number": ""}, {"carrier": None})),
        *(("locker", SIGHTING, wrong) for wrong in ({"compartment_id": {}}, {"collect_by": 5}, {"group": "a b"})),
    ],
)
async def test_rubbish_from_carriers_and_lockers_is_refused_and_not_repeated(
    shop: Shop, provider: str, data: dict[str, str], wrong: dict[str, Any]
) -> None:
    answer = await send(shop, provider, {"type": "x", "data": data | wrong})
    assert answer.status_code == 422
    [field] = wrong
    assert [each["pointer"] for each in answer.json()["errors"]] == [f"/data/{field}"]
    assert "Lovelace" not in answer.text


@pytest.mark.parametrize(("provider", "data"), [("carrier", SCAN), ("locker", SIGHTING)])
async def test_an_event_without_any_of_what_it_must_say_is_refused(
    shop: Shop, provider: str, data: dict[str, str]
) -> None:
    for field in data.keys() - {"collect_by"}:
        lacking = {name: value for name, value in data.items() if name != field}
        assert (await send(shop, provider, {"type": "x", "data": lacking})).status_code == 422, field
    assert (await send(shop, provider, data)).status_code == 422, "no envelope"


def last_event(shop: Shop) -> dict[str, Any]:
    """What the provider sends about what happened there last."""
    return list(shop.provider.engine.books.events.values())[-1].model_dump(mode="json")


async def authorise(shop: Shop, order_id: str, token: str = "tok_ok") -> None:
    request = AuthoriseRequest(
        key=OperationKey(f"{order_id}:authorise"),
        order_id=OrderId(order_id),
        tender_id=TenderId("t1"),
        at=shop.services.now(),
        token=token,
        amount=Money(amount=9998, currency="EUR"),
    )
    await shop.services.payments.authorise(request)


async def test_news_from_the_provider_is_booked_and_the_order_looks(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    await authorise(shop, order_id, "tok_3ds")
    [authorisation] = [a for a in shop.provider.engine.books.authorisations.values() if a.reference == order_id]
    shop.provider.engine.act(authorisation.id, approve=True)
    event = last_event(shop)
    assert event["type"] == "authorisation.succeeded"
    for _ in range(2):
        assert (await send(shop, "payment", event, event_id=event["id"])).status_code == 202
    [(name, message)] = shop.engine.of(order_id).signals
    assert (name, message.authorisation_id) == ("payment_event", authorisation.id)
    statement = await shop.services.payments.statement(OrderId(order_id))
    assert [(a.authorised, a.status) for a in statement.authorisations] == [(9998, "authorised")]
    assert statement.violations == ()


async def test_an_event_that_tells_what_we_know_does_not_wake_the_order(shop: Shop, web: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    await authorise(shop, order_id)
    event = last_event(shop)
    assert event["type"] == "authorisation.succeeded"
    assert (await send(shop, "payment", event)).status_code == 202
    assert shop.engine.of(order_id).signals == []
    assert await parked(shop, order_id) == []


async def test_an_event_about_a_payment_that_nobody_knows_stays_parked(shop: Shop) -> None:
    data = {
        "authorisation_id": "auth_x",
        "operation_id": "cap_x",
        "reference": "unknown-order",
        "amount": 5,
        "currency": "EUR",
        "status": "succeeded",
        "key": None,
    }
    event = {"type": "capture.succeeded", "created_at": "2026-11-23T10:00:00Z", "data": data}
    assert (await send(shop, "payment", event)).status_code == 202
    assert [each.type for each in await parked(shop, "unknown-order")] == ["capture.succeeded"]


async def test_an_event_of_an_erased_customer_s_order_is_settled_and_one_of_nobody_s_is_parked(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    shop.engine.away = KeyMissing("no key")
    await send(shop, "fraud", {"order_id": order_id, "decision": "accept"})
    [event] = await parked(shop, order_id)
    shop.engine.away = KeyErased("erased")
    assert await hand_on(shop, event)
    assert await parked(shop, order_id) == []


async def test_an_id_of_digits_that_might_be_a_card_number_loses_no_event_and_is_not_kept(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.running.pop(f"order/{order_id}")
    ids = ("4000056655665556", "4242 4242 4242 4242", "evt-4000056655665556")
    for event_id in ids:
        for known in (False, True):
            answer = await send(shop, "fraud", {"order_id": order_id, "decision": "accept"}, event_id=event_id)
            assert (answer.status_code, answer.json()["known"]) == (202, known), event_id
            assert find_card_data(answer.json()) is None
    kept = {event.event_id for event in await parked(shop, order_id)}
    assert len(kept) == len(ids)
    assert not [event_id for event_id in kept if has_card_number(event_id)]
    shop.engine.running[f"order/{order_id}"] = running


async def test_ops_see_what_did_not_arrive_and_have_it_tried_again(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    order_id = f"foreign-{uuid.uuid4().hex}"
    await send(shop, "fraud", {"order_id": order_id, "decision": "accept"})

    async def listed() -> list[dict[str, Any]]:
        found = (await ops.get("/v1/ops/parked", params={"limit": 200})).json()["items"]
        return [each for each in found if each["order_id"] == order_id]

    assert await listed() == [], "it came a moment ago"
    (event,) = await parked(shop, order_id)
    await shop.services.events.put_off(event.provider, event.event_id, None)
    (shown,) = await listed()
    assert (shown["kind"], shown["provider"], shown["given_up"], shown["tries"]) == ("event", "fraud", True, 1)
    assert (await web.get("/v1/ops/parked")).status_code == 403
    auditor = await shop.ops(Role.AUDITOR)
    assert (await post(auditor, "/v1/ops/parked/retry", {"order_id": order_id})).status_code == 403
    answer = await post(ops, "/v1/ops/parked/retry", {"order_id": order_id})
    assert answer.json() == {"order_id": order_id, "starts": 0, "events": 1}
    (shown,) = await listed()
    assert (shown["given_up"], shown["next_try_at"]) == (False, "2026-11-23T10:00:00Z")
    assert (await post(ops, "/v1/ops/parked/retry", {"order_id": "nobodys"})).status_code == 404
