"""The rules of lending are read by everybody of the house and published by a manager of operations."""

from typing import Any

import httpx

from adapters.access.port import Role
from tests.gateway.api.conftest import Shop

LONGER = {"version": 2, "clocks": {"offer": {"length": 45, "calendar": "calendar"}}}


async def listed(caller: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await caller.get("/v1/policy-packs")).json()["items"]
    return found


async def test_a_manager_publishes_a_version_beside_those_that_are_there(shop: Shop, ops: httpx.AsyncClient) -> None:
    manager = await shop.ops(Role.OPS, Role.OPS_MANAGER)
    refused = await ops.post("/v1/policy-packs", json=LONGER, headers={"Idempotency-Key": "pack-0"})
    assert (refused.status_code, [each["version"] for each in await listed(ops)]) == (403, [1])
    answer = await manager.post("/v1/policy-packs", json=LONGER, headers={"Idempotency-Key": "pack-1"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["clocks"]["offer"]["length"] == 45
    assert [each["version"] for each in await listed(ops)] == [2, 1]
    assert any(row.action == "publish policy pack" and row.object == "default/2" for row in shop.audit.entries)
    other = LONGER | {"zone": "Europe/Berlin"}
    again = await manager.post("/v1/policy-packs", json=other, headers={"Idempotency-Key": "pack-2"})
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "stale-version")


async def test_a_pack_that_cannot_be_is_refused_where_it_is_wrong(shop: Shop) -> None:
    manager = await shop.ops(Role.OPS, Role.OPS_MANAGER)
    wrong = {"version": 3, "clocks": {"offer": {"length": 0, "calendar": "calendar"}}, "zone": "Atlantis"}
    answer = await manager.post("/v1/policy-packs", json=wrong, headers={"Idempotency-Key": "pack-3"})
    assert answer.status_code == 422
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/clocks/offer/length", "/zone"}
