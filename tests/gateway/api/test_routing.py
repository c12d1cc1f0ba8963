"""Routing rules, why an order went where it went, and trying other rules on past orders."""

from datetime import timedelta
from typing import Any

import httpx

from adapters.access.port import Role
from adapters.routing.port import RoutingEntry
from domain.ids import OperationKey, OrderId
from domain.sourcing import DEFAULT_RULES, snapshot_of, source
from tests.domain.sourcing import sample_sourcing as sample
from tests.gateway.api.conftest import Shop, place

NEAR: dict[str, Any] = {
    "id": "near",
    "rules": [
        {
            "name": "near",
            "filters": {"kinds": ["store"], "max_km": 50},
            "rank": ["proximity", "balance"],
            "split": {"max_parts": 2, "min_value": 1000},
            "ends": "allocate",
            "queue": "unfillable",
        }
    ],
    "classes": [{"queue": "express", "services": ["express"], "at_once": True}],
}


async def newest(caller: httpx.AsyncClient) -> dict[str, Any]:
    listed: list[dict[str, Any]] = (await caller.get("/v1/routing-rules")).json()["items"]
    assert [each["current"] for each in listed] == [True, *[False] * (len(listed) - 1)]
    return listed[0]


async def test_rules_are_put_as_the_next_version_and_older_ones_stay(shop: Shop, ops: httpx.AsyncClient) -> None:
    before = (await newest(ops))["rules"]["version"]
    answer = await ops.put("/v1/routing-rules", json=NEAR)
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == before + 1
    assert (await newest(ops))["rules"] == answer.json()
    assert answer.json()["rules"][0]["filters"]["max_km"] == 50
    listed = (await ops.get("/v1/routing-rules", params={"limit": 200})).json()["items"]
    assert listed[-1] == {"rules": DEFAULT_RULES.model_dump(mode="json"), "at": None, "current": False}
    assert any(row.action == "set routing rules" and row.object.startswith("near/") for row in shop.audit.entries)


async def test_a_rule_set_that_was_read_may_be_changed_and_sent_back(ops: httpx.AsyncClient) -> None:
    await ops.put("/v1/routing-rules", json=NEAR)
    read = (await newest(ops))["rules"]
    changed = read | {"max_hops": 2}
    assert (await ops.put("/v1/routing-rules", json=changed)).json()["version"] == read["version"] + 1
    stale = await ops.put("/v1/routing-rules", json=changed)
    assert (stale.status_code, stale.json()["current"]) == (409, {"version": read["version"] + 1})
    assert (await newest(ops))["rules"]["version"] == read["version"] + 1, "nothing of it stays"


async def test_a_fault_in_the_rules_is_refused_where_it_is(ops: httpx.AsyncClient) -> None:
    rule = NEAR["rules"][0]
    for rules, pointer in (
        ([], "/rules"),
        ([rule, {"name": "far"}], "/rules/0/ends"),
        ([{"name": "near"}, {"name": "near"}], "/rules/1/name"),
        ([rule | {"rank": ["sequence"]}], "/rules/0/sequence"),
        ([rule | {"filters": {"max_km": 0}}], "/rules/0/filters/max_km"),
        ([rule | {"filters": {"max_km": True}}], "/rules/0/filters/max_km"),
        ([rule | {"speed": 1}], "/rules/0/speed"),
    ):
        answer = await ops.put("/v1/routing-rules", json=NEAR | {"rules": rules})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text


async def test_only_what_is_wrong_in_a_rule_is_named_and_not_the_list_that_it_stands_in(ops: httpx.AsyncClient) -> None:
    answer = await ops.put("/v1/routing-rules", json={"id": "x", "rules": [{"name": "a", "filters": {"max_km": -1}}]})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"] == [{"pointer": "/rules/0/filters/max_km", "reason": "Should be 1 or more"}]
    none = await ops.put("/v1/routing-rules", json={"id": "x", "rules": []})
    assert none.json()["errors"] == [{"pointer": "/rules", "reason": "Should not be empty"}]


async def test_only_operations_put_rules_and_other_sellers_see_none(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    for caller in (web, s1, await shop.ops(Role.AUDITOR)):
        assert (await caller.put("/v1/routing-rules", json=NEAR)).status_code == 403
    bazaar = await shop.caller("bazaar", channel="marketplace")
    assert (await bazaar.get("/v1/routing-rules")).status_code == 403
    assert (await s1.get("/v1/routing-rules")).status_code == 200


async def decided(shop: Shop, order_id: str, *, seconds: int = 0) -> RoutingEntry:
    """The order was sourced: one far place has all, two near ones a line each."""
    request = sample.order(sample.line(1, "A"), sample.line(2, "B"), name=order_id)
    places = [
        sample.place("S1", {"A": 1}, km=10),
        sample.place("S2", {"B": 1}, km=20),
        sample.place("S3", {"A": 1, "B": 1}, km=300),
    ]
    entry = RoutingEntry(
        key=OperationKey(f"{order_id}:source:{seconds}"),
        order_id=OrderId(order_id),
        group=1,
        run=None,
        at=shop.services.now() + timedelta(seconds=seconds),
        decision=source(request, places, sample.rules()),
        snapshot=snapshot_of(request, places),
    )
    async with shop.services.transactions.begin() as books:
        await books.routing.record(entry)
    return entry


async def test_ops_read_why_each_line_went_where_it_went(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    assert (await ops.get(f"/v1/ops/routing/{order_id}")).json()["items"] == []
    entry = await decided(shop, order_id)
    [shown] = (await ops.get(f"/v1/ops/routing/{order_id}")).json()["items"]
    assert shown["decision"] == entry.decision.model_dump(mode="json")
    assert (shown["group"], shown["run"]) == (1, None)
    assert shown["words"][0].startswith("S3: line 1 (1 x A), line 2 (1 x B), by rule anywhere, 300 km away")
    assert "snapshot" not in shown
    assert (await ops.get("/v1/ops/routing/no-such-order")).status_code == 404
    assert (await web.get(f"/v1/ops/routing/{order_id}")).status_code == 403


async def test_rules_are_tried_on_past_orders_without_effects(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    assert (await ops.put("/v1/routing-rules", json=NEAR | {"rules": [{"name": "all"}]})).status_code == 200
    before = await newest(ops)
    order_id = await place(shop, web)
    entry = await decided(shop, order_id)
    body = {"rules": NEAR, "orders": [order_id, "unknown"]}
    answer = await ops.post("/v1/ops/routing/simulate", json=body)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["tried"] == 1
    assert (found["now"]["splits"], found["proposed"]["splits"]) == (0, 1)
    assert (found["now"]["cost"], found["proposed"]["cost"]) == (800, 1030)
    assert found["now"]["by_location"] == {"S3": 1}
    assert found["proposed"]["by_location"] == {"S1": 1, "S2": 1}
    assert found["changed"][0] == {
        "order_id": order_id,
        "now": {"parts": {"S3": ["1", "2"]}, "queue": None, "cost": 800},
        "proposed": {"parts": {"S1": ["1"], "S2": ["2"]}, "queue": None, "cost": 1030},
    }
    assert await newest(ops) == before
    period = {"from": entry.at.isoformat(), "to": (entry.at + timedelta(hours=1)).isoformat()}
    tried = (await ops.post("/v1/ops/routing/simulate", json={"rules": NEAR, "orders": period})).json()
    assert tried["tried"] >= 1
    assert order_id in {each["order_id"] for each in tried["changed"]}


async def test_a_simulation_needs_rules_that_stand_and_a_period_that_ends(
    shop: Shop, web: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    period = {"from": "2026-11-23T10:00:00Z", "to": "2026-11-23T10:00:00Z"}
    for body in (
        {"rules": NEAR, "orders": period},
        {"rules": NEAR, "orders": []},
        {"rules": NEAR | {"rules": []}, "orders": ["a"]},
    ):
        assert (await ops.post("/v1/ops/routing/simulate", json=body)).status_code == 422
    fine = {"rules": NEAR, "orders": ["a"]}
    assert (await ops.post("/v1/ops/routing/simulate", json=fine)).json()["tried"] == 0
    for caller in (web, await shop.ops(Role.CUSTOMER_SERVICE)):
        assert (await caller.post("/v1/ops/routing/simulate", json=fine)).status_code == 403


async def test_a_location_has_groups_a_handling_cost_and_ships_or_not(ops: httpx.AsyncClient) -> None:
    body = {
        "location_id": "S8",
        "kind": "store",
        "name": "Eight",
        "address": "Street 8",
        "latitude": 52,
        "longitude": 13.5,
        "email": "s8@example.org",
        "hours": {"zone": "Europe/Berlin", "weekly": {}},
    }
    plain = (await ops.put("/v1/locations", json=body)).json()
    assert (plain["groups"], plain["handling_cost"], plain["ships"]) == ([], 0, True)
    more = {"groups": ["city", "north"], "handling_cost": 120, "ships": False}
    assert more.items() <= (await ops.put("/v1/locations", json=body | more)).json().items()
    assert (await ops.put("/v1/locations", json=body | {"handling_cost": -1})).status_code == 422
