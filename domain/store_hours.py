"""When a store is open: wall-clock times in the store's zone, asked about in UTC instants.

Hours are what the sign on the door says, so they are kept as local times and turned into instants day by day. On a
night when clocks change, a time that does not exist means the moment of the change; a doubled time opens at its first
showing and closes at its last, so that a store is never shut while its clock shows an opening time. Durations are real
elapsed time. Every search ends after `HORIZON_DAYS`, so a store that never opens answers `None`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

import holidays as public_holidays
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

HORIZON_DAYS = 400

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

WALL_TIME = r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
WallTime = Annotated[str, StringConstraints(pattern=WALL_TIME)]
"""`09:00`; `24:00` is the end of the day."""

WallInterval = tuple[WallTime, WallTime]


def _minutes(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])


def _in_order(intervals: tuple[WallInterval, ...]) -> tuple[WallInterval, ...]:
    ordered = tuple(sorted(intervals))
    for opens, closes in ordered:
        if closes <= opens:
            raise ValueError(f"{opens} to {closes}: closing must come after opening; split a night at 24:00")
    for (_, closes), (opens, _) in pairwise(ordered):
        if opens < closes:
            raise ValueError(f"opening at {opens} overlaps an interval that closes at {closes}; join the two")
    return ordered


def _real_day(day: str) -> str:
    date.fromisoformat(day)
    return day


def _known_zone(zone: str) -> str:
    # "localtime", "posixrules" and "right/…" load too, but mean another thing on another machine.
    if not re.fullmatch(r"[A-Z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*", zone) or zone == "Factory":
        raise ValueError("not an IANA time zone; write it like Europe/Berlin")
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("not an IANA time zone; write it like Europe/Berlin") from error
    return zone


def _known_region(region: str) -> str:
    try:
        _holidays_of(region, 2026)
    except NotImplementedError as error:
        raise ValueError("no holiday calendar for this region; write it like DE-BE or US") from error
    return region


DayHours = Annotated[tuple[WallInterval, ...], Field(max_length=24), AfterValidator(_in_order)]
"""The intervals of one day in order; none means closed."""

REGION = r"^[A-Z]{2}(?:-[A-Z0-9]{1,3})?$"
DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
Day = Annotated[str, StringConstraints(pattern=DAY), AfterValidator(_real_day)]
Zone = Annotated[str, StringConstraints(max_length=64), AfterValidator(_known_zone)]
HolidayRegion = Annotated[str, StringConstraints(pattern=REGION), AfterValidator(_known_region)]


class OpeningTimes(BaseModel):
    """The hours as the API takes them: a week, and days that differ from it. The zone is the store's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weekly: dict[Weekday, DayHours]
    """A day that is not named is closed."""
    exceptions: dict[Day, DayHours] = Field(default_factory=dict, max_length=2000)
    holidays: HolidayRegion | None = None
    """Closed on this region's public holidays, unless an exception says otherwise."""

    def in_zone(self, zone: str) -> "StoreHours":
        return StoreHours(zone=zone, weekly=self.weekly, exceptions=self.exceptions, holidays=self.holidays)


class StoreHours(OpeningTimes):
    """The hours of one store in its zone."""

    zone: Zone


class Opening(NamedTuple):
    """An unbroken stretch of opening time, `opens` included, `closes` not; both UTC."""

    opens: datetime
    closes: datetime


def always_open(zone: str) -> StoreHours:
    """For a place without hours of its own (a warehouse, a locker)."""
    return StoreHours(zone=zone, weekly=dict.fromkeys(_WEEKDAYS, (("00:00", "24:00"),)))


def with_holidays_written_out(hours: StoreHours, at: datetime) -> StoreHours:
    """The same hours with the public holidays round `at` as exceptions.

    A workflow keeps this form: its deadlines then stay the same when the library of holidays learns a new one.
    """
    if hours.holidays is None:
        return hours
    today = _local_day(hours, at)
    days = (today + timedelta(days=number) for number in range(-1, HORIZON_DAYS + 1))
    closed: dict[str, tuple[WallInterval, ...]] = {
        day.isoformat(): () for day in days if day in _holidays_of(hours.holidays, day.year)
    }
    return hours.model_copy(update={"exceptions": closed | hours.exceptions, "holidays": None})


def holidays_after(hours: StoreHours, at: datetime) -> frozenset[date]:
    """The public holidays of the store's region in the year of `at` and in the two after it."""
    if hours.holidays is None:
        return frozenset()
    first = _local_day(hours, at).year
    return frozenset().union(*(_holidays_of(hours.holidays, year) for year in range(first, first + 3)))


def is_open(hours: StoreHours, at: datetime) -> bool:
    return any(opening.opens <= at for opening in _openings(hours, at, days=1))


def is_closed_all_day(hours: StoreHours, at: datetime) -> bool:
    """Whether the store's day of `at` is a public holiday or an exception without hours, not a mere weekly day off."""
    day = _local_day(hours, at)
    exception = hours.exceptions.get(day.isoformat())
    return not exception if exception is not None else _is_holiday(hours, day)


def next_opening(hours: StoreHours, at: datetime) -> datetime | None:
    """`at` itself while open, else the next moment when the store opens."""
    return next((max(at, opening.opens) for opening in _openings(hours, at)), None)


def next_possible(hours: StoreHours, at: datetime, not_before: datetime | None = None) -> datetime | None:
    """The first open moment from `at` on that is not before `not_before` (the end of a pause)."""
    return next_opening(hours, at if not_before is None else max(at, not_before))


def add_open_time(hours: StoreHours, at: datetime, duration: timedelta) -> datetime | None:
    """The first moment by which the store has been open for `duration` since `at`.

    An end that meets a closing is that closing, not the next opening.
    """
    if duration <= timedelta():
        return at
    counted_to = at
    left = duration
    for opening in _openings(hours, at):
        start = max(opening.opens, counted_to)
        if opening.closes - start >= left:
            return start + left
        if opening.closes > start:
            left -= opening.closes - start
            counted_to = opening.closes
    return None


def closing_on_or_after(hours: StoreHours, at: datetime) -> datetime | None:
    """The first end of a store's day at or after `at`: the last closing of the day, not one for lunch.

    A store that never shuts ends its day at midnight.
    """
    for day in _days(hours, at):
        openings = _openings_of_day(hours, day)
        if openings and openings[-1].closes >= at:
            return openings[-1].closes
    return None


def open_intervals(hours: StoreHours, from_: datetime, to: datetime) -> Iterator[Opening]:
    """The opening times between two instants, cut at both; days that touch are one. Covers `HORIZON_DAYS` at most."""
    held: Opening | None = None
    for opening in _openings(hours, from_):
        if max(opening.opens, from_) >= to:
            break
        piece = Opening(max(opening.opens, from_), min(opening.closes, to))
        if held is not None and piece.opens <= held.closes:
            held = Opening(held.opens, max(held.closes, piece.closes))
            continue
        if held is not None:
            yield held
        held = piece
    if held is not None:
        yield held


def local_wall_later(hours: StoreHours, at: datetime, span: timedelta) -> datetime:
    """`span` later on the store's clock: seven days on is the same time of day, whatever the clocks did between."""
    wall = at.astimezone(ZoneInfo(hours.zone)).replace(tzinfo=None) + span
    midnight = datetime.combine(wall.date(), time())
    return _instant(ZoneInfo(hours.zone), midnight, wall - midnight, last_showing=True)


@lru_cache(maxsize=512)
def _holidays_of(region: str, year: int) -> frozenset[date]:
    country, _, subdivision = region.partition("-")
    return frozenset(public_holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def _is_holiday(hours: StoreHours, day: date) -> bool:
    return hours.holidays is not None and day in _holidays_of(hours.holidays, day.year)


def _local_day(hours: StoreHours, at: datetime) -> date:
    return at.astimezone(ZoneInfo(hours.zone)).date()


def _hours_of_day(hours: StoreHours, day: date) -> tuple[WallInterval, ...]:
    exception = hours.exceptions.get(day.isoformat())
    if exception is not None:
        return exception
    return () if _is_holiday(hours, day) else hours.weekly.get(_WEEKDAYS[day.weekday()], ())


def _openings_of_day(hours: StoreHours, day: date) -> list[Opening]:
    zone = ZoneInfo(hours.zone)
    midnight = datetime.combine(day, time())
    openings: list[Opening] = []
    for wall_opens, wall_closes in _hours_of_day(hours, day):
        opens = _instant(zone, midnight, timedelta(minutes=_minutes(wall_opens)), last_showing=False)
        # The end of the day is the first moment of the next, also where clocks go back to midnight.
        closes = _instant(zone, midnight, timedelta(minutes=_minutes(wall_closes)), last_showing=wall_closes != "24:00")
        if closes <= opens:  # swallowed by the hour that was left out
            continue
        if openings and opens <= openings[-1].closes:
            openings[-1] = Opening(openings[-1].opens, max(openings[-1].closes, closes))
        else:
            openings.append(Opening(opens, closes))
    return openings


def _days(hours: StoreHours, at: datetime, days: int = HORIZON_DAYS) -> Iterator[date]:
    """The store's days from the one before `at`, because a few zones set their clocks back across midnight."""
    today = _local_day(hours, at)
    return (today + timedelta(days=number) for number in range(-1, days))


def _openings(hours: StoreHours, at: datetime, days: int = HORIZON_DAYS) -> Iterator[Opening]:
    """What is still to come of the opening times at `at`, day by day."""
    for day in _days(hours, at, days):
        for opening in _openings_of_day(hours, day):
            if opening.closes > at:
                yield opening


def _instant(zone: ZoneInfo, midnight: datetime, since: timedelta, *, last_showing: bool) -> datetime:
    wall = midnight + since
    at = wall.replace(tzinfo=zone, fold=int(last_showing)).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    return _change_that_skips(zone, wall)


def _change_that_skips(zone: ZoneInfo, wall: datetime) -> datetime:
    """The moment when the clocks jump over `wall`."""
    # PEP 495: in a gap, fold=1 counts with the later offset and so lands before the change, fold=0 after it.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    new_offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == new_offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
