"""Opening times on ordinary days and on the nights when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.store_hours import (
    HORIZON_DAYS,
    OpeningTimes,
    StoreHours,
    add_open_time,
    always_open,
    closing_on_or_after,
    is_closed_all_day,
    is_open,
    next_opening,
    next_possible,
    open_intervals,
    with_holidays_written_out,
)

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Los_Angeles",
    "Asia/Kathmandu",
    "America/Havana",
    "America/Nuuk",
]
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS = {day: [("09:00", "18:00")] for day in DAYS[:5]}
MONDAY_TO_SATURDAY = WEEKDAYS | {"sat": [("10:00", "16:00")]}
EVERY_DAY = {day: [("09:00", "18:00")] for day in DAYS}


def store(weekly: object, zone: str = "Europe/Berlin", **more: object) -> StoreHours:
    return StoreHours.model_validate({"zone": zone, "weekly": weekly, **more})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def open_between(hours: StoreHours, from_: datetime, to: datetime) -> timedelta:
    return sum((piece.closes - piece.opens for piece in open_intervals(hours, from_, to)), timedelta())


# The shape


def test_hours_read_and_write_the_shape_of_the_api():
    body = (
        '{"weekly":{"mon":[["09:00","12:00"],["13:00","24:00"]],"sun":[]},'
        '"exceptions":{"2026-12-24":[["09:00","14:00"]],"2026-12-25":[]}}'
    )
    times = OpeningTimes.model_validate_json(body)
    assert times.model_dump_json(exclude_none=True) == body
    assert times.in_zone("Asia/Kathmandu").zone == "Asia/Kathmandu"


def test_intervals_are_put_in_order():
    assert store({"mon": [("13:00", "18:00"), ("09:00", "13:00")]}).weekly["mon"] == (
        ("09:00", "13:00"),
        ("13:00", "18:00"),
    )


@pytest.mark.parametrize(
    "body",
    [
        {"weekly": {"mon": [("09:00", "09:00")]}},
        {"weekly": {"mon": [("18:00", "09:00")]}},
        {"weekly": {"mon": [("09:00", "13:00"), ("12:59", "18:00")]}},
        {"weekly": {"mon": [("09:00", "24:01")]}},
        {"weekly": {"mon": [("9:00", "18:00")]}},
        {"weekly": {"mon": [("٠9:00", "18:00")]}},
        {"weekly": {"mon": [("09:00", "18:00\n")]}},
        {"weekly": {"mon": [("09:00",)]}},
        {"weekly": {"monday": []}},
        {"weekly": {}, "exceptions": {"2026-02-29": []}},
        {"weekly": {}, "exceptions": {"20261224": []}},
        {"weekly": {}, "exceptions": {"2026-12-24": [("10:00", "09:00")]}},
        {"weekly": {}, "holidays": "XX"},
        {"weekly": {}, "holidays": "DE-ZZ"},
        {"weekly": {}, "holidays": "de-be"},
        {"weekly": {}, "zone": "Mars/Olympus"},
        {"weekly": {}, "zone": "America"},
        {"weekly": {}, "zone": "localtime"},
        {"weekly": {}, "zone": "../../etc/passwd"},
        {"weekly": {}, "zone": ""},
        {"weekly": {}, "zone": "Europe/Berlin\0"},
        {"weekly": {}, "open": True},
        {},
    ],
)
def test_hours_that_make_no_sense_are_refused(body: dict[str, object]):
    with pytest.raises(ValidationError):
        StoreHours.model_validate({"zone": "Europe/Berlin", **body})


# Ordinary days


def test_opening_counts_as_open_and_closing_does_not():
    hours = store(WEEKDAYS)
    assert not is_open(hours, utc("2026-11-23T07:59:59"))
    assert is_open(hours, utc("2026-11-23T08:00:00"))
    assert is_open(hours, utc("2026-11-23T16:59:59"))
    assert not is_open(hours, utc("2026-11-23T17:00:00"))


def test_the_next_opening_is_now_while_open_and_monday_on_a_weekend():
    hours = store(WEEKDAYS)
    assert next_opening(hours, utc("2026-11-23T10:30:00")) == utc("2026-11-23T10:30:00")
    assert next_opening(hours, utc("2026-11-20T17:00:00")) == utc("2026-11-23T08:00:00")


def test_open_time_runs_only_while_the_store_is_open():
    hours = store(WEEKDAYS)
    friday_evening = utc("2026-11-20T16:40:00")
    assert add_open_time(hours, friday_evening, timedelta(minutes=15)) == utc("2026-11-20T16:55:00")
    assert add_open_time(hours, friday_evening, timedelta(minutes=20)) == utc("2026-11-20T17:00:00")
    assert add_open_time(hours, friday_evening, timedelta(minutes=30)) == utc("2026-11-23T08:10:00")
    assert add_open_time(hours, friday_evening, timedelta()) == friday_evening


def test_the_end_of_the_day_is_the_last_closing_and_not_lunch():
    hours = store({"mon": [("09:00", "12:00"), ("14:00", "18:00")]})
    assert closing_on_or_after(hours, utc("2026-11-23T09:00:00")) == utc("2026-11-23T17:00:00")
    assert closing_on_or_after(hours, utc("2026-11-23T17:00:00")) == utc("2026-11-23T17:00:00")
    assert closing_on_or_after(hours, utc("2026-11-23T17:00:01")) == utc("2026-11-30T17:00:00")


def test_no_time_holds_no_opening_time():
    now, earlier = utc("2026-11-23T10:00:00"), utc("2026-11-23T09:00:00")
    assert list(open_intervals(store(WEEKDAYS), now, now)) == []
    assert list(open_intervals(store(WEEKDAYS), now, earlier)) == []


def test_lunch_is_closed_and_touching_intervals_are_one():
    hours = store({"mon": [("09:00", "12:00"), ("12:00", "13:00"), ("14:00", "18:00")]})
    assert list(open_intervals(hours, utc("2026-11-23T00:00:00"), utc("2026-11-24T00:00:00"))) == [
        (utc("2026-11-23T08:00:00"), utc("2026-11-23T12:00:00")),
        (utc("2026-11-23T13:00:00"), utc("2026-11-23T17:00:00")),
    ]


def test_a_store_that_never_shuts_is_one_interval_and_ends_its_day_at_midnight():
    hours = always_open("Asia/Kathmandu")
    from_, to = utc("2026-11-23T00:00:00"), utc("2026-11-28T00:00:00")
    assert list(open_intervals(hours, from_, to)) == [(from_, to)]
    assert closing_on_or_after(hours, from_) == utc("2026-11-23T18:15:00")


def test_a_store_that_never_opens_gives_no_answer_instead_of_searching_for_ever():
    hours = store({})
    at = utc("2026-11-23T10:00:00")
    assert next_opening(hours, at) is None
    assert next_possible(hours, at, at) is None
    assert add_open_time(hours, at, timedelta(minutes=1)) is None
    assert closing_on_or_after(hours, at) is None
    assert list(open_intervals(hours, at, at + timedelta(days=300))) == []


def test_a_search_ends_at_the_horizon():
    reopens = "2028-06-01"
    hours = store({}, exceptions={reopens: [("09:00", "18:00")]})
    opening = utc("2028-06-01T07:00:00")
    assert next_opening(hours, opening - timedelta(days=HORIZON_DAYS - 1)) == opening
    assert next_opening(hours, opening - timedelta(days=HORIZON_DAYS + 1)) is None


def test_after_a_pause_the_next_possible_time_is_an_opening_time():
    hours = store(WEEKDAYS)
    at = utc("2026-11-23T10:00:00")
    assert next_possible(hours, at) == at
    assert next_possible(hours, at, utc("2026-11-23T20:00:00")) == utc("2026-11-24T08:00:00")
    assert next_possible(hours, at, utc("2026-11-01T20:00:00")) == at


# Holidays and leap days


def test_exceptions_replace_the_week_at_christmas():
    hours = store(MONDAY_TO_SATURDAY, exceptions={"2026-12-24": [("09:00", "14:00")], "2026-12-25": []})
    christmas_eve = utc("2026-12-24T12:00:00")
    assert add_open_time(hours, christmas_eve, timedelta(hours=1)) == utc("2026-12-24T13:00:00")
    # 26 December is a Saturday, and these hours name no holidays.
    assert add_open_time(hours, christmas_eve, timedelta(hours=2)) == utc("2026-12-26T10:00:00")
    assert is_closed_all_day(hours, utc("2026-12-25T10:00:00"))
    assert not is_closed_all_day(hours, utc("2026-12-24T20:00:00"))
    assert not is_closed_all_day(hours, utc("2026-12-27T10:00:00")), "a plain Sunday is no holiday"


def test_public_holidays_of_the_region_are_closed():
    hours = store(EVERY_DAY, holidays="DE-BE", exceptions={"2026-12-24": [("09:00", "14:00")]})
    assert next_opening(hours, utc("2026-12-24T13:00:00")) == utc("2026-12-27T08:00:00")
    # 8 March is a holiday in Berlin and not in Bavaria.
    womens_day = utc("2027-03-08T10:00:00")
    assert not is_open(hours, womens_day)
    assert is_open(store(EVERY_DAY, holidays="DE-BY"), womens_day)


def test_an_exception_opens_the_store_on_a_public_holiday():
    hours = store(EVERY_DAY, holidays="US", zone="America/New_York", exceptions={"2026-11-26": [("06:00", "10:00")]})
    assert is_open(hours, utc("2026-11-26T11:00:00"))
    assert not is_open(hours, utc("2026-12-25T15:00:00"))


def test_holidays_written_out_answer_the_same_without_the_calendar():
    hours = store(EVERY_DAY, holidays="DE-BE", exceptions={"2026-12-25": [("10:00", "11:00")]})
    at = utc("2026-11-23T10:00:00")
    plain = with_holidays_written_out(hours, at)
    assert plain.holidays is None
    assert plain.exceptions["2026-12-25"] == (("10:00", "11:00"),)
    assert plain.exceptions["2026-12-26"] == ()
    year_on = at + timedelta(days=390)
    assert list(open_intervals(plain, at, year_on)) == list(open_intervals(hours, at, year_on))


def test_the_leap_day_is_a_day_like_others():
    hours = store({"tue": [("09:00", "18:00")]})
    assert next_opening(hours, utc("2028-02-28T20:00:00")) == utc("2028-02-29T08:00:00")


# The nights when clocks change


def test_a_day_is_an_hour_longer_when_berlin_leaves_summer_time():
    hours = store({"sun": [("00:00", "24:00")]})
    assert list(open_intervals(hours, utc("2026-10-24T00:00:00"), utc("2026-10-27T00:00:00"))) == [
        (utc("2026-10-24T22:00:00"), utc("2026-10-25T23:00:00"))
    ]


def test_nine_in_the_morning_moves_in_utc_when_berlin_changes_its_clocks():
    hours = store(EVERY_DAY)
    assert next_opening(hours, utc("2026-10-24T20:00:00")) == utc("2026-10-25T08:00:00")
    assert next_opening(hours, utc("2026-10-23T20:00:00")) == utc("2026-10-24T07:00:00")
    assert next_opening(hours, utc("2027-03-27T20:00:00")) == utc("2027-03-28T07:00:00")
    assert next_opening(hours, utc("2026-10-31T23:00:00")) == utc("2026-11-01T08:00:00")


def test_new_york_changes_a_week_later():
    hours = store(EVERY_DAY, zone="America/New_York")
    assert next_opening(hours, utc("2026-10-31T05:00:00")) == utc("2026-10-31T13:00:00")
    assert next_opening(hours, utc("2026-11-01T05:00:00")) == utc("2026-11-01T14:00:00")


def test_hours_inside_the_missing_hour_mean_the_moment_of_the_change():
    change = utc("2027-03-28T01:00:00")
    opens_in_it = store({"sun": [("02:30", "10:00")]})
    assert next_opening(opens_in_it, utc("2027-03-27T20:00:00")) == change
    closes_in_it = store({"sun": [("01:00", "02:30")]})
    assert closing_on_or_after(closes_in_it, utc("2027-03-27T20:00:00")) == change
    within_it = store({"sun": [("02:00", "03:00")]})
    assert next_opening(within_it, utc("2027-03-27T20:00:00")) == utc("2027-04-04T00:00:00")


def test_a_doubled_hour_opens_at_its_first_showing_and_closes_at_its_last():
    hours = store({"sun": [("02:00", "02:30")]})
    assert list(open_intervals(hours, utc("2026-10-24T00:00:00"), utc("2026-10-26T00:00:00"))) == [
        (utc("2026-10-25T00:00:00"), utc("2026-10-25T01:30:00"))
    ]


def test_intervals_that_the_doubled_hour_pushes_together_are_one():
    hours = store({"sun": [("01:00", "02:15"), ("02:45", "05:00")]})
    assert list(open_intervals(hours, utc("2026-10-24T00:00:00"), utc("2026-10-26T00:00:00"))) == [
        (utc("2026-10-24T23:00:00"), utc("2026-10-25T04:00:00"))
    ]


def test_lord_howe_moves_by_half_an_hour():
    hours = store({"sun": [("00:00", "24:00")]}, zone="Australia/Lord_Howe")
    assert list(open_intervals(hours, utc("2026-10-02T00:00:00"), utc("2026-10-06T00:00:00"))) == [
        (utc("2026-10-03T13:30:00"), utc("2026-10-04T13:00:00"))
    ]
    assert open_between(hours, utc("2027-04-02T00:00:00"), utc("2027-04-06T00:00:00")) == timedelta(hours=24.5)


def test_a_day_that_ends_at_midnight_does_not_reach_into_a_doubled_midnight_hour():
    # Havana goes back from 01:00 to 00:00 on Sunday, 1 November 2026; the store is closed on Sundays.
    hours = store({"sat": [("09:00", "24:00")]}, zone="America/Havana")
    assert closing_on_or_after(hours, utc("2026-10-31T20:00:00")) == utc("2026-11-01T04:00:00")


# Properties

walls = st.integers(0, 96).map(lambda quarter: f"{quarter // 4:02d}:{quarter % 4 * 15:02d}")


@st.composite
def day_hours(draw: st.DrawFn) -> list[tuple[str, str]]:
    times = sorted(draw(st.lists(walls, max_size=6, unique=True)))
    return list(zip(times[::2], times[1::2], strict=False))


@st.composite
def some_hours(draw: st.DrawFn) -> StoreHours:
    weekly = draw(st.dictionaries(st.sampled_from(DAYS), day_hours()))
    exceptions = draw(
        st.dictionaries(st.dates(date(2026, 10, 20), date(2026, 11, 10)).map(date.isoformat), day_hours(), max_size=4)
    )
    return store(weekly, zone=draw(st.sampled_from(ZONES)), exceptions=exceptions)


CHANGES = ["2026-10-04", "2026-10-25", "2026-11-01", "2027-03-14", "2027-03-28", "2027-04-04", "2028-02-29"]


@st.composite
def instants(draw: st.DrawFn) -> datetime:
    day = utc(draw(st.sampled_from(CHANGES)))
    return day + timedelta(minutes=draw(st.integers(-3 * 1440, 3 * 1440)))


@given(some_hours(), instants())
@settings(max_examples=300, deadline=None)
def test_the_store_is_open_whenever_its_clock_shows_an_opening_time(hours: StoreHours, at: datetime):
    local = at.astimezone(ZoneInfo(hours.zone))
    wall = f"{local.hour:02d}:{local.minute:02d}"
    of_day = hours.exceptions.get(local.date().isoformat(), hours.weekly.get(DAYS[local.weekday()], ()))
    shown = any(opens <= wall < closes for opens, closes in of_day)
    clock_went_back = any(
        (at - timedelta(hours=ago)).astimezone(ZoneInfo(hours.zone)).utcoffset() != local.utcoffset()
        or (at + timedelta(hours=ago)).astimezone(ZoneInfo(hours.zone)).utcoffset() != local.utcoffset()
        for ago in (0.5, 1, 2)
    )
    assert is_open(hours, at) if shown else clock_went_back or not is_open(hours, at)


@given(some_hours(), instants())
@settings(max_examples=200, deadline=None)
def test_openings_and_closings_are_where_the_answer_changes(hours: StoreHours, at: datetime):
    second = timedelta(seconds=1)
    opening = next_opening(hours, at)
    assert (opening == at) == is_open(hours, at)
    if opening is not None:
        assert opening >= at
        assert is_open(hours, opening)
        assert opening == at or not is_open(hours, opening - second)
    closing = closing_on_or_after(hours, at)
    assert (closing is None) == (opening is None) or closing == at
    if closing is not None:
        assert closing >= at
        assert is_open(hours, closing - second)


@given(some_hours(), instants(), st.integers(1, 14 * 24 * 60))
@settings(max_examples=200, deadline=None)
def test_open_time_added_is_the_open_time_that_passed(hours: StoreHours, at: datetime, minutes: int):
    duration = timedelta(minutes=minutes)
    end = add_open_time(hours, at, duration)
    if end is None:
        assert open_between(hours, at, at + timedelta(days=HORIZON_DAYS - 2)) < duration
        return
    assert open_between(hours, at, end) == duration
    assert is_open(hours, end - timedelta(seconds=1))


@given(some_hours(), instants(), st.integers(0, 3000), st.integers(0, 3000))
@settings(max_examples=150, deadline=None)
def test_open_time_adds_up_and_never_runs_backwards(hours: StoreHours, at: datetime, first: int, second: int):
    step = add_open_time(hours, at, timedelta(minutes=first))
    whole = add_open_time(hours, at, timedelta(minutes=first + second))
    if step is not None and whole is not None:
        assert at <= step <= whole
        assert add_open_time(hours, step, timedelta(minutes=second)) == whole or (first + second == 0)


@given(some_hours(), instants(), st.integers(0, 20 * 1440))
@settings(max_examples=150, deadline=None)
def test_open_intervals_are_apart_in_order_and_inside_what_was_asked(hours: StoreHours, at: datetime, minutes: int):
    to = at + timedelta(minutes=minutes)
    pieces = list(open_intervals(hours, at, to))
    edges = [edge for piece in pieces for edge in piece]
    assert edges == sorted(set(edges))
    assert all(at <= edge <= to for edge in edges)
    assert all(is_open(hours, piece.opens) for piece in pieces)
