"""Whatever is killed, at whatever step: the order comes to the same end, and the ledgers are those of a quiet run."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.chaos.killing import killer
from tests.scenarios.world import Placed, World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Step = Callable[[World, dict[str, Any]], Awaitable[httpx.Response]]
PRICE = 3333
UNITS = 3


class Journey:
    """Place, accept, pick, make ready, hand over: each step is sent again, under its own key, until it is answered."""

    STEPS = ("place", "accept", "pick", "ready", "hand-over")

    def __init__(self, world: World, sku: str):
        self.world = world
        self.body = world.body(sku=sku, quantity=UNITS, price=PRICE, store="S003")
        self.order: Placed | None = None
        self.keys = {step: f"{self.body['external_id']}-{step}" for step in self.STEPS}

    async def take(self, step: str, disturb: Callable[[], None] | None = None, delay: float = 0.0) -> None:
        sent = asyncio.create_task(self._until_answered(step))
        if disturb is not None:
            await asyncio.sleep(delay)
            disturb()
        answer = await sent
        assert answer.status_code in (200, 201), (step, answer.status_code, answer.text)
        if step == "place":
            self.order = Placed(self.world, self.body, answer.json(), "web")

    async def _until_answered(self, step: str) -> httpx.Response:
        code = await self.order.code() if step == "hand-over" and self.order else None
        end = asyncio.get_running_loop().time() + 60
        while True:
            try:
                answer = await self._send(step, code)
                if answer.status_code not in (202, 409, 503) or self._is_final(answer):
                    return answer
            except httpx.TransportError:
                answer = httpx.Response(503)
            if asyncio.get_running_loop().time() > end:
                return answer
            await asyncio.sleep(0.3)

    @staticmethod
    def _is_final(answer: httpx.Response) -> bool:
        return answer.status_code == 409 and not answer.json()["type"].endswith("/request-in-progress")

    async def _send(self, step: str, code: str | None) -> httpx.Response:
        key = self.keys[step]
        if step == "place":
            return await self.world.channel("POST", "/v1/orders", self.body, idempotency=key)
        assert self.order is not None
        body: dict[str, Any] = {
            "pick": {"lines": [{"line_id": "1", "quantity": UNITS}]},
            "hand-over": {"code": code},
        }.get(step, {})
        return await self.world.store(self.order, step, body, idempotency=key)

    async def outcome(self) -> dict[str, Any]:
        """What every role sees in the end, without ids and times."""
        assert self.order is not None
        view = await self.order.reaches("completed", patience=60)
        ledger = await self.world.provider_ledger(self.order.id)
        collected = await self.world.until("the last mail comes", self._collected_mail)
        distinct = {(mail["subject"], mail["message_id"]) for mail in collected}
        return {
            "units": view["lines"][0]["handed_over"],
            "payment": view["payment"],
            "provider": sorted((e["operation"], e["amount"], e["status"]) for e in ledger),
            "events": Counter(await self.order.events()),
            # As a mailbox counts: what was sent, and sent again since nobody could note it, has one Message-ID.
            "mails": len(distinct),
            "twice": [name for name, n in Counter(subject for subject, _ in distinct).items() if n > 1],
        }

    async def _collected_mail(self) -> list[dict[str, Any]] | None:
        assert self.order is not None
        mails = await self.world.mails(self.order.mailbox)
        return mails if len({mail["message_id"] for mail in mails}) >= 3 else None


async def _played(world: World, sku: str, at: str | None, disturb: Callable[[], None], delay: float) -> dict[str, Any]:
    before = await world.stock(sku, "S003")
    journey = Journey(world, sku)
    for step in Journey.STEPS:
        await journey.take(step, disturb if step == at else None, delay)
    outcome = await journey.outcome()
    after = await world.stock(sku, "S003")
    outcome["stock"] = {name: after[name] - before[name] for name in ("on_hand", "allocated", "reserved", "available")}
    return outcome


@pytest.fixture(scope="module")
async def quiet(sturdy_stack: Stack) -> dict[str, Any]:
    """The same journey, undisturbed."""
    world = World(sturdy_stack)
    try:
        return await _played(world, "SHOE-42", None, lambda: None, 0)
    finally:
        await world.close()


@pytest.mark.timeout(400)
async def test_a_worker_killed_at_any_step_changes_nothing(
    world: World, sturdy_stack: Stack, quiet: dict[str, Any]
) -> None:
    for number, step in enumerate(Journey.STEPS):
        # Now before the command is taken up, now while it is carried out.
        delay = 0.03 if number % 2 else 0.0
        outcome = await _played(world, "SHOE-42", step, killer(sturdy_stack, "workers"), delay)
        assert outcome == quiet, f"a worker killed at {step}"


@pytest.mark.timeout(200)
async def test_an_api_killed_while_it_takes_an_order_changes_nothing(
    world: World, sturdy_stack: Stack, quiet: dict[str, Any]
) -> None:
    assert await _played(world, "SHOE-42", "place", killer(sturdy_stack, "api"), 0.02) == quiet


@pytest.mark.timeout(200)
@pytest.mark.parametrize("server", ["temporal", "database"])
async def test_a_server_killed_in_the_middle_changes_nothing(
    world: World, sturdy_stack: Stack, quiet: dict[str, Any], server: str
) -> None:
    assert await _played(world, "SHOE-42", "hand-over", killer(sturdy_stack, server), 0.02) == quiet
