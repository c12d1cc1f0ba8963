"""The outsiders of a story: channels, stores, customers, the provider's ledger, the mail box. All speak HTTP only."""

import asyncio
import itertools
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from tests.scenarios.placed import Json, Placed
from tests.scenarios.shelf import Shelf

PATIENCE = 60.0
LOOK_AGAIN = 0.15


class World:
    """One running stack, seen from outside. Every order has a customer, and so a mail box, of its own."""

    def __init__(self, stack: Any):
        """`stack` gives, by `record()`, what `stack.json` holds."""
        self.stack = stack
        self.record: Json = stack.record()
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=50)
        self.http = httpx.AsyncClient(timeout=120.0, trust_env=False, limits=limits)
        self._numbers = itertools.count(1)

    @property
    def keys(self) -> Json:
        keys: Json = self.record["keys"]
        return keys

    def key_of(self, place: str) -> str:
        """The key of a store or warehouse."""
        return str(self.keys["warehouses" if place.startswith("W") else "stores"][place])

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
        patient: bool = True,
        patience: float = PATIENCE,
        **headers: str,
    ) -> httpx.Response:
        """One call. A patient caller asks again, with the same key, while the answer is only that there is none yet."""
        sent = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        if method != "GET":
            sent["Idempotency-Key"] = idempotency or uuid.uuid4().hex
        end = asyncio.get_running_loop().time() + patience
        while True:
            answer = await self.http.request(method, self.record["api"] + path, json=body, headers=sent)
            wait = answer.headers.get("retry-after")
            if not patient or wait is None or not is_no_answer_yet(answer):
                return answer
            if asyncio.get_running_loop().time() > end:
                return answer
            await asyncio.sleep(float(wait) / 4)

    async def channel(self, method: str, path: str, body: Json | None = None, **more: Any) -> httpx.Response:
        return await self.call(method, path, self.keys[more.pop("as_", "web")], body, **more)

    async def ops(self, method: str, path: str, body: Json | None = None, **more: Any) -> httpx.Response:
        return await self.call(method, path, self.keys["ops"][more.pop("as_", "ada")], body, **more)

    async def store(
        self,
        order: Placed,
        command: str,
        body: Json | None = None,
        *,
        n: int = 1,
        store: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        key = self.keys["managers" if more.pop("manager", False) else "stores"][store or order.store]
        return await self.call("POST", f"/v1/pickups/{order.id}/{n}/{command}", key, body or {}, **more)

    async def tasks(self, store: str, order: Placed) -> list[Json]:
        """What the store has to do for an order."""
        answer = await self.call("GET", f"/v1/stores/{store}/tasks?limit=200", self.key_of(store))
        return [task for task in answer.json()["items"] if task["order_id"] == order.id]

    async def webhook(
        self,
        provider: str,
        event: Json,
        *,
        event_id: str | None = None,
        at: datetime | None = None,
        secret: str | None = None,
    ) -> httpx.Response:
        """An event of an outside system, signed over its raw bytes as Standard Webhooks describes."""
        name, moment, text = event_id or f"evt_{uuid.uuid4().hex}", at or datetime.now(UTC), json.dumps(event)
        signature = Webhook(secret or self.record["webhook_secrets"][provider]).sign(name, moment, text)
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signature,
        }
        return await self.http.post(f"{self.record['api']}/v1/webhooks/{provider}", content=text, headers=headers)

    async def bank_asks(self, url: str, *, approve: bool) -> None:
        """The customer's answer on the page of the bank (3-D Secure)."""
        answer = await self.http.post(url, json={"outcome": "approve" if approve else "decline"})
        assert answer.status_code == 200, answer.text

    # --- goods ---------------------------------------------------------------------------------------------------

    async def shelf(self, **units: int) -> Shelf:
        """A new item that nobody else sells, with so many units in the named stores."""
        shelf = Shelf(self, f"T{next(self._numbers)}-{uuid.uuid4().hex[:10]}x")
        item = {"sku": shelf.sku, "name": "Thing of a story", "price": 1000}
        answer = await self.ops("PUT", "/v1/items", item)
        assert answer.status_code == 200, answer.text
        await asyncio.gather(*(shelf.receives(store, n) for store, n in units.items()))
        return shelf

    async def stock(self, sku: str, store: str) -> Json:
        answer = await self.call("GET", f"/v1/stock?sku={sku}&store={store}", self.key_of(store))
        items: list[Json] = answer.json()["items"]
        return items[0]

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
        discount: int = 0,
        **more: Any,
    ) -> Json:
        """An order body that is right in every respect, for a customer whom nobody else has."""
        number = f"{next(self._numbers)}{uuid.uuid4().hex[:6]}x"
        line = {"line_id": "1", "sku": sku, "quantity": quantity, "unit_price": price, "discount": discount}
        lines = [{"tax": 0, "fulfilment": "f1", "discount": 0} | each for each in more.pop("lines", [line])]
        total = sum(each["quantity"] * each["unit_price"] - each["discount"] for each in lines)
        payment: Json = {"type": tender, "amount": total}
        if tender == "card":
            payment["token"] = token
        body: Json = {
            "channel": channel,
            "external_id": f"T-{number}",
            "placed_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "currency": "EUR",
            "locale": "en",
            "customer": {"ref": f"{ref or 'C'}-{number}", "name": "Test Customer", "email": f"c{number}@example.org"},
            "lines": lines,
            "prices_include_tax": True,
            "fulfilments": [{"id": "f1", "method": "pickup", "store_id": store, "mode": mode}],
            "shipping_total": 0,
            "total": total,
            "tenders": [payment],
        }
        return body | more

    async def place(self, **wanted: Any) -> Placed:
        """Place an order that is taken; fails the test when it is not."""
        as_ = wanted.pop("as_", wanted.get("channel", "web"))
        return await self.placed(self.body(**wanted), as_)

    async def placed(self, body: Json, as_: str = "web") -> Placed:
        answer = await self.channel("POST", "/v1/orders", body, as_=as_)
        # 200 when a first, unanswered try of the same call had placed it.
        assert answer.status_code in (200, 201), answer.text
        return Placed(self, body, answer.json(), as_)

    async def until(
        self, what: str, look: Callable[[], Awaitable[Any]], patience: float = PATIENCE, pause: float = LOOK_AGAIN
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

    async def provider_ledger(self, order_id: str) -> list[Json]:
        answer = await self.http.get(f"{self.record['payments']}/ledger", params={"reference": order_id})
        entries: list[Json] = answer.json()["entries"]
        return entries

    async def money(self, order_id: str) -> dict[str, int]:
        """What the provider did for an order: succeeded operations summed by kind."""
        sums = {"authorise": 0, "capture": 0, "void": 0, "refund": 0}
        for entry in await self.provider_ledger(order_id):
            if entry["status"] == "succeeded" and entry["operation"] in sums:
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

    async def provider_tells(self, mode: str) -> None:
        """How its webhooks come to everybody from now on: normal, twice, late, reverse, off."""
        body = {"mode": mode, "delay_seconds": 1.0}
        (await self.http.post(f"{self.record['payments']}/webhooks", json=body)).raise_for_status()

    async def provider_does(self, path: str, body: Json, key: str) -> Json:
        """Something done at the provider by others than us."""
        address = f"{self.record['payments']}/v1/{path}"
        answer = await self.http.post(address, json=body, headers={"idempotency-key": key})
        assert answer.status_code == 201, answer.text
        done: Json = answer.json()
        return done


def is_no_answer_yet(answer: httpx.Response) -> bool:
    """Whoever asks again with the same key gets the answer once there is one."""
    running = answer.status_code == 409 and answer.json()["type"].endswith("/request-in-progress")
    return running or answer.status_code in (202, 503)


def later(**span: float) -> str:
    """An instant so far from now, as the API wants it."""
    return (datetime.now(UTC) + timedelta(**span)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def refused(answer: httpx.Response, status: int, kind: str) -> Json:
    """The problem document of an answer that refuses, and for the right reason."""
    problem: Json = answer.json()
    assert (answer.status_code, problem.get("type", "").rpartition("/")[2]) == (status, kind), answer.text
    assert problem["detail"], "a refusal says what to do next"
    return problem


def taken(answer: httpx.Response) -> Json:
    """The body of an answer that grants."""
    assert answer.status_code in (200, 201), answer.text
    body: Json = answer.json()
    return body
