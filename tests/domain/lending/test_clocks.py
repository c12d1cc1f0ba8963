"""When each duty is over, on its own calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.lending.clocks import Clock, ClockName, ClockState, LendingPolicy

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
        (ClockName.LOAN_ESTIMATE_WAIT, datetime(2026, 7, 11, 4, tzinfo=UTC)),
        (ClockName.CCD_WITHDRAWAL, datetime(2026, 7, 16, 4, tzinfo=UTC)),
        (ClockName.CLOSING_DISCLOSURE_WAIT, datetime(2026, 7, 7, 4, tzinfo=UTC)),
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
    assert wait.due_at == datetime(2026, 7, 10, 4, tzinfo=UTC)


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


def test_a_businesss_file_is_kept_for_twelve_months() -> None:
    assert STANDARD.retention(WEDNESDAY, business=True).due_at == datetime(2027, 7, 2, 4, tzinfo=UTC)
    assert STANDARD.retention(WEDNESDAY, business=False).due_at == datetime(2028, 8, 2, 4, tzinfo=UTC)


def test_a_day_whose_midnight_the_clocks_leave_out_ends_when_they_change() -> None:
    """In Chile the sixth of September 2026 begins at one o'clock."""
    chile = LendingPolicy(zone="America/Santiago")
    clock = chile.clock(ClockName.DRAFT_SILENCE, datetime(2026, 8, 29, 15, tzinfo=UTC))
    assert clock.due_at == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert chile.last_day(clock.due_at) == date(2026, 9, 5)
