"""The carriage simulator as a process: its webhooks, its memory over a kill, parcels that move alone, its pages."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.dropship.port import ShipRequest
from adapters.dropship.simulator import SimulatorPartners
from adapters.http import http_client
from adapters.locker.port import ReserveRequest
from adapters.locker.simulator import SimulatorLockers
from adapters.shipping.port import LabelRequest, OutcomeUnknown, Recipient
from adapters.shipping.simulator import SimulatorShipping
from domain.carriage import Carriage, CarrierId, Label, ParcelStatus, PostalArea
from domain.dropship import AskedLine, PartnerId
from domain.ids import LineId, OperationKey, OrderId, Sku
from domain.intake import Service
from domain.lockers import Compartment, CompartmentSize, LockerId
from tests.adapters.simulators.process import Running, start, started, stop
from tests.adapters.simulators.receiver import Receiver, eventually, receiving

MODULE = "adapters.simulators.carriage"
CARRIER_SECRET = "whsec_" + "c2ltdWxhdGVkIGNhcnJpZXJzIHNwZWFrIQ=="
LOCKER_SECRET = "whsec_" + "c2ltdWxhdGVkIGxvY2tlcnMgc3BlYWsgISE="
PARTNER_SECRET = "whsec_" + "c2ltdWxhdGVkIHBhcnRuZXJzIHNwZWFrISE="
SECRETS = {"carrier": CARRIER_SECRET, "locker": LOCKER_SECRET, "partner": PARTNER_SECRET}
HOOKS = tuple(word for name, secret in SECRETS.items() for word in (f"--{name}-secret", secret))
ADA = Recipient(name="Ada Lovelace", lines=("St James's Square 12",))


def a_receiver() -> Receiver:
    """Verifies each system with its own secret."""
    return Receiver("", SECRETS)


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving(a_receiver()) as receiver:
        yield receiver


@pytest.fixture(scope="module")
async def simulator(receiver: Receiver) -> AsyncIterator[Running]:
    async with started(
        MODULE, "--port", "0", "--webhook-url", receiver.url, *HOOKS, "--return-after", "0.2"
    ) as running:
        yield running


@pytest.fixture
async def client(simulator: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(simulator.url, timeout=10) as client:
        yield client
        for each in ("carriers", "partners"):
            await client.post(f"/{each}/webhooks", json={"mode": "normal"})
        await client.post("/carriers/auto", json={})


def label_request(order: str, postal_code: str = "10115") -> LabelRequest:
    return LabelRequest(
        key=OperationKey(f"{order}:label:1"),
        reference=OrderId(order),
        shipment=f"shipment/{order}/1",
        carrier=CarrierId("northway"),
        service=Service.STANDARD,
        carriage=Carriage(
            origin=PostalArea(country="DE", postal_code="20095"),
            destination=PostalArea(country="DE", postal_code=postal_code),
            weight_grams=1200,
        ),
    )


async def bought(client: httpx.AsyncClient, url: str, order: str, postal_code: str = "10115") -> Label:
    return await SimulatorShipping(f"{url}/carriers", client).buy(label_request(order, postal_code), ADA)


async def deposited(client: httpx.AsyncClient, url: str, order: str) -> Compartment:
    lockers = SimulatorLockers(f"{url}/lockers", client)
    request = ReserveRequest(
        key=OperationKey(f"{order}:locker:1"),
        reference=OrderId(order),
        group=f"pickup/{order}/1",
        locker_id=LockerId("L001"),
        size=CompartmentSize.MEDIUM,
        until=datetime.now(UTC) + timedelta(hours=1),
    )
    compartment = await lockers.reserve(request)
    code = (await lockers.deposit_code(compartment.id)).get_secret_value()
    answer = await client.post(f"{url}/lockers/machines/L001/deposit", json={"code": code})
    assert answer.status_code == 201
    return await lockers.compartment(compartment.id)


async def scanned(client: httpx.AsyncClient, label: Label, *statuses: str) -> None:
    for status in statuses:
        answer = await client.post(f"/carriers/parcels/{label.tracking_number}/events", json={"status": status})
        assert answer.status_code == 201


async def test_what_a_carrier_sees_is_told_with_a_signature_that_verifies(
    client: httpx.AsyncClient, simulator: Running, receiver: Receiver
) -> None:
    label = await bought(client, simulator.url, "told")
    await scanned(client, label, "picked_up", "held_for_inspection")
    await eventually(lambda: len(receiver.kinds("told")) == 2)
    assert sorted(receiver.kinds("told")) == ["parcel.held_for_inspection", "parcel.picked_up"]
    (event,) = [e for e in receiver.taken if e["type"] == "parcel.picked_up" and e["data"]["reference"] == "told"]
    assert {"id", "type", "created_at", "data"} == event.keys()
    wanted = {
        "carrier": "northway",
        "label_id": label.id,
        "tracking_number": label.tracking_number,
        "shipment": "shipment/told/1",
        "status": "picked_up",
    }
    assert wanted.items() <= event["data"].items()
    assert datetime.fromisoformat(event["data"]["at"]).tzinfo is not None


async def test_what_happens_in_a_locker_is_told_and_no_code_with_it(
    client: httpx.AsyncClient, simulator: Running, receiver: Receiver
) -> None:
    compartment = await deposited(client, simulator.url, "locked")
    lockers = SimulatorLockers(f"{simulator.url}/lockers", client)
    code = (await lockers.pickup_code(compartment.id)).get_secret_value()
    await lockers.send_back(compartment.id, key=OperationKey("locked:back"))
    await eventually(lambda: len(receiver.kinds("locked")) == 3)
    assert set(receiver.kinds("locked")) == {"locker.deposited", "locker.expired", "locker.returned"}
    for event in receiver.taken:
        if event["data"]["reference"] == "locked":
            assert (event["data"]["compartment_id"], event["data"]["group"]) == (compartment.id, "pickup/locked/1")
            assert code not in event["data"].values()


async def test_parcels_move_by_themselves_once_they_are_picked_up(
    client: httpx.AsyncClient, simulator: Running, receiver: Receiver
) -> None:
    await client.post("/carriers/auto", json={"seconds": 0.05})
    label = await bought(client, simulator.url, "moving", "00008")
    await scanned(client, label, "picked_up")
    shipping = SimulatorShipping(f"{simulator.url}/carriers", client)
    await eventually(lambda: "parcel.delivered" in receiver.kinds("moving"))
    assert (await shipping.parcel(label.tracking_number)).status is ParcelStatus.DELIVERED
    entries = (await client.get("/carriers/ledger", params={"reference": "moving"})).json()["entries"]
    assert [entry["status"] for entry in entries if entry["operation"] == "scan"] == [
        "picked_up",
        "in_transit",
        "out_for_delivery",
        "delivery_failed",
        "out_for_delivery",
        "delivered",
    ]


async def test_events_can_be_doubled_and_turned_round(
    client: httpx.AsyncClient, simulator: Running, receiver: Receiver
) -> None:
    label = await bought(client, simulator.url, "twice")
    await client.post("/carriers/webhooks", json={"mode": "twice"})
    await scanned(client, label, "picked_up")
    await eventually(lambda: receiver.kinds("twice") == ["parcel.picked_up"] * 2)
    await client.post("/carriers/webhooks", json={"mode": "reverse", "delay_seconds": 0.3})
    await scanned(client, label, "in_transit", "delivered")
    await eventually(lambda: receiver.kinds("twice")[2:] == ["parcel.delivered", "parcel.in_transit"])


async def test_what_partners_answer_is_told_twice_late_or_turned_round_on_request(
    client: httpx.AsyncClient, simulator: Running, receiver: Receiver
) -> None:
    partners = SimulatorPartners(f"{simulator.url}/partners", client)
    request = ShipRequest(
        key=OperationKey("partner:ask"),
        partner=PartnerId("P001"),
        reference=OrderId("partner"),
        shipment="shipment/partner/1",
        lines=(AskedLine(line_id=LineId("1"), sku=Sku("SOFA"), quantity=2),),
        destination=PostalArea(country="DE", postal_code="10115"),
        ship_by=datetime.now(UTC) + timedelta(days=1),
    )
    asked = await partners.ask(request, ADA)

    async def answers(answer: str) -> None:
        said = await client.post(f"/partners/requests/{asked.id}/answers", json={"answer": answer})
        assert said.status_code == 201, said.text

    await client.post("/partners/webhooks", json={"mode": "twice"})
    await answers("accept")
    await eventually(lambda: receiver.kinds("partner") == ["partner.accepted"] * 2)
    told = [event for event in receiver.taken if event["data"]["reference"] == "partner"]
    assert len({event["id"] for event in told}) == 1, "the same event, twice"
    wanted = {"partner": "P001", "request_id": asked.id, "shipment": "shipment/partner/1", "status": "accepted"}
    assert wanted.items() <= told[0]["data"].items()
    await client.post("/partners/webhooks", json={"mode": "reverse", "delay_seconds": 0.3})
    await answers("ship")
    await client.post(f"/partners/requests/{asked.id}/events", json={"status": "gone_fishing"})
    await eventually(lambda: receiver.kinds("partner")[2:] == ["partner.gone_fishing", "partner.shipped"])


async def test_bad_requests_are_refused_without_repeating_the_address(client: httpx.AsyncClient) -> None:
    good = label_request("bad").model_dump(mode="json", exclude={"key"}) | {"recipient": ADA.model_dump(mode="json")}
    headers = {"idempotency-key": "bad:1"}
    wrongs: tuple[dict[str, Any], ...] = (
        {"recipient": {"name": "Lovelace", "lines": []}},
        {"recipient": {"name": "Lovelace", "lines": ["x"], "phone": "1"}},
        {"carriage": good["carriage"] | {"weight_grams": "1200"}},
        {"carriage": good["carriage"] | {"weight_grams": 0}},
        {"service": "overnight"},
        {"reference": "r" * 65},
    )
    for wrong in wrongs:
        answer = await client.post("/carriers/v1/labels", json=good | wrong, headers=headers)
        assert answer.status_code == 422, wrong
        assert "Lovelace" not in answer.text
        assert "10115" not in answer.text
    assert (await client.post("/carriers/v1/labels", json=good)).status_code == 400
    assert (await client.get("/carriers/ledger", params={"reference": "bad"})).json() == {"entries": []}


async def test_a_person_can_read_both_ledgers(client: httpx.AsyncClient, simulator: Running) -> None:
    doors = await client.get("/")
    assert 'href="carriers/"' in doors.text
    await bought(client, simulator.url, "<b>page</b>")
    page = await client.get("/carriers/", params={"reference": "<b>page</b>"})
    assert "5.49 EUR" in page.text
    assert "Lovelace" not in page.text
    await deposited(client, simulator.url, "<i>page</i>")
    locker_page = await client.get("/lockers/", params={"reference": "<i>page</i>"})
    assert "deposited" in locker_page.text
    assert not any(mark in page.text + locker_page.text for mark in ("<b>page", "<i>page"))
    for path in ("/healthz", "/carriers/healthz", "/lockers/healthz"):
        assert (await client.get(path)).json() == {"status": "ok"}


async def test_everything_survives_a_kill_and_what_was_owed_is_still_sent(tmp_path: Path) -> None:
    data = ["--port", "0", "--data", str(tmp_path), "--auto", "0.5"]
    running = await start(MODULE, *data)
    try:
        async with http_client(running.url, timeout=10) as client:
            label = await bought(client, running.url, "kept")
            await scanned(client, label, "picked_up")
            compartment = await deposited(client, running.url, "kept")
            before = [(await client.get(f"/{each}/ledger")).json() for each in ("carriers", "lockers")]
    finally:
        running.process.kill()
        await running.process.wait()
    async with receiving(a_receiver()) as receiver:
        hooks = ["--webhook-url", receiver.url, *HOOKS]
        async with started(MODULE, *data, *hooks) as again, http_client(again.url, timeout=10) as client:
            after = [(await client.get(f"/{each}/ledger")).json()["entries"] for each in ("carriers", "lockers")]
            for old, new in zip(before, after, strict=True):
                as_they_were = [{**entry, "label_status": None} for entry in new[: len(old["entries"])]]
                assert as_they_were == [{**entry, "label_status": None} for entry in old["entries"]]
            repeated = await bought(client, again.url, "kept")
            assert (repeated.id, repeated.tracking_number) == (label.id, label.tracking_number)
            assert (await SimulatorLockers(f"{again.url}/lockers", client).compartment(compartment.id)) == compartment
            await eventually(lambda: {"parcel.picked_up", "locker.deposited"} <= set(receiver.kinds("kept")))
            # The journey goes on where it was.
            await eventually(lambda: "parcel.delivered" in receiver.kinds("kept"))


async def test_it_ends_cleanly_when_asked_even_while_it_holds_an_answer_back() -> None:
    running = await start(MODULE, "--port", "0")
    async with http_client(running.url, timeout=10) as client:
        asking = asyncio.ensure_future(bought(client, running.url, "held", "00004"))
        async with http_client(running.url, timeout=10) as other:
            while not (await other.get("/carriers/ledger")).json()["entries"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.02)
        assert await stop(running) == 0
        with pytest.raises(OutcomeUnknown):
            await asking


async def test_webhooks_without_a_secret_are_refused_at_the_start() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE, "--port", "0", "--webhook-url", "http://127.0.0.1:1/hook"),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"--carrier-secret" in said
