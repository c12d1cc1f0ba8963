"""The checks of every party, side by side: each with its own time, its next provider, and its age."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.lending import LendingSteps
    from adapters.checks.port import CheckAnswer, CheckQuestion
    from domain.ids import operation_key
    from domain.lending.clocks import ClockName, ClockState
    from domain.lending.parts import Check, CheckState, Party
    from domain.lending.products import CheckDefinition, CheckKind
    from domain.lending.stages import Stage
    from domain.personal import Readable
    from workflows import options
    from workflows.application_desk import ApplicationDesk
    from workflows.refusing import StepFailed


class Screening:
    def __init__(self, desk: ApplicationDesk):
        self.desk = desk

    def start(self) -> None:
        """Ask whatever has no present answer. Nobody is asked about who has not consented."""
        application = self.desk.application
        if self.desk.ending is not None or application.outcome is not None:
            return
        for party in application.active:
            if party.consented_at is None:
                continue
            for rule in application.product.checks:
                check = self._check(party, rule.kind)
                name = f"{rule.kind} of {party.party}"
                if check is None or check.state in (CheckState.STALE, CheckState.RUNNING):
                    if check is None:
                        check = Check(kind=rule.kind, party=party.party)
                        application.checks.append(check)
                    check.state = CheckState.RUNNING
                    if not self.desk.crew.runs(name):
                        self.desk.crew.start(name, self._ask(check, rule, party))

    def stop(self) -> None:
        """Nobody waits for what is still asked."""
        for check in self.desk.application.checks:
            if check.state is CheckState.RUNNING:
                self.desk.crew.dismiss(f"{check.kind} of {check.party}")
                check.state = CheckState.STALE

    def another_session(self) -> None:
        """An identity session ended without an answer: the same check, in a new one; what is known stays meanwhile."""
        application = self.desk.application
        rule = application.product.check(CheckKind.IDENTITY)
        for check in application.checks:
            party = application.party(check.party)
            name = f"{check.kind} of {check.party}"
            open_one = check.kind is CheckKind.IDENTITY and check.state is CheckState.UNANSWERED
            if rule and party and party.active and open_one and not self.desk.crew.runs(name):
                self.desk.crew.start(name, self._ask(check, rule, party))

    @property
    def settled(self) -> bool:
        """Every check of every party that is in has an answer that is not too old."""
        application = self.desk.application
        known = {(each.kind, each.party): each for each in application.checks}
        wanted = [(rule.kind, party.party) for party in application.active for rule in application.product.checks]
        return all(pair in known and known[pair].settled for pair in wanted) and not application.held

    async def again(self, kind: CheckKind) -> bool:
        """Ask once more now, of everybody who is not held already; whether nothing speaks against it."""
        application = self.desk.application
        kept = {CheckState.HIT}
        if any(each.state is CheckState.CLEARED for each in application.checks):
            # What was cleared is an entry of a list, and no person: there may be another one by now.
            kept |= set() if workflow.patched("who was cleared is asked of again") else {CheckState.CLEARED}
        for check in application.checks:
            if check.kind is kind and check.state not in kept:
                check.state = CheckState.STALE
        self.start()
        running = [each for each in application.checks if each.kind is kind]
        await self.desk.until(lambda: all(each.settled for each in running))
        return not application.held

    def _check(self, party: Party, kind: CheckKind) -> Check | None:
        checks = self.desk.application.checks
        return next((each for each in checks if each.kind is kind and each.party == party.party), None)

    async def _ask(self, check: Check, rule: CheckDefinition, party: Party) -> None:
        """Once at least, until there is an answer to what is asked now: what it is about may change meanwhile."""
        while self._wanted(check):
            check.tried, check.outdated = [], False
            answer = await self._answer(check, rule, party)
            async with self.desk.turn:
                if self._wanted(check) and not check.outdated:
                    self._take(check, answer, rule)
                    await self.desk.record()
            if check.settled:
                return

    def _wanted(self, check: Check) -> bool:
        """Nobody is asked any more about an application that is at its end, or a party that has left."""
        return self.desk.ending is None and any(each is check for each in self.desk.application.checks)

    async def _answer(self, check: Check, rule: CheckDefinition, party: Party) -> CheckAnswer | None:
        application = self.desk.application
        for provider in rule.providers:
            if not self._wanted(check) or check.outdated:
                return None
            question = CheckQuestion(
                application_id=application.application_id,
                party=party.party,
                party_ref=party.ref,
                kind=rule.kind,
                provider=provider,
                key=operation_key(
                    application.application_id,  # type: ignore[arg-type]
                    "check",
                    rule.kind.value,
                    party.party,
                    provider.value,
                    application.version,
                ),
                monthly_income=self._income(),
            )
            asking = workflow.start_activity_method(
                LendingSteps.ask_about_party,
                question,
                summary=Readable(f"Ask {provider.value} about {party.party}"),
                **options.one_provider(rule.timeout_seconds),
            )
            try:
                # Who stops waiting leaves the provider to answer nobody. An activity that was cancelled and abandoned
                # may not fail afterwards: the SDK could not go on with the workflow.
                return await asyncio.shield(asking)
            except StepFailed as error:
                if is_cancelled_exception(error):
                    raise asyncio.CancelledError from None
                check.tried.append(provider.value)
        return None

    def _take(self, check: Check, answer: CheckAnswer | None, rule: CheckDefinition) -> None:
        check.at = workflow.now()
        if answer is None:
            check.state = CheckState.UNANSWERED
            check.provider = None
            application = self.desk.application
            if check.kind is CheckKind.IDENTITY and application.watches_all and application.outcome is None:
                self.desk.start_clock(ClockName.IDENTITY_SESSION, again=True)
        else:
            check.state, check.entry = CheckState(answer.state), answer.entry
            if check.state is CheckState.HIT and check.entry in check.cleared:
                check.state = CheckState.CLEARED
            if check.state is CheckState.HIT:
                self.desk.application.findings = []
            if check.kind is CheckKind.IDENTITY:
                self.desk.end_clock(ClockName.IDENTITY_SESSION, ClockState.MET, "answered")
            check.provider = rule.providers[len(check.tried)].value
            check.report, check.reference = answer.report, answer.reference
        self.desk.event(
            "screening_held" if check.state is CheckState.HIT else "check_done",
            check=check.kind.value,
            party=check.party,
            state=check.state.value if check.state is not CheckState.HIT else None,
            provider=check.provider,
        )
        self._compare()

    def _compare(self) -> None:
        """A decision stands on what was found out; it falls, and its offer, when that is another thing now."""
        application = self.desk.application
        decision = application.decision
        if decision is None or decision.stale or decision.input is None or not self.settled:
            return
        if application.stage.rank >= Stage.ACCEPTED.rank:
            return
        if application.decision_input(workflow.now()).found_out != decision.input.found_out:
            fell = self.desk.invalidate(["decision", "offer"])
            self.desk.event("decision_fell", reason="a new answer is another one", fell=fell)

    def _income(self) -> int | None:
        application = self.desk.application
        found = [application.fact(each) or 0 for each in application.product.facts.income]
        return sum(found) if found else None
