"""When each duty is over, on its own calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.lending.clocks import Clock, ClockName, ClockState, LendingPolicy, end_of_day

STANDARD = LendingPolicy()
WEDNESDAY = datetime(2026, 7, 1, 15, 0, tzinfo=UTC)
"""11 o'clock in New York."""

THIRTY_DAYS = (
    "incompleteness incompleteness_answer adverse_action applicant_silent reasons_on_request offer ccd_repayment"
)


@pytest.mark.parametrize(
    ("name", "due"),
    [
        (ClockName.ACTION_TAKEN, datetime(2026, 8, 1, 4, tzinfo=UTC)),
        (ClockName.COUNTEROFFER, datetime(2026, 9, 30, 4, tzinfo=UTC)),
        (ClockName.RESCISSION, datetime(2026, 7, 7, 4, tzinfo=UTC)),
        (ClockName.LOAN_ESTIMATE, datetime(2026, 7, 7, 4, tzinfo=UTC)),  # Thu, Fri, Mon
        (ClockName.LOAN_ESTIMATE_WAIT, datetime(2026, 7, 10, 4, tzinfo=UTC)),
        (ClockName.CLOSING_DISCLOSURE_WAIT, datetime(2026, 7, 6, 4, tzinfo=UTC)),  # Thu, Fri, Mon: on Monday
        (ClockName.CCD_WITHDRAWAL, datetime(2026, 7, 16, 4, tzinfo=UTC)),
        (ClockName.DRAFT_SILENCE, datetime(2026, 7, 9, 4, tzinfo=UTC)),
        (ClockName.SIGNATURE, datetime(2026, 10, 30, 4, tzinfo=UTC)),
        *((ClockName(name), datetime(2026, 8, 1, 4, tzinfo=UTC)) for name in THIRTY_DAYS.split()),
        (ClockName.IDENTITY_SESSION, datetime(2026, 7, 2, 15, tzinfo=UTC)),
        (ClockName.REVIEW, datetime(2026, 7, 1, 17, tzinfo=UTC)),
        (ClockName.RETENTION, datetime(2028, 8, 2, 4, tzinfo=UTC)),
    ],
)
def test_due_times(name: ClockName, due: datetime) -> None:
    assert STANDARD.clock(name, WEDNESDAY).due_at == due


def test_a_review_that_starts_late_on_friday_is_due_on_monday() -> None:
    friday = datetime(2026, 7, 10, 20, 30, tzinfo=UTC)
    assert STANDARD.clock(ClockName.REVIEW, friday).due_at == datetime(2026, 7, 13, 14, 30, tzinfo=UTC)


def test_a_days_end_is_the_lenders_whatever_the_clocks_do() -> None:
    before_change = datetime(2026, 10, 20, 15, tzinfo=UTC)
    assert STANDARD.clock(ClockName.CCD_WITHDRAWAL, before_change).due_at == datetime(2026, 11, 4, 5, tzinfo=UTC)


def test_the_last_day_that_is_told_is_the_one_before_the_midnight_that_ends_it() -> None:
    """Signed on Wednesday 1 July: until Monday 6 July, though it is Tuesday in Greenwich when that is over."""
    rescission = STANDARD.clock(ClockName.RESCISSION, WEDNESDAY)
    assert STANDARD.last_day(rescission.due_at) == date(2026, 7, 6)


def test_in_the_short_pack_a_day_takes_a_second() -> None:
    short = LendingPolicy(day=timedelta(seconds=1))
    assert short.clock(ClockName.OFFER, WEDNESDAY).due_at - WEDNESDAY == timedelta(seconds=30)
    assert short.clock(ClockName.RESCISSION, WEDNESDAY).due_at - WEDNESDAY == timedelta(seconds=3)


def test_every_clock_has_a_rule() -> None:
    assert set(STANDARD.clocks) == set(ClockName)


def test_an_ended_clock_keeps_its_proof() -> None:
    clock: Clock = STANDARD.clock(ClockName.ADVERSE_ACTION, WEDNESDAY).ended(ClockState.MET, "n1")
    assert (clock.state, clock.proof) == (ClockState.MET, "n1")


def test_what_is_mailed_counts_as_received_on_the_third_business_day() -> None:
    received = STANDARD.received(WEDNESDAY)
    assert STANDARD.local_date(received) == date(2026, 7, 6)
    wait = STANDARD.clock(ClockName.CLOSING_DISCLOSURE_WAIT, received)
    assert wait.due_at == datetime(2026, 7, 9, 4, tzinfo=UTC)


def test_silence_counts_from_the_application_unless_hardly_any_of_it_is_left_at_the_approval() -> None:
    applied = datetime(2026, 3, 2, 15, tzinfo=UTC)
    for days, from_application in ((0, True), (20, True), (26, False), (45, False)):
        approved = applied + timedelta(days=days)
        assert STANDARD.silence_from(applied, approved) == (applied if from_application else approved)


def test_a_letter_names_the_last_day_and_not_the_one_that_begins_with_its_midnight() -> None:
    assert STANDARD.last_day(STANDARD.clock(ClockName.RESCISSION, WEDNESDAY).due_at) == date(2026, 7, 6)
    berlin = LendingPolicy(zone="Europe/Berlin")
    assert berlin.last_day(berlin.clock(ClockName.CCD_WITHDRAWAL, WEDNESDAY).due_at) == date(2026, 7, 15)


@pytest.mark.parametrize(
    "rule",
    [{"length": 6, "calendar": "calendar"}, {"length": 29, "calendar": "clock"}, {"length": 0, "calendar": "months"}],
)
def test_nobody_has_less_than_a_week_to_answer_a_notice_of_incompleteness(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"7 calendar days|greater than or equal to 1"):
        LendingPolicy.model_validate({"clocks": {"incompleteness_answer": rule}})
    assert LendingPolicy.model_validate({"clocks": {"incompleteness_answer": {"length": 7, "calendar": "calendar"}}})


def test_a_home_loan_may_be_signed_on_the_seventh_business_day_after_its_estimate() -> None:
    """The example of the official interpretation of 12 CFR 1026.19(a)(2)(i): mailed on Monday, 1 June 2009."""
    wait = STANDARD.clock(ClockName.LOAN_ESTIMATE_WAIT, datetime(2009, 6, 1, 15, tzinfo=UTC))
    assert wait.due_at == datetime(2009, 6, 9, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "last", "ends"),
    [
        ("America/New_York", date(2026, 3, 7), datetime(2026, 3, 8, 5, tzinfo=UTC)),
        ("America/New_York", date(2026, 3, 8), datetime(2026, 3, 9, 4, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        # Where the clocks are put forward at midnight, the day ends at the moment in which that is done.
        ("America/Santiago", date(2026, 9, 5), datetime(2026, 9, 6, 4, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_also_when_the_clocks_change(zone: str, last: date, ends: datetime) -> None:
    assert end_of_day(last, zone) == ends
    policy = LendingPolicy(zone=zone)
    assert (policy.local_date(ends - timedelta(seconds=1)), policy.local_date(ends)) == (last, last + timedelta(days=1))


def test_a_lender_elsewhere_has_its_days_and_its_hours_there() -> None:
    berlin = STANDARD.in_zone("Europe/Berlin")
    assert berlin.clock(ClockName.CCD_WITHDRAWAL, WEDNESDAY).due_at == datetime(2026, 7, 15, 22, tzinfo=UTC)
    morning = datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert berlin.clock(ClockName.REVIEW, morning).due_at == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_a_businesss_file_is_kept_for_twelve_months() -> None:
    assert STANDARD.retention(WEDNESDAY, business=True).due_at == datetime(2027, 7, 2, 4, tzinfo=UTC)
    assert STANDARD.retention(WEDNESDAY, business=False).due_at == datetime(2028, 8, 2, 4, tzinfo=UTC)
