"""What every caller of partners may rely on, held against the engine in memory and the simulator over HTTP."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.dropship.memory import MemoryPartners
from adapters.dropship.port import (
    KeyConflict,
    NotKnown,
    OutcomeUnknown,
    Partners,
    Recipient,
    RequestRefused,
    ShipRequest,
    Unavailable,
)
from adapters.dropship.simulator import SimulatorPartners
from adapters.http import http_client
from adapters.simulators.partner.engine import Word
from adapters.simulators.partner.faults import Fault
from domain.carriage import PostalArea
from domain.dropship import (
    AskedLine,
    Cancellation,
    DeclineReason,
    PartnerId,
    PartnerRequest,
    PartnerRequestId,
    RequestStatus,
)
from domain.ids import LineId, OperationKey, OrderId, Sku
from tests.adapters.simulators.process import started

numbers = itertools.count(1)
ADA = Recipient(name="Ada Lovelace", lines=("St James's Square 12",))
SOON = datetime(2199, 1, 1, tzinfo=UTC)


@dataclass
class Stage:
    """Partners, and what they answer."""

    partners: Partners
    ledger: Callable[[str], Awaitable[list[dict[str, Any]]]]
    plant: Callable[..., Awaitable[None]]
    answer: Callable[..., Awaitable[int]]

    def __post_init__(self) -> None:
        self.order = OrderId(f"order-{next(numbers)}")

    def key(self, *words: str | int) -> OperationKey:
        return OperationKey(":".join([self.order, *map(str, words)]))

    async def asked(self, partner: str = "P001", *, quantity: int = 2) -> PartnerRequest:
        request = ShipRequest(
            key=self.key("ask"),
            partner=PartnerId(partner),
            reference=self.order,
            shipment=f"shipment/{self.order}/1",
            lines=(AskedLine(line_id=LineId("1"), sku=Sku("SOFA"), quantity=quantity),),
            destination=PostalArea(country="DE", postal_code="10115"),
            ship_by=SOON,
        )
        return await self.partners.ask(request, ADA)


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[str]:
    async with started("adapters.simulators.carriage", "--port", "0", "--silence", "0.1") as running:
        yield f"{running.url}/partners"


@pytest.fixture(params=["memory", "http"])
async def stage(request: pytest.FixtureRequest, simulator: str) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with http_client(simulator, timeout=10) as client:

        async def ledger(reference: str) -> list[dict[str, Any]]:
            return list((await client.get("/ledger", params={"reference": reference})).json()["entries"])

        async def plant(**fault: Any) -> None:
            (await client.post("/faults", json=fault)).raise_for_status()

        async def answer(request_id: str, word: str, **more: Any) -> int:
            return (await client.post(f"/requests/{request_id}/answers", json={"answer": word, **more})).status_code

        yield Stage(SimulatorPartners(simulator, client), ledger, plant, answer)
        await client.delete("/faults")


def _in_memory() -> Stage:
    partners = MemoryPartners(lambda: datetime(2026, 3, 1, tzinfo=UTC))

    async def ledger(reference: str) -> list[dict[str, Any]]:
        return partners.engine.books.ledger(reference)

    async def plant(**fault: Any) -> None:
        partners.engine.faults.plant(Fault.model_validate(fault))

    async def answer(request_id: str, word: str, **more: Any) -> int:
        return partners.engine.answer(request_id, Word(word), **more).status

    return Stage(partners, ledger, plant, answer)


async def test_a_request_waits_for_its_answer_is_accepted_and_ships(stage: Stage) -> None:
    asked = await stage.asked()
    assert (asked.status, asked.cancellation) == (RequestStatus.REQUESTED, Cancellation.NOT_ASKED)
    assert (asked.reference, asked.shipment) == (stage.order, f"shipment/{stage.order}/1")
    assert await stage.answer(asked.id, "ship") == 409, "not before it is accepted"
    assert await stage.answer(asked.id, "accept") == 201
    accepted = await stage.partners.request(asked.id)
    assert (accepted.status, accepted.ship_by) == (RequestStatus.ACCEPTED, SOON)
    assert await stage.answer(asked.id, "ship", tracking_number="PT1") == 201
    shipped = await stage.partners.find(stage.key("ask"))
    assert shipped is not None
    assert (shipped.status, shipped.tracking_number) == (RequestStatus.SHIPPED, "PT1")
    story = [(entry["operation"], entry["status"]) for entry in await stage.ledger(stage.order)]
    assert story == [("ask", "succeeded"), ("answer", "accept"), ("answer", "ship")]


async def test_some_partners_answer_at_once(stage: Stage) -> None:
    assert (await stage.asked("P-ACCEPTS")).status is RequestStatus.ACCEPTED
    stage.order = OrderId(f"order-{next(numbers)}")
    declined = await stage.asked("P-DECLINES")
    assert (declined.status, declined.declined_for) == (RequestStatus.DECLINED, DeclineReason.NO_STOCK)


async def test_the_same_key_asks_once_and_not_for_something_else(stage: Stage) -> None:
    first = await stage.asked()
    assert await stage.asked() == first
    with pytest.raises(KeyConflict):
        await stage.asked(quantity=3)
    assert len(await stage.ledger(stage.order)) == 1


async def test_what_is_not_accepted_yet_is_called_off_at_once(stage: Stage) -> None:
    asked = await stage.asked()
    off = await stage.partners.call_off(asked.id, key=stage.key("off"))
    assert (off.status, off.cancellation) == (RequestStatus.CANCELLED, Cancellation.AGREED)
    assert await stage.partners.call_off(asked.id, key=stage.key("off", 2)) == off
    assert await stage.answer(asked.id, "accept") == 409


@pytest.mark.parametrize(
    ("word", "status", "cancellation"),
    [
        ("agree", RequestStatus.CANCELLED, Cancellation.AGREED),
        ("refuse", RequestStatus.ACCEPTED, Cancellation.REFUSED),
        ("ship", RequestStatus.SHIPPED, Cancellation.REFUSED),
    ],
)
async def test_what_is_accepted_is_called_off_only_by_agreement(
    stage: Stage, word: str, status: RequestStatus, cancellation: Cancellation
) -> None:
    asked = await stage.asked("P-ACCEPTS")
    off = await stage.partners.call_off(asked.id, key=stage.key("off"))
    assert (off.status, off.cancellation) == (RequestStatus.ACCEPTED, Cancellation.ASKED)
    assert await stage.answer(asked.id, word) == 201
    now = await stage.partners.request(asked.id)
    assert (now.status, now.cancellation) == (status, cancellation)


async def test_what_has_shipped_goes_on(stage: Stage) -> None:
    asked = await stage.asked("P-ACCEPTS")
    await stage.answer(asked.id, "ship")
    off = await stage.partners.call_off(asked.id, key=stage.key("off"))
    assert (off.status, off.cancellation) == (RequestStatus.SHIPPED, Cancellation.REFUSED)


async def test_faults_say_what_may_be_done_next(stage: Stage) -> None:
    with pytest.raises(RequestRefused, match="unknown_partner"):
        await stage.asked("nobody")
    stage.order = OrderId(f"order-{next(numbers)}")
    with pytest.raises(Unavailable) as away:
        await stage.asked("P-AWAY")
    assert away.value.retry_after == 1
    with pytest.raises(OutcomeUnknown):
        await stage.asked("P-LOST")
    found = await stage.partners.find(stage.key("ask"))
    assert found == await stage.asked("P-LOST")
    await stage.plant(operation="call_off", kind="status", status=503, retry_after=4, partner="P-LOST")
    with pytest.raises(Unavailable) as busy:
        await stage.partners.call_off(found.id if found else PartnerRequestId(""), key=stage.key("off"))
    assert busy.value.retry_after == 4
    with pytest.raises(NotKnown):
        await stage.partners.request(PartnerRequestId("req_none"))
    assert "Lovelace" not in str(await stage.ledger(stage.order))
