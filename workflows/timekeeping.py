"""The clocks of one application: one durable timer for the next of them, and what happens when it rings."""

from collections.abc import Callable
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.lending.clocks import Clock, ClockName, ClockState
    from domain.lending.outcomes import ConditionKind
    from domain.lending.parts import OfferState, PartyRole
    from domain.lending.stages import Outcome, Stage
    from domain.personal import Readable
    from workflows.application_desk import ApplicationDesk, begins_with_its_letter
    from workflows.refusing import in_words


CONSENT_DAYS = 14
"""Over how many days a party that is silent is reminded."""


class Timekeeping:
    def __init__(self, desk: ApplicationDesk, session_over: Callable[[], None]):
        self.desk = desk
        self.session_over = session_over
        """What to do when an identity session has ended without an answer."""

    async def run(self) -> None:
        """As long as the application lives."""
        while True:
            due = self._next()
            if due is None:
                await workflow.wait_condition(lambda: self._next() is not None)
                continue
            left = (due - workflow.now()).total_seconds()
            if left > 0:
                moved = lambda due=due: self._next() != due  # noqa: E731
                try:
                    await workflow.wait_condition(moved, timeout=left, timeout_summary=Readable(self._what(due)))
                except TimeoutError:
                    pass
                else:
                    continue
            async with self.desk.turn:
                await self._ring()

    def _what(self, due: datetime) -> str:
        """As the Temporal UI shows the timer: `The applicant answers the offer, until 2026-12-29 05:00:00 UTC`."""
        application = self.desk.application
        waits = [each.what for each in application.waits() if each.deadline == due]
        running = [each.name for each in application.clocks if each.state is ClockState.RUNNING and each.due_at == due]
        said = [*waits, *(f"the clock of {in_words(name)}" for name in running), "the next reminder is waited for"][0]
        return f"{said[0].upper()}{said[1:]}, until {due:%Y-%m-%d %H:%M:%S} UTC"

    def _next(self) -> datetime | None:
        application = self.desk.application
        if application.outcome is not None:
            # The notice of the end is a duty too.
            duties = (ClockName.ADVERSE_ACTION, ClockName.ACTION_TAKEN, ClockName.REASONS_ON_REQUEST)
            owed = [clock for name in duties if (clock := application.clock(name)) is not None]
            return min((each.due_at for each in owed), default=None)
        if self.desk.ending is not None:
            return None
        found = [application.next_due, *(at for at, _ in self._reminders())]
        return min((each for each in found if each is not None), default=None)

    async def _ring(self) -> None:
        now = workflow.now()
        application = self.desk.application
        if self.desk.ending is not None and application.outcome is None:
            return  # another was faster, and the story will end it
        for clock in list(application.clocks):
            if clock.state is ClockState.RUNNING and clock.due_at <= now and clock.name is not ClockName.CCD_REPAYMENT:
                self._over(clock)
        for at, remind in list(self._reminders()) if application.outcome is None else []:
            if at <= now:
                self._remind(remind)
        await self.desk.record()

    def _over(self, clock: Clock) -> None:
        desk, application = self.desk, self.desk.application
        if self._met_already(clock.name):
            desk.end_clock(clock.name, ClockState.STOPPED)
            return
        if desk.untold(clock.name) and begins_with_its_letter():
            # Nothing ends for anybody who was not told of it; the letter that goes out at last gives the whole time.
            application.extend_clock(clock, workflow.now() + application.policy.day)
            return
        match clock.name:
            case ClockName.DRAFT_SILENCE:
                self._ends(clock, Outcome.ABANDONED_DRAFT)
            case ClockName.INCOMPLETENESS_ANSWER:
                self._ends(clock, Outcome.CLOSED_INCOMPLETE)
            case ClockName.OFFER:
                self._lapse()
                self._ends(clock, Outcome.EXPIRED_OFFER)
            case ClockName.COUNTEROFFER:
                self._lapse()
                self._ends(clock, Outcome.DENIED)
            case ClockName.SIGNATURE | ClockName.APPLICANT_SILENT:
                self._ends(clock, Outcome.APPROVED_NOT_ACCEPTED)
            case ClockName.LOAN_ESTIMATE_WAIT | ClockName.CLOSING_DISCLOSURE_WAIT:
                desk.end_clock(clock.name, ClockState.MET, "waited")
                desk.event("wait_over", clock=clock.name.value)
            case ClockName.RESCISSION | ClockName.CCD_WITHDRAWAL:
                desk.end_clock(clock.name, ClockState.MET, "not used")
                desk.event("cooling_off_over", clock=clock.name.value)
            case ClockName.IDENTITY_SESSION if application.watches_all:
                desk.end_clock(clock.name, ClockState.MET, "another session")
                self.session_over()
            case _:
                desk.end_clock(clock.name, ClockState.BREACHED)
                desk.event("clock_breached", clock=clock.name.value, due=clock.due_at.isoformat())
                if clock.name is ClockName.REVIEW:
                    application.claim = None
                if clock.name is ClockName.REASONS_ON_REQUEST:
                    desk.alarm("the statement of reasons is late", f"it was due {clock.due_at:%Y-%m-%d}")

    def _met_already(self, name: ClockName) -> bool:
        """What it waited for came in the same moment: the story has not stopped the clock yet."""
        application = self.desk.application
        match name:
            case ClockName.DRAFT_SILENCE:
                return application.stage is not Stage.DRAFT
            case ClockName.INCOMPLETENESS_ANSWER:
                return not application.missing
            case ClockName.OFFER | ClockName.COUNTEROFFER:
                return application.offer is None or application.offer.state is not OfferState.OPEN
            case ClockName.SIGNATURE:
                return not application.unsigned and ConditionKind.CLOSING not in application.unmet
            case ClockName.CCD_WITHDRAWAL:
                return application.rescinded_at is not None
            case ClockName.APPLICANT_SILENT:
                return ConditionKind.UNDERWRITING not in application.unmet
            case _:
                return False

    def _ends(self, clock: Clock, outcome: Outcome) -> None:
        self.desk.end_clock(clock.name, ClockState.MET, outcome.value)
        self.desk.event("clock_over", clock=clock.name.value, outcome=outcome.value)
        self.desk.ending = outcome

    def _lapse(self) -> None:
        offer = self.desk.application.offer
        if offer is not None and offer.state is OfferState.OPEN:
            offer.state, offer.answered_at = OfferState.LAPSED, workflow.now()

    # --- reminders ---------------------------------------------------------------------------------------------------

    def _reminders(self) -> list[tuple[datetime, str]]:
        """The next reminder of each silent party, as (when, of what)."""
        application = self.desk.application
        parts = application.policy.reminders
        found = []
        silence = application.clock(ClockName.DRAFT_SILENCE)
        if silence is not None and application.stage is Stage.DRAFT and application.draft_reminders < len(parts):
            found.append((_part(silence.started_at, silence.due_at, parts[application.draft_reminders]), "draft"))
        if application.stage is Stage.DRAFT:
            return found
        waiting = [each for each in application.documents if each.missing and each.reminders < len(parts)]
        if application.watches_all:
            found += self._silent_parties()
        return found + [(_part(each.requested_at, each.due_at, parts[each.reminders]), each.doc) for each in waiting]

    def _silent_parties(self) -> list[tuple[datetime, str]]:
        """Who has not agreed to take part, and who has not signed."""
        application = self.desk.application
        parts = application.policy.reminders
        found = []
        signature = application.clock(ClockName.SIGNATURE)
        signed = {each.party for each in application.signatures}
        for party in application.active:
            if party.reminders >= len(parts):
                continue
            part = parts[party.reminders]
            if party.role is not PartyRole.APPLICANT and party.consented_at is None:
                ends = party.joined_at + application.policy.day * CONSENT_DAYS
                found.append((_part(party.joined_at, ends, part), party.party))
            elif signature is not None and party.party not in signed:
                found.append((_part(signature.started_at, signature.due_at, part), party.party))
        return found

    def _remind(self, what: str) -> None:
        desk, application = self.desk, self.desk.application
        party = application.party(what)
        if party is not None:
            party.reminders += 1
            signature = application.clock(ClockName.SIGNATURE)
            if signature is not None:
                desk.letter("sign_reminder", party.party, until=desk.last_day(signature.due_at))
            else:
                desk.letter("party_reminder", party.party, role=party.role.value)
            return
        if what == "draft":
            application.draft_reminders += 1
            silence = application.clock(ClockName.DRAFT_SILENCE)
            if silence is not None:
                desk.letter("draft_reminder", until=desk.last_day(silence.due_at))
            return
        document = next(each for each in application.documents if each.doc == what)
        document.reminders += 1
        desk.letter("document_reminder", document.party, title=document.title, until=desk.last_day(document.due_at))


def _part(start: datetime, end: datetime, part: float) -> datetime:
    return start + (end - start) * part
