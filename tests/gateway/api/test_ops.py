"""Ops: search, interventions, audit, the data of rules, and erasure."""

from typing import Any

import httpx
from temporalio.service import RPCStatusCode

from adapters.access.port import Role
from adapters.vault.port import Subject
from domain.personal import ERASED
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import InterventionView
from tests.gateway.api.conftest import Shop, an_order, place, post
from tests.gateway.api.engine import collected, rpc
from workflows import messages


async def ended(shop: Shop, order_id: str) -> None:
    running = shop.engine.of(order_id)
    for units in running.order.group(1).units.values():
        units.open, units.allocated = units.allocated, 0
    collected(running.order)
    await shop.engine.write(order_id)
    running.over = True


async def test_ops_find_orders_by_the_beginning_of_an_id(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    body = an_order()
    order_id = await place(shop, web, **body)
    for text in (order_id[:20], body["external_id"][:10]):
        found = (await ops.get("/v1/ops/orders", params={"text": text})).json()["items"]
        assert order_id in {order["order_id"] for order in found}
    assert (await ops.get("/v1/ops/orders", params={"text": "%"})).json()["items"] == []
    assert (await web.get("/v1/ops/orders")).status_code == 403


async def test_an_intervention_is_listed_and_decided_once(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    question = InterventionView(
        intervention_id=f"{order_id}-1",
        step="refund 49.99 EUR",
        error="refused",
        since=shop.services.now(),
        choices=["retry", "skip"],
    )
    running.order.interventions.append(question)
    await shop.engine.write(order_id)
    listed = (await ops.get("/v1/ops/interventions")).json()["items"]
    assert order_id in {each["order_id"] for each in listed}

    def decide(command: messages.Intervene) -> messages.OrderAnswer:
        running.order.interventions.clear()
        return messages.OrderAnswer(version=running.order.version, status=running.order.status)

    running.answers["intervene"] = decide
    path = f"/v1/ops/interventions/{order_id}-1"
    answer = await post(ops, path, {"action": "retry", "reason": "it is back"})
    assert answer.status_code == 200, answer.text
    [command] = running.commands
    assert isinstance(command, messages.Intervene)
    assert (command.action, command.reason) == ("retry", "it is back")
    assert (await post(ops, path, {"action": "supply", "reason": "x"})).status_code == 422
    assert (await post(ops, "/v1/ops/interventions/no-9", {"action": "retry", "reason": "x"})).status_code == 404
    assert (await post(web, path, {"action": "retry", "reason": "x"})).status_code == 403


async def test_a_decision_whose_answer_took_long_is_answered_when_it_is_asked_for_again(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    running.order.interventions.append(
        InterventionView(
            intervention_id=f"{order_id}-1", step="capture", error="?", since=shop.services.now(), choices=["retry"]
        )
    )
    await shop.engine.write(order_id)
    running.answers["intervene"] = lambda _: messages.OrderAnswer(version=9, status=running.order.status)
    shop.engine.slow = True
    path, decision = f"/v1/ops/interventions/{order_id}-1", {"action": "retry", "reason": "it is back"}
    assert (await post(ops, path, decision, key="slow")).status_code == 202
    [command] = running.commands
    running.order.interventions.clear()
    fact = {"intervention_id": f"{order_id}-1", "action": "retry", "command_id": command.command_id}
    made = TimelineEntry(
        at=shop.services.now(), event=Event.INTERVENTION_MADE, actor=command.actor, data=Fact.model_validate(fact)
    )
    await shop.engine.write(order_id, made)
    again = await post(ops, path, decision, key="slow")
    assert (again.status_code, again.json()["intervention_id"]) == (200, f"{order_id}-1")
    assert running.commands == [command]
    assert (await post(ops, path, decision, key="another")).status_code == 404


async def test_the_audit_trail_is_read_by_ops_and_auditors(shop: Shop, web: httpx.AsyncClient) -> None:
    await web.get("/v1/ops/audit")
    auditor, service = await shop.ops(Role.AUDITOR), await shop.ops(Role.CUSTOMER_SERVICE)
    rows = (await auditor.get("/v1/ops/audit", params={"principal": "web"})).json()["items"]
    assert (rows[0]["action"], rows[0]["outcome"]) == ("GET /v1/ops/audit", "refused")
    assert (await service.get("/v1/ops/audit")).status_code == 403


async def test_a_customer_with_open_orders_is_not_erased(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    body = an_order()
    order_id = await place(shop, web, **body)
    erasure = {"customer_ref": body["customer"]["ref"], "reason": "asked for it"}
    answer = await post(ops, "/v1/ops/erasures", erasure)
    assert (answer.status_code, answer.json()["current"]) == (409, {"open_orders": [order_id]})
    assert (await web.get(f"/v1/orders/{order_id}")).json()["customer"]["name"] == "Ann Example"


async def test_an_order_that_is_only_promised_is_open_too(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    shop.engine.away = rpc(RPCStatusCode.UNAVAILABLE)
    body = an_order()
    assert (await post(web, "/v1/orders", body)).status_code == 503
    answer = await post(ops, "/v1/ops/erasures", {"customer_ref": body["customer"]["ref"], "reason": "asked"})
    assert answer.status_code == 409


async def test_an_erased_customer_is_erased_everywhere_and_totals_stay(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    body = an_order()
    order_id = await place(shop, web, **body)
    await ended(shop, order_id)
    ref = body["customer"]["ref"]
    answer = await post(ops, "/v1/ops/erasures", {"customer_ref": ref, "reason": "asked for it"})
    assert (answer.status_code, answer.json()) == (201, {"customer_ref": ref, "keys": 1, "records": 1, "retained": []})
    assert await shop.services.vault.get(Subject(order_id)) is ERASED
    order = (await web.get(f"/v1/orders/{order_id}")).json()
    assert order["customer"] == {"ref": ref, "name": "erased", "email": "erased", "phone": "erased"}
    assert order["total"] == 9998
    again = await post(ops, "/v1/ops/erasures", {"customer_ref": ref, "reason": "asked for it"})
    assert again.json()["keys"] == 0
    assert any(row.action == "erase customer" and row.object == ref for row in shop.audit.entries)


async def test_only_operations_erase(shop: Shop, web: httpx.AsyncClient) -> None:
    body = {"customer_ref": "C-1", "reason": "x"}
    for caller in (web, await shop.ops(Role.AUDITOR), await shop.ops(Role.CUSTOMER_SERVICE)):
        assert (await post(caller, "/v1/ops/erasures", body)).status_code == 403


async def test_data_of_rules_is_set_by_ops_and_read_by_the_seller_s_own(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    data: list[tuple[str, dict[str, Any]]] = [
        ("items", {"sku": "MUG", "name": "A mug"}),
        ("buffers", {"sku": "MUG", "location_id": "S1", "quantity": 2}),
        ("channels", {"channel": "chat", "approval_above": 100}),
        (
            "locations",
            {
                "location_id": "S7",
                "kind": "store",
                "name": "Seven",
                "address": "Street 7",
                "latitude": 52,
                "longitude": 13.5,
                "email": "s7@example.org",
                "hours": {"zone": "Europe/Berlin", "weekly": {"mon": [["09:00", "18:00"]]}},
            },
        ),
    ]
    bazaar = await shop.caller("bazaar", channel="marketplace")
    for name, body in data:
        assert (await web.put(f"/v1/{name}", json=body)).status_code == 403
        answer = await ops.put(f"/v1/{name}", json=body)
        assert answer.status_code == 200, answer.text
        listed = (await web.get(f"/v1/{name}")).json()["items"]
        assert any(body.items() <= each.items() for each in listed) or name == "locations"
        assert (await bazaar.get(f"/v1/{name}")).status_code == 403
    assert "S7" in {each["location_id"] for each in (await web.get("/v1/locations")).json()["items"]}


async def test_a_buffer_lowers_what_is_available(shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient) -> None:
    await shop.stock("HAT", "S3", 10)
    await ops.put("/v1/buffers", json={"sku": "HAT", "location_id": "S3", "channel": "web", "quantity": 4})
    [seen] = (await web.get("/v1/availability", params={"sku": "HAT", "store": "S3"})).json()["items"]
    assert seen["available"] == 6
    await ops.put("/v1/buffers", json={"sku": "HAT", "location_id": "S3", "channel": "web", "quantity": 0})
