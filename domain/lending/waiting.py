"""What an application waits for: who must act, since when, until when, and what happens by default."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import ConfigDict

from domain.lending.clocks import ClockName, ClockState
from domain.lending.parts import CheckState, DocumentState, NoticeState, PartyRole
from domain.lending.sparse import Sparse
from domain.lending.stages import Stage

if TYPE_CHECKING:
    from domain.lending.application import Application


SCREENING_HOLD = "screening_hold"


class ApplicationWait(Sparse):
    """One thing that is waited for. `kind`: a clock's name, or what else stands still; `default`: what happens then."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    what: str
    who: str
    since: datetime | None = None
    deadline: datetime | None = None
    default: str | None = None


_CLOCKS = {
    ClockName.DRAFT_SILENCE: ("the applicant goes on", "applicant", "abandoned"),
    ClockName.INCOMPLETENESS_ANSWER: ("missing items come", "applicant", "closed for incompleteness"),
    ClockName.REVIEW: ("an underwriter decides", "underwriter", "breach recorded, escalated"),
    ClockName.APPLICANT_SILENT: ("the conditions are met", "applicant", "not accepted"),
    ClockName.OFFER: ("the applicant answers the offer", "applicant", "the offer lapses"),
    ClockName.COUNTEROFFER: ("the applicant answers the counteroffer", "applicant", "adverse action"),
    ClockName.SIGNATURE: ("everyone signs", "applicant", "the offer is void"),
    ClockName.LOAN_ESTIMATE_WAIT: ("the estimate has been there for seven days", "lender", "signing allowed"),
    ClockName.CLOSING_DISCLOSURE_WAIT: ("the closing disclosure has been there", "lender", "signing allowed"),
    ClockName.RESCISSION: ("the time to rescind passes", "applicant", "money is paid out"),
    ClockName.REASONS_ON_REQUEST: ("the statement of reasons goes out", "lender", "breach recorded, ops alarmed"),
    ClockName.CCD_WITHDRAWAL: ("the time to withdraw passes", "applicant", "money is paid out"),
    ClockName.CCD_REPAYMENT: ("what was paid out is repaid", "applicant", "breach recorded, a person decides"),
}


def waits_of(application: "Application") -> list[ApplicationWait]:
    """Who looks at it after its end still sees questions and notices that are open."""
    found = [*_people(application)]
    if application.outcome is None:
        found += [*_others(application), *_late_review(application)]
    found += [*_clocks(application), *_reasons(application)]
    return [*found, *_notices(application)]


def _wait(
    kind: str,
    what: str,
    who: str,
    *,
    since: datetime | None = None,
    deadline: datetime | None = None,
    default: str | None = None,
) -> ApplicationWait:
    return ApplicationWait(kind=kind, what=what, who=who, since=since, deadline=deadline, default=default)


def _people(application: "Application") -> Iterator[ApplicationWait]:
    for each in application.interventions:
        yield _wait("intervention", f"a person decides about: {each.step}", "ops", since=each.since)
    if application.outcome is not None:
        return
    if application.held:
        since = max((each.at for each in application.checks if each.state is CheckState.HIT and each.at), default=None)
        said = ", ".join(f"{each.verdict} by {each.person}" for each in application.findings)
        what = f"another person judges a screening hit ({said})" if said else "a screening hit is cleared or confirmed"
        yield _wait(SCREENING_HOLD, what, "ops", since=since)
    for document in application.documents:
        if document.state is DocumentState.RECEIVED:
            since = document.received_at
            yield _wait("document_review", f"{document.title} ({document.doc}) is looked at", "ops", since=since)


def _others(application: "Application") -> Iterator[ApplicationWait]:
    for party in application.active:
        if party.consented_at is None and party.role is not PartyRole.APPLICANT:
            what = f"the {party.role.replace('_', '-')} ({party.party}) agrees"
            yield _wait("consent", what, party.role.value, since=party.joined_at)
    if any(each.state is CheckState.RUNNING for each in application.checks):
        yield _wait("checks", "checks are answered", "lender")
    if application.stage is Stage.DISBURSING and application.drawing_ends_at is not None:
        yield from _next_part(application)
    elif application.stage is Stage.DISBURSING:
        yield _wait("disbursement", _next_of_money(application), "lender")


def _next_part(application: "Application") -> Iterator[ApplicationWait]:
    part = next(iter(application.to_be_drawn), None)
    if part is None:
        return
    title = f"part {part.n}" + (f" ({part.title})" if part.title else "")
    if part.needs_release and part.released_at is None:
        ends = application.drawing_ends_at
        yield _wait("tranche", f"{title} is released", "lender", deadline=ends, default="it lapses")
    else:
        yield _wait("tranche", f"{title} is paid out", "lender", deadline=part.after, default="paid out")


def _next_of_money(application: "Application") -> str:
    if application.account_id is None:
        return "the account is opened"
    if any(each.state == "pending" for each in application.payouts):
        return "the payout is answered by the provider"
    return "the booking is confirmed"


def _clocks(application: "Application") -> Iterator[ApplicationWait]:
    running = {each.name: each for each in application.clocks if each.state is ClockState.RUNNING}
    for name, (what, who, default) in _CLOCKS.items():
        clock = running.get(name)
        if clock is not None:
            if name is ClockName.CCD_WITHDRAWAL and application.pays_early:
                default = "the agreement is final"
            yield _wait(name.value, what, who, since=clock.started_at, deadline=clock.due_at, default=default)


def _late_review(application: "Application") -> Iterator[ApplicationWait]:
    """A review that was not done in its time is a breach, and is waited for as before."""
    clock = application.latest_clock(ClockName.REVIEW)
    if clock is None or not application.review_is_late:
        return
    what, who, _ = _CLOCKS[clock.name]
    since, due = clock.started_at, clock.due_at
    yield _wait(clock.name.value, what, who, since=since, deadline=due, default="it keeps waiting")


def _reasons(application: "Application") -> Iterator[ApplicationWait]:
    owed = application.reasons_owed
    if owed is not None and owed.asked_at is None and not owed.over:
        what, since = "the reasons may be asked for", application.ended_at
        yield _wait("reasons_asked", what, "applicant", since=since, deadline=owed.until, default="the right ends")


def _notices(application: "Application") -> Iterator[ApplicationWait]:
    for notice in application.notices:
        if notice.state is NoticeState.PENDING:
            what = f"notice {notice.n} ({notice.kind.replace('_', ' ')}) goes out"
            yield _wait("notice", what, "lender", since=notice.at)
