"""Deadlines of a pickup in store time, with exact instants round the nights when clocks change and Christmas."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.pickup_windows import (
    PAUSED_INDEFINITELY,
    PickupPolicy,
    PickupTimeProblem,
    PickupTimeReason,
    accept_deadline,
    check_requested,
    escalation_deadline,
    expiring_notice_at,
    late_deadline,
    latest_extension,
    pickup_deadline,
    promised_ready_at,
    reminder_times,
    resumed_deadline,
)
from domain.policy_packs import PACKS, SHORT, STANDARD, PolicyPack
from domain.store_hours import StoreHours, always_open, is_open

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
POLICY = STANDARD.pickup
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Los_Angeles", "Asia/Kathmandu"]


def store(zone: str = "Europe/Berlin", closed_on: str = "sun", **more: object) -> StoreHours:
    weekly = {day: [("09:00", "18:00")] for day in DAYS if day != closed_on}
    return StoreHours.model_validate({"zone": zone, "weekly": weekly, **more})


BERLIN = store(exceptions={"2026-12-24": [("09:00", "14:00")]}, holidays="DE-BE")
NEVER_OPEN = StoreHours(zone="Europe/Berlin", weekly={})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The store's side


def test_the_time_to_accept_stops_at_closing_and_goes_on_in_the_morning():
    saturday_evening = utc("2026-10-24T15:50:00")
    assert accept_deadline(BERLIN, POLICY, saturday_evening) == utc("2026-10-26T08:20:00")


def test_the_time_after_escalation_is_opening_time_too():
    assert escalation_deadline(BERLIN, POLICY, utc("2026-11-23T16:45:00")) == utc("2026-11-24T08:15:00")


def test_an_order_in_the_morning_is_ready_two_hours_later():
    assert promised_ready_at(BERLIN, POLICY, utc("2026-11-23T09:00:00")) == utc("2026-11-23T11:00:00")


def test_an_order_at_night_is_ready_two_hours_after_opening():
    assert promised_ready_at(BERLIN, POLICY, utc("2026-11-23T02:00:00")) == utc("2026-11-23T10:00:00")


def test_an_order_past_the_cut_off_counts_as_the_next_opening_days():
    just_before = utc("2026-11-23T16:00:00")
    assert promised_ready_at(BERLIN, POLICY, just_before) == utc("2026-11-24T09:00:00")
    just_after = utc("2026-11-23T16:00:01")
    assert promised_ready_at(BERLIN, POLICY, just_after) == utc("2026-11-24T10:00:00")


def test_an_order_on_christmas_eve_past_the_cut_off_is_ready_after_the_holidays():
    assert promised_ready_at(BERLIN, POLICY, utc("2026-12-24T12:30:00")) == utc("2026-12-28T10:00:00")


def test_the_doubled_night_hour_is_real_time_where_the_store_never_shuts():
    policy = POLICY.model_copy(update={"cut_off": timedelta()})
    at = utc("2026-10-25T00:30:00")  # 02:30 in Berlin, for the first time
    assert promised_ready_at(always_open("Europe/Berlin"), policy, at) == utc("2026-10-25T02:30:00")


def test_a_later_time_that_the_customer_asks_for_is_the_promise_and_an_earlier_one_is_not():
    at = utc("2026-11-23T09:00:00")
    later = utc("2026-11-24T13:00:00")
    assert promised_ready_at(BERLIN, POLICY, at, later) == later
    assert promised_ready_at(BERLIN, POLICY, at, utc("2026-11-23T09:30:00")) == utc("2026-11-23T11:00:00")


# The customer's side


@pytest.mark.parametrize(
    ("ready_at", "deadline"),
    [
        ("2026-11-23T11:00:00", "2026-11-30T17:00:00"),
        # Across the end of summer time: 18:00 is 16:00 UTC before and 17:00 UTC after.
        ("2026-10-20T10:00:00", "2026-10-27T17:00:00"),
        # Ready exactly at closing: still the seventh day, though it is an hour shorter in elapsed time.
        ("2027-03-23T17:00:00", "2027-03-30T16:00:00"),
        ("2026-10-20T16:00:00", "2026-10-27T17:00:00"),
        # The seventh day is Friday, 25 December; open again on Monday.
        ("2026-12-18T11:00:00", "2026-12-28T17:00:00"),
        # The seventh day is Christmas Eve, which closes at 14:00, and 11:00 is before that.
        ("2026-12-17T10:00:00", "2026-12-24T13:00:00"),
        # Ready after 14:00: Christmas Eve would make the window shorter than a week.
        ("2026-12-17T14:00:00", "2026-12-28T17:00:00"),
        ("2028-02-22T11:00:00", "2028-02-29T17:00:00"),
    ],
)
def test_the_window_ends_at_a_closing_and_is_never_shorter_than_promised(ready_at: str, deadline: str):
    assert pickup_deadline(BERLIN, POLICY, utc(ready_at)) == utc(deadline)


def test_new_york_leaves_summer_time_on_the_first_of_november():
    hours = store("America/New_York", closed_on="none")
    assert pickup_deadline(hours, POLICY, utc("2026-10-25T16:00:00")) == utc("2026-11-01T23:00:00")
    assert pickup_deadline(hours, POLICY, utc("2026-10-24T16:00:00")) == utc("2026-10-31T22:00:00")


def test_an_extension_ends_a_week_after_the_first_deadline():
    assert latest_extension(BERLIN, POLICY, utc("2026-11-23T11:00:00")) == utc("2026-12-07T17:00:00")


def test_reminders_come_in_order_and_only_between_ready_and_the_deadline():
    ready_at, deadline = utc("2026-11-23T11:00:00"), utc("2026-11-30T17:00:00")
    assert reminder_times(POLICY, ready_at, deadline) == [utc("2026-11-25T11:00:00"), utc("2026-11-27T17:00:00")]
    assert reminder_times(POLICY, ready_at, ready_at + timedelta(days=1)) == []
    assert reminder_times(POLICY, ready_at, ready_at + timedelta(days=2)) == []
    assert reminder_times(POLICY, ready_at, ready_at + timedelta(days=3)) == [ready_at + timedelta(days=2)]


def test_two_reminders_at_one_moment_are_one():
    policy = POLICY.model_copy(update={"reminders_after_ready": (timedelta(days=4), timedelta(days=2))})
    ready_at = utc("2026-11-23T11:00:00")
    assert reminder_times(policy, ready_at, ready_at + timedelta(days=7)) == [
        utc("2026-11-25T11:00:00"),
        utc("2026-11-27T11:00:00"),
    ]


def test_the_last_warning_is_never_before_the_units_are_ready():
    ready_at = utc("2026-11-23T11:00:00")
    assert expiring_notice_at(POLICY, ready_at, utc("2026-11-30T17:00:00")) == utc("2026-11-29T17:00:00")
    assert expiring_notice_at(POLICY, ready_at, utc("2026-11-23T17:00:00")) == ready_at


def test_a_store_that_never_opens_still_has_deadlines():
    at = utc("2026-11-23T11:00:00")
    assert accept_deadline(NEVER_OPEN, POLICY, at) == at + timedelta(minutes=30)
    assert pickup_deadline(NEVER_OPEN, POLICY, at) == at + timedelta(days=7)


# The time asked for

NOW = utc("2026-12-21T09:00:00")


def problem(reason: PickupTimeReason, next_possible: str | None) -> PickupTimeProblem:
    return PickupTimeProblem(reason=reason, next_possible=utc(next_possible) if next_possible else None)


@pytest.mark.parametrize("requested", [None, "2026-12-22T10:00:00", "2026-12-21T09:00:00", "2026-12-24T12:59:00"])
def test_an_opening_time_is_possible(requested: str | None):
    assert check_requested(BERLIN, POLICY, NOW, utc(requested) if requested else None) is None


@pytest.mark.parametrize(
    ("requested", "reason", "next_possible"),
    [
        ("2026-12-20T10:00:00", PickupTimeReason.PAST, "2026-12-21T11:00:00"),
        ("0001-01-01T00:00:00", PickupTimeReason.PAST, "2026-12-21T11:00:00"),
        ("2026-12-22T18:00:00", PickupTimeReason.CLOSED, "2026-12-23T08:00:00"),
        ("2026-12-22T17:00:00", PickupTimeReason.CLOSED, "2026-12-23T08:00:00"),
        ("2026-12-24T13:00:00", PickupTimeReason.CLOSED, "2026-12-28T08:00:00"),
        ("2026-12-25T10:00:00", PickupTimeReason.HOLIDAY, "2026-12-28T08:00:00"),
        ("2026-12-27T10:00:00", PickupTimeReason.CLOSED, "2026-12-28T08:00:00"),
        ("2027-02-21T10:00:00", PickupTimeReason.TOO_FAR_AHEAD, "2026-12-21T11:00:00"),
        ("9999-12-31T23:59:59", PickupTimeReason.TOO_FAR_AHEAD, "2026-12-21T11:00:00"),
    ],
)
def test_an_impossible_time_is_answered_with_the_next_possible(
    requested: str, reason: PickupTimeReason, next_possible: str
):
    assert check_requested(BERLIN, POLICY, NOW, utc(requested)) == problem(reason, next_possible)


def test_a_paused_store_takes_no_pickup_before_the_pause_ends():
    until = utc("2026-12-22T12:00:00")
    expected = problem(PickupTimeReason.PAUSED, "2026-12-22T14:00:00")
    assert check_requested(BERLIN, POLICY, NOW, None, until) == expected
    assert check_requested(BERLIN, POLICY, NOW, utc("2026-12-22T10:00:00"), until) == expected
    assert check_requested(BERLIN, POLICY, NOW, utc("2026-12-22T15:00:00"), until) is None
    assert check_requested(BERLIN, POLICY, NOW, until, until) is None
    assert check_requested(BERLIN, POLICY, NOW, None, NOW - timedelta(hours=1)) is None


@pytest.mark.parametrize("until", [PAUSED_INDEFINITELY, utc("9999-12-31T23:59:59"), utc("2029-01-01T00:00:00")])
def test_a_pause_without_an_end_in_sight_has_no_next_possible_time(until: datetime):
    assert check_requested(BERLIN, POLICY, NOW, None, until) == problem(PickupTimeReason.PAUSED, None)


def test_a_store_without_any_opening_is_closed():
    assert check_requested(NEVER_OPEN, POLICY, NOW, None) == problem(PickupTimeReason.CLOSED, None)


@pytest.mark.parametrize("pack", [STANDARD, SHORT])
@given(at=st.integers(0, 500 * 1440), ahead=st.integers(-1440, 40 * 1440), zone=st.sampled_from(ZONES))
@settings(max_examples=150, deadline=None)
def test_the_next_possible_time_is_possible(pack: PolicyPack, at: int, ahead: int, zone: str):
    hours = store(zone, exceptions={"2026-10-26": [], "2026-12-25": []})
    now = utc("2026-10-01T00:00:00") + timedelta(minutes=at)
    found = check_requested(hours, pack.pickup, now, now + timedelta(minutes=ahead))
    if found is not None:
        assert found.next_possible is not None
        assert check_requested(hours, pack.pickup, now, found.next_possible) is None or (
            found.next_possible > now + pack.pickup.book_ahead
        )


# The packs


def test_the_short_pack_counts_plain_seconds_at_any_hour():
    night = utc("2026-10-25T00:59:57")
    policy = SHORT.pickup
    assert accept_deadline(BERLIN, policy, night) == night + timedelta(seconds=4)
    assert pickup_deadline(BERLIN, policy, night) == night + timedelta(seconds=8)
    assert reminder_times(policy, night, night + timedelta(seconds=8)) == [night + timedelta(seconds=3)]
    assert check_requested(BERLIN, policy, night, None) is None


def test_the_short_pack_still_refuses_a_holiday_that_was_asked_for():
    found = check_requested(BERLIN, SHORT.pickup, NOW, utc("2026-12-25T10:00:00"))
    assert found == problem(PickupTimeReason.HOLIDAY, "2026-12-28T08:00:00")


def test_the_short_pack_has_the_durations_that_testers_count_on():
    assert SHORT.authorisation_lifetime == timedelta(seconds=10)
    assert SHORT.return_window == timedelta(seconds=20)
    assert SHORT.day == timedelta(seconds=1)


@pytest.mark.parametrize("pack", PACKS.values(), ids=list(PACKS))
def test_a_pack_survives_json(pack: PolicyPack):
    assert PolicyPack.model_validate_json(pack.model_dump_json()) == pack


def test_a_policy_has_no_negative_duration():
    with pytest.raises(ValidationError):
        PickupPolicy.model_validate({**POLICY.model_dump(), "window": timedelta(seconds=-1)})


@given(st.integers(0, 900 * 1440), st.sampled_from(ZONES))
@settings(max_examples=200, deadline=None)
def test_deadlines_come_in_order_and_the_window_ends_at_a_closing(minute: int, zone: str):
    hours = store(zone, exceptions={"2026-10-26": [], "2026-12-25": []})
    at = utc("2026-10-01T00:00:00") + timedelta(minutes=minute)
    second = timedelta(seconds=1)
    accept_by = accept_deadline(hours, POLICY, at)
    assert at < accept_by < escalation_deadline(hours, POLICY, accept_by)
    ready_at = promised_ready_at(hours, POLICY, at)
    deadline = pickup_deadline(hours, POLICY, ready_at)
    assert deadline - ready_at >= timedelta(days=7, hours=-1), "a spring night may cost one hour of elapsed time"
    assert is_open(hours, deadline - second)
    assert not is_open(hours, deadline)
    assert latest_extension(hours, POLICY, ready_at) > deadline
    assert all(ready_at < reminder < deadline for reminder in reminder_times(POLICY, ready_at, deadline))


# A window while its order was held


def test_a_window_keeps_what_was_left_of_it_when_the_order_was_held_past_its_end():
    deadline, held_since = utc("2026-11-27T17:00:00"), utc("2026-11-24T12:00:00")
    released = utc("2026-11-30T10:00:00")
    assert resumed_deadline(BERLIN, POLICY, deadline, held_since, released) == utc("2026-12-03T17:00:00")


def test_a_window_of_which_little_was_left_lasts_until_the_next_opening_day_closes():
    deadline, held_since = utc("2026-11-27T17:00:00"), utc("2026-11-27T16:00:00")
    saturday = utc("2026-11-28T10:00:00")
    assert resumed_deadline(BERLIN, POLICY, deadline, held_since, saturday) == utc("2026-11-30T17:00:00")


def test_a_window_with_time_enough_stays_as_it_was():
    deadline, held_since = utc("2026-11-27T17:00:00"), utc("2026-11-24T12:00:00")
    assert resumed_deadline(BERLIN, POLICY, deadline, held_since, utc("2026-11-24T16:00:00")) == deadline


def test_a_store_that_is_late_has_opening_time_to_get_ready_all_the_same():
    assert late_deadline(BERLIN, POLICY, utc("2026-11-23T15:00:00")) == utc("2026-11-24T10:00:00")
