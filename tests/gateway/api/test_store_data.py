"""A store's tasks, settings and stock."""

import asyncio
from typing import Any

import httpx
import pytest

from adapters.access.port import PrincipalKind
from domain.actors import Channel
from gateway.stores import stock
from tests.gateway.api.conftest import Shop, place, post
from tests.gateway.api.engine import Handle, waiting_for_stock


async def test_tasks_are_a_store_s_own(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    order_id = await place(shop, web)
    tasks = (await s1.get("/v1/stores/S1/tasks?limit=200")).json()["items"]
    [task] = [task for task in tasks if task["order_id"] == order_id]
    assert (task["task"], task["n"], task["lines"]) == (
        "accept",
        1,
        [{"line_id": "1", "quantity": 2, "sku": "SHOE", "components": []}],
    )
    assert (await s1.get("/v1/stores/S2/tasks")).status_code == 404
    assert (await web.get("/v1/stores/S1/tasks?limit=200")).status_code == 403


async def test_hours_keep_the_zone_of_the_place(s1: httpx.AsyncClient) -> None:
    answer = await s1.put("/v1/stores/S1/hours", json={"weekly": {"mon": [["10:00", "12:00"]]}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["hours"]["zone"] == "Europe/Berlin"
    assert answer.json()["hours"]["weekly"] == {"mon": [["10:00", "12:00"]]}
    wrong = await s1.put("/v1/stores/S1/hours", json={"weekly": {"mon": [["12:00", "10:00"]]}})
    assert wrong.status_code == 422


async def test_parts_of_a_place_that_are_set_at_the_same_moment_are_all_kept(
    shop: Shop, s1: httpx.AsyncClient, ops: httpx.AsyncClient
) -> None:
    path, week = "/v1/stores/S1", {"weekly": {"mon": [["10:00", "16:00"]]}}
    for number in range(1, 6):
        answers = await asyncio.gather(
            s1.put(f"{path}/capacity", json={"per_day": number}),
            s1.put(f"{path}/pause", json={"reason": f"reason {number}"}),
            ops.put(f"{path}/hours", json=week),
        )
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        place = (await s1.get(path)).json()
        assert (place["capacity"]["per_day"], place["pause"]["reason"]) == (number, f"reason {number}")
        assert place["hours"]["weekly"] == {"mon": [["10:00", "16:00"]]}
        await s1.delete(f"{path}/pause")


async def test_capacity_and_pause_are_set_and_the_rest_stays(s1: httpx.AsyncClient) -> None:
    await s1.put("/v1/stores/S1/capacity", json={"per_day": 40})
    paused = (await s1.put("/v1/stores/S1/pause", json={"until": "2026-11-24T08:00:00Z", "reason": "water"})).json()
    assert (paused["capacity"]["per_day"], paused["pause"]["reason"]) == (40, "water")
    assert (await s1.delete("/v1/stores/S1/pause")).json()["pause"] is None
    assert (await s1.put("/v1/stores/S2/pause", json={"until": None})).status_code == 404


async def test_a_movement_is_done_once_and_shown_in_levels_and_ledger(shop: Shop, s1: httpx.AsyncClient) -> None:
    await shop.stock("HAT", "S1", 10)
    body = {"kind": "receipt", "sku": "HAT", "store_id": "S1", "quantity": 5, "reason": "delivery"}
    first = await post(s1, "/v1/stock/movements", body, key="one")
    again = await post(s1, "/v1/stock/movements", body, key="one")
    assert (first.status_code, again.json()) == (201, first.json())
    [level] = (await s1.get("/v1/stock", params={"sku": "HAT"})).json()["items"]
    assert (level["on_hand"], level["available"], level["store_id"]) == (15, 15, "S1")
    ledger = (await s1.get("/v1/stock/ledger", params={"sku": "HAT", "limit": 200})).json()["items"]
    assert [row["on_hand"] for row in ledger if row["reason"] == "delivery"].count(5) >= 1


async def test_a_movement_that_cannot_be_says_why(shop: Shop, s1: httpx.AsyncClient) -> None:
    await shop.stock("HAT", "S1", 1)
    body = {"kind": "write_off", "sku": "HAT", "store_id": "S1", "quantity": 5}
    answer = await post(s1, "/v1/stock/movements", body)
    assert (answer.status_code, answer.json()["current"]) == (409, {"on_hand": 1})
    for change, pointer in (
        ({"sku": "NONE"}, "/sku"),
        ({"quantity": -1}, "/quantity"),
        ({"kind": "receipt", "quantity": 0}, "/quantity"),
    ):
        answer = await post(s1, "/v1/stock/movements", body | change)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_stock_is_moved_by_its_place_by_ops_and_by_the_erp(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    body = {"kind": "count", "sku": "HAT", "store_id": "S2", "quantity": 5}
    erp = await shop.caller(
        "erp", kind=PrincipalKind.SERVICE, channel=Channel.SYSTEM, rights=frozenset({"stock:movements"})
    )
    carrier = await shop.caller("carrier", kind=PrincipalKind.SERVICE, channel=Channel.SYSTEM)
    assert (await post(s1, "/v1/stock/movements", body)).status_code == 404
    for caller, status in ((erp, 201), (await shop.ops(), 201), (carrier, 403), (web, 403)):
        assert (await post(caller, "/v1/stock/movements", body)).status_code == status


async def test_orders_that_wait_for_stock_are_told_when_it_comes(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    order_id = await place(shop, web)
    running = shop.engine.of(order_id)
    for units in running.order.group(1).units.values():
        units.open, units.allocated = units.allocated, 0
    waiting_for_stock(running.order)
    await shop.engine.write(order_id)
    body = {"kind": "receipt", "sku": "SHOE", "store_id": "S1", "quantity": 5}
    assert (await post(s1, "/v1/stock/movements", body)).status_code == 201
    assert [name for name, _ in running.signals] == ["stock_arrived"]
    body = {"kind": "receipt", "sku": "HAT", "store_id": "S1", "quantity": 5}
    await post(s1, "/v1/stock/movements", body)
    assert len(running.signals) == 1


async def test_an_order_that_has_just_ended_keeps_no_other_from_hearing_of_stock(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient
) -> None:
    orders = []
    for _ in range(4):
        orders.append(shop.engine.of(await place(shop, web)))
        for units in orders[-1].order.group(1).units.values():
            units.open, units.allocated = units.allocated, 0
        waiting_for_stock(orders[-1].order)
        await shop.engine.write(orders[-1].order.terms.order_id)
    for ended in orders[:3]:
        ended.over = True
    body = {"kind": "receipt", "sku": "SHOE", "store_id": "S1", "quantity": 1}
    assert (await post(s1, "/v1/stock/movements", body)).status_code == 201
    assert [name for name, _ in orders[3].signals] == ["stock_arrived"]


async def test_a_store_that_counts_does_not_wait_for_orders_that_are_slow_to_be_told(
    shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        running = shop.engine.of(await place(shop, web))
        for units in running.order.group(1).units.values():
            units.open, units.allocated = units.allocated, 0
        waiting_for_stock(running.order)
        await shop.engine.write(running.order.terms.order_id)
    asked = []

    async def slow(self: Handle, *_: Any, **__: Any) -> None:
        asked.append(self.id)
        await asyncio.Event().wait()

    monkeypatch.setattr(Handle, "signal", slow)
    monkeypatch.setattr(stock, "PROMPTLY", 0.05)
    body = {"kind": "receipt", "sku": "SHOE", "store_id": "S1", "quantity": 500}
    async with asyncio.timeout(10):
        assert (await post(s1, "/v1/stock/movements", body)).status_code == 201
    assert len(asked) == 1, "the time is for all of them together"


async def test_every_list_comes_in_pages(shop: Shop, web: httpx.AsyncClient, s1: httpx.AsyncClient) -> None:
    for _ in range(3):
        await place(shop, web)
    lists = [
        (s1, "/v1/stores/S1/tasks"),
        (web, "/v1/locations"),
        (web, "/v1/availability?sku=HAT"),
        (web, "/v1/items"),
    ]
    for caller, url in lists:
        mark = "&" if "?" in url else "?"
        first = (await caller.get(f"{url}{mark}limit=1")).json()
        second = (await caller.get(f"{url}{mark}limit=1&cursor={first['next_cursor']}")).json()
        assert len(first["items"]) == len(second["items"]) == 1, url
        assert first["items"] != second["items"], url
