"""The contract document: every call of the API described, with its body, its answers and its way in."""

import httpx

from tests.gateway.api.conftest import Shop

CALLS = """
GET /v1/approvals
POST /v1/approvals/{approval_id}/approve
POST /v1/approvals/{approval_id}/refuse
GET /v1/availability
GET /v1/backorders
GET /v1/balances/{kind}/{balance_id}
POST /v1/balances/{kind}
POST /v1/balances/{kind}/look-up
PUT /v1/backorders
GET /v1/backorders/queue
GET /v1/buffers
PUT /v1/buffers
GET /v1/channels
PUT /v1/channels
GET /v1/customers/{ref}
GET /v1/items
PUT /v1/items
GET /v1/locations
PUT /v1/locations
GET /v1/ops/applications
GET /v1/ops/audit
POST /v1/ops/erasures
GET /v1/ops/interventions
POST /v1/ops/interventions/{intervention_id}
GET /v1/ops/orders
GET /v1/ops/routing/{order_id}
POST /v1/ops/routing/simulate
GET /v1/orders
POST /v1/orders
GET /v1/orders/{order_id}
GET /v1/orders/{order_id}/appeasements
POST /v1/orders/{order_id}/appeasements
POST /v1/orders/{order_id}/cancel
POST /v1/orders/{order_id}/choice
POST /v1/orders/{order_id}/holds
POST /v1/orders/{order_id}/holds/{hold_id}/resolve
GET /v1/orders/{order_id}/ledger
GET /v1/orders/{order_id}/messages
POST /v1/orders/{order_id}/messages/{message_id}/resend
POST /v1/orders/{order_id}/payments
GET /v1/orders/{order_id}/timeline
GET /v1/pickups/{order_id}/{n}
POST /v1/pickups/{order_id}/{n}/accept
POST /v1/pickups/{order_id}/{n}/arrived
POST /v1/pickups/{order_id}/{n}/extend
POST /v1/pickups/{order_id}/{n}/extras
POST /v1/pickups/{order_id}/{n}/hand-over
POST /v1/pickups/{order_id}/{n}/pick
POST /v1/pickups/{order_id}/{n}/proxy
POST /v1/pickups/{order_id}/{n}/put-back
POST /v1/pickups/{order_id}/{n}/ready
POST /v1/pickups/{order_id}/{n}/refuse
POST /v1/pickups/{order_id}/{n}/reject
POST /v1/pickups/{order_id}/{n}/resend-code
POST /v1/pickups/{order_id}/{n}/shortage
POST /v1/pickups/{order_id}/{n}/unlock
POST /v1/promises
GET /v1/promises/{promise_id}
POST /v1/promises/{promise_id}/release
GET /v1/routing-rules
PUT /v1/routing-rules
GET /v1/stock
GET /v1/stock/ledger
POST /v1/stock/movements
PUT /v1/stores/{store_id}/capacity
PUT /v1/stores/{store_id}/hours
PUT /v1/stores/{store_id}/pause
GET /v1/stores/{store_id}/tasks
POST /v1/returns
GET /v1/returns
GET /v1/returns/{return_id}
GET /v1/returns/{return_id}/label
GET /v1/returns/{return_id}/locker-code
POST /v1/returns/preview
POST /v1/returns/{return_id}/approve
POST /v1/returns/{return_id}/cancel
POST /v1/returns/{return_id}/inspect
POST /v1/returns/{return_id}/preview
POST /v1/returns/{return_id}/receive
POST /v1/returns/{return_id}/reject
POST /v1/returns/{return_id}/settle
GET /v1/return-policies
PUT /v1/return-policies
POST /v1/ops/reconciliations
POST /v1/ops/reconciliations/runs
GET /v1/ops/reconciliations/runs
GET /v1/ops/reconciliations/runs/{run}
GET /v1/ops/reconciliations/runs/{run}/differences
POST /v1/ops/reconciliations/runs/{run}/differences/{n}/apply
POST /v1/ops/reconciliations/runs/{run}/differences/{n}/approve
POST /v1/ops/reconciliations/runs/{run}/differences/{n}/dismiss
POST /v1/webhooks/{provider}
GET /v1/products
POST /v1/products
GET /v1/policy-packs
POST /v1/policy-packs
"""
CHANGE_NOTHING = {
    "/v1/balances/{kind}/look-up",
    "/v1/ops/reconciliations",
    "/v1/ops/routing/simulate",
    "/v1/returns/preview",
    "/v1/returns/{return_id}/preview",
}


async def test_every_call_that_callers_rely_on_is_described(shop: Shop) -> None:
    document = (await shop.client().get("/openapi.json")).json()
    described = {f"{method.upper()} {path}" for path, calls in document["paths"].items() for method in calls}
    assert set(CALLS.split("\n")) - {""} <= described
    assert len(document["components"]["securitySchemes"]) == 1


async def test_every_call_says_how_it_is_refused_and_every_command_wants_its_key(shop: Shop) -> None:
    document = (await shop.client().get("/openapi.json")).json()
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            if not path.startswith("/v1") or path.startswith("/v1/webhooks"):
                continue
            assert "4XX" in call["responses"], f"{method} {path}"
            assert call["security"], f"{method} {path}"
            names = {parameter["name"] for parameter in call.get("parameters", ())}
            command = method == "post" and path not in CHANGE_NOTHING
            assert ("Idempotency-Key" in names) is command, f"{method} {path}"


async def test_what_an_application_is_made_of_is_described_by_its_fields(shop: Shop) -> None:
    schemas = (await shop.client().get("/openapi.json")).json()["components"]["schemas"]
    view = schemas["ApplicationView"]["properties"]
    parts = {each["items"]["$ref"].rpartition("/")[2] for each in view.values() if "$ref" in each.get("items", {})}
    assert {"Document", "Check", "Clock", "NoticeRef", "PublicSignature", "Payout", "ApplicationWait"} <= parts
    assert [name for name in parts if not schemas[name].get("properties") and "enum" not in schemas[name]] == []


async def test_nobody_gets_in_without_a_key(shop: Shop) -> None:
    stranger = shop.client()
    document = (await stranger.get("/openapi.json")).json()
    for path, calls in document["paths"].items():
        for method in calls:
            if path.startswith("/v1"):
                url = path.replace("{n}", "1").replace("{provider}", "fraud").replace("{", "").replace("}", "")
                answer = await stranger.request(method, url, content=b"[" * 100)
                assert answer.status_code == 401, f"{method} {path}"


async def test_the_list_of_calls_is_a_page_of_our_own(shop: Shop) -> None:
    page = await shop.client().get("/docs")
    assert page.status_code == 200
    assert "/v1/pickups/{order_id}/{n}/hand-over" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "`" not in page.text
    assert 'href="#CancelBody"' in page.text
    body = page.text.partition('id="HandOverBody"')[2].partition("<h3")[0]
    assert "<code>code</code> (required)" in body
    assert 'href="#LineQuantity"' in body
    assert "integer, 0 to 2,147,483,647" in body


async def test_a_link_that_does_not_exist_is_a_problem(shop: Shop, web: httpx.AsyncClient) -> None:
    answer = await web.get("/v1/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
