"""Those who call in the demo: channels, stores, a fraud service, and customers with a mail box and a bank."""

import asyncio
import re
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import BaseModel
from standardwebhooks.webhooks import Webhook

LOOK_AGAIN = 0.15
"""Seconds between two looks at something that is expected."""
PATIENCE = 30.0
CODE = re.compile(r"^Code: (\d{6,8})$", re.MULTILINE)
"""Of a store, or of the operator of a locker."""


class Unexpected(Exception):
    """Something is not as it should be. The text says what was expected and what came."""


class Refused(BaseModel):
    """A refusal that the story expects."""

    status: int
    kind: str
    detail: str


class Caller:
    """One holder of an API key."""

    def __init__(self, http: httpx.AsyncClient, base: str, key: str) -> None:
        self._http = http
        self._base = base
        self._key = key

    async def get(self, path: str, **query: str | int) -> Any:
        answer = await self._http.get(self._base + path, params=query, headers=self._headers())
        if answer.status_code != 200:
            raise Unexpected(_met("GET", path, answer))
        return answer.json()

    async def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer of a command that must be taken. The same Idempotency-Key asks again while it is pending."""
        answer = await self._send(path, body)
        if answer.status_code not in (200, 201, 202) or _is_pending(answer):
            raise Unexpected(_met("POST", path, answer))
        return answer.json()

    async def put(self, path: str, body: dict[str, Any]) -> Any:
        return await self._put(path, json=body)

    async def upload(self, path: str, content: bytes, media_type: str) -> Any:
        return await self._put(path, content=content, headers={"Content-Type": media_type})

    async def _put(self, path: str, headers: dict[str, str] | None = None, **body: Any) -> Any:
        """What is put is put as often as it takes: the last one counts."""
        ends = time.monotonic() + PATIENCE
        while True:
            answer = await self._http.put(self._base + path, headers=self._headers() | (headers or {}), **body)
            if answer.status_code not in (202, 503) or time.monotonic() > ends:
                break
            await asyncio.sleep(float(answer.headers.get("retry-after", "1")))
        if answer.status_code != 200:
            raise Unexpected(_met("PUT", path, answer))
        return answer.json()

    async def refused(self, path: str, body: dict[str, Any] | None, kind: str) -> Refused:
        """The refusal of a command that must not be taken; `kind` is the last part of its `type`."""
        answer = await self._send(path, body)
        found = answer.json()
        if answer.status_code < 400 or not str(found.get("type", "")).endswith(f"/{kind}"):
            raise Unexpected(f"{_met('POST', path, answer)}; expected a refusal: {kind}")
        return Refused(status=answer.status_code, kind=kind, detail=found.get("detail", ""))

    async def _send(self, path: str, body: dict[str, Any] | None) -> httpx.Response:
        headers = self._headers() | {"Idempotency-Key": str(uuid.uuid4())}
        ends = time.monotonic() + PATIENCE
        while True:
            answer = await self._http.post(self._base + path, json=body or {}, headers=headers)
            if not _is_pending(answer) or time.monotonic() > ends:
                return answer
            await asyncio.sleep(float(answer.headers["retry-after"]))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}


class Callers:
    """Everyone, by the addresses and keys of `stack.json`."""

    def __init__(self, http: httpx.AsyncClient, record: dict[str, Any]) -> None:
        self._http = http
        self._record = record

    def channel(self, name: str) -> Caller:
        return self._holder(self._record["keys"][name])

    def store(self, place: str) -> Caller:
        """A store, or a warehouse."""
        return self._holder(self._record["keys"]["warehouses" if place.startswith("W") else "stores"][place])

    def ops(self, name: str = "ada") -> Caller:
        return self._holder(self._record["keys"]["ops"][name])

    def service(self, name: str) -> Caller:
        return self._holder(self._record["keys"]["services"][name])

    async def carrier_picks_up(self, tracking_number: str) -> None:
        """The simulated carrier takes a parcel with it, and brings it on its way by itself."""
        await self._happens("carriers", f"/parcels/{tracking_number}/events", {"status": "picked_up"})

    async def opens_locker(self, locker_id: str, to: str, code: str) -> None:
        """Somebody enters a code at the simulated machine, to `deposit` or to `collect`."""
        await self._happens("lockers", f"/machines/{locker_id}/{to}", {"code": code})

    async def partner_ships(self, order_id: str) -> None:
        """The simulated partner sends what it was asked for, once."""
        answer = await self._http.get(f"{self._record['partners']}/ledger", params={"reference": order_id})
        asked = {entry["request_id"] for entry in answer.json()["entries"]}
        if len(asked) != 1:
            raise Unexpected(f"The partner should have been asked once; it was asked {len(asked)} times.")
        await self._happens("partners", f"/requests/{asked.pop()}/answers", {"answer": "ship"})

    async def _happens(self, server: str, path: str, body: dict[str, Any]) -> None:
        answer = await self._http.post(self._record[server] + path, json=body)
        if answer.status_code >= 300:
            raise Unexpected(_met("POST", f"{server}{path}", answer))

    def officer(self, name: str) -> Caller:
        return self._holder(self._record["keys"]["ops"][name])

    def underwriter(self, name: str) -> Caller:
        return self._holder(self._record["keys"]["underwriters"][name])

    async def fraud_decides(self, order_id: str, decision: str) -> None:
        """The screening's answer comes as a webhook, signed over its raw bytes."""
        path = "/v1/webhooks/fraud"
        body = f'{{"order_id": "{order_id}", "decision": "{decision}"}}'
        now, message = datetime.now(UTC), f"fraud_{order_id}"
        signature = Webhook(self._record["webhook_secrets"]["fraud"]).sign(message, now, body)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature,
        }
        answer = await self._http.post(self._record["api"] + path, content=body, headers=headers)
        if answer.status_code != 202:
            raise Unexpected(_met("POST", path, answer))

    async def bank_asks(self, url: str, *, approve: bool) -> None:
        """The customer answers on the page that the provider named (3-D Secure)."""
        answer = await self._http.post(url, json={"outcome": "approve" if approve else "decline"})
        if answer.status_code != 200:
            raise Unexpected(_met("POST", "the provider's confirmation page", answer))

    async def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{self._record['mail']}/messages", params={"to": to} if to else {})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def newest_code(self, to: str, *, not_one_of: set[str]) -> str:
        """The hand-over code out of the customer's mails, once one is there that was not used before."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            for mail in reversed(await self.mails(to)):
                if (found := CODE.search(mail["text"])) and found[1] not in not_one_of:
                    return found[1]
            await asyncio.sleep(LOOK_AGAIN)
        raise Unexpected("No mail with a hand-over code came.")

    async def finds(self, url: str) -> bool:
        """Whether there is a page."""
        return (await self._http.get(url)).status_code == 200

    async def provider_ledger(self, reference: str) -> list[dict[str, Any]]:
        answer = await self._http.get(f"{self._record['payments']}/ledger", params={"reference": reference})
        entries: list[dict[str, Any]] = answer.json()["entries"]
        return entries

    def _holder(self, key: str) -> Caller:
        return Caller(self._http, self._record["api"], key)


def _is_pending(answer: httpx.Response) -> bool:
    """It is asked again for its answer; a 202 without that is one: what was asked for goes on by itself."""
    return answer.status_code in (202, 503) and "retry-after" in answer.headers


def _met(method: str, path: str, answer: httpx.Response) -> str:
    """What came instead, in one line: a problem's own words, never what was sent."""
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    words = problem.get("detail") or problem.get("title") or ""
    errors = "; ".join(f"{each['pointer']}: {each['reason']}" for each in problem.get("errors") or [])
    said = " ".join(part for part in (words, errors) if part)
    return f"{method} {path} answered {answer.status_code}" + (f" ({said})" if said else "")
