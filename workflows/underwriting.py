"""What underwriters do: claim, decide with reasons, counter, approve as another pair of eyes, step aside."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from domain.lending.application import LEASE
    from domain.lending.approvals import Approval, Reviewer, tier_for
    from domain.lending.decisions import Verdict
    from domain.lending.outcomes import condition_kind
    from domain.lending.parts import Claim, Condition, Decision
    from domain.lending.reasons import Basis, DenialReason, ReasonRefused, check_given
    from domain.lending.stages import Stage
    from domain.lending.terms import LoanTerms
    from domain.money import Money
    from domain.refusals import RefusalKind
    from workflows.application_desk import ApplicationDesk
    from workflows.applying import Applying, not_now
    from workflows.refusing import in_words, refuse


class Underwriting:
    def __init__(self, desk: ApplicationDesk, applying: Applying):
        self.desk = desk
        self.applying = applying

    async def claim(self, command: messages.ClaimReview) -> None:
        self._may(command.reviewer)
        claim = self.desk.application.claim
        now = workflow.now()
        if claim is not None and claim.person != command.reviewer.person and claim.until > now:
            raise refuse(RefusalKind.HELD, "Somebody else has claimed it.")
        self._claim(command.reviewer)
        self.desk.event("review_claimed", command.actor)

    async def release(self, command: messages.ReleaseReview) -> None:
        self._may_own(command.reviewer)
        if self.desk.application.claim is None:
            raise not_now("Nobody has claimed it.")
        self.desk.application.claim = None
        self.desk.event("review_released", command.actor)

    async def reassign(self, command: messages.ReassignReview) -> None:
        self._may(command.reviewer)
        self._may(command.to)
        self._claim(command.to)
        self.desk.event("review_reassigned", command.actor, to=command.to.login)

    async def recuse(self, command: messages.Recuse) -> None:
        """Someone with an interest in it has no say any more; what that person decided or approved falls."""
        application = self.desk.application
        if application.stage.rank >= Stage.ACCEPTED.rank:
            raise not_now(f"It is {in_words(application.stage)}: everything is agreed.")
        person = command.reviewer.person
        if person not in application.recused:
            application.recused.append(person)
        decision = application.decision
        if decision is not None and decision.person == person:
            self.desk.invalidate(["decision", "offer"])
        if any(each.reviewer.person == person for each in application.approvals):
            application.approvals = [each for each in application.approvals if each.reviewer.person != person]
            self.desk.invalidate(["offer"])
        if application.claim is not None and application.claim.person == person:
            application.claim = None
        self.desk.event("recused", command.actor, reason=command.reason)

    async def decide(self, command: messages.Decide) -> None:
        application = self.desk.application
        self._may_own(command.reviewer)
        reasons, codes = self._reasons(command)
        if command.verdict is not Verdict.APPROVE and (command.terms or command.conditions):
            raise not_now("Terms and conditions belong to an approval.")
        self._may_be_offered(command.terms)
        conditions = []
        for given in command.conditions:
            lawful = condition_kind(given.code)
            if lawful is not None and lawful is not given.kind:
                raise not_now(f"The law counts {in_words(given.code)} as a condition of {lawful}.")
            conditions.append(Condition(code=given.code, kind=given.kind))
        self._hold_claim(command.reviewer)
        if command.terms is not None:
            self._counter(command.terms)
        before = application.decision
        both = before is not None and before.automatic and before.basis is Basis.BOTH
        application.decision = Decision(
            verdict=command.verdict,
            at=workflow.now(),
            actor=command.actor,
            person=command.reviewer.person,
            automatic=False,
            basis=Basis.BOTH if both else Basis.JUDGEMENT,
            reasons=codes,
            denial=reasons,
            conditions=conditions,
            input=application.decision_input(workflow.now()),
            rules=f"{application.product.product}/{application.product.version}",
        )
        self.desk.drop_papers()
        for condition in conditions:
            self.applying.request_for_condition(condition.code)
        self.desk.event("decided", command.actor, verdict=command.verdict.value, reasons=codes)
        if not application.referred:
            application.claim = None

    async def counteroffer(self, command: messages.Counteroffer) -> None:
        """Other terms than were asked for; with the reasons why not those."""
        if command.terms == self.desk.application.asked_terms():
            raise not_now("These are the terms that were asked for: approve them.")
        as_decision = messages.Decide(
            command_id=command.command_id,
            actor=command.actor,
            reviewer=command.reviewer,
            verdict=Verdict.APPROVE,
            reasons=command.reasons,
            terms=command.terms,
        )
        await self.decide(as_decision)

    def _reasons(self, command: messages.Decide) -> tuple[list[DenialReason], list[str]]:
        """Of a denial, and of other terms than were asked for, which are one of those; with what is named for them.

        Other terms without a word are offered for what the decision before had against those that were asked for.
        """
        application = self.desk.application
        terms = command.terms or application.terms
        if command.verdict is Verdict.REFER or (
            command.verdict is Verdict.APPROVE and terms == application.asked_terms()
        ):
            return [], []
        before = application.decision
        if command.verdict is Verdict.APPROVE and not command.reasons and before is not None and before.reasons:
            return before.denial, before.reasons
        try:
            given = check_given(command.reasons)
        except ReasonRefused as refused:
            raise refuse(RefusalKind.PROOF_NEEDED, f"{refused}.") from None
        return given, [each.name.lower() for each in given]

    async def approve(self, command: messages.Approve) -> None:
        """Another person agrees to exactly these terms."""
        application = self.desk.application
        reviewer = command.reviewer
        self._may(reviewer)
        decision = application.decision
        if decision is None or decision.stale or decision.verdict is not Verdict.APPROVE or decision.automatic:
            raise not_now("Nothing is decided that needs another approval.")
        if reviewer.person == decision.person:
            raise not_now("Who decided it may not approve it.")
        if command.terms_hash != application.terms_hash:
            raise refuse(RefusalKind.STALE_VERSION, "The terms have changed. Look at them again, then approve.")
        terms = application.terms
        tier = tier_for(application.product.approvals, terms.principal if terms else 0)
        if tier is None or tier.role not in reviewer.roles:
            raise not_now("This amount needs an approver with more authority.")
        if any(each.reviewer.person == reviewer.person for each in application.approvals):
            raise not_now("This person has approved it already.")
        application.approvals.append(Approval(reviewer=reviewer, terms_hash=command.terms_hash, at=workflow.now()))
        self.desk.event("approved", command.actor, terms_hash=command.terms_hash)

    def _may_be_offered(self, terms: LoanTerms | None) -> None:
        if terms is None:
            return
        application = self.desk.application
        limits = application.product.limits
        if terms.currency != application.product.currency or terms.day_count != application.product.pricing.day_count:
            raise not_now("Currency and day count are the product's.")
        if not limits.least_amount <= terms.principal <= limits.most_amount:
            least, most = (
                Money(amount=each, currency=terms.currency) for each in (limits.least_amount, limits.most_amount)
            )
            raise refuse(RefusalKind.BEYOND_LIMIT, f"Between {least} and {most} is lent here.")
        if not limits.least_term <= terms.term_months <= limits.most_term:
            raise refuse(RefusalKind.BEYOND_LIMIT, f"It runs {limits.least_term} to {limits.most_term} months here.")

    def _counter(self, terms: LoanTerms) -> None:
        application = self.desk.application
        self.desk.invalidate(["offer"])
        application.approvals = []
        application.counter_terms = terms if terms != application.asked_terms() else None

    def _claim(self, reviewer: Reviewer) -> None:
        now = workflow.now()
        self.desk.application.claim = Claim(login=reviewer.login, person=reviewer.person, at=now, until=now + LEASE)

    def _may(self, reviewer: Reviewer) -> None:
        application = self.desk.application
        if not application.referred:
            raise not_now("It does not wait for an underwriter.")
        if reviewer.person in application.recused:
            raise not_now("Who has stepped aside has no say in it.")
        if not reviewer.roles:
            raise not_now("This needs an underwriter's role.")
        if reviewer.person in application.makers:
            raise not_now("Who keyed it has no say in it.")

    def _may_own(self, reviewer: Reviewer) -> None:
        """Who decides has claimed it, or nobody has; and still may."""
        self._may(reviewer)
        claim = self.desk.application.claim
        if claim is not None and claim.until > workflow.now() and claim.person != reviewer.person:
            raise refuse(RefusalKind.HELD, "Somebody else has claimed it.")

    def _hold_claim(self, reviewer: Reviewer) -> None:
        claim = self.desk.application.claim
        if claim is None or claim.until <= workflow.now():
            self._claim(reviewer)
