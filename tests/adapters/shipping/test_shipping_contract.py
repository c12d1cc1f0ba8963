"""What every caller of carriers may rely on, held against the engine in memory and the simulator over HTTP."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.http import http_client
from adapters.outside import OutsideFault
from adapters.shipping.memory import MemoryShipping
from adapters.shipping.port import (
    KeyConflict,
    LabelRefused,
    LabelRequest,
    NotKnown,
    NotUnderstood,
    OutcomeUnknown,
    Recipient,
    Shipping,
    Unavailable,
)
from adapters.shipping.simulator import SimulatorShipping
from adapters.simulators.carrier.faults import Fault
from adapters.simulators.carrier.tracking import is_tracking_number
from domain.carriage import (
    Carriage,
    CarrierId,
    CarrierRefusal,
    Label,
    LabelId,
    ParcelStatus,
    PostalArea,
    TrackingNumber,
    carriers_in_order,
)
from domain.ids import OperationKey, OrderId
from domain.intake import Service
from domain.money import Money
from tests.adapters.simulators.process import started

numbers = itertools.count(1)
ADA = Recipient(name="Ada Lovelace", lines=("St James's Square 12",))


def carriage(postal_code: str = "10115", grams: int = 1200, country: str = "DE") -> Carriage:
    return Carriage(
        origin=PostalArea(country="DE", postal_code="20095"),
        destination=PostalArea(country=country, postal_code=postal_code),
        weight_grams=grams,
    )


@dataclass
class Stage:
    """Carriers, and their side of the counter."""

    shipping: Shipping
    ledger: Callable[[str], Awaitable[list[dict[str, Any]]]]
    plant: Callable[..., Awaitable[None]]
    scan: Callable[..., Awaitable[int]]

    def __post_init__(self) -> None:
        self.order = OrderId(f"order-{next(numbers)}")

    def key(self, *words: str | int) -> OperationKey:
        return OperationKey(":".join([self.order, *map(str, words)]))

    async def bought(
        self,
        postal_code: str = "10115",
        *,
        carrier: str = "northway",
        service: Service = Service.STANDARD,
        grams: int = 1200,
        key: str = "label",
        recipient: Recipient = ADA,
    ) -> Label:
        request = LabelRequest(
            key=self.key(key, carrier),
            reference=self.order,
            shipment=f"shipment/{self.order}/1",
            carrier=CarrierId(carrier),
            service=service,
            carriage=carriage(postal_code, grams),
        )
        return await self.shipping.buy(request, recipient)

    async def story(self) -> list[tuple[str, str]]:
        return [(entry["operation"], entry["status"]) for entry in await self.ledger(self.order)]


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[str]:
    # An answer that is lost is cut off soon, so that no test has to wait for its own time-out.
    async with started("adapters.simulators.carriage", "--port", "0", "--silence", "0.1") as running:
        yield f"{running.url}/carriers"


@pytest.fixture(params=["memory", "http"])
async def stage(request: pytest.FixtureRequest, simulator: str) -> AsyncIterator[Stage]:
    if request.param == "memory":
        yield _in_memory()
        return
    async with http_client(timeout=10) as client:

        async def ledger(reference: str) -> list[dict[str, Any]]:
            entries = (await client.get(f"{simulator}/ledger", params={"reference": reference})).json()["entries"]
            return list(entries)

        async def plant(**fault: Any) -> None:
            (await client.post(f"{simulator}/faults", json=fault)).raise_for_status()

        async def scan(tracking: str, status: str, at: datetime | None = None) -> int:
            body = {"status": status} | ({"at": at.isoformat()} if at else {})
            return (await client.post(f"{simulator}/parcels/{tracking}/events", json=body)).status_code

        yield Stage(SimulatorShipping(simulator, client), ledger, plant, scan)
        await client.delete(f"{simulator}/faults")


def _in_memory() -> Stage:
    ticks = itertools.count()
    shipping = MemoryShipping(lambda: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(milliseconds=next(ticks)))

    async def ledger(reference: str) -> list[dict[str, Any]]:
        return shipping.engine.books.ledger(reference)

    async def plant(**fault: Any) -> None:
        shipping.engine.faults.plant(Fault.model_validate(fault))

    async def scan(tracking: str, status: str, at: datetime | None = None) -> int:
        return shipping.engine.scan(tracking, status, at).status

    return Stage(shipping, ledger, plant, scan)


class TestRates:
    async def test_carriers_ask_differently_for_different_services(self, stage: Stage) -> None:
        rates = {(rate.carrier, rate.service): rate for rate in await stage.shipping.rates(carriage())}
        assert {carrier for carrier, _ in rates} == {"northway", "kestrel"}
        assert ("northway", Service.ECONOMY) not in rates
        standard = rates[CarrierId("northway"), Service.STANDARD]
        assert standard.price == Money(amount=459 + 90, currency="EUR")
        assert rates[CarrierId("kestrel"), Service.STANDARD].deliver_by > standard.deliver_by

    async def test_one_service_can_be_asked_for(self, stage: Stage) -> None:
        rates = await stage.shipping.rates(carriage(), Service.ECONOMY)
        assert [(rate.carrier, rate.service) for rate in rates] == [("kestrel", Service.ECONOMY)]

    async def test_weight_borders_and_places_count(self, stage: Stage) -> None:
        async def priced(**of: Any) -> dict[str, int]:
            return {r.carrier: r.price.amount for r in await stage.shipping.rates(carriage(**of), Service.STANDARD)}

        assert (await priced(grams=1000))["northway"] == 459
        assert (await priced(grams=1001))["northway"] == 549
        assert (await priced(grams=1000, country="FR"))["northway"] == 1159
        assert set(await priced(grams=25_000)) == {"northway"}
        assert await priced(grams=40_000) == {}
        assert await priced(postal_code="00099") == {}


class TestBuying:
    async def test_a_label_is_bought_and_is_where_it_is(self, stage: Stage) -> None:
        label = await stage.bought()
        assert (label.status, label.voided_at) == (ParcelStatus.LABEL_CREATED, None)
        assert (label.reference, label.shipment) == (stage.order, f"shipment/{stage.order}/1")
        assert is_tracking_number(label.tracking_number)
        assert await stage.shipping.parcel(label.tracking_number) == label
        (entry,) = await stage.ledger(stage.order)
        wanted = {
            "operation": "buy",
            "status": "succeeded",
            "label_id": label.id,
            "key": stage.key("label", "northway"),
        }
        assert wanted.items() <= entry.items()

    async def test_what_is_printed_names_the_recipient_and_has_the_number_as_a_barcode(self, stage: Stage) -> None:
        label = await stage.bought(recipient=Recipient(name="Ada ^XZ~JA", lines=("St James's\n^Square 12",)))
        printed = await stage.shipping.document(label.id)
        assert printed.startswith("^XA")
        assert f"^BCN,160,Y,N,N^FD{label.tracking_number}^FS" in printed
        assert "^FDAda XZ JA^FS" in printed
        assert printed.count("^XZ") == 1
        with pytest.raises(NotKnown):
            await stage.shipping.document(LabelId("lbl_none"))

    async def test_the_same_key_gives_the_same_label_once(self, stage: Stage) -> None:
        answers = await asyncio.gather(*(stage.bought() for _ in range(20)))
        assert len({answer.tracking_number for answer in answers}) == 1
        assert await stage.story() == [("buy", "succeeded")]

    @pytest.mark.parametrize("other", [{"grams": 1300}, {"recipient": Recipient(name="Eve", lines=("Elsewhere 1",))}])
    async def test_the_same_key_for_another_parcel_is_a_conflict(self, stage: Stage, other: dict[str, Any]) -> None:
        await stage.bought()
        with pytest.raises(KeyConflict):
            await stage.bought(**other)
        assert await stage.story() == [("buy", "succeeded")]

    async def test_a_lost_answer_is_found_by_its_key_and_was_executed_once(self, stage: Stage) -> None:
        with pytest.raises(OutcomeUnknown):
            await stage.bought("00004")
        found = await stage.shipping.find(stage.key("label", "northway"))
        assert found is not None
        assert await stage.bought("00004") == found
        assert await stage.story() == [("buy", "succeeded")]

    async def test_what_never_arrived_is_not_found(self, stage: Stage) -> None:
        await stage.plant(operation="buy", kind="before")
        with pytest.raises(OutcomeUnknown):
            await stage.bought()
        assert await stage.shipping.find(stage.key("label", "northway")) is None
        assert (await stage.bought()).status is ParcelStatus.LABEL_CREATED

    @pytest.mark.parametrize(
        ("of", "reason"),
        [
            ({"postal_code": "00002"}, CarrierRefusal.ADDRESS),
            ({"grams": 31_501}, CarrierRefusal.WEIGHT),
            ({"service": Service.ECONOMY}, CarrierRefusal.SERVICE),
            ({"postal_code": "00099"}, CarrierRefusal.SERVICE),
            ({"carrier": "nobody"}, CarrierRefusal.OTHER),
        ],
    )
    async def test_a_refusal_is_final_for_its_key(
        self, stage: Stage, of: dict[str, Any], reason: CarrierRefusal
    ) -> None:
        for _ in range(2):
            with pytest.raises(LabelRefused) as refused:
                await stage.bought(**of)
            assert refused.value.reason is reason
        assert await stage.story() == [("buy", "refused")]
        with pytest.raises(LabelRefused):
            await stage.shipping.find(stage.key("label", of.get("carrier", "northway")))

    async def test_who_is_refused_by_one_carrier_asks_the_next(self, stage: Stage) -> None:
        rates = await stage.shipping.rates(carriage("00001"))
        refused: list[CarrierId] = []
        while order := carriers_in_order(rates, Service.STANDARD, None, refused).ask:
            carrier = order[0].rate.carrier
            try:
                label = await stage.bought("00001", carrier=carrier)
            except LabelRefused:
                refused.append(carrier)
            else:
                break
        assert refused == ["northway"]
        assert label.carrier == "kestrel"
        assert await stage.story() == [("buy", "refused"), ("buy", "succeeded")]


class TestVoiding:
    async def test_an_unused_label_is_given_back_once(self, stage: Stage) -> None:
        label = await stage.bought()
        void = await stage.shipping.void(label.id, key=stage.key("void", 1))
        assert void.voided_at is not None
        assert await stage.shipping.void(label.id, key=stage.key("void", 1)) == void
        assert await stage.shipping.void(label.id, key=stage.key("void", 2)) == void
        assert await stage.shipping.find(stage.key("void", 1)) == void
        assert await stage.shipping.find(stage.key("label", "northway")) == void

    async def test_a_label_in_use_is_not(self, stage: Stage) -> None:
        label = await stage.bought()
        assert await stage.scan(label.tracking_number, "picked_up") == 201
        with pytest.raises(LabelRefused) as refused:
            await stage.shipping.void(label.id, key=stage.key("void", 1))
        assert refused.value.reason is CarrierRefusal.IN_USE
        assert (await stage.shipping.parcel(label.tracking_number)).voided_at is None

    async def test_nobody_carries_what_has_no_valid_label(self, stage: Stage) -> None:
        label = await stage.bought()
        await stage.shipping.void(label.id, key=stage.key("void", 1))
        assert await stage.scan(label.tracking_number, "picked_up") == 409
        assert (await stage.shipping.parcel(label.tracking_number)).status is ParcelStatus.LABEL_CREATED

    async def test_what_nobody_knows_is_said_so(self, stage: Stage) -> None:
        with pytest.raises(NotKnown):
            await stage.shipping.void(LabelId("lbl_none"), key=stage.key("void", 1))
        assert await stage.shipping.find(stage.key("void", 1)) is None
        with pytest.raises(NotKnown):
            await stage.shipping.parcel(TrackingNumber("NW000000000DE"))

    async def test_a_lost_answer_to_a_void_is_found_by_its_key(self, stage: Stage) -> None:
        label = await stage.bought()
        await stage.plant(operation="void", kind="after")
        with pytest.raises(OutcomeUnknown):
            await stage.shipping.void(label.id, key=stage.key("void", 1))
        found = await stage.shipping.find(stage.key("void", 1))
        assert found is not None
        assert found.voided_at is not None


class TestParcels:
    async def test_a_parcel_is_where_its_newest_possible_scan_says(self, stage: Stage) -> None:
        label = await stage.bought()
        number = label.tracking_number
        later = label.bought_at + timedelta(hours=1)
        await stage.scan(number, "in_transit", later)
        await stage.scan(number, "picked_up", later - timedelta(minutes=30))
        await stage.scan(number, "held_for_inspection", later + timedelta(minutes=30))
        now = await stage.shipping.parcel(number)
        assert (now.status, now.status_at) == (ParcelStatus.IN_TRANSIT, later)
        assert [status for operation, status in await stage.story() if operation == "scan"] == [
            "in_transit",
            "picked_up",
            "held_for_inspection",
        ]


class TestFaults:
    @pytest.mark.parametrize("status", [429, 500, 503])
    async def test_who_is_away_says_when_to_come_back(self, stage: Stage, status: int) -> None:
        await stage.plant(operation="buy", kind="status", status=status, retry_after=7, count=2)
        for _ in range(2):
            with pytest.raises(Unavailable) as away:
                await stage.bought()
            assert away.value.retry_after == 7
        assert (await stage.bought()).status is ParcelStatus.LABEL_CREATED

    async def test_one_carrier_can_be_away_alone(self, stage: Stage) -> None:
        await stage.plant(kind="status", status=503, carrier="northway")
        assert (await stage.bought(carrier="kestrel")).carrier == "kestrel"
        with pytest.raises(Unavailable):
            await stage.bought()
        with pytest.raises(Unavailable) as away:
            await stage.bought("00003", key="other")
        assert away.value.retry_after == 1

    async def test_a_question_without_an_answer_may_be_asked_again(self, stage: Stage) -> None:
        await stage.plant(operation="rates", kind="after")
        with pytest.raises(Unavailable):
            await stage.shipping.rates(carriage())
        assert await stage.shipping.rates(carriage())

    async def test_a_refusal_can_be_ordered(self, stage: Stage) -> None:
        await stage.plant(operation="buy", kind="status", status=422)
        with pytest.raises(LabelRefused) as refused:
            await stage.bought()
        assert refused.value.reason is CarrierRefusal.OTHER

    async def test_nonsense_is_not_taken_for_an_answer(self, stage: Stage) -> None:
        await stage.plant(operation="parcel", kind="status", status=404)
        with pytest.raises(NotUnderstood):
            await stage.shipping.parcel((await stage.bought()).tracking_number)

    @pytest.mark.parametrize("postal_code", ["00002", "00004"])
    async def test_no_fault_and_no_ledger_names_the_recipient(self, stage: Stage, postal_code: str) -> None:
        with pytest.raises(OutsideFault) as fault:
            await stage.bought(postal_code)
        said = f"{fault.value!r} {fault.value} {await stage.ledger(stage.order)}"
        assert not any(word in said for word in ("Lovelace", "Square", postal_code))
        assert "Lovelace" not in repr(ADA)
