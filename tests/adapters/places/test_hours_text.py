"""Opening hours as customers read them in a mail."""

import pytest

from adapters.places.port import Place, PlaceKind
from domain.ids import StoreId
from domain.store_hours import DayHours, StoreHours, Weekday, always_open

NINE_TO_SIX: DayHours = (("09:00", "18:00"),)
WITH_LUNCH: DayHours = (("09:00", "12:30"), ("14:00", "18:00"))


def place(hours: StoreHours) -> Place:
    return Place(
        location_id=StoreId("S001"),
        kind=PlaceKind.STORE,
        name="Berlin",
        address="Street 1",
        latitude=0,
        longitude=0,
        email="s001@stores.example",
        hours=hours,
    )


def with_week(week: dict[Weekday, DayHours]) -> Place:
    return place(StoreHours(zone="Europe/Berlin", weekly=week))


WORKWEEK: dict[Weekday, DayHours] = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), NINE_TO_SIX)


@pytest.mark.parametrize(
    ("week", "text"),
    [
        (WORKWEEK, "Mon–Fri 09:00–18:00"),
        (WORKWEEK | {"sat": (("10:00", "16:00"),)}, "Mon–Fri 09:00–18:00\nSat 10:00–16:00"),
        (WORKWEEK | {"wed": ()}, "Mon–Tue 09:00–18:00\nThu–Fri 09:00–18:00"),
        (WORKWEEK | {"wed": WITH_LUNCH}, "Mon–Tue 09:00–18:00\nWed 09:00–12:30, 14:00–18:00\nThu–Fri 09:00–18:00"),
        ({"sun": NINE_TO_SIX, "mon": NINE_TO_SIX}, "Mon 09:00–18:00\nSun 09:00–18:00"),
        ({}, ""),
    ],
)
def test_equal_days_in_a_row_share_a_line_and_closed_days_have_none(week: dict[Weekday, DayHours], text: str) -> None:
    assert with_week(week).hours_text() == text


def test_a_place_that_never_shuts_says_so_in_one_line() -> None:
    assert place(always_open("Europe/Berlin")).hours_text() == "Mon–Sun 00:00–24:00"


@pytest.mark.parametrize(
    ("locale", "text"),
    [("de-DE", "Mo–Fr 09:00–18:00"), ("en-GB", "Mon–Fri 09:00–18:00"), ("fr", "Mon–Fri 09:00–18:00")],
)
def test_the_days_are_named_in_the_readers_language_where_it_is_known(locale: str, text: str) -> None:
    assert with_week(WORKWEEK).hours_text(locale) == text
