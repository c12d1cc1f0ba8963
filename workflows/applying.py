"""What applicants, channels and officers do to an application: answers, pen, parties, documents, the way out."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from domain.actors import Channel
    from domain.lending.application import LEASE
    from domain.lending.clocks import ClockName
    from domain.lending.outcomes import ConditionKind
    from domain.lending.parts import (
        CONSENT_TEXT,
        CheckState,
        ConsentEvidence,
        Document,
        DocumentState,
        Party,
        PartyRole,
        Pen,
        Section,
    )
    from domain.lending.products import CheckKind, StepRole
    from domain.lending.stages import Outcome, Stage
    from domain.refusals import RefusalKind, Refused
    from workflows.application_desk import ApplicationDesk, papers_fall
    from workflows.messages import Command
    from workflows.refusing import in_words, refuse

BEFORE_SIGNING = (Stage.DRAFT, Stage.SUBMITTED, Stage.IN_REVIEW, Stage.CONDITIONALLY_APPROVED, Stage.OFFERED)


def not_now(detail: str) -> Refused:
    return refuse(RefusalKind.NOT_ALLOWED_NOW, detail)


class Applying:
    def __init__(self, desk: ApplicationDesk):
        self.desk = desk

    # --- answers -----------------------------------------------------------------------------------------------------

    async def submit_step(self, command: messages.SubmitStep) -> None:
        """Take the answers to one step, in order, from a channel that may give them; what depends on them falls."""
        application, now = self.desk.application, workflow.now()
        step = application.product.step(command.step)
        if step is None:
            raise refuse(RefusalKind.NOT_FOUND, "This product has no such step.")
        if application.stage not in BEFORE_SIGNING:
            raise not_now(f"It is {in_words(application.stage)}: answers are fixed.")
        if command.actor.channel not in step.channels:
            raise not_now(f"This step is not taken through {in_words(command.actor.channel)}.")
        role = StepRole.OFFICER if command.person is not None else StepRole.APPLICANT
        if role not in step.roles:
            raise not_now(f"This step is answered by {' or '.join(step.roles)} only.")
        if not application.asks(step):
            raise not_now("It is asked of a co-applicant or guarantor, and none takes part.")
        if blocked := [name for name in step.requires if not application.answered(name)]:
            raise not_now(f"First answer {', '.join(blocked)}.")
        if self._electronic_by_phone(command):
            raise not_now("The phone may not take an electronic consent: use the web, the app or a branch.")
        self._hold_pen(command)
        before = application.sections.get(command.step)
        application.sections[command.step] = Section(
            data=command.data, digest=command.digest, at=now, actor=command.actor
        )
        application.keyed_by(command.person)
        fell: list[str] = []
        if before is None:
            for party in application.active if step.only_with else [application.primary]:
                if step.only_with in (None, party.role.value):
                    self._request(step.evidence, party, reason=command.step)
        if before.digest != command.digest if before is not None else step.only_with is not None:
            fell = self.desk.invalidate(step.invalidates)
        primary = application.primary
        if command.step == "consents" and primary.consented_at is None:
            primary.consented_at = now
        if application.fact(application.product.facts.electronic_consent) is not None:
            primary.electronic = bool(application.fact(application.product.facts.electronic_consent))
            if primary.electronic:
                self._evidence(primary, command)
            else:
                primary.consent_evidence = None
        self._acted()
        self.desk.event("step_answered", command.actor, step=command.step, changed=before is not None, fell=fell)

    def _electronic_by_phone(self, command: messages.SubmitStep) -> bool:
        name, _, field = (self.desk.application.product.facts.electronic_consent or ".").partition(".")
        given = name == command.step and command.data.get(field) is True
        return given and command.actor.channel is Channel.CALL_CENTRE

    async def take_pen(self, command: messages.TakePen) -> None:
        self._hold_pen(command, take_over=command.take_over, holder=command.holder)
        self._acted()

    def _hold_pen(self, command: Command, *, take_over: bool = False, holder: str | None = None) -> None:
        """One person in one channel writes at a time; a lease that has ended, or a take-over, gives it to another.

        Who has only written, and not asked for the pen, keeps nobody else from going on.
        """
        application, now = self.desk.application, workflow.now()
        holder = holder or command.actor.on_behalf_of or command.actor.id
        asked = isinstance(command, messages.TakePen)
        pen = application.pen
        same = pen is not None and (pen.holder, pen.channel) == (holder, command.actor.channel)
        if pen is not None and not same:
            if pen.asked_for and pen.until > now and not take_over:
                raise refuse(
                    RefusalKind.HELD,
                    f"It is written on through {in_words(pen.channel)}. Take the pen over, or wait for its end.",
                )
            self.desk.event("pen_handed_over", command.actor, from_channel=pen.channel.value)
        kept = pen if same else None
        application.pen = Pen(
            holder=holder,
            channel=command.actor.channel,
            since=kept.since if kept else now,
            until=now + LEASE,
            asked_for=asked or (kept is not None and kept.asked_for),
        )

    def _acted(self) -> None:
        application = self.desk.application
        application.last_act_at = workflow.now()
        if application.stage is Stage.DRAFT:
            self.desk.start_clock(ClockName.DRAFT_SILENCE, again=True)

    async def submit(self, command: messages.Submit) -> None:
        """The applicant asks for a decision: every step is answered, whatever documents are still to come."""
        application = self.desk.application
        if application.stage is not Stage.DRAFT:
            raise not_now(f"It is {in_words(application.stage)} already.")
        if application.unanswered:
            raise not_now(f"Still to be answered: {', '.join(application.unanswered)}.")
        application.stage = Stage.SUBMITTED
        application.submitted_at = workflow.now()
        self.desk.event("submitted", command.actor)

    async def withdraw(self, command: messages.Withdraw) -> None:
        """The applicant wants no more of it: possible until money, or its last part, is on its way."""
        application = self.desk.application
        if application.drawing_stopped_at is not None and application.to_be_drawn:
            raise not_now("It is stopped already: no further part leaves.")
        if application.payouts and any(each.drawn_on is None for each in application.to_be_drawn):
            application.drawing_stopped_at = workflow.now()
            self.desk.event("drawing_stopped", command.actor, reason=command.reason)
            return
        if application.payouts or application.stage in (Stage.DISBURSING, Stage.BOOKED):
            raise not_now("Money has been sent: what is owed can be repaid, also at once.")
        application.withdrawn_at = workflow.now()
        self.desk.ending = Outcome.WITHDRAWN
        self.desk.event("withdrawn", command.actor, reason=command.reason)

    # --- parties -----------------------------------------------------------------------------------------------------

    async def add_party(self, command: messages.AddParty) -> None:
        application = self.desk.application
        if application.stage not in (Stage.DRAFT, Stage.SUBMITTED, Stage.IN_REVIEW):
            raise not_now(f"It is {in_words(application.stage)}: nobody can join any more.")
        joins = command.joins
        if joins.role is PartyRole.APPLICANT:
            raise not_now("There is one applicant; others join as co-applicant or guarantor.")
        if any(each.ref == joins.ref for each in application.active):
            raise not_now("This person takes part already.")
        others = [each for each in application.active if each.role is PartyRole.CO_APPLICANT]
        if joins.role is PartyRole.CO_APPLICANT and len(others) >= application.product.co_applicants:
            raise not_now(f"This product takes {application.product.co_applicants} co-applicants at most.")
        application.parties.append(
            Party(party=joins.party, ref=joins.ref, role=joins.role, digest=joins.digest, joined_at=workflow.now())
        )
        application.keyed_by(command.person)
        fell = self.desk.invalidate(["decision", "offer"])
        self.desk.event("party_joined", command.actor, party=joins.party, role=joins.role.value, fell=fell)
        self.desk.letter("party_invited", joins.party, role=joins.role.value)
        self._acted()

    async def remove_party(self, command: messages.RemoveParty) -> None:
        application = self.desk.application
        party = self._party(command.party)
        if party.role is PartyRole.APPLICANT:
            raise not_now("Without the applicant there is no application: withdraw it.")
        if application.stage not in BEFORE_SIGNING:
            raise not_now(f"It is {in_words(application.stage)}: nobody can leave any more.")
        party.removed_at = workflow.now()
        application.documents = [each for each in application.documents if each.party != party.party]
        application.checks = [each for each in application.checks if each.party != party.party]
        for step in application.product.steps:
            if not application.asks(step):
                application.sections.pop(step.name, None)
        fell = self.desk.invalidate(["decision", "offer"])
        self.desk.event("party_removed", command.actor, party=party.party, fell=fell)

    async def consent(self, command: messages.Consent) -> None:
        """A party's own consent: to the report and, of a co-applicant, the intent to apply jointly."""
        party = self._party(command.party)
        if command.electronic and command.actor.channel is Channel.CALL_CENTRE:
            raise not_now("The phone may not take an electronic consent: use the web, the app or a branch.")
        if party.consented_at is None:
            party.consented_at = workflow.now()
        party.electronic = party.electronic or command.electronic
        if command.electronic:
            self._evidence(party, command)
        self.desk.event("party_consented", command.actor, party=party.party, role=party.role.value)

    def _evidence(self, party: Party, command: Command) -> None:
        """What shows later that this person agreed to electronic records."""
        if party.consent_evidence is None:
            channel = command.actor.channel
            party.consent_evidence = ConsentEvidence(
                text=CONSENT_TEXT, at=workflow.now(), channel=channel, actor=command.actor
            )

    def _party(self, name: str) -> Party:
        party = self.desk.application.party(name)
        if party is None or not party.active:
            raise refuse(RefusalKind.NOT_FOUND, "Nobody of this name takes part.")
        return party

    # --- documents ---------------------------------------------------------------------------------------------------

    def _request(self, types: tuple[str, ...], party: Party, *, reason: str, condition: str | None = None) -> None:
        application, now = self.desk.application, workflow.now()
        for name in types:
            kind = application.product.evidence.get(name)
            due = application.policy.day * (kind.due_days if kind else 14)
            alike = [each for each in application.documents if each.type == name and each.party == party.party]
            if condition is not None and alike and papers_fall():
                if self._is_for(condition, alike, due):
                    continue
            elif alike:
                continue
            application.documents.append(
                Document(
                    doc=f"d{max((int(each.doc[1:]) for each in application.documents), default=0) + 1}",
                    type=name,
                    title=kind.title if kind else name.replace("_", " "),
                    party=party.party,
                    reason=reason,
                    requested_at=now,
                    due_at=now + due,
                    condition=condition,
                )
            )
            self.desk.event("document_requested", doc=application.documents[-1].doc, type=name, reason=reason)

    def _is_for(self, condition: str, alike: list[Document], due: timedelta) -> bool:
        """Whether one that an earlier decision asked for serves: it is good already, or asked for again."""
        now = workflow.now()
        document = next((each for each in alike if each.condition == condition), None)
        if document is None:
            return False
        if document.done:
            self._meet(document)
        elif document.state is DocumentState.EXPIRED:
            document.state = DocumentState.RECEIVED if document.received_at else DocumentState.REQUESTED
            document.requested_at, document.due_at, document.reminders = now, now + due, 0
            self.desk.event("document_requested", doc=document.doc, type=document.type, reason="condition")
        return True

    def request_for_condition(self, code: str) -> None:
        self._request((code,), self.desk.application.primary, reason="condition", condition=code)

    async def document_received(self, command: messages.DocumentReceived) -> None:
        document = self._needed(command.doc)
        if document.done:
            raise not_now("This document is settled already.")
        same = document.sha256 == command.sha256 and document.state is DocumentState.RECEIVED
        document.state, document.sha256 = DocumentState.RECEIVED, command.sha256
        document.media_type, document.size = command.media_type, command.size
        document.received_at, document.rejected_for = workflow.now(), None
        if not same:
            self.desk.event("document_received", command.actor, doc=document.doc, sha256=command.sha256)
        self._acted()

    async def decide_document(self, command: messages.DecideDocument) -> None:
        """Somebody has looked at it: good, not good (it is asked for again), or not needed."""
        application, now = self.desk.application, workflow.now()
        document = self._needed(command.doc)
        if command.decision == "accept" and document.state is not DocumentState.RECEIVED:
            raise not_now(f"It is {in_words(document.state)}: only what was received can be accepted.")
        if command.decision == "reject":
            if document.state not in (DocumentState.RECEIVED, DocumentState.ACCEPTED):
                raise not_now(f"It is {in_words(document.state)}: only what was received can be rejected.")
            if not command.reason:
                raise refuse(RefusalKind.PROOF_NEEDED, "Say why it is rejected.")
            self._may_fall(document)
            document.state, document.rejected_for = DocumentState.REJECTED, command.reason
            document.requested_at, document.reminders = now, 0
            document.due_at = now + max(timedelta(0), document.due_at - now) + application.policy.day * 7
            until = self.desk.last_day(document.due_at)
            self.desk.letter(
                "document_rejected", document.party, title=document.title, reason=command.reason, until=until
            )
        else:
            accepted = command.decision == "accept"
            document.state = DocumentState.ACCEPTED if accepted else DocumentState.WAIVED
            self._meet(document)
        if command.sighted and command.actor.channel is Channel.BRANCH and command.decision == "accept":
            for check in application.checks:
                failed = check.state in (CheckState.FAILED, CheckState.UNSURE, CheckState.UNANSWERED)
                if check.kind is CheckKind.IDENTITY and check.party == document.party and failed:
                    check.state, check.provider, check.at = CheckState.PASSED, "sighted_in_branch", now
        self.desk.event(f"document_{document.state.value}", command.actor, reason=command.reason, doc=document.doc)

    def _meet(self, document: Document) -> None:
        decision = self.desk.application.decision
        for condition in decision.conditions if decision else []:
            if condition.code == document.condition and condition.met_at is None:
                condition.met_at = workflow.now()
                self.desk.event("condition_met", condition=condition.code)

    def _may_fall(self, document: Document) -> None:
        """What was accepted can still be found to be no good, as long as nothing was agreed upon it."""
        application = self.desk.application
        if document.state is not DocumentState.ACCEPTED:
            return
        decision = application.decision
        met = [
            each
            for each in (decision.conditions if decision else [])
            if each.code == document.condition and each.met_at is not None
        ]
        closing = any(each.kind is ConditionKind.CLOSING for each in met)
        if application.stage not in (*BEFORE_SIGNING, *((Stage.ACCEPTED, Stage.SIGNING) if closing else ())):
            raise not_now(f"It is {application.stage}: what was agreed stands on this document.")
        if met and papers_fall():
            for condition in met:
                condition.met_at = None
            if not closing:
                self.desk.invalidate(["offer"])

    def _needed(self, name: str) -> Document:
        document = self._document(name)
        if document.state is DocumentState.EXPIRED:
            raise not_now("It is not needed any more.")
        return document

    def _document(self, name: str) -> Document:
        found = next((each for each in self.desk.application.documents if each.doc == name), None)
        if found is None:
            raise refuse(RefusalKind.NOT_FOUND, "No such document is asked for.")
        return found
