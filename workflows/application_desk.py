"""Everything that the story, the commands and the clocks of one application share: its state and its book."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.faults import NEEDS_A_PERSON
    from activities.lending import ApplicationRecords, LendingSteps
    from adapters.applications.port import ApplicationChange, ApplicationEvent
    from adapters.letters.port import Dispatched, Letter
    from domain.actors import ENGINE, Actor
    from domain.lending.application import Application, intervention_id
    from domain.lending.application_view import view_of
    from domain.lending.clocks import LEAST_TO_ANSWER, Clock, ClockName, ClockState
    from domain.lending.parts import NoticeRef, NoticeState
    from domain.lending.stages import Outcome
    from domain.personal import Readable
    from domain.views import InterventionView
    from workflows import options
    from workflows.application_messages import ApplicationStart, Settle
    from workflows.crew import Crew
    from workflows.messages import InterventionAction
    from workflows.refusing import StepFailed, failure_text, failure_type, in_words
    from workflows.visibility import Visible, of_application


class Over(Exception):
    """The application goes no further, and why."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.value)
        self.outcome = outcome


ON_ITS_WAY = timedelta(minutes=1)
"""A younger letter may be with the mail system already: its proof is waited for."""
Done = TypeVar("Done")

RETRY, SKIP, GIVE_UP = InterventionAction.RETRY, InterventionAction.SKIP, InterventionAction.GIVE_UP


def begins_with_its_letter() -> bool:
    """Whether a time to answer runs from its letter; asked where a letter was late only."""
    return workflow.patched("a time to answer begins with its letter")


def papers_fall() -> bool:
    """Whether papers follow the conditions that they are for; asked where a condition has one only."""
    return workflow.patched("papers follow their conditions")


class ApplicationDesk:
    """Whoever decides takes the `turn` first: one decision at a time, in order of arrival."""

    def __init__(self, start: ApplicationStart):
        self.start = start
        self.application = start.resumed or Application(
            application_id=start.application_id,
            product=start.product,
            policy=start.policy,
            channel=start.channel,
            locale=start.locale,
            created_at=workflow.now(),
            last_act_at=workflow.now(),
        )
        self.crew = Crew()
        self.turn = asyncio.Lock()
        self.ending: Outcome | None = None
        """What a clock or a command has made of it; the story sees it after its next wait."""
        self.answers: dict[str, Settle] = {}
        self._events: list[ApplicationEvent] = []
        self._gives_time: dict[int, ClockName] = {}
        """Letters by number, and which time to answer each gives."""
        self._writing = asyncio.Lock()
        self._visible = Visible()

    # --- the book ----------------------------------------------------------------------------------------------------

    def event(self, event: str, actor: Actor = ENGINE, reason: str | None = None, **data: Any) -> None:
        known = {name: value for name, value in data.items() if value is not None}
        self._events.append(ApplicationEvent(at=workflow.now(), event=event, actor=actor, reason=reason, data=known))

    async def record(self) -> None:
        """Commit what was collected with the new state; a database that is away is waited for."""
        async with self._writing:
            application, events = self.application, self._events
            self._events = []
            application.version += 1
            change = ApplicationChange(
                application_id=application.application_id,
                version=application.version,
                at=workflow.now(),
                created_by=self.start.created_by,
                customer_ref=application.primary.ref,
                for_review=application.referred and application.outcome is None,
                review_due_at=application.review_due_at,
                view=view_of(application),
                events=events,
            )
            self._show()
            words = ", ".join(dict.fromkeys(in_words(each.event) for each in events))
            await workflow.execute_local_activity_method(
                ApplicationRecords.record_application,
                change,
                summary=Readable(f"Record: {words}" if words else "Record the new state"),
                **options.OUR_BOOKS,
            )

    def _show(self) -> None:
        application = self.application
        state = (application.outcome or application.stage).value
        if changes := self._visible.changes_of_application(application):
            workflow.upsert_search_attributes(changes)
        lines = [f"**{in_words(state)}** (version {application.version})", ""]
        for wait in application.waits():
            until = f" until {wait.deadline:%Y-%m-%d %H:%M:%S} UTC" if wait.deadline else ""
            default = f", then: {wait.default}" if wait.default else ""
            lines.append(f"- {wait.what} ({wait.who.replace('_', '-')}){until}{default}")
        running = [each for each in application.clocks if each.state is ClockState.RUNNING]
        lines += [f"- clock {in_words(each.name)}: due {each.due_at:%Y-%m-%d %H:%M:%S} UTC" for each in running]
        workflow.set_current_details("\n".join(lines))

    # --- waiting -----------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """After every wait and before every outward act: raises `Over` once it is withdrawn or at its end."""
        if self.ending is not None:
            raise Over(self.ending)

    @asynccontextmanager
    async def storys_turn(self) -> AsyncIterator[None]:
        """The story decides or does something: whoever had the turn before may have withdrawn, so it looks first."""
        async with self.turn:
            self.look()
            yield

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for it; raises `Over` when the end comes first, and lets a long history end here."""
        while not condition():
            self.look()
            self.go_on_in_a_new_run_if_long()
            await self.crew.wait_until(lambda: condition() or self.ending is not None or self._is_long())
        self.look()

    def _is_long(self) -> bool:
        idle = not self.turn.locked() and not self._writing.locked() and not self.application.interventions
        settled = all(each.state is not NoticeState.PENDING for each in self.application.notices)
        checked = all(each.state.value != "running" for each in self.application.checks)
        long = workflow.info().is_continue_as_new_suggested()
        return long and idle and settled and checked and workflow.all_handlers_finished()

    def go_on_in_a_new_run_if_long(self) -> None:
        if self._is_long():
            self.crew.stop()
            workflow.continue_as_new(
                self.start.model_copy(update={"resumed": self.application}),
                search_attributes=of_application(self.application),
            )

    # --- what a change makes stale -----------------------------------------------------------------------------------

    def invalidate(self, targets: Sequence[str], party: str | None = None) -> list[str]:
        """See `Application.invalidate`; with a decision fall the papers that its conditions asked for."""
        fell = self.application.invalidate(targets, party)
        if "decision" in targets:
            self.drop_papers()
        return fell

    def drop_papers(self) -> None:
        if any(each.condition is not None and not each.done for each in self.application.documents) and papers_fall():
            self.application.drop_papers()

    # --- clocks ------------------------------------------------------------------------------------------------------

    def start_clock(self, name: ClockName, *, again: bool = False) -> Clock:
        application, now = self.application, workflow.now()
        return application.restart_clock(name, now) if again else application.start_clock(name, now)

    def end_clock(self, name: ClockName, state: ClockState = ClockState.MET, proof: str | None = None) -> None:
        self.application.end_clock(name, state, proof)

    # --- letters -----------------------------------------------------------------------------------------------------

    def letter(
        self,
        kind: str,
        party: str | None = None,
        *,
        proves: Sequence[ClockName] = (),
        begins: ClockName | None = None,
        **facts: Any,
    ) -> NoticeRef:
        """Owe somebody a letter; it is sent beside the story, and tried until it is proven.

        `proves`: the duties that are met once it has gone out; `begins`: the time to answer that it gives.
        """
        application = self.application
        ref = NoticeRef(
            n=len(application.notices) + 1,
            kind=kind,
            party=party or application.primary.party,
            at=workflow.now(),
            facts={
                "creditor": application.product.creditor,
                "product": application.product.title,
                "currency": application.product.currency,
                "reference": application.application_id,
                "jurisdiction": application.product.jurisdiction.value,
                "written_on": application.policy.local_date(workflow.now()).isoformat(),
                **facts,
            },
        )
        application.notices.append(ref)
        self.event("notice_owed", notice=kind, n=ref.n, party=ref.party)
        if begins is not None:
            self._gives_time[ref.n] = begins
        self.crew.start(f"letter {ref.n}", self._send(ref, proves, begins))
        return ref

    def untold(self, name: ClockName) -> bool:
        """A letter that gives this time is still on its way."""
        given = [n for n, begun in self._gives_time.items() if begun is name]
        return any(self.crew.runs(f"letter {n}") for n in given)

    def send_what_is_owed(self) -> None:
        """After a new run has begun: letters that the run before had not sent."""
        for ref in self.application.notices:
            if ref.state is NoticeState.PENDING and not self.crew.has(f"letter {ref.n}"):
                self.crew.start(f"letter {ref.n}", self._send(ref, (), None))

    def last_day(self, due: datetime) -> str:
        """The last day of a time, as a letter names it: the lender's, and not the day that begins with its midnight."""
        return self.application.policy.last_day(due).isoformat()

    async def _send(self, ref: NoticeRef, proves: Sequence[ClockName], begins: ClockName | None) -> None:
        letter = Letter(
            application_id=self.application.application_id,
            n=ref.n,
            kind=ref.kind,
            party=ref.party,
            at=ref.at,
            locale=self.application.locale,
            facts=ref.facts,
        )
        while True:
            try:
                sent: Dispatched = await workflow.execute_activity_method(
                    LendingSteps.send_letter,
                    letter,
                    summary=Readable(f"Send notice {ref.n}: {in_words(ref.kind)}"),
                    **options.LENDING_PATIENT,
                )
                break
            except StepFailed as error:
                if is_cancelled_exception(error):
                    raise asyncio.CancelledError from None
                if failure_type(error) != NEEDS_A_PERSON:
                    raise
                ref.state = NoticeState.FAILED
                choice = await self.ask(f"send notice {ref.n} ({in_words(ref.kind)})", failure_text(error))
                if choice is not RETRY:
                    return
                ref.state = NoticeState.PENDING
        ref.state, ref.sent_at = NoticeState.SENT, workflow.now()
        ref.proof, ref.sha256, ref.pdf_sha256 = sent.proof, sent.sha256, sent.pdf_sha256
        for duty in proves:
            self.end_clock(duty, ClockState.MET, f"notice {ref.n}")
        self.event("notice_sent", notice=ref.kind, n=ref.n, party=ref.party, proof=sent.proof)
        if begins is not None:
            self._gives_time.pop(ref.n, None)
            self._begin_with(ref, begins)
        await self.record()

    def _begin_with(self, ref: NoticeRef, name: ClockName) -> None:
        """A time to answer runs from when its letter went out; too little left of the day that it named: told again."""
        application, now = self.application, workflow.now()
        running, day = application.clock(name), application.policy.day
        if running is None or application.policy.clock(name, now).due_at - running.due_at < day / 2:
            return
        if begins_with_its_letter():
            later = application.restart_clock(name, now)
            if name is ClockName.COUNTEROFFER and application.offer is not None:
                application.offer.expires_at = later.due_at
            self.event("time_extended", clock=name.value, due=later.due_at.isoformat())
            if running.due_at - now < LEAST_TO_ANSWER * day:
                known = {key: value for key, value in ref.facts.items() if key != "written_on"}
                self.letter(ref.kind, ref.party, begins=name, **known | {"until": self.last_day(later.due_at)})

    # --- people ------------------------------------------------------------------------------------------------------

    def drop_what_is_unsent(self) -> None:
        """Who has withdrawn is owed no notice any more; what went out, or may just go out, stays as it is."""
        for ref in self.application.notices:
            stuck = ref.state is NoticeState.FAILED or workflow.now() - ref.at > ON_ITS_WAY
            if ref.state is not NoticeState.SENT and stuck and self.crew.runs(f"letter {ref.n}"):
                self.crew.dismiss(f"letter {ref.n}")
                ref.state = NoticeState.DROPPED
                self.event("notice_dropped", notice=ref.kind, n=ref.n, party=ref.party)

    async def ask(
        self, step: str, error: str, choices: Sequence[InterventionAction] = (RETRY, SKIP, GIVE_UP)
    ) -> InterventionAction:
        """Show a step in trouble to ops and wait, without a deadline, for what to do."""
        application = self.application
        application.questions += 1
        question = InterventionView(
            intervention_id=intervention_id(application.application_id, application.questions),
            step=step,
            error=error,
            since=workflow.now(),
            choices=[each.value for each in choices],
        )
        application.interventions.append(question)
        self.event("intervention_needed", reason=step, intervention_id=question.intervention_id)
        try:
            await self.record()
            await workflow.wait_condition(lambda: question.intervention_id in self.answers)
        finally:
            application.interventions.remove(question)
        await self.record()
        return self.answers.pop(question.intervention_id).action

    def alarm(self, what: str, why: str) -> None:
        """Something that a person of the office must see, once; the story goes on beside it."""
        if not self.crew.runs(what):
            self.crew.start(what, self._seen(what, why))

    async def _seen(self, what: str, why: str) -> None:
        await self.ask(what, why, (SKIP,))

    async def step(
        self, name: str, do: Callable[[], Awaitable[Done]], choices: Sequence[InterventionAction] = (RETRY,)
    ) -> Done | None:
        """An outward step that a person is asked about when it cannot be done; its answer, none when it was skipped.

        Raises `Over` when it was given up.
        """
        while True:
            try:
                return await do()
            except StepFailed as error:
                choice = await self.ask(name, failure_text(error), choices)
                if choice is SKIP:
                    return None
                if choice is GIVE_UP:
                    raise Over(Outcome.BOOKING_FAILED_REVERSED) from None
