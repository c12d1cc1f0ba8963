"""One application: its state, and what follows from it. It knows no clock and asks nobody."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict

from domain.actors import Channel
from domain.lending.approvals import Approval, missing
from domain.lending.clocks import Clock, ClockName, ClockState, LendingPolicy
from domain.lending.decisions import BureauFacts, DecisionInput
from domain.lending.missing import MissingItem, MissingKind
from domain.lending.outcomes import ActionTaken, ConditionKind, Decided, Ending, denial_reasons, outcome_code
from domain.lending.parts import (
    Archive,
    Check,
    CheckState,
    Claim,
    Decision,
    Document,
    DocumentState,
    EnvelopeRef,
    HitFinding,
    HitVerdict,
    NoticeRef,
    Offer,
    OfferState,
    Party,
    PartyRole,
    Payout,
    Pen,
    ReasonsOwed,
    RepaymentDue,
    Section,
    Signature,
    Tranche,
    TrancheState,
)
from domain.lending.products import CheckKind, ProductDefinition, StepDefinition
from domain.lending.progress import party_progress
from domain.lending.ratios import Affordability, affordability, collateral_value
from domain.lending.reasons import DenialReason
from domain.lending.stages import GroupStatus, Outcome, Overlay, Stage, worst
from domain.lending.terms import LoanTerms, figures
from domain.lending.tranches import planned_advances
from domain.lending.waiting import ApplicationWait, waits_of
from domain.views import InterventionView


class Application(BaseModel):
    """Changed in place by the one workflow that decides about it."""

    model_config = ConfigDict(extra="forbid")

    application_id: str
    product: ProductDefinition
    policy: LendingPolicy
    channel: Channel
    locale: str
    created_at: datetime
    version: int = 0
    stage: Stage = Stage.DRAFT
    outcome: Outcome | None = None
    ended_at: datetime | None = None
    parties: list[Party] = []
    sections: dict[str, Section] = {}
    documents: list[Document] = []
    checks: list[Check] = []
    findings: list[HitFinding] = []
    """About the sanctions hit that holds it, or held it last; of each person the newest."""
    clocks: list[Clock] = []
    decision: Decision | None = None
    claim: Claim | None = None
    recused: list[str] = []
    approvals: list[Approval] = []
    makers: list[str] = []
    """Persons who keyed answers: they may not approve."""
    counter_terms: LoanTerms | None = None
    """What a person offers instead of the terms that were asked for."""
    offers: list[Offer] = []
    signatures: list[Signature] = []
    envelopes: list[EnvelopeRef] = []
    pen: Pen | None = None
    notices: list[NoticeRef] = []
    payouts: list[Payout] = []
    tranches: list[Tranche] = []
    """Of a loan that is paid out in parts, once money leaves."""
    drawing_ends_at: datetime | None = None
    drawing_stopped_at: datetime | None = None
    """From then on no further part leaves."""
    account_id: str | None = None
    archive: Archive | None = None
    reasons_owed: ReasonsOwed | None = None
    repayment: RepaymentDue | None = None
    watches_all: bool = False
    """Its clocks and reminders are those of all parties, signatures, sessions and notices after the end."""
    submitted_at: datetime | None = None
    complete_at: datetime | None = None
    withdrawn_at: datetime | None = None
    rescinded_at: datetime | None = None
    suspended: bool = False
    interventions: list[InterventionView] = []
    questions: int = 0
    """How many were asked so far."""
    handled: list[str] = []
    """Commands that were carried out: one that comes again, in whatever run, changes nothing."""
    draft_reminders: int = 0
    last_act_at: datetime | None = None
    """Of an applicant, for the silence of drafts."""

    # --- people ------------------------------------------------------------------------------------------------------

    @property
    def active(self) -> list[Party]:
        return [party for party in self.parties if party.active]

    @property
    def primary(self) -> Party:
        return next(party for party in self.parties if party.role is PartyRole.APPLICANT)

    def party(self, name: str) -> Party | None:
        return next((each for each in self.parties if each.party == name), None)

    def party_status(self, party: Party) -> GroupStatus:
        """How far one person is; the application is as far as the worst."""
        if any(check.state is CheckState.HIT for check in self.checks if check.party == party.party):
            return GroupStatus.SCREENING_HOLD
        documents = [each for each in self.documents if each.party == party.party]
        return party_progress(party.role, consented=party.consented_at is not None, documents=documents)

    @property
    def status(self) -> GroupStatus:
        return worst([self.party_status(party) for party in self.active])

    @property
    def overlays(self) -> list[Overlay]:
        found: list[Overlay] = []
        if self.outcome is not None:
            return found
        if self.held:
            found.append(Overlay.SCREENING_HOLD)
        if any(party.consented_at is None for party in self.active if party.role is not PartyRole.APPLICANT):
            found.append(Overlay.AWAITING_PARTY)
        if any(each.missing for each in self.documents):
            found.append(Overlay.AWAITING_DOCUMENTS)
        if self.suspended:
            found.append(Overlay.SUSPENDED)
        if self.referred:
            found.append(Overlay.REFERRED)
        return found

    @property
    def held(self) -> bool:
        return any(check.state is CheckState.HIT for check in self.checks)

    def found(self, verdict: HitVerdict) -> int:
        """How many people say so of the hit."""
        return sum(each.verdict is verdict for each in self.findings)

    def needed(self, verdict: HitVerdict) -> int:
        """Nobody confirms a hit alone; how many must clear it follows from the amount."""
        rule, terms = self.product.check(CheckKind.SANCTIONS), self.terms
        if verdict is HitVerdict.CONFIRM:
            return 2
        alone = rule.alone_up_to if rule else None
        return 1 if alone is None or (terms.principal if terms else 0) <= alone else 2

    @property
    def confirmed(self) -> bool:
        """A party is on a sanctions list. Whoever is outside never learns of it."""
        return self.held and self.found(HitVerdict.CONFIRM) >= self.needed(HitVerdict.CONFIRM)

    @property
    def referred(self) -> bool:
        """A person decides, or approves what another person decided."""
        decision = self.decision
        if decision is None or decision.stale or self.stage is not Stage.IN_REVIEW:
            return False
        return decision.verdict.value == "refer" or (decision.verdict.value == "approve" and self.approvals_left != 0)

    @property
    def review_is_late(self) -> bool:
        """Its time is over and the breach recorded; it still waits for the underwriter."""
        review = self.latest_clock(ClockName.REVIEW)
        return self.referred and review is not None and review.state is ClockState.BREACHED

    # --- steps -------------------------------------------------------------------------------------------------------

    def answered(self, name: str) -> bool:
        section = self.sections.get(name)
        return section is not None and not section.stale

    @property
    def unanswered(self) -> list[str]:
        return [step.name for step in self.product.steps if step.only_with is None and not self.answered(step.name)]

    def asks(self, step: StepDefinition) -> bool:
        return step.only_with is None or any(party.role.value == step.only_with for party in self.active)

    def fact(self, reference: str | None) -> Any:
        """The answer `step.field`; none where it was not given."""
        if reference is None:
            return None
        name, _, field = reference.partition(".")
        section, step = self.sections.get(name), self.product.step(name)
        return section.data.get(field) if section is not None and step is not None and self.asks(step) else None

    @property
    def missing(self) -> list[MissingItem]:
        found = [MissingItem(kind=MissingKind.STEP, name=name) for name in self.unanswered]
        found += [
            MissingItem(kind=MissingKind.CONSENT, name="consent", party=party.party)
            for party in self.active
            if party.consented_at is None and party.role is not PartyRole.APPLICANT
        ]
        found += [
            MissingItem(kind=MissingKind.DOCUMENT, name=each.doc, type=each.type, party=each.party)
            for each in self.documents
            if each.missing and each.condition is None
        ]
        return found

    # --- money -------------------------------------------------------------------------------------------------------

    def asked_terms(self) -> LoanTerms | None:
        """The terms that the applicant asks for; none for a product without an amount."""
        amount = self.fact(self.product.facts.amount)
        if not amount:
            return None
        pricing = self.product.pricing
        return LoanTerms(
            principal=amount,
            currency=self.product.currency,
            annual_rate=pricing.annual_rate,
            term_months=self.fact(self.product.facts.term_months) or pricing.term_months,
            day_count=pricing.day_count,
            prepaid=amount * pricing.origination_fee // 10_000,
        )

    @property
    def terms(self) -> LoanTerms | None:
        """What stands to be approved and offered: a person's counter, or what was asked for."""
        return self.counter_terms or self.asked_terms()

    def affordability(self, terms: LoanTerms | None, at: datetime) -> Affordability:
        facts = self.product.facts
        incomes = [self.fact(each) or 0 for each in facts.income]
        owed = [self.fact(each) or 0 for each in facts.obligations]
        day = self.policy.local_date(at)
        payment = figures(terms, day, advances=planned_advances(self.product, terms, day)).payment if terms else 0
        appraisal, price = self.fact(facts.appraisal), self.fact(facts.price)
        value = collateral_value(appraisal, price) if appraisal else None
        return affordability(
            obligations=owed, incomes=incomes, payment=payment, loan=terms.principal if terms else 0, value=value
        )

    def decision_input(self, at: datetime) -> DecisionInput:
        """Everything that the rules look at, as it is now."""
        terms = self.asked_terms()
        reports = [each.report or BureauFacts(score=None) for each in self.checks if each.kind is CheckKind.BUREAU]
        states = {(each.kind, each.state) for each in self.checks}
        unsure = (CheckState.UNSURE, CheckState.FAILED, CheckState.UNANSWERED)
        figures_now = self.affordability(terms, at)
        if not self.product.facts.income:
            # A product that does not ask what is earned is not decided by it.
            figures_now = figures_now.model_copy(update={"dti": Decimal(0)})
        return DecisionInput(
            amount=terms.principal if terms else 0,
            affordability=figures_now,
            reports=tuple(reports),
            needs_report=self.product.needs_report,
            identity_unsure=any((CheckKind.IDENTITY, state) in states for state in unsure),
            fraud_suspected=any((CheckKind.FRAUD, state) in states for state in unsure),
            income_unsure=any((CheckKind.INCOME, state) in states for state in unsure),
            unscreened=any((CheckKind.SANCTIONS, state) in states for state in unsure),
        )

    @property
    def to_be_drawn(self) -> list[Tranche]:
        """Parts that may still leave."""
        return [each for each in self.tranches if each.state is TrancheState.PLANNED]

    def keyed_by(self, person: str | None) -> None:
        """An officer who wrote something of it has no say in what becomes of it; none: the applicant wrote."""
        if person is not None and person not in self.makers:
            self.makers.append(person)

    # --- decision, approvals, offer ----------------------------------------------------------------------------------

    @property
    def offer(self) -> Offer | None:
        return self.offers[-1] if self.offers else None

    @property
    def terms_hash(self) -> str:
        terms = self.terms
        return terms.hash() if terms else self.product.product

    @property
    def approvals_left(self) -> int | None:
        """How many approvals the present terms still need; none: more than anybody here may approve."""
        decision = self.decision
        if decision is None or decision.automatic:
            return 0
        terms = self.terms
        amount = terms.principal if terms else 0
        makers = frozenset({*self.makers, *([decision.person] if decision.person else [])})
        return missing(self.product.approvals, amount, self.approvals, terms_hash=self.terms_hash, makers=makers)

    @property
    def pays_early(self) -> bool:
        """Money goes out while the right to withdraw still runs, because the applicant asked for that."""
        asked = self.fact(self.product.facts.early_payout) is True
        return asked and self.product.cooling_off is ClockName.CCD_WITHDRAWAL

    @property
    def unsigned(self) -> list[Party]:
        """Who has not signed the present terms."""
        signed = {each.party for each in self.signatures if each.terms_hash == self.terms_hash}
        return [each for each in self.active if each.party not in signed]

    def told(self, kind: str) -> list[datetime]:
        """When each notice of the kind went out; none of them while one is still on its way."""
        found = [each for each in self.notices if each.kind == kind]
        sent = [each.sent_at for each in found if each.sent_at is not None]
        return sent if len(sent) == len(found) else []

    @property
    def unmet(self) -> frozenset[ConditionKind]:
        conditions = self.decision.conditions if self.decision else []
        return frozenset(each.kind for each in conditions if each.met_at is None)

    @property
    def decided(self) -> Decided:
        if self.decision is None or self.decision.stale or self.decision.verdict.value == "refer":
            return Decided.NOTHING
        if self.decision.verdict.value == "decline":
            return Decided.DENIED
        if self.approvals_left != 0:
            # Nobody has been told of it: it is no decision before all who must have agreed.
            return Decided.NOTHING
        countered = self.offer is not None and self.offer.counter and self.offer.state is not OfferState.ACCEPTED
        return Decided.COUNTEROFFERED if countered else Decided.APPROVED

    @property
    def outcome_code(self) -> ActionTaken | None:
        if self.outcome is None:
            return None
        return outcome_code(Ending(outcome=self.outcome, decided=self.decided, unmet=self.unmet))

    @property
    def conditions_left(self) -> list[str]:
        """Underwriting conditions of the approval that are open: what was not met is as good as a denial's reason."""
        conditions = self.decision.conditions if self.decision else []
        return [each.code for each in conditions if each.met_at is None and each.kind is ConditionKind.UNDERWRITING]

    @property
    def denial_reasons(self) -> list[DenialReason]:
        decided = self.decision.denial if self.decision and not self.decision.stale else []
        return denial_reasons(self.outcome_code, decided, self.conditions_left)

    # --- clocks ------------------------------------------------------------------------------------------------------

    @property
    def review_due_at(self) -> datetime | None:
        """Of the review that it waits for, late or not."""
        if not self.referred or self.outcome is not None:
            return None
        review = self.latest_clock(ClockName.REVIEW)
        return review.due_at if review else None

    def clock(self, name: ClockName) -> Clock | None:
        """The one that runs under this name."""
        return next((each for each in self.clocks if each.name is name and each.state is ClockState.RUNNING), None)

    def latest_clock(self, name: ClockName) -> Clock | None:
        """The last one that was started under this name, whatever became of it."""
        return next((each for each in reversed(self.clocks) if each.name is name), None)

    def start_clock(self, name: ClockName, at: datetime) -> Clock:
        """A new one; one that runs under the name already goes on instead."""
        running = self.clock(name)
        if running is None:
            running = self.policy.clock(name, at)
            self.clocks.append(running)
        return running

    def restart_clock(self, name: ClockName, at: datetime) -> Clock:
        """From now on again: only the last one of the kind counts."""
        self.clocks = [each for each in self.clocks if each.name is not name or each.state is not ClockState.RUNNING]
        return self.start_clock(name, at)

    def end_clock(self, name: ClockName, state: ClockState, proof: str | None = None) -> None:
        self.clocks = [
            each.ended(state, proof) if each.name is name and each.state is ClockState.RUNNING else each
            for each in self.clocks
        ]

    def extend_clock(self, clock: Clock, until: datetime) -> None:
        longer = clock.model_copy(update={"due_at": until})
        self.clocks = [longer if each is clock else each for each in self.clocks]

    @property
    def next_due(self) -> datetime | None:
        """Of the clocks that end by themselves; the end of a repayment is read from the books."""
        running = [each for each in self.clocks if each.state is ClockState.RUNNING]
        return min((each.due_at for each in running if each.name is not ClockName.CCD_REPAYMENT), default=None)

    # --- what a change makes stale -----------------------------------------------------------------------------------

    def invalidate(self, targets: Iterable[str], party: str | None = None) -> list[str]:
        """Make answers, checks, decision or offer stale; what really fell."""
        fell = []
        for target in targets:
            if target == "decision":
                if self.decision is not None and not self.decision.stale:
                    self.decision.stale = True
                    fell.append(target)
                # What a person offered instead was an answer to what was asked for then.
                self.counter_terms = None
                if self.approvals:
                    self.approvals = []
                    fell.append("approvals")
            elif target == "offer":
                offer = self.offer
                if offer is not None and offer.state is OfferState.OPEN:
                    offer.state = OfferState.WITHDRAWN
                    fell.append(target)
            elif target in {kind.value for kind in CheckKind}:
                for check in self.checks:
                    same = party is None or check.party == party
                    if check.kind.value != target or not same:
                        continue
                    if check.state is CheckState.RUNNING:
                        check.outdated = True
                    else:
                        check.state = CheckState.STALE
                        fell.append(f"{target}/{check.party}")
            elif target in self.sections and not self.sections[target].stale:
                self.sections[target].stale = True
                fell.append(target)
        return fell

    def drop_papers(self) -> None:
        """What only the conditions of a decision asked for is not needed without it."""
        for document in self.documents:
            if document.condition is not None and not document.done:
                document.state = DocumentState.EXPIRED

    def age(self, at: datetime) -> list[str]:
        """Make stale what is older than its validity; what fell."""
        fell = []
        day = self.policy.day
        for check in self.checks:
            rule = self.product.check(check.kind)
            good = check.state in (CheckState.PASSED, CheckState.UNSURE, CheckState.FAILED, CheckState.UNANSWERED)
            if rule and good and check.at and at - check.at > day * rule.valid_days:
                check.state = CheckState.STALE
                fell.append(f"{check.kind}/{check.party}")
        for step in self.product.steps:
            section = self.sections.get(step.name)
            if step.valid_days and section and not section.stale and at - section.at > day * step.valid_days:
                section.stale = True
                fell.append(step.name)
        return fell

    def waits(self) -> list[ApplicationWait]:
        """What it waits for: who must act, until when, and what happens by default."""
        return waits_of(self)


INTERVENTION = "application-"
"""How the id of a question about an application begins, among those of orders and returns."""


def intervention_id(application_id: str, number: int) -> str:
    return f"{INTERVENTION}{application_id}-{number}"


LEASE = timedelta(minutes=15)
"""How long the pen, and an underwriter's claim, are one's own without another act."""
