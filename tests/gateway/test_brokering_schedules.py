"""What Temporal is asked for, so that a queue's runs come when its rules say."""

from datetime import timedelta

from temporalio.client import ScheduleOverlapPolicy, ScheduleRange

from domain.sourcing import Overlap, QueueRuns
from gateway.brokering import schedule_of


def test_times_of_some_days_on_the_clocks_of_a_zone() -> None:
    runs = QueueRuns(queue="economy", zone="Europe/Berlin", at=("19:05", "07:30"), days=("sun", "mon"))
    spec = schedule_of(runs).spec
    assert spec.time_zone_name == "Europe/Berlin"
    assert [(each.hour, each.minute) for each in spec.calendars] == [
        ([ScheduleRange(7)], [ScheduleRange(30)]),
        ([ScheduleRange(19)], [ScheduleRange(5)]),
    ]
    # Temporal counts the days from Sunday, which is 0.
    days = {day for each in spec.calendars for one in each.day_of_week for day in range(one.start, one.end + 1)}
    assert days == {0, 1}
    assert list(spec.intervals) == []


def test_again_and_again_after_so_long() -> None:
    schedule = schedule_of(QueueRuns(queue="economy", every_seconds=90, overlap=Overlap.BUFFER_ONE))
    assert ([each.every for each in schedule.spec.intervals], list(schedule.spec.calendars)) == (
        [timedelta(seconds=90)],
        [],
    )
    assert schedule.policy.overlap is ScheduleOverlapPolicy.BUFFER_ONE


def test_a_run_that_was_missed_is_made_up_for_only_so_long() -> None:
    schedule = schedule_of(QueueRuns(queue="economy", at=("03:30",), catch_up_seconds=600))
    assert schedule.policy.catchup_window == timedelta(minutes=10)
    assert schedule.policy.overlap is ScheduleOverlapPolicy.SKIP
    [calendar] = schedule.spec.calendars
    assert list(calendar.day_of_week) == [ScheduleRange(0, 6)], "on every day"
