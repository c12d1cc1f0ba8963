"""One application, from its first answer until its outcome is proven to everybody who must know of it."""

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from activities.retention import KeepFile, RetentionSteps
    from adapters.documents.port import Kept
    from domain.lending.application import Application
    from domain.lending.application_view import ApplicationView, view_of
    from domain.lending.clocks import ClockName, ClockState
    from domain.lending.decisions import Verdict, decide
    from domain.lending.outcomes import ConditionKind
    from domain.lending.parts import Archive, Decision, Offer, OfferState, Party, PartyRole
    from domain.lending.products import CheckKind
    from domain.lending.reasons import MOST_REASONS, score_factors
    from domain.lending.retention import retention_begins
    from domain.lending.stages import Outcome, Stage
    from domain.lending.terms import LoanTerms
    from domain.personal import Readable
    from domain.refusals import RefusalKind, Refused
    from workflows import options
    from workflows.applicant_screening import Screening
    from workflows.application_desk import RETRY, SKIP, ApplicationDesk, Over
    from workflows.application_messages import Act, ApplicationAnswer, ApplicationResult, ApplicationStart
    from workflows.applying import Applying, not_now
    from workflows.disbursing import Disbursing, offered
    from workflows.drawing import Drawing
    from workflows.explaining import Explaining
    from workflows.refusing import failure, in_words, refuse
    from workflows.sanctions import Sanctions
    from workflows.signing import Signing
    from workflows.timekeeping import Timekeeping
    from workflows.underwriting import Underwriting
    from workflows.withdrawing import Withdrawing

BUREAUS = {
    "bureau_one": "First Bureau (simulated), 1 Report Street, Springfield",
    "bureau_two": "Second Bureau (simulated), 2 Report Street, Springfield",
}
SCALE = (300, 850)


@workflow.defn(failure_exception_types=[ValidationError])
class ApplicationWorkflow:
    @workflow.init
    def __init__(self, start: ApplicationStart) -> None:
        self.desk = desk = ApplicationDesk(start)
        self.applying = Applying(desk)
        self.underwriting = Underwriting(desk, self.applying)
        self.screening = Screening(desk)
        self.sanctions = Sanctions(desk)
        self.disbursing = Disbursing(desk, self.screening)
        self.drawing = Drawing(desk, self.disbursing)
        self.signing = Signing(desk)
        self.explaining = Explaining(desk)
        self.withdrawing = Withdrawing(desk, self.disbursing)
        self.time = Timekeeping(desk, self.screening.another_session)
        self.begun = False
        if start.resumed is None:
            desk.application.keyed_by(start.person)
            applicant = start.applicant
            desk.application.parties.append(
                Party(
                    party=applicant.party,
                    ref=applicant.ref,
                    role=PartyRole.APPLICANT,
                    digest=applicant.digest,
                    joined_at=workflow.now(),
                )
            )

    @workflow.run
    async def run(self, start: ApplicationStart) -> ApplicationResult:
        """What is done already is passed over, so that a long application goes on in a new run."""
        desk = self.desk
        await self._begin(start)
        try:
            await self.draft_is_submitted()
            await self.everything_is_there()
            while not self._agreed:
                await self.decision_is_made()
                await self.offer_is_answered()
            await self.disclosures_have_been_there()
            await self.everyone_signs()
            await self.cooling_off_passes()
            await self.disbursing.run()
            await self.withdrawing.until_it_is_final()
            await self.drawing.run()
            outcome = Outcome.ORIGINATED
        except Over as over:
            outcome = over.outcome
        await self._end(outcome)
        await desk.crew.wait_until(self._everything_is_proven)
        if desk.application.reasons_owed is not None:
            await self.explaining.while_they_may_be_asked_for()
            await desk.crew.wait_until(self._everything_is_proven)
        if workflow.patched("the file is kept"):
            await self._file_is_kept()
        desk.crew.stop()
        await workflow.wait_condition(workflow.all_handlers_finished)
        application = desk.application
        return ApplicationResult(
            application_id=application.application_id,
            version=application.version,
            outcome=application.outcome,
            ended_at=application.ended_at,
        )

    async def _begin(self, start: ApplicationStart) -> None:
        desk = self.desk
        if workflow.patched("all parties are reminded"):
            desk.application.watches_all = True
        if start.resumed is None:
            desk.start_clock(ClockName.DRAFT_SILENCE)
            desk.event("application_started", start.actor, product=start.product.product)
            await desk.record()
        desk.send_what_is_owed()
        self.signing.resume()
        desk.crew.start("clocks", self.time.run())
        self.begun = True

    # --- the story ---------------------------------------------------------------------------------------------------

    async def draft_is_submitted(self) -> None:
        """Answers come in any channel; silence ends the draft."""
        desk, application = self.desk, self.desk.application
        await desk.until(lambda: application.stage is not Stage.DRAFT)
        if application.clock(ClockName.DRAFT_SILENCE) is not None:
            async with desk.storys_turn():
                desk.end_clock(ClockName.DRAFT_SILENCE, ClockState.STOPPED)
                desk.letter("application_received")
                if not application.missing or not workflow.patched("no action is due before it is complete"):
                    desk.start_clock(ClockName.ACTION_TAKEN)
                self._estimate()
                await desk.record()

    def _estimate(self) -> None:
        """What a home loan would cost, within three days, and seven days before anything is signed."""
        desk, terms = self.desk, self.desk.application.terms
        if terms is not None and desk.application.product.discloses_closing:
            desk.start_clock(ClockName.LOAN_ESTIMATE)
            desk.letter("loan_estimate", proves=[ClockName.LOAN_ESTIMATE], **offered(terms, desk))

    async def everything_is_there(self) -> None:
        """Complete at once, or told what is missing and completed in time."""
        desk, application = self.desk, self.desk.application
        self.screening.start()
        if application.complete_at is None and application.missing:
            async with desk.storys_turn():
                await self._what_is_missing_is_asked_for()
        await desk.until(lambda: not application.missing)
        if application.complete_at is None:
            async with desk.storys_turn():
                application.complete_at = workflow.now()
                application.stage = Stage.IN_REVIEW
                self._nothing_is_missing()
                desk.start_clock(ClockName.ACTION_TAKEN, again=True)
                desk.event("complete")
                await desk.record()

    async def _what_is_missing_is_asked_for(self) -> None:
        """In the turn of the story: notice of it, and a time after which it is closed for it."""
        desk, application = self.desk, self.desk.application
        if application.clock(ClockName.INCOMPLETENESS_ANSWER) is not None:
            return
        desk.start_clock(ClockName.INCOMPLETENESS)
        answer = desk.start_clock(ClockName.INCOMPLETENESS_ANSWER)
        desk.letter(
            "incompleteness",
            proves=[ClockName.INCOMPLETENESS],
            begins=answer.name,
            missing=[each.type or each.name for each in application.missing],
            until=desk.last_day(answer.due_at),
        )
        await desk.record()

    def _nothing_is_missing(self) -> None:
        self.desk.end_clock(ClockName.INCOMPLETENESS, ClockState.STOPPED)
        self.desk.end_clock(ClockName.INCOMPLETENESS_ANSWER, ClockState.MET, "complete")

    async def _facts_have_come(self) -> None:
        """What is known now. Something that was there may be missing again: a paper was no good, somebody joined."""
        desk, application = self.desk, self.desk.application
        while not self._facts_are_there:
            await desk.until(lambda: self._facts_are_there or bool(application.missing))
            if not application.missing:
                continue
            if not workflow.patched("what is missing again is asked for"):
                break
            async with desk.storys_turn():
                await self._what_is_missing_is_asked_for()
            await desk.until(lambda: not application.missing)
            async with desk.storys_turn():
                self._nothing_is_missing()
                await desk.record()
        await desk.until(lambda: self._facts_are_there)
        self._nothing_is_missing()

    async def decision_is_made(self) -> None:
        """By the rules, else by a person, else by two; until it stands on fresh facts and nothing is open."""
        desk, application = self.desk, self.desk.application
        while not self._decided:
            self.screening.start()
            await self._facts_have_come()
            async with desk.storys_turn():
                if fell := application.age(workflow.now()):
                    desk.event("too_old", fell=fell)
                    await desk.record()
                    continue
                if application.decision is None or application.decision.stale:
                    self._decide()
                if application.referred:
                    desk.start_clock(ClockName.REVIEW)
                await desk.record()
            if application.referred:
                await desk.until(lambda: not application.referred or not self._facts_are_there)
                desk.end_clock(ClockName.REVIEW)
            if self._stands and application.decision is not None:
                if application.decision.verdict is Verdict.DECLINE:
                    raise Over(Outcome.DENIED)
                await self._conditions_are_met()
                await self._old_facts_are_renewed()

    async def _old_facts_are_renewed(self) -> None:
        """What is too old for an offer is asked for again; the decision falls if the new answer is another one."""
        desk, application = self.desk, self.desk.application
        async with desk.storys_turn():
            fell = application.age(workflow.now())
            if not fell:
                return
            desk.event("too_old", fell=fell)
            await desk.record()
        self.screening.start()
        await self._facts_have_come()

    async def _conditions_are_met(self) -> None:
        desk, application = self.desk, self.desk.application
        if ConditionKind.UNDERWRITING not in application.unmet:
            return
        async with desk.storys_turn():
            told = application.stage is Stage.CONDITIONALLY_APPROVED
            application.stage = Stage.CONDITIONALLY_APPROVED
            now, applied = workflow.now(), application.submitted_at
            if applied is not None and workflow.patched("silence counts from the application"):
                now = application.policy.silence_from(applied, now)
            silence = application.start_clock(ClockName.APPLICANT_SILENT, now)
            if not workflow.patched("a conditional approval is told"):
                desk.end_clock(ClockName.ACTION_TAKEN, ClockState.MET, "conditional approval")
            elif not told:
                desk.letter(
                    "conditional_approval",
                    proves=[ClockName.ACTION_TAKEN],
                    conditions=application.conditions_left,
                    until=desk.last_day(silence.due_at),
                )
            await desk.record()
        await desk.until(lambda: ConditionKind.UNDERWRITING not in application.unmet or not self._stands)
        async with desk.storys_turn():
            desk.end_clock(ClockName.APPLICANT_SILENT, ClockState.STOPPED)
            application.stage = Stage.IN_REVIEW
            await desk.record()

    def _decide(self) -> None:
        application = self.desk.application
        given = application.decision_input(workflow.now())
        found = decide(given, application.product.decision)
        application.decision = Decision(
            verdict=found.verdict,
            at=workflow.now(),
            actor=self.desk.start.actor.model_copy(update={"id": "rules", "on_behalf_of": None}),
            automatic=True,
            basis=found.basis,
            reasons=[each.code for each in found.reasons],
            denial=list(dict.fromkeys(each.reason for each in found.reasons)),
            input=given,
            rules=f"{application.product.product}/{application.product.version}",
        )
        self.desk.event("decided", verdict=found.verdict.value, reasons=application.decision.reasons)

    async def offer_is_answered(self) -> None:
        """Frozen terms, for a time; a product without terms needs no offer."""
        desk, application = self.desk, self.desk.application
        terms = application.terms
        if terms is None:
            application.stage = Stage.ACCEPTED
            desk.end_clock(ClockName.ACTION_TAKEN, ClockState.MET, "approval")
            await desk.record()
            return
        if application.offer is None or application.offer.state is not OfferState.OPEN:
            async with desk.storys_turn():
                self._issue(terms)
                await desk.record()
        offer = application.offers[-1]
        await desk.until(lambda: offer.state is not OfferState.OPEN)
        async with desk.storys_turn():
            desk.end_clock(ClockName.OFFER, ClockState.STOPPED)
            desk.end_clock(ClockName.COUNTEROFFER, ClockState.STOPPED)
            if offer.state is OfferState.DECLINED:
                await desk.record()
                raise Over(Outcome.DENIED if offer.counter else Outcome.APPROVED_NOT_ACCEPTED)
            application.stage = Stage.ACCEPTED if offer.state is OfferState.ACCEPTED else Stage.IN_REVIEW
            await desk.record()

    def _issue(self, terms: LoanTerms) -> None:
        desk, application = self.desk, self.desk.application
        counter = application.counter_terms is not None
        clock = desk.start_clock(ClockName.COUNTEROFFER if counter else ClockName.OFFER, again=True)
        facts = offered(terms, desk)
        application.offers.append(
            Offer(
                n=len(application.offers) + 1,
                terms=terms,
                terms_hash=terms.hash(),
                counter=counter,
                payment=int(str(facts["payment"])),
                apr=str(facts["apr"]),
                finance_charge=int(str(facts["finance_charge"])),
                total_of_payments=int(str(facts["total_of_payments"])),
                totals_from=str(facts["totals_from"]),
                issued_at=workflow.now(),
                expires_at=clock.due_at,
            )
        )
        application.stage = Stage.OFFERED
        reasons = application.decision.reasons if application.decision else []
        desk.letter(
            "offer",
            proves=[ClockName.ACTION_TAKEN],
            begins=clock.name if counter else None,
            counter=counter,
            reasons=reasons,
            until=desk.last_day(clock.due_at),
            **facts,
        )
        desk.event("offered", n=len(application.offers), counter=counter, terms_hash=terms.hash())

    async def disclosures_have_been_there(self) -> None:
        """The final figures of a home loan are received three days before they are signed."""
        desk, application = self.desk, self.desk.application
        if application.stage is not Stage.ACCEPTED or not application.product.discloses_closing:
            return
        told = any(each.kind == "closing_disclosure" for each in application.notices)
        if not told and application.terms is not None:
            async with desk.storys_turn():
                for party in application.active:
                    desk.letter("closing_disclosure", party.party, **offered(application.terms, desk))
                await desk.record()
        await self._there_for("loan_estimate", ClockName.LOAN_ESTIMATE_WAIT)
        await self._there_for("closing_disclosure", ClockName.CLOSING_DISCLOSURE_WAIT)

    async def _there_for(self, kind: str, name: ClockName) -> None:
        """A disclosure's time begins when it has gone to everybody: an estimate's then, a closing one's on receipt."""
        desk, application = self.desk, self.desk.application
        owed = any(each.kind == kind for each in application.notices)
        if not owed or any(each.name is name and each.state is ClockState.MET for each in application.clocks):
            return
        await desk.until(lambda: bool(application.told(kind)))
        async with desk.storys_turn():
            sent = max(application.told(kind))
            mailed = name is ClockName.CLOSING_DISCLOSURE_WAIT
            application.start_clock(name, application.policy.received(sent) if mailed else sent)
            await desk.record()
        await desk.until(lambda: application.clock(name) is None)

    async def everyone_signs(self) -> None:
        desk, application = self.desk, self.desk.application
        if application.stage is Stage.ACCEPTED:
            async with desk.storys_turn():
                application.stage = Stage.SIGNING
                clock = desk.start_clock(ClockName.SIGNATURE)
                for party in application.active:
                    party.reminders = 0
                for party in application.active:
                    desk.letter("sign_request", party.party, begins=clock.name, until=desk.last_day(clock.due_at))
                await desk.record()
        await desk.until(lambda: not application.unsigned and ConditionKind.CLOSING not in application.unmet)
        if application.clock(ClockName.SIGNATURE) is not None:
            async with desk.storys_turn():
                desk.end_clock(ClockName.SIGNATURE, ClockState.MET, "signed")
                await desk.record()

    async def cooling_off_passes(self) -> None:
        """Money waits for the time in which the customer may change his mind."""
        desk, application = self.desk, self.desk.application
        name = application.product.cooling_off
        if name is None or application.stage.rank > Stage.COOLING_OFF.rank:
            return
        if application.stage is not Stage.COOLING_OFF:
            async with desk.storys_turn():
                application.stage = Stage.COOLING_OFF
                clock = desk.start_clock(name)
                early: dict[str, Any] = {"paid_early": True} if application.pays_early else {}
                for party in application.active:
                    desk.letter("right_to_cancel", party.party, until=desk.last_day(clock.due_at), **early)
                await desk.record()
        await desk.until(lambda: bool(application.told("right_to_cancel")))
        async with desk.storys_turn():
            sent, day_of = max(application.told("right_to_cancel")), application.policy.local_date
            latest = application.latest_clock(name)
            if latest is not None and day_of(latest.started_at) < day_of(sent):
                # It runs from the last of signature and notice.
                extended = application.restart_clock(name, sent)
                desk.event("cooling_off_extended", due=extended.due_at.isoformat())
                if workflow.patched("who has longer to cancel is told"):
                    for party in application.active:
                        desk.letter("cooling_off_extended", party.party, until=desk.last_day(extended.due_at))
                await desk.record()
        if not application.pays_early:
            await desk.until(lambda: application.clock(name) is None)

    # --- the end -----------------------------------------------------------------------------------------------------

    async def _end(self, outcome: Outcome) -> None:
        desk, application = self.desk, self.desk.application
        async with desk.turn:
            application.outcome, application.ended_at = outcome, workflow.now()
            if application.offer is not None and application.offer.state is OfferState.OPEN:
                application.offer.state = OfferState.WITHDRAWN
            owed = {ClockName.ACTION_TAKEN} if outcome is Outcome.DENIED else set()
            for clock in application.clocks:
                if clock.state is ClockState.RUNNING and clock.name not in owed:
                    desk.end_clock(clock.name, ClockState.STOPPED)
            self.screening.stop()
            if outcome is Outcome.WITHDRAWN:
                desk.drop_what_is_unsent()
            self._tell(outcome)
            code = application.outcome_code
            desk.event("ended", outcome=outcome.value, code=int(code) if code else None)
            await desk.record()

    def _tell(self, outcome: Outcome) -> None:
        """Each letter once, to each person who must get it; who has withdrawn is owed no more than a receipt."""
        desk, application = self.desk, self.desk.application
        match outcome:
            case Outcome.DENIED:
                self._adverse_action()
            case Outcome.ORIGINATED if not application.pays_early:
                self.disbursing.tell_booked()
            case Outcome.CLOSED_INCOMPLETE:
                desk.letter("closed_incomplete")
            case Outcome.WITHDRAWN:
                desk.letter("withdrawn")
            case Outcome.RESCINDED if application.repayment is None or application.repayment.repaid_at is not None:
                desk.letter("rescinded")
            case Outcome.APPROVED_NOT_ACCEPTED if ConditionKind.UNDERWRITING in application.unmet:
                # What was not met counts as the reason of a denial, and is owed the notice of one.
                self._adverse_action(application.conditions_left[:MOST_REASONS])
            case Outcome.EXPIRED_OFFER | Outcome.APPROVED_NOT_ACCEPTED:
                desk.letter("offer_lapsed")
            case Outcome.BOOKING_FAILED_REVERSED:
                desk.letter("not_paid_out")
            case Outcome.ABANDONED_DRAFT | Outcome.ORIGINATED | Outcome.RESCINDED:
                pass

    def _adverse_action(self, unmet: list[str] | None = None) -> None:
        """The equal-credit notice to the applicant; what was found about a person, to that person alone."""
        desk, application = self.desk, self.desk.application
        self.explaining.adverse_action(unmet or (application.decision.reasons if application.decision else []))
        for check in application.checks if not application.confirmed else []:
            if check.kind is CheckKind.BUREAU and check.report is not None and check.at is not None:
                desk.letter(
                    "report_disclosure",
                    check.party,
                    bureau=BUREAUS.get(check.provider or "", check.provider),
                    score=check.report.score,
                    score_date=application.policy.local_date(check.at).isoformat(),
                    scale_low=SCALE[0],
                    scale_high=SCALE[1],
                    factors=score_factors(check.report.factors),
                )

    def _everything_is_proven(self) -> bool:
        application = self.desk.application
        # Sent is not enough: the proof must be on record too, so the sending itself must have ended.
        sent = all(not self.desk.crew.runs(f"letter {each.n}") for each in application.notices)
        return sent and self.signing.settled and not application.interventions

    async def _file_is_kept(self) -> None:
        """One archive of the whole file; then the time runs after which it is purged."""
        desk, application = self.desk, self.desk.application
        assert application.ended_at is not None
        began = retention_begins(application.ended_at, (each.sent_at for each in application.notices))
        clock = application.policy.retention(began, business=application.product.business)
        application.clocks.append(clock)
        desk.event("retention_began", until=clock.due_at.isoformat())
        await desk.record()
        # Skipped by a person: the file itself is still there.
        kept = await desk.step("make the archive", self._archived, (RETRY, SKIP))
        if kept is not None:
            application.archive = Archive(sha256=kept.sha256, size=kept.size, at=workflow.now())
            desk.event("archived", sha256=kept.sha256)
            await desk.record()
        keeping = KeepFile(
            application_id=application.application_id, keep_until=clock.due_at, day=application.policy.day
        )
        await workflow.execute_activity_method(
            RetentionSteps.keep_file,
            keeping,
            summary=Readable("Have the file kept for the legal time"),
            **options.LENDING_PATIENT,
        )

    async def _archived(self) -> Kept:
        return await workflow.execute_activity_method(
            RetentionSteps.archive_application,
            self.desk.application.application_id,
            summary=Readable("Make the archive of the file"),
            **options.LENDING_PATIENT,
        )

    # --- what the story asks -----------------------------------------------------------------------------------------

    @property
    def _facts_are_there(self) -> bool:
        application = self.desk.application
        return (
            not application.missing
            and self.screening.settled
            and all(each.done for each in application.documents if each.condition is None)
        )

    @property
    def _stands(self) -> bool:
        decision = self.desk.application.decision
        return decision is not None and not decision.stale and not self.desk.application.referred

    @property
    def _decided(self) -> bool:
        """Approved with all the approvals it needs, and no underwriting condition open."""
        application = self.desk.application
        decision = application.decision
        if decision is None or decision.stale or decision.verdict is not Verdict.APPROVE:
            return False
        return (
            application.approvals_left == 0
            and ConditionKind.UNDERWRITING not in application.unmet
            and self._facts_are_there
        )

    @property
    def _agreed(self) -> bool:
        return self.desk.application.stage.rank >= Stage.ACCEPTED.rank

    # --- commands ----------------------------------------------------------------------------------------------------

    @workflow.update
    async def act(self, given: Act) -> ApplicationAnswer:
        """One command, one decision at a time. What was refused fails the update with the refusal."""
        await workflow.wait_condition(lambda: self.begun)
        command, application = given.command, self.desk.application
        try:
            if command.command_id in application.handled:
                return self._answer()
            if isinstance(command, messages.Settle):
                await self.settle(command)
                application.handled.append(command.command_id)
                return self._answer()
            async with self.desk.turn:
                if command.version is not None and command.version != application.version:
                    raise refuse(
                        RefusalKind.STALE_VERSION,
                        f"You saw version {command.version}; it is {application.version} now. Look at it again.",
                    )
                over = application.outcome is not None or self.desk.ending is not None
                if over and not isinstance(command, messages.AskReasons):
                    raise not_now(f"It has ended: {in_words(str(application.outcome or self.desk.ending))}.")
                await self._handlers()[command.kind](command)
                application.handled.append(command.command_id)
                if not over and Stage.DRAFT.rank < application.stage.rank < Stage.ACCEPTED.rank:
                    self.screening.start()
                await self.desk.record()
        except Refused as refused:
            raise failure(refused.refusal) from None
        return self._answer()

    def _handlers(self) -> dict[str, Callable[..., Awaitable[None]]]:
        applying, underwriting = self.applying, self.underwriting
        return {
            "submit_step": applying.submit_step,
            "take_pen": applying.take_pen,
            "submit": applying.submit,
            "withdraw": applying.withdraw,
            "rescind": self.withdrawing.rescind,
            "ask_reasons": self.explaining.ask,
            "add_party": applying.add_party,
            "remove_party": applying.remove_party,
            "consent": applying.consent,
            "document_received": applying.document_received,
            "decide_document": applying.decide_document,
            "answer_offer": self.answer_offer,
            "sign": self.signing.sign,
            "release_tranche": self.drawing.release,
            "clear_screening": self.sanctions.clear,
            "confirm_screening": self.sanctions.confirm,
            "claim": underwriting.claim,
            "release": underwriting.release,
            "reassign": underwriting.reassign,
            "recuse": underwriting.recuse,
            "decide": underwriting.decide,
            "counteroffer": underwriting.counteroffer,
            "approve": underwriting.approve,
        }

    async def answer_offer(self, command: messages.AnswerOffer) -> None:
        """Once: accepted or declined."""
        offer = self.desk.application.offer
        if offer is None or offer.state is not OfferState.OPEN:
            raise not_now("There is no open offer.")
        if command.terms_hash is not None and command.terms_hash != offer.terms_hash:
            raise refuse(RefusalKind.STALE_VERSION, "The offer is another one now. Look at it again, then answer.")
        if command.accept and not self._facts_are_there:
            raise not_now("Something that was changed is looked at first; then the offer can be accepted.")
        offer.state = OfferState.ACCEPTED if command.accept else OfferState.DECLINED
        offer.answered_at = workflow.now()
        self.desk.event(f"offer_{offer.state.value}", command.actor, n=offer.n)

    async def settle(self, command: messages.Settle) -> None:
        open_now = {each.intervention_id: each for each in self.desk.application.interventions}
        question = open_now.get(command.intervention_id)
        if question is None or command.intervention_id in self.desk.answers:
            raise refuse(RefusalKind.NOT_FOUND, "Nobody waits for this decision any more.")
        if command.action.value not in question.choices:
            raise not_now(f"The choices are {', '.join(question.choices)}.")
        self.desk.answers[command.intervention_id] = command
        self.desk.event("intervention_made", command.actor, command.reason, action=command.action.value)

    def _answer(self) -> ApplicationAnswer:
        application = self.desk.application
        return ApplicationAnswer(
            application_id=application.application_id,
            version=application.version,
            stage=application.stage,
            outcome=application.outcome,
        )

    @workflow.signal
    def signature_event(self, event: messages.SignatureEvent) -> None:
        """The signature provider tells of an envelope: a reason to look at it."""
        self.signing.told.add(event.envelope_id)

    @workflow.signal
    def account_changed(self) -> None:
        """Something was posted to the loan's account: a reason to look at it."""
        self.withdrawing.told = True

    @workflow.query
    def snapshot(self) -> Application:
        """All that a next run would need to go on as if nothing had happened."""
        return self.desk.application

    @workflow.query
    def view(self) -> ApplicationView:
        """The application as staff see it."""
        return view_of(self.desk.application)
