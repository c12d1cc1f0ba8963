"""Servers that are away, or there and silent: 503 that says when to come back, never a 500; accepted work is kept."""

import asyncio
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.contract.second_api import another_api, until
from tests.scenarios.placed import Placed
from tests.scenarios.world import World, refused
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(180)]

LONGEST = 30.0
"""Seconds in which any request is answered, whatever is away."""


@asynccontextmanager
async def away(stack: Stack, server: str) -> AsyncIterator[None]:
    """The server is stopped, and there again afterwards, with all that needs it."""
    child = getattr(stack.servers, server)
    await child.stop()
    try:
        yield
    finally:
        await child.start()
        await _ready(stack)


@contextmanager
def frozen(stack: Stack, server: str) -> Iterator[None]:
    """The server is there and says nothing: all its processes are held."""
    pids = _family(stack.record()["pids"][server])
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def _family(pid: int) -> list[int]:
    """The process and all that it started: PostgreSQL has a process for each connection."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in listed for each in _family(int(child)))]


async def _ready(stack: Stack) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        ready = f"{stack.api_url}/readyz"

        async def look() -> bool:
            return (await http.get(ready)).status_code == 200

        await until(look)


async def timed(call: Awaitable[httpx.Response]) -> httpx.Response:
    began = time.monotonic()
    answer = await call
    assert time.monotonic() - began < LONGEST, f"{answer.status_code} came late"
    return answer


def says_when_to_come_back(answer: httpx.Response) -> None:
    refused(answer, 503, "unavailable")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1


def calls(world: World, order: Placed) -> dict[str, Callable[[], Awaitable[httpx.Response]]]:
    """One call of each kind: read, list, place, command, preview, event from outside, settings, page."""
    web, store, ops = world.keys["web"], world.keys["stores"]["S001"], world.keys["ops"]["ada"]
    event, preview = {"type": "capture.succeeded", "data": {}}, {"reason": "customer", "preview": True}
    return {
        "read": lambda: world.call("GET", f"/v1/orders/{order.id}", web, patient=False),
        "list": lambda: world.call("GET", "/v1/orders", web, patient=False),
        "place": lambda: world.call("POST", "/v1/orders", web, world.body(), patient=False),
        "accept": lambda: world.call("POST", f"/v1/pickups/{order.id}/1/accept", store, {}, patient=False),
        "preview": lambda: world.call("POST", f"/v1/orders/{order.id}/cancel", web, preview, patient=False),
        "tasks": lambda: world.call("GET", "/v1/stores/S001/tasks", store, patient=False),
        "event": lambda: world.webhook("bureau", event),
        "audit": lambda: world.call("GET", "/v1/ops/audit", ops, patient=False),
        "ready": lambda: world.http.get(world.record["api"] + "/readyz"),
    }


async def answers_of(world: World, order: Placed) -> dict[str, httpx.Response]:
    asked = {name: asyncio.ensure_future(timed(call())) for name, call in calls(world, order).items()}
    return {name: await answer for name, answer in asked.items()}


async def sent_until_done(world: World, order: Placed, command: str, key: str) -> httpx.Response:
    """As a patient store does: the same command under the same key until it is answered for good."""

    async def look() -> httpx.Response | None:
        answer = await world.store(order, command, idempotency=key, patient=False)
        return answer if answer.status_code not in (202, 409, 503) else None

    answer: httpx.Response = await until(look)
    return answer


async def test_without_the_database_everything_says_when_to_come_back(world: World, stack: Stack) -> None:
    order, key = await world.place(), uuid.uuid4().hex
    async with away(stack, "postgres"):
        for name, answer in (await answers_of(world, order)).items():
            says_when_to_come_back(answer)
            assert answer.status_code == 503, name
        alive = await world.http.get(world.record["api"] + "/healthz")
        assert alive.status_code == 200
        says_when_to_come_back(await world.store(order, "accept", idempotency=key, patient=False))
    answer = await sent_until_done(world, order, "accept", key)
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert await order.events("store_accepted") == ["store_accepted"]


async def test_a_database_that_is_silent_keeps_nobody_waiting_for_ever(world: World, stack: Stack) -> None:
    order, key = await world.place(), uuid.uuid4().hex
    with frozen(stack, "database"):
        for answer in (await answers_of(world, order)).values():
            says_when_to_come_back(answer)
    await _ready(stack)
    answer = await sent_until_done(world, order, "accept", key)
    assert answer.json()["status"] == "accepted"


async def test_without_temporal_what_is_read_is_there_and_commands_say_when_to_come_back(
    world: World, stack: Stack
) -> None:
    order, key, body = await world.place(), uuid.uuid4().hex, world.body()
    async with away(stack, "temporal"):
        found = await answers_of(world, order)
        for name in ("read", "list", "tasks", "audit"):
            assert found[name].status_code == 200, "records need no engine"
        assert found["event"].status_code == 202, "an event is kept for later"
        for name in ("place", "accept", "preview", "ready"):
            says_when_to_come_back(found[name])
        says_when_to_come_back(await world.channel("POST", "/v1/orders", body, idempotency=key, patient=False))
    assert (await sent_until_done(world, order, "accept", key)).json()["status"] == "accepted"
    again = await world.channel("POST", "/v1/orders", body, idempotency=key)
    assert again.status_code in (200, 201), again.text
    assert again.json()["status"] == "in_progress"
    found_orders = await world.channel("GET", f"/v1/orders?external_id={body['external_id']}")
    assert len(found_orders.json()["items"]) == 1, "an accepted order is one order, whoever started it in the end"


async def test_a_temporal_that_is_silent_keeps_nobody_waiting_for_ever(world: World, stack: Stack) -> None:
    order, key = await world.place(), uuid.uuid4().hex
    with frozen(stack, "temporal"):
        found = await answers_of(world, order)
        for name in ("read", "list", "tasks", "audit"):
            assert found[name].status_code == 200
        for name in ("place", "accept", "preview"):
            answer = found[name]
            assert answer.status_code in (202, 503), (name, answer.text)
            assert int(answer.headers["retry-after"]) >= 1
        says_when_to_come_back(found["ready"])
    await _ready(stack)
    assert (await sent_until_done(world, order, "accept", key)).json()["status"] in ("accepted", "picking")
    assert await order.events("store_accepted") == ["store_accepted"], "two requests, one act"


async def test_an_order_waits_for_a_payment_provider_that_is_away_and_says_so(world: World, stack: Stack) -> None:
    body, key = world.body(), uuid.uuid4().hex
    async with away(stack, "payments"):
        answer = await timed(world.channel("POST", "/v1/orders", body, idempotency=key, patient=False))
        assert (answer.status_code, answer.json()["status"]) == (201, "held"), answer.text
        assert "payment" in str(answer.json()["waiting_for"])
    order = Placed(world, body, answer.json(), "web")
    await order.reaches("in_progress")
    entries = await world.provider_ledger(order.id)
    assert Counter(each["operation"] for each in entries) == {"authorise": 1}


async def test_an_order_whose_api_died_before_its_start_starts_once_without_a_person(
    world: World, stack: Stack, tmp_path: Path
) -> None:
    """An API that reaches the database and no engine promises the order; then it is killed."""
    body = world.body()
    nowhere = "127.0.0.1:9"
    async with another_api(stack, tmp_path / "api.log", temporal_address=nowhere) as (url, process):
        headers = {"authorization": f"Bearer {world.keys['web']}", "idempotency-key": uuid.uuid4().hex}
        answer = await world.http.post(f"{url}/v1/orders", json=body, headers=headers)
        says_when_to_come_back(answer)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    order = await _found(world, body["external_id"])
    assert order["status"] == "in_progress"
    entries = await world.provider_ledger(order["order_id"])
    assert Counter(each["operation"] for each in entries) == {"authorise": 1}
    same = await world.channel("POST", "/v1/orders", body)
    assert (same.status_code, same.json()["order_id"]) == (200, order["order_id"])


async def _found(world: World, external_id: str) -> dict[str, object]:
    async def look() -> dict[str, object] | None:
        answer = await world.channel("GET", f"/v1/orders?channel=web&external_id={external_id}")
        return next(iter(answer.json()["items"]), None)

    found: dict[str, object] = await until(look)
    return found
