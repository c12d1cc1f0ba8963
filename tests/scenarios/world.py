"""The outsiders of a story: channels, stores, customers, the provider's ledger, the mail box. All speak HTTP only."""

import asyncio
import itertools
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from workers.stack.stack import Stack

Json = dict[str, Any]
PATIENCE = 30.0


class World:
    """One running stack, seen from outside. Every order has a customer, and so a mail box, of its own."""

    def __init__(self, stack: Stack):
        self.stack = stack
        self.record = stack.record()
        self.http = httpx.AsyncClient(timeout=20.0, trust_env=False)
        self._numbers = itertools.count(1)

    @property
    def keys(self) -> Json:
        keys: Json = self.record["keys"]
        return keys

    async def close(self) -> None:
        await self.http.aclose()

    # --- callers -------------------------------------------------------------------------------------------------

    async def call(
        self,
        method: str,
        path: str,
        key: str,
        body: Json | None = None,
        *,
        idempotency: str | None = None,
        **headers: str,
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if method != "GET":
            sent["Idempotency-Key"] = idempotency or uuid.uuid4().hex
        return await self.http.request(method, self.record["api"] + path, json=body, headers=sent)

    async def channel(self, method: str, path: str, body: Json | None = None, **more: Any) -> httpx.Response:
        return await self.call(method, path, self.keys[more.pop("as_", "web")], body, **more)

    async def store(
        self,
        order: "Placed",
        command: str,
        body: Json | None = None,
        *,
        n: int = 1,
        store: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        key = self.keys["managers" if more.pop("manager", False) else "stores"][store or order.store]
        return await self.call("POST", f"/v1/pickups/{order.id}/{n}/{command}", key, body or {}, **more)

    # --- orders --------------------------------------------------------------------------------------------------

    def body(
        self,
        *,
        sku: str = "SHOE-42",
        quantity: int = 1,
        price: int = 4999,
        store: str = "S001",
        channel: str = "web",
        token: str = "tok_ok",
        tender: str = "card",
        mode: str = "counter",
        ref: str | None = None,
        **more: Any,
    ) -> Json:
        """An order body that is right in every respect, for a customer whom nobody else has."""
        number = f"{next(self._numbers)}{uuid.uuid4().hex[:6]}x"
        total = quantity * price
        payment: Json = {"type": tender, "amount": total}
        if tender == "card":
            payment["token"] = token
        body: Json = {
            "channel": channel,
            "external_id": f"T-{number}",
            "placed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "currency": "EUR",
            "locale": "en",
            "customer": {"ref": ref or f"C-{number}", "name": "Test Customer", "email": f"c{number}@example.org"},
            "lines": [
                {
                    "line_id": "1",
                    "sku": sku,
                    "quantity": quantity,
                    "unit_price": price,
                    "discount": 0,
                    "tax": 0,
                    "fulfilment": "f1",
                }
            ],
            "prices_include_tax": True,
            "fulfilments": [{"id": "f1", "method": "pickup", "store_id": store, "mode": mode}],
            "shipping_total": 0,
            "total": total,
            "tenders": [payment],
        }
        return body | more

    async def place(self, **wanted: Any) -> "Placed":
        """Place an order that is taken; fails the test when it is not."""
        as_ = wanted.pop("as_", wanted.get("channel", "web"))
        body = self.body(**wanted)
        answer = await self.channel("POST", "/v1/orders", body, as_=as_)
        assert answer.status_code == 201, answer.text
        return Placed(self, body, answer.json(), as_)

    async def until(
        self, what: str, look: Callable[[], Awaitable[Any]], patience: float = PATIENCE, pause: float = 0.1
    ) -> Any:
        """The first true answer of `look`."""
        end = asyncio.get_running_loop().time() + patience
        while True:
            found = await look()
            if found:
                return found
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"in {patience} s it did not happen that {what}")
            await asyncio.sleep(pause)

    # --- what outsiders see ----------------------------------------------------------------------------------------

    async def stock(self, sku: str, store: str) -> Json:
        answer = await self.call("GET", f"/v1/stock?sku={sku}&store={store}", self.keys["stores"][store])
        items: list[Json] = answer.json()["items"]
        return items[0]

    async def provider_ledger(self, order_id: str) -> list[Json]:
        answer = await self.http.get(f"{self.record['payments']}/ledger", params={"reference": order_id})
        entries: list[Json] = answer.json()["entries"]
        return entries

    async def money(self, order_id: str) -> dict[str, int]:
        """What the provider did for an order: succeeded operations summed by kind."""
        sums = {"authorise": 0, "capture": 0, "void": 0, "refund": 0}
        for entry in await self.provider_ledger(order_id):
            if entry["status"] == "succeeded":
                sums[entry["operation"]] += entry["amount"]
        return sums

    async def mails(self, to: str) -> list[Json]:
        answer = await self.http.get(f"{self.record['mail']}/messages", params={"to": to})
        items: list[Json] = answer.json()["items"]
        return items

    async def provider_fault(self, **fault: Any) -> None:
        answer = await self.http.post(f"{self.record['payments']}/faults", json=fault)
        answer.raise_for_status()

    async def provider_healed(self) -> None:
        (await self.http.delete(f"{self.record['payments']}/faults")).raise_for_status()


class Placed:
    """An order that was taken, with the shortcuts that every story needs."""

    def __init__(self, world: World, body: Json, answer: Json, as_: str):
        self.world = world
        self.body = body
        self.answer = answer
        self.id: str = answer["order_id"]
        self.as_ = as_
        self.store: str = body["fulfilments"][0]["store_id"]
        self.mailbox: str = body["customer"]["email"]

    async def view(self) -> Json:
        answer = await self.world.channel("GET", f"/v1/orders/{self.id}", as_=self.as_)
        assert answer.status_code == 200, answer.text
        view: Json = answer.json()
        return view

    async def status(self) -> str:
        return str((await self.view())["status"])

    async def group(self, n: int = 1) -> Json:
        return next(group for group in (await self.view())["groups"] if group["n"] == n)

    async def reaches(self, *statuses: str, patience: float = PATIENCE) -> Json:
        async def look() -> Json | None:
            view = await self.view()
            return view if view["status"] in statuses else None

        found: Json = await self.world.until(f"order {self.id} is {statuses}", look, patience)
        return found

    async def group_reaches(self, *statuses: str, n: int = 1, patience: float = PATIENCE) -> Json:
        async def look() -> Json | None:
            group = next((each for each in (await self.view())["groups"] if each["n"] == n), None)
            return group if group and group["status"] in statuses else None

        found: Json = await self.world.until(f"group {n} is {statuses}", look, patience)
        return found

    async def events(self) -> list[str]:
        answer = await self.world.channel("GET", f"/v1/orders/{self.id}/timeline?limit=200", as_=self.as_)
        return [item["event"] for item in answer.json()["items"]]

    async def code(self, n: int = 1, newest: int = 1) -> str:
        """The hand-over code as the customer reads it in the mail; `newest`: how many codes must have been sent."""

        async def look() -> str | None:
            seen: list[str] = []
            for mail in await self.world.mails(self.mailbox):
                for found in re.findall(r"^Code: (\d{8})\s*$", mail["text"], re.MULTILINE):
                    if found not in seen:
                        seen.append(found)
            return seen[newest - 1] if len(seen) >= newest else None

        found: str = await self.world.until("the mail with the code comes", look)
        return found

    async def make_ready(self, *, quantity: int | None = None, n: int = 1, store: str | None = None) -> None:
        """The store accepts, picks and stages."""
        lines = [
            {"line_id": line["line_id"], "quantity": quantity or line["quantity"]}
            for line in (await self.group(n))["lines"]
        ]
        for command, body in (("accept", {}), ("pick", {"lines": lines}), ("ready", {"location": "A1"})):
            answer = await self.world.store(self, command, body, n=n, store=store)
            assert answer.status_code == 200, (command, answer.text)

    async def hand_over(self, code: str, *, n: int = 1, store: str | None = None, **body: Any) -> httpx.Response:
        return await self.world.store(self, "hand-over", {"code": code, **body}, n=n, store=store)


def later(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
