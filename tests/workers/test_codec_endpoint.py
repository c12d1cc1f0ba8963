"""The codec endpoint as the Temporal UI meets it: roles, placeholders, audit, CORS, bad input."""

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from adapters.keys.memory import InMemoryCustomerKeys
from adapters.keys.port import CustomerRef, KeysUnavailable
from domain.personal import PersonalData
from gateway.ops.codec import MOST_BYTES, CodecReader, CodecUse, codec_router
from gateway.principals import unauthorised
from gateway.problems import install_problem_handlers
from tests.workers.test_codec import AT, PERSON, bound, of_workflow
from workers.codec import PageCodec
from workers.plugin import data_converter

UI = "http://127.0.0.1:8233"
OPS, AUDITOR = {"Authorization": "Bearer ops"}, {"Authorization": "Bearer other"}


class Desk:
    """The endpoint with its keys, and the audit rows it wrote."""

    def __init__(self) -> None:
        self.keys = InMemoryCustomerKeys()
        self.uses: list[CodecUse] = []
        self.app = FastAPI()
        install_problem_handlers(self.app)
        self.app.include_router(
            codec_router(PageCodec(self.keys), authorise=self._authorise, audit=self._audit, origins=[UI])
        )

    async def _authorise(self, request: Request) -> CodecReader:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key == "none":
            return CodecReader(id="anonymous", may_read=False, keyless=True)
        if key not in ("ops", "other"):
            raise unauthorised("Send `Authorization: Bearer <key>`.")
        return CodecReader(id=key, may_read=key == "ops")

    async def _audit(self, use: CodecUse) -> None:
        self.uses.append(use)

    async def sent(self, person: PersonalData = PERSON, workflow_id: str = "order/1") -> dict[str, Any]:
        await bound(self.keys, workflow_id)
        payloads = await data_converter(self.keys).with_context(of_workflow(workflow_id)).encode([person])
        return {"payloads": [as_json(payload) for payload in payloads]}


def as_json(payload: Any) -> dict[str, Any]:
    metadata = {name: base64.b64encode(value).decode() for name, value in payload.metadata.items()}
    return {"metadata": metadata, "data": base64.b64encode(payload.data).decode()}


def texts(response: httpx.Response) -> list[str]:
    return [base64.b64decode(payload["data"]).decode() for payload in response.json()["payloads"]]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=desk.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://codec/v1/ops/codec") as client:
        yield client


async def test_ops_read_what_a_history_holds_and_the_audit_says_so(desk: Desk, client: httpx.AsyncClient) -> None:
    sent = await desk.sent()
    answer = await client.post("/decode", json=sent, headers={**OPS, "Origin": UI, "X-Namespace": "default"})
    assert answer.status_code == 200
    assert PersonalData.model_validate_json(texts(answer)[0]) == PERSON
    assert answer.headers["cache-control"] == "no-store"
    key = await desk.keys.key_for_customer(CustomerRef("C-ann"), AT)
    assert desk.uses == [CodecUse(CodecReader("ops", True), "decode", 1, (key.id,), True)]
    assert "ann@" not in repr(desk.uses)


async def test_others_see_that_something_is_hidden_and_that_is_audited_too(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    answer = await client.post("/decode", json=await desk.sent(), headers=AUDITOR)
    assert texts(answer) == ['"hidden"']
    assert [(use.reader.id, use.allowed) for use in desk.uses] == [("other", False)]


async def test_who_sends_no_key_sees_nothing_and_leaves_no_row(desk: Desk, client: httpx.AsyncClient) -> None:
    sent, keyless = await desk.sent(), {"Authorization": "Bearer none"}
    assert texts(await client.post("/decode", json=sent, headers=keyless)) == ['"hidden"']
    assert (await client.post("/encode", json=sent, headers=keyless)).status_code == 403
    assert desk.uses == []


async def test_an_erased_person_reads_erased(desk: Desk, client: httpx.AsyncClient) -> None:
    sent = await desk.sent()
    await desk.keys.erase(CustomerRef("C-ann"), datetime(2026, 3, 2, tzinfo=UTC))
    assert texts(await client.post("/decode", json=sent, headers=OPS)) == ['"erased"']


async def test_what_the_ui_encodes_the_endpoint_decodes(client: httpx.AsyncClient) -> None:
    plain = {"payloads": [{"metadata": {"encoding": base64.b64encode(b"json/plain").decode()}, "data": "InllcyI="}]}
    encoded = await client.post("/encode", json=plain, headers=OPS)
    assert texts_are_not_clear(encoded)
    assert texts(await client.post("/decode", json=encoded.json(), headers=OPS)) == ['"yes"']


def texts_are_not_clear(answer: httpx.Response) -> bool:
    return answer.json()["payloads"][0]["data"] != "InllcyI=" and b"yes" not in answer.content


async def test_others_may_not_encode(desk: Desk, client: httpx.AsyncClient) -> None:
    assert (await client.post("/encode", json={"payloads": []}, headers=AUDITOR)).status_code == 403
    assert [use.action for use in desk.uses] == ["encode"]


async def test_a_stranger_is_refused_unread(desk: Desk, client: httpx.AsyncClient) -> None:
    answer = await client.post("/decode", json=await desk.sent(), headers={"Origin": UI})
    assert answer.status_code == 401
    # The UI can show the reason, since its page may read the refusal.
    assert answer.headers["access-control-allow-origin"] == UI
    assert desk.uses == []


async def test_only_the_uis_pages_may_ask_from_a_browser(client: httpx.AsyncClient) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-namespace,authorization"}
    ours = await client.options("/decode", headers={"Origin": UI, **asked})
    assert ours.status_code == 204
    assert ours.headers["access-control-allow-origin"] == UI
    assert ours.headers["access-control-allow-credentials"] == "true"
    assert {"Authorization", "X-Namespace"} <= set(ours.headers["access-control-allow-headers"].split(", "))
    theirs = await client.options("/decode", headers={"Origin": "http://evil.example", **asked})
    assert "access-control-allow-origin" not in theirs.headers


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"not json", {}, 400),
        (b'{"payloads": 3}', {}, 400),
        (b'{"payloads": [{"data": "a"}]}', {}, 400),
        (b'{"payloads": [{"metadata": {"encoding": "\xff"}}]}', {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'{"payloads": [' + b" " * MOST_BYTES + b"]}", {}, 413),
        (b'{"payloads": [], "later": 1}', {}, 200),
        (b"{}", {}, 200),
    ],
)
async def test_bad_input_is_refused_with_a_reason(
    client: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await client.post("/decode", content=body, headers={**OPS, "Content-Type": "application/json", **headers})
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_table_that_is_away_answers_503(
    desk: Desk, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await desk.sent()

    async def away(key_id: str) -> None:
        raise KeysUnavailable("away")

    monkeypatch.setattr(desk.keys, "key", away)
    answer = await client.post("/decode", json=sent, headers=OPS)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
