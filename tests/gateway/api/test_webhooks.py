"""Events from outside: verified on raw bytes, kept before they are answered, handed on once, parked while early."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook
from temporalio.service import RPCStatusCode

from adapters.inbound.port import InboundEvent
from adapters.keys.port import KeyErased, KeyMissing
from adapters.payment.port import AuthoriseRequest
from domain.ids import OperationKey, OrderId
from domain.money import Money
from domain.payments import TenderId
from gateway.webhooks.delivery import deliver
from tests.gateway.api.conftest import SECRETS, Shop, place
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
    return await deliver(event, client=services.temporal, payments=services.payments, events=services.events)


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
