"""Who sees and does what: another's object does not exist, a function outside the role is refused, both leave a row."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.second_api import another_api
from tests.scenarios.world import Json, World, refused
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def audited(world: World, principal: str, outcome: str, action: str) -> Json:
    """The newest row of the audit trail about this principal."""
    answer = await world.ops("GET", f"/v1/ops/audit?principal={principal}&limit=1")
    assert answer.status_code == 200, answer.text
    [row] = answer.json()["items"]
    assert (row["outcome"], row["action"]) == (outcome, action), row
    found: Json = row
    return found


async def test_another_stores_pickup_does_not_exist_and_asking_leaves_a_row(world: World) -> None:
    order = await world.place(store="S001")
    path = f"/v1/pickups/{order.id}/1"
    unknown = await world.call("GET", "/v1/pickups/01ARZ3NDEKTSV4RRFFQ69G5FAV/1", world.keys["stores"]["S002"])
    for method, place, action in [
        ("GET", path, "GET /v1/pickups/{order_id}/{n}"),
        ("POST", f"{path}/accept", "POST /v1/pickups/{order_id}/{n}/accept"),
    ]:
        answer = await world.call(method, place, world.keys["stores"]["S002"], {} if method == "POST" else None)
        assert answer.json() == refused(unknown, 404, "not-found"), "the same words as for what never was"
        row = await audited(world, "S002-associate", "hidden", action)
        assert row["object"] == f"{order.id}/1"
    refused(await world.call("GET", "/v1/stores/S001/tasks", world.keys["stores"]["S002"]), 404, "not-found")
    await audited(world, "S002-associate", "hidden", "GET /v1/stores/{store_id}/tasks")
    assert (await order.view())["groups"][0]["status"] == "offered", "and nothing happened"


async def test_a_marketplace_sees_only_what_it_created(world: World) -> None:
    mine = await world.place(channel="marketplace")
    another = await world.place()
    assert (await world.channel("GET", f"/v1/orders/{mine.id}", as_="marketplace")).status_code == 200
    refused(await world.channel("GET", f"/v1/orders/{another.id}", as_="marketplace"), 404, "not-found")
    row = await audited(world, "marketplace", "hidden", "GET /v1/orders/{order_id}")
    assert row["object"] == another.id
    cancelling = await world.channel("POST", f"/v1/orders/{another.id}/cancel", {}, as_="marketplace")
    refused(cancelling, 404, "not-found")
    listed = await world.channel("GET", f"/v1/orders?external_id={another.external_id}", as_="marketplace")
    assert listed.json()["items"] == []
    assert (await world.channel("GET", f"/v1/orders/{mine.id}", as_="web")).status_code == 200, "the seller sees all"


async def test_a_function_outside_the_role_is_refused_and_leaves_a_row(world: World) -> None:
    order = await world.place()
    store, services = world.keys["stores"]["S001"], world.keys["services"]
    erasure = {"customer_ref": "C-none", "reason": "asked"}
    reason = {"reason": "customer"}
    calls: list[tuple[str, str, str, str, Json | None, str]] = [
        (store, "S001-associate", "POST", f"/v1/orders/{order.id}/cancel", reason, "/v1/orders/{order_id}/cancel"),
        (store, "S001-associate", "POST", f"/v1/pickups/{order.id}/1/unlock", {}, "/v1/pickups/{order_id}/{n}/unlock"),
        (world.keys["web"], "web", "POST", f"/v1/pickups/{order.id}/1/accept", {}, "/v1/pickups/{order_id}/{n}/accept"),
        (world.keys["web"], "web", "GET", "/v1/ops/audit", None, "/v1/ops/audit"),
        (world.keys["ops"]["eva"], "eva", "POST", "/v1/ops/erasures", erasure, "/v1/ops/erasures"),
        (world.keys["ops"]["tom"], "tom", "GET", "/v1/ops/audit", None, "/v1/ops/audit"),
        (world.keys["underwriters"]["una"], "una", "POST", "/v1/ops/erasures", erasure, "/v1/ops/erasures"),
        (services["payment"], "service-payment", "GET", "/v1/stock", None, "/v1/stock"),
    ]
    for key, principal, method, path, body, template in calls:
        refused(await world.call(method, path, key, body), 403, "forbidden")
        await audited(world, principal, "refused", f"{method} {template}")
    assert (await order.view())["status"] == "in_progress"


async def test_a_channel_speaks_for_itself_only(world: World) -> None:
    refused(await world.channel("POST", "/v1/orders", world.body(channel="web"), as_="app"), 403, "forbidden")
    await audited(world, "app", "refused", "POST /v1/orders")


@pytest.mark.parametrize(
    "header",
    [None, "Bearer", "Bearer nothing", "Bearer tl_unknown_secret", "Basic d2ViOndlYg==", "Bearer a.b.c", "tl_x_y"],
)
async def test_who_is_not_known_gets_401(world: World, header: str | None) -> None:
    headers = {"authorization": header} if header else {}
    answer = await world.http.get(world.record["api"] + "/v1/orders", headers=headers)
    refused(answer, 401, "unauthorised")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_key_is_no_use_with_another_secret(world: World) -> None:
    prefix, key_id, _ = world.keys["web"].split("_", 2)
    other = world.keys["app"].split("_", 2)[2]
    refused(await world.call("GET", "/v1/orders", f"{prefix}_{key_id}_{other}"), 401, "unauthorised")


async def test_for_whom_one_acts_stands_in_the_timeline(world: World) -> None:
    answer = await world.channel("POST", "/v1/orders", world.body(), On_Behalf_Of="customer/C-77")
    timeline = await world.channel("GET", f"/v1/orders/{answer.json()['order_id']}/timeline")
    placed = next(item for item in timeline.json()["items"] if item["event"] == "order_placed")
    assert (placed["actor"], placed["on_behalf_of"]) == ("web", "customer/C-77")
    for wrong in ("Jane Doe", "customer/", "customer/a b", "jane@example.org"):
        problem = refused(await world.channel("GET", "/v1/orders", On_Behalf_Of=wrong), 422, "validation")
        assert problem["errors"][0]["pointer"] == "/header/On-Behalf-Of"


async def test_too_many_requests_of_one_key_wait_and_others_do_not(world: World, stack: Stack, tmp_path: Path) -> None:
    async with another_api(stack, tmp_path / "api.log", rate_limit=10) as (url, _):

        async def ask(name: str) -> httpx.Response:
            headers = {"authorization": f"Bearer {world.keys[name]}"}
            return await world.http.get(f"{url}/v1/orders?limit=1", headers=headers)

        answers = await asyncio.gather(*(ask("web") for _ in range(14)))
        codes = [answer.status_code for answer in answers]
        assert (codes.count(200), codes.count(429)) == (10, 4)
        limited = next(answer for answer in answers if answer.status_code == 429)
        refused(limited, 429, "rate-limited")
        assert 1 <= int(limited.headers["retry-after"]) <= 61
        assert (await ask("app")).status_code == 200, "others are unaffected"
        health = await world.http.get(f"{url}/healthz")
        assert health.status_code == 200


async def test_nobody_reads_histories_or_metrics_of_persons(world: World) -> None:
    """What needs no key holds no person: the metrics name routes, not what was asked for."""
    order = await world.place()
    await order.view()
    metrics: Any = (await world.http.get(world.record["api"] + "/metrics")).text
    assert "/v1/orders/{order_id}" in metrics
    assert order.id not in metrics
    assert order.mailbox not in metrics
