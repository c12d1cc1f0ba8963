"""Carriers under a clock that can be moved: parcels that travel alone, and numbers that check themselves."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.shipping.memory import MemoryShipping
from adapters.shipping.port import LabelRequest, Recipient
from adapters.simulators.carrier.engine import Automatic
from adapters.simulators.carrier.tracking import is_tracking_number, tracking_number
from domain.carriage import Carriage, CarrierId, Label, ParcelStatus, PostalArea, hear_of_parcel, parcel_status
from domain.hearsay import Effect
from domain.ids import OperationKey, OrderId
from domain.intake import Service

HOUR = timedelta(hours=1)


class Road:
    """Memory, and a clock."""

    def __init__(self, auto: Automatic) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.shipping = MemoryShipping(lambda: self.now)
        self.shipping.engine.move(auto)

    async def bought(self, postal_code: str = "10115") -> Label:
        area = PostalArea(country="DE", postal_code=postal_code)
        request = LabelRequest(
            key=OperationKey(f"o:label:{postal_code}"),
            reference=OrderId("o"),
            shipment="shipment/o/1",
            carrier=CarrierId("kestrel"),
            service=Service.ECONOMY,
            carriage=Carriage(origin=area, destination=area, weight_grams=1),
        )
        return await self.shipping.buy(request, Recipient(name="Ada", lines=("x",)))

    async def hours_later(self, count: int, label: Label) -> ParcelStatus:
        for _ in range(count):
            self.now += HOUR
            self.shipping.engine.tick()
        return (await self.shipping.parcel(label.tracking_number)).status


async def test_a_parcel_takes_a_step_an_hour_and_stops_where_its_life_ends() -> None:
    road = Road(Automatic(seconds=3600, pickup_seconds=3600))
    label = await road.bought()
    assert await road.hours_later(1, label) is ParcelStatus.PICKED_UP
    assert await road.hours_later(2, label) is ParcelStatus.OUT_FOR_DELIVERY
    assert await road.hours_later(9, label) is ParcelStatus.DELIVERED
    assert len(road.shipping.engine.books.owed) == 4


async def test_nothing_moves_before_somebody_picks_it_up() -> None:
    road = Road(Automatic(seconds=3600))
    label = await road.bought()
    assert await road.hours_later(9, label) is ParcelStatus.LABEL_CREATED
    road.shipping.engine.scan(label.tracking_number, "picked_up")
    assert await road.hours_later(3, label) is ParcelStatus.DELIVERED


async def test_parcels_on_the_road_begin_and_cease_to_move_by_themselves_when_that_is_asked() -> None:
    road = Road(Automatic())
    label, waiting = await road.bought(), await road.bought("10117")
    road.shipping.engine.scan(label.tracking_number, "picked_up")
    assert await road.hours_later(3, label) is ParcelStatus.PICKED_UP
    road.shipping.engine.move(Automatic(seconds=3600, pickup_seconds=7200))
    assert await road.hours_later(1, label) is ParcelStatus.IN_TRANSIT
    road.shipping.engine.move(Automatic(pickup_seconds=7200))
    assert await road.hours_later(2, label) is ParcelStatus.IN_TRANSIT
    assert await road.hours_later(0, waiting) is ParcelStatus.PICKED_UP


async def test_a_parcel_that_is_said_to_be_lost_does_not_go_on_as_if_it_were_not() -> None:
    road = Road(Automatic(seconds=3600, pickup_seconds=3600))
    label = await road.bought()
    await road.hours_later(2, label)
    road.shipping.engine.scan(label.tracking_number, "lost")
    assert await road.hours_later(9, label) is ParcelStatus.LOST


async def test_a_word_that_nobody_knows_holds_nothing_up() -> None:
    road = Road(Automatic(seconds=3600, pickup_seconds=3600))
    label = await road.bought()
    await road.hours_later(2, label)
    road.shipping.engine.scan(label.tracking_number, "held_for_inspection")
    assert await road.hours_later(9, label) is ParcelStatus.DELIVERED


async def test_a_void_label_goes_nowhere() -> None:
    road = Road(Automatic(seconds=3600, pickup_seconds=3600))
    label = await road.bought()
    await road.shipping.void(label.id, key=OperationKey("o:void"))
    assert await road.hours_later(9, label) is ParcelStatus.LABEL_CREATED
    assert road.shipping.engine.books.owed == {}


async def test_every_life_that_a_postal_code_promises_is_a_legal_one() -> None:
    ends = {
        "00005": ParcelStatus.LOST,
        "00006": ParcelStatus.RETURNED,
        "00007": ParcelStatus.RETURNED,
        "00008": ParcelStatus.DELIVERED,
        "00009": ParcelStatus.RETURNED,
        "00010": ParcelStatus.DELIVERED,
        "00011": ParcelStatus.DELIVERED,
        "10115": ParcelStatus.DELIVERED,
    }
    for postal_code, end in ends.items():
        road = Road(Automatic(seconds=3600, pickup_seconds=3600))
        label = await road.bought(postal_code)
        assert await road.hours_later(12, label) is end, postal_code
        known, effects = label.known, set()
        for event in road.shipping.engine.books.events.values():
            at = datetime.fromisoformat(event.data["at"])
            heard = hear_of_parcel(known, parcel_status(event.data["status"]), at)
            known = heard.known
            effects.add(heard.effect)
        assert known.status is end
        assert effects <= {Effect.APPLIED, Effect.UNKNOWN}
        assert (Effect.UNKNOWN in effects) == (postal_code == "00010")


def test_the_check_digit_is_that_of_the_postal_union() -> None:
    assert tracking_number("RR", 47312482, "US") == "RR473124829US"


@given(st.integers(0, 10**8 - 1), st.integers(1, 9))
def test_a_wrong_check_digit_is_noticed(serial: int, by: int) -> None:
    number = tracking_number("NW", serial, "DE")
    assert is_tracking_number(number)
    wrong = str((int(number[10]) + by) % 10)
    assert not is_tracking_number(number[:10] + wrong + number[11:])
