"""The payment simulator as a process: its webhooks, its memory over a kill, its silence, its pages."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.http import http_client
from adapters.payment.provider import OutcomeUnknown, Unavailable
from adapters.payment.simulator import SimulatorPayments
from domain.ids import OperationKey
from domain.money import Money
from tests.adapters.simulators.process import Running, start, started, stop
from tests.adapters.simulators.receiver import Receiver, eventually, receiving

SECRET = "whsec_" + "c2ltdWxhdGVkIHBheW1lbnQgcHJvdmlkZXI="
MODULE = "adapters.simulators.payment"
TEN_EUROS = Money(amount=1000, currency="EUR")


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(Receiver(SECRET)) as receiver:
        yield receiver


@pytest.fixture(scope="module")
async def simulator(receiver: Receiver) -> AsyncIterator[Running]:
    options = ["--port", "0", "--webhook-url", receiver.url, "--webhook-secret", SECRET, "--refund-delay", "0.1"]
    async with started(MODULE, *options) as running:
        yield running


@pytest.fixture
async def client(simulator: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(simulator.url, timeout=10) as client:
        yield client
        await client.post("/webhooks", json={"mode": "normal"})


Post = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def post(client: httpx.AsyncClient) -> Post:
    async def post(path: str, key: str, **body: Any) -> dict[str, Any]:
        response = await client.post(path, json=body, headers={"idempotency-key": key})
        assert response.is_success, response.text
        return dict(response.json())

    return post


def authorise(reference: str, token: str = "tok_ok") -> dict[str, Any]:
    return {"reference": reference, "token": token, "amount": 1000, "currency": "EUR"}


async def test_every_movement_is_told_with_a_signature_that_verifies(post: Post, receiver: Receiver) -> None:
    held = await post("/v1/authorisations", "told:authorise", **authorise("told", "tok_refund_fails"))
    one = f"/v1/authorisations/{held['id']}"
    await post(f"{one}/capture", "told:capture", amount=600, currency="EUR")
    await post(f"{one}/void", "told:void")
    await post("/v1/refunds", "told:refund", authorisation_id=held["id"], amount=600, currency="EUR")
    await eventually(lambda: len(receiver.kinds("told")) == 4)
    assert sorted(receiver.kinds("told")) == [
        "authorisation.succeeded",
        "authorisation.voided",
        "capture.succeeded",
        "refund.failed",
    ]
    (capture,) = [e for e in receiver.taken if e["type"] == "capture.succeeded" and e["data"]["reference"] == "told"]
    assert {"id", "type", "created_at", "data"} == capture.keys()
    wanted = {"authorisation_id": held["id"], "amount": 600, "currency": "EUR", "key": "told:capture"}
    assert wanted.items() <= capture["data"].items()


async def test_expiry_action_and_dispute_are_told_too(
    post: Post, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    waiting = await post("/v1/authorisations", "events:1", **authorise("events", "tok_3ds+tok_expires_1s"))
    page = await client.get(waiting["action_url"])
    assert "Approve" in page.text
    answer = await client.post(waiting["action_url"], data={"outcome": "approve"})
    assert answer.status_code == 303
    await eventually(lambda: receiver.kinds("events") == ["authorisation.succeeded", "authorisation.expired"])
    held = await post("/v1/authorisations", "events:2", **authorise("disputed"))
    await post(f"/v1/authorisations/{held['id']}/capture", "events:3", amount=1000, currency="EUR")
    disputed = await client.post("/disputes", json={"authorisation_id": held["id"]})
    assert disputed.status_code == 201
    await eventually(lambda: "dispute.created" in receiver.kinds("disputed"))


async def test_a_receiver_in_trouble_is_told_again(post: Post, client: httpx.AsyncClient, receiver: Receiver) -> None:
    receiver.answers = [500, 503]
    await post("/v1/authorisations", "again:1", **authorise("again"))
    await eventually(lambda: receiver.kinds("again") == ["authorisation.succeeded"])
    assert receiver.answers == []
    (item,) = (await client.get("/webhooks", params={"reference": "again"})).json()["items"]
    assert item["last_status"] in (202, 503)


async def test_webhooks_can_be_doubled(post: Post, client: httpx.AsyncClient, receiver: Receiver) -> None:
    await client.post("/webhooks", json={"mode": "twice"})
    await post("/v1/authorisations", "double:1", **authorise("double"))
    await eventually(lambda: len(receiver.kinds("double")) == 2)
    first, second = (e for e in receiver.taken if e["data"]["reference"] == "double")
    assert first == second


async def test_webhooks_can_come_in_reverse_order(post: Post, client: httpx.AsyncClient, receiver: Receiver) -> None:
    await client.post("/webhooks", json={"mode": "reverse", "delay_seconds": 0.6})
    held = await post("/v1/authorisations", "reverse:1", **authorise("reverse"))
    await post(f"/v1/authorisations/{held['id']}/capture", "reverse:2", amount=1000, currency="EUR")
    await eventually(lambda: receiver.kinds("reverse") == ["capture.succeeded", "authorisation.succeeded"])


async def test_webhooks_can_be_held_back_and_come_later(
    post: Post, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await client.post("/webhooks", json={"mode": "off"})
    await post("/v1/authorisations", "off:1", **authorise("off"))
    (item,) = (await client.get("/webhooks", params={"reference": "off"})).json()["items"]
    assert item["delivered_at"] is None
    await client.post("/webhooks", json={"mode": "late", "delay_seconds": 0.3})
    before = time.monotonic()
    await post("/v1/authorisations", "late:1", **authorise("late"))
    await eventually(lambda: receiver.kinds("off") and receiver.kinds("late"))
    assert time.monotonic() - before >= 0.3


async def test_bad_requests_are_refused_without_repeating_the_token(client: httpx.AsyncClient) -> None:
    secret = "tok_never_repeat_this"
    headers = {"idempotency-key": "bad:1"}
    for wrong in (
        {"amount": "1000"},
        {"amount": 0},
        {"amount": True},
        {"amount": 10.5},
        {"currency": "eur"},
        {"cvv": "123"},
        {"token": {secret: 1}},
    ):
        answer = await client.post("/v1/authorisations", json=authorise("bad", secret) | wrong, headers=headers)
        assert answer.status_code == 422, wrong
        assert secret not in answer.text
    assert (await client.post("/v1/authorisations", json=authorise("bad"))).status_code == 400
    assert (await client.get("/ledger", params={"reference": "bad"})).json() == {"entries": []}


async def test_a_person_can_read_the_ledger(post: Post, client: httpx.AsyncClient) -> None:
    await post("/v1/authorisations", "page:1", **authorise("<b>page</b>"))
    page = await client.get("/", params={"reference": "<b>page</b>"})
    assert "10.00 EUR" in page.text
    assert "<b>page" not in page.text
    assert (await client.get("/healthz")).json() == {"status": "ok"}


async def test_the_ledger_survives_a_kill_and_what_was_owed_is_still_sent(tmp_path: Path) -> None:
    data = ["--port", "0", "--data", str(tmp_path / "payments.jsonl")]
    running = await start(MODULE, *data)
    try:
        async with http_client(timeout=10) as client:
            payments = SimulatorPayments(running.url, client)
            first = await payments.authorise(
                reference="kept", token="tok_expires_1h", amount=TEN_EUROS, key=OperationKey("kept:1")
            )
            await payments.capture(first.id, Money(amount=400, currency="EUR"), key=OperationKey("kept:2"))
            before = (await client.get(f"{running.url}/ledger")).json()
    finally:
        running.process.kill()
        await running.process.wait()
    async with receiving(Receiver(SECRET)) as receiver:
        hooks = ["--webhook-url", receiver.url, "--webhook-secret", SECRET]
        async with started(MODULE, *data, *hooks) as again, http_client(timeout=10) as client:
            assert (await client.get(f"{again.url}/ledger")).json() == before
            payments = SimulatorPayments(again.url, client)
            repeated = await payments.authorise(
                reference="kept", token="tok_expires_1h", amount=TEN_EUROS, key=OperationKey("kept:1")
            )
            assert repeated == first
            assert (await payments.authorisation(first.id)).held == Money(amount=600, currency="EUR")
            await eventually(lambda: receiver.kinds("kept") == ["authorisation.succeeded", "capture.succeeded"])


async def test_it_ends_cleanly_when_asked_even_while_it_holds_an_answer_back() -> None:
    running = await start(MODULE, "--port", "0")
    async with http_client(timeout=10) as client:
        asking = asyncio.ensure_future(
            SimulatorPayments(running.url, client).authorise(
                reference="held", token="tok_timeout_after", amount=TEN_EUROS, key=OperationKey("held:1")
            )
        )
        async with http_client(running.url, timeout=10) as other:
            while not (await other.get("/ledger")).json()["entries"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        assert await stop(running) == 0
        with pytest.raises(OutcomeUnknown):
            await asking
        with pytest.raises(Unavailable):
            await SimulatorPayments(running.url, client).find(OperationKey("held:1"))


async def test_a_caller_out_of_patience_does_not_know_the_outcome(simulator: Running) -> None:
    async with http_client(timeout=0.3) as client:
        payments = SimulatorPayments(simulator.url, client)
        with pytest.raises(OutcomeUnknown):
            await payments.authorise(
                reference="patience", token="tok_timeout_after", amount=TEN_EUROS, key=OperationKey("patience:1")
            )
