"""The duties that run against the lender or the applicant: when each starts, on which calendar, and when it is over."""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from domain.lending.calendars import CalendarKind, OfficeDays, general_business_days, precise_business_days
from domain.lending.months import months_after
from domain.lending.sparse import Sparse
from domain.pickup_windows import Duration
from domain.store_hours import StoreHours, Zone, add_open_time


class ClockName(StrEnum):
    ACTION_TAKEN = "action_taken"
    INCOMPLETENESS = "incompleteness"
    INCOMPLETENESS_ANSWER = "incompleteness_answer"
    ADVERSE_ACTION = "adverse_action"
    COUNTEROFFER = "counteroffer"
    APPLICANT_SILENT = "applicant_silent"
    REASONS_ON_REQUEST = "reasons_on_request"
    LOAN_ESTIMATE = "loan_estimate"
    LOAN_ESTIMATE_WAIT = "loan_estimate_wait"
    CLOSING_DISCLOSURE_WAIT = "closing_disclosure_wait"
    RESCISSION = "rescission"
    CCD_WITHDRAWAL = "ccd_withdrawal"
    CCD_REPAYMENT = "ccd_repayment"
    """Of what had been paid out, after a withdrawal (Directive 2008/48/EC, art. 14(3)(b))."""
    OFFER = "offer"
    SIGNATURE = "signature"
    IDENTITY_SESSION = "identity_session"
    DRAFT_SILENCE = "draft_silence"
    REVIEW = "review"
    RETENTION = "retention"


class ClockState(StrEnum):
    RUNNING = "running"
    MET = "met"
    BREACHED = "breached"
    STOPPED = "stopped"


class ClockRule(BaseModel):
    """How long, and on which calendar; `length` counts days, hours or months as the calendar says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    length: int = Field(ge=1)
    calendar: CalendarKind
    opens: bool = False
    """What it holds back may be done on its last day already, and not only after it."""


class Clock(Sparse):
    """One duty of one application. `proof`: what met it, e.g. the id of a notice that was dispatched."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClockName
    started_at: AwareDatetime
    due_at: AwareDatetime
    calendar: CalendarKind
    state: ClockState = ClockState.RUNNING
    proof: str | None = None

    def ended(self, state: ClockState, proof: str | None = None) -> "Clock":
        return self.model_copy(update={"state": state, "proof": proof})


_DAYS = {
    ClockName.ACTION_TAKEN: 30,
    ClockName.INCOMPLETENESS: 30,
    ClockName.INCOMPLETENESS_ANSWER: 30,
    ClockName.ADVERSE_ACTION: 30,
    ClockName.COUNTEROFFER: 90,
    ClockName.APPLICANT_SILENT: 30,
    ClockName.REASONS_ON_REQUEST: 30,
    ClockName.CCD_WITHDRAWAL: 14,
    ClockName.CCD_REPAYMENT: 30,
    ClockName.OFFER: 30,
    ClockName.SIGNATURE: 120,
    ClockName.DRAFT_SILENCE: 7,
}
DEFAULT_RULES = {
    **{name: ClockRule(length=days, calendar=CalendarKind.CALENDAR) for name, days in _DAYS.items()},
    ClockName.LOAN_ESTIMATE: ClockRule(length=3, calendar=CalendarKind.GENERAL),
    # Signing is allowed on the seventh or third business day itself (12 CFR 1026.19(e)(1)(iii)(B) and (f)(1)(ii)(A)).
    ClockName.LOAN_ESTIMATE_WAIT: ClockRule(length=7, calendar=CalendarKind.PRECISE, opens=True),
    ClockName.CLOSING_DISCLOSURE_WAIT: ClockRule(length=3, calendar=CalendarKind.PRECISE, opens=True),
    ClockName.RESCISSION: ClockRule(length=3, calendar=CalendarKind.PRECISE),
    ClockName.IDENTITY_SESSION: ClockRule(length=24, calendar=CalendarKind.CLOCK),
    ClockName.REVIEW: ClockRule(length=2, calendar=CalendarKind.BUSINESS_HOURS),
    ClockName.RETENTION: ClockRule(length=25, calendar=CalendarKind.MONTHS),
}
DAY = timedelta(days=1)
LEAST_TO_ANSWER = 7
"""Days that somebody has, whatever else, to send what a notice asks for."""


class LendingPolicy(BaseModel):
    """A dated, versioned pack of the rules that are no product's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = "default"
    version: int = Field(1, ge=1, le=100_000)
    effective_from: date = date(2026, 1, 1)
    zone: Zone = "America/New_York"
    """Where the lender's days begin and end."""
    clocks: dict[ClockName, ClockRule] = DEFAULT_RULES
    offices: OfficeDays = OfficeDays()
    hours: StoreHours = StoreHours(
        zone="America/New_York", weekly=dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), (("09:00", "17:00"),))
    )
    day: Duration = DAY
    """How long a day takes: shorter ones play months in seconds, without any calendar."""
    reminders: tuple[float, ...] = (0.25, 0.5, 0.75)
    """At which parts of a wait its silent party is reminded."""
    business_retention: ClockRule = ClockRule(length=12, calendar=CalendarKind.MONTHS)
    """How long the file of a business's application is kept, instead of the clock's own length."""

    reasons_asked_within: ClockRule = ClockRule(length=60, calendar=CalendarKind.CALENDAR)
    """How long after its notice the reasons of an adverse action may be asked for (12 CFR 1002.9(a)(2)(ii))."""

    @model_validator(mode="after")
    def _there_is_time_to_answer(self) -> Self:
        """A reasonable time (12 CFR 1002.9(c)(2)); seven days at the least."""
        rule = self.clocks.get(ClockName.INCOMPLETENESS_ANSWER)
        if rule is not None and (rule.calendar is not CalendarKind.CALENDAR or rule.length < LEAST_TO_ANSWER):
            raise ValueError(f"a notice of incompleteness leaves at least {LEAST_TO_ANSWER} calendar days")
        return self

    def clock(self, name: ClockName, started_at: datetime) -> Clock:
        """The clock as it starts now; a pack that is older than the clock has its usual length."""
        rule = self.clocks.get(name) or DEFAULT_RULES[name]
        due = due_at(rule, started_at, self)
        return Clock(name=name, started_at=started_at, due_at=due, calendar=rule.calendar)

    def retention(self, started_at: datetime, *, business: bool) -> Clock:
        """From the last notice on; shorter for a business than for a consumer (12 CFR 1002.12(b))."""
        clock = self.clock(ClockName.RETENTION, started_at)
        if not business:
            return clock
        return clock.model_copy(update={"due_at": due_at(self.business_retention, started_at, self)})

    def received(self, sent_at: datetime) -> datetime:
        """When what was mailed counts as received: the third precise business day after (12 CFR 1026.19(f)(1)(iii))."""
        if self.day != DAY:
            return sent_at + 3 * self.day
        return end_of_day(precise_business_days(self.local_date(sent_at), 3), self.zone) - timedelta(hours=12)

    def silence_from(self, applied_at: datetime, approved_at: datetime) -> datetime:
        """From when an approved applicant counts as silent: from the application, while a week of that is left.

        Whoever is approved later, or when hardly any of it is left, has the whole time from the approval on.
        """
        left = self.clock(ClockName.APPLICANT_SILENT, applied_at).due_at - approved_at
        return applied_at if left >= 7 * self.day else approved_at

    def reasons_until(self, sent_at: datetime) -> datetime:
        """How long the reasons may be asked for, once a notice has told of the right to them."""
        return due_at(self.reasons_asked_within, sent_at, self)

    def last_day(self, due: datetime) -> date:
        """The lender's last day before `due`: of a time that counts days, the one whose midnight ends it."""
        return self.local_date(due - timedelta(microseconds=1))

    def in_zone(self, zone: str) -> "LendingPolicy":
        """The same for a product of another place: its days end, and its offices open, by the clocks there."""
        return self.model_copy(update={"zone": zone, "hours": self.hours.model_copy(update={"zone": zone})})

    def local_date(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.zone)).date()


def due_at(rule: ClockRule, started_at: datetime, policy: LendingPolicy) -> datetime:
    """When the time is over: where days are counted, as the last one ends or begins in the lender's zone."""
    length = rule.length
    if policy.day != DAY:
        return started_at + _scaled(rule, policy.day)
    if rule.calendar is CalendarKind.CLOCK:
        return started_at + timedelta(hours=length)
    if rule.calendar is CalendarKind.BUSINESS_HOURS:
        return add_open_time(policy.hours, started_at, timedelta(hours=length)) or started_at + DAY
    start = policy.local_date(started_at)
    match rule.calendar:
        case CalendarKind.PRECISE:
            last = precise_business_days(start, length)
        case CalendarKind.GENERAL:
            last = general_business_days(start, length, policy.offices)
        case CalendarKind.MONTHS:
            last = months_after(start, length)
        case _:
            last = start + timedelta(days=length)
    return end_of_day(last - DAY if rule.opens else last, policy.zone)


def end_of_day(day: date, zone: str) -> datetime:
    """Midnight at the end of `day`, in UTC."""
    return datetime.combine(day + DAY, time(), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def _scaled(rule: ClockRule, day: timedelta) -> timedelta:
    match rule.calendar:
        case CalendarKind.CLOCK | CalendarKind.BUSINESS_HOURS:
            return day * rule.length / 24
        case CalendarKind.MONTHS:
            return day * rule.length * 30
        case _:
            return day * rule.length
