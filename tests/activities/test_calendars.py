"""Places that keep the same hours leave at the same time; others do not."""

from datetime import UTC, datetime

import pytest

from activities import calendars
from activities.calendars import Calendars, day_of
from adapters.places.port import Place, PlaceKind
from domain.shipping_times import ShippingPolicy
from domain.store_hours import StoreHours, Weekday, always_open

AT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
NINE_TO_SIX = (("09:00", "18:00"),)
POLICY = ShippingPolicy()


def place(name: str, hours: StoreHours) -> Place:
    return Place(
        location_id=name,
        kind=PlaceKind.STORE,
        name=name,
        address="Example street 1",
        email="store@stores.example",
        country="DE",
        latitude=52.0,
        longitude=13.0,
        hours=hours,
    )


def hours(*days: Weekday, zone: str = "Europe/Berlin") -> StoreHours:
    return StoreHours(zone=zone, weekly=dict.fromkeys(days, NINE_TO_SIX))


PLACES = [
    place("A", hours("tue", "wed")),
    place("B", hours("tue", "wed")),
    place("C", hours("wed")),
    place("D", hours("tue", "wed", zone="Asia/Tokyo")),
    place("E", always_open("Europe/Berlin")),
    place("F", hours()),
]


def test_the_same_hours_are_reckoned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[StoreHours] = []
    reckoned = calendars.promised_ready_at

    def counting(hours: StoreHours, policy: ShippingPolicy, at: datetime) -> datetime:
        asked.append(hours)
        return reckoned(hours, policy, at)

    monkeypatch.setattr(calendars, "promised_ready_at", counting)
    known = Calendars(AT, POLICY)
    leaves = {each.location_id: known.dispatches_at(each) for each in PLACES}
    assert leaves["A"] == leaves["B"]
    assert len({leaves[name] for name in "ACDE"}) == 4
    assert leaves["F"] is None
    assert len(asked) == 4


def test_days_are_those_of_each_place() -> None:
    known = Calendars(AT, POLICY)
    assert [known.day_of(each) for each in PLACES] == [day_of(each, AT) for each in PLACES]
    assert known.day_of(PLACES[0]) != known.day_of(PLACES[2])
