"""What the simulated carriers, lockers and partners say is what the gateway takes."""

import json
from datetime import UTC, datetime, timedelta

from adapters.dropship.memory import MemoryPartners
from adapters.dropship.port import ShipRequest
from adapters.locker.memory import MemoryLockers
from adapters.locker.port import ReserveRequest
from adapters.shipping.memory import MemoryShipping
from adapters.shipping.port import LabelRequest, Recipient
from adapters.simulators.partner.engine import Word
from domain.carriage import Carriage, CarrierId, PostalArea
from domain.dropship import AskedLine, PartnerId
from domain.ids import LineId, OperationKey, Sku, order_id
from domain.intake import Service
from domain.lockers import CompartmentSize, LockerId
from gateway.webhooks.carriage import CarrierEvent, LockerEvent, PartnerEvent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORDER = order_id(NOON, b"0123456789")


async def test_every_scan_of_a_parcel_is_understood() -> None:
    shipping = MemoryShipping(lambda: NOON)
    area = PostalArea(country="DE", postal_code="10115")
    label = await shipping.buy(
        LabelRequest(
            key=OperationKey("k"),
            reference=ORDER,
            shipment=f"shipment/{ORDER}/12",
            carrier=CarrierId("kestrel"),
            service=Service.ECONOMY,
            carriage=Carriage(origin=area, destination=area, weight_grams=1),
        ),
        Recipient(name="Ada", lines=("x",)),
    )
    shipping.engine.scan(label.tracking_number, "held_for_inspection", NOON + timedelta(seconds=0.5))
    (sent,) = shipping.engine.books.events.values()
    event = CarrierEvent.model_validate(json.loads(sent.body()))
    assert (event.data.reference, event.data.shipment) == (ORDER, label.shipment)
    assert (event.data.tracking_number, event.data.type) == (label.tracking_number, sent.type)
    assert event.data.at == NOON + timedelta(seconds=0.5)


async def test_a_clock_that_is_far_ahead_makes_nothing_the_last_word() -> None:
    data = {"reference": ORDER, "status": "delivered", "carrier": "kestrel", "label_id": "l1"}
    data |= {"tracking_number": "KN1", "shipment": f"shipment/{ORDER}/1"}
    told = [
        CarrierEvent.model_validate({"type": "parcel", "data": data | {"at": at}}).data.heard(NOON).at
        for at in ("2026-03-01T11:00:00Z", "2026-03-01T12:00:30Z", "9999-12-31T23:59:59Z")
    ]
    assert told == [NOON - timedelta(hours=1), NOON + timedelta(seconds=30), NOON]


async def test_everything_seen_of_a_compartment_is_understood() -> None:
    now = [NOON]
    lockers = MemoryLockers(lambda: now[0], hold=timedelta(days=3))
    compartment = await lockers.reserve(
        ReserveRequest(
            key=OperationKey("k"),
            reference=ORDER,
            group=f"pickup/{ORDER}/1",
            locker_id=LockerId("L001"),
            size=CompartmentSize.SMALL,
            until=NOON + timedelta(hours=1),
        )
    )
    lockers.engine.deposit("L001", (await lockers.deposit_code(compartment.id)).get_secret_value())
    now[0] += timedelta(days=5)
    lockers.engine.tick()
    events = [LockerEvent.model_validate(json.loads(e.body())) for e in lockers.engine.books.events.values()]
    assert [event.data.status for event in events] == ["deposited", "expired", "returned"]
    assert {(event.data.reference, event.data.compartment_id) for event in events} == {(ORDER, compartment.id)}
    assert {event.data.collect_by for event in events} == {NOON + timedelta(days=3)}


async def test_everything_that_a_partner_says_is_understood() -> None:
    partners = MemoryPartners(lambda: NOON)
    asked = await partners.ask(
        ShipRequest(
            key=OperationKey("k"),
            partner=PartnerId("P001"),
            reference=ORDER,
            shipment=f"shipment/{ORDER}/12",
            lines=(AskedLine(line_id=LineId("1"), sku=Sku("SOFA"), quantity=1),),
            destination=PostalArea(country="DE", postal_code="10115"),
            ship_by=NOON,
        ),
        Recipient(name="Ada", lines=("x",)),
    )
    partners.engine.answer(asked.id, Word.ACCEPT)
    await partners.call_off(asked.id, key=OperationKey("off"))
    partners.engine.answer(asked.id, Word.REFUSE)
    partners.engine.answer(asked.id, Word.SHIP)
    partners.engine.say(asked.id, "gone_fishing", NOON)
    events = [PartnerEvent.model_validate(json.loads(e.body())) for e in partners.engine.books.events.values()]
    assert [each.data.status for each in events] == ["accepted", "refused_to_stop", "shipped", "gone_fishing"]
    assert {(each.data.reference, each.data.request_id, each.data.number) for each in events} == {(ORDER, asked.id, 12)}
    assert "Ada" not in str([each.body() for each in partners.engine.books.events.values()])
