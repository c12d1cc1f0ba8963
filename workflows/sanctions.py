"""A name on a sanctions list: the same person, or another of that name? Whoever is outside learns nothing of it."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from domain.lending.decisions import Verdict
    from domain.lending.parts import CheckState, Decision, HitFinding, HitVerdict
    from domain.lending.reasons import Basis, DenialReason
    from domain.lending.stages import Outcome, Stage
    from workflows.application_desk import ApplicationDesk
    from workflows.applying import not_now


class Sanctions:
    def __init__(self, desk: ApplicationDesk):
        self.desk = desk

    async def clear(self, command: messages.ClearScreening) -> None:
        """Somebody else of the same name: the entry holds nothing again."""
        if not self._agreed(HitVerdict.CLEAR, command, command.person or command.actor.id):
            return
        for check in self.desk.application.checks:
            if check.state is CheckState.HIT:
                check.state = CheckState.CLEARED
                if check.entry is not None:
                    check.cleared.append(check.entry)
        self.desk.event("screening_cleared", command.actor, reason=command.reason)

    async def confirm(self, command: messages.ConfirmScreening) -> None:
        """It is the listed person: nothing is paid, or nothing more, and what is said of it gives no hint."""
        if not self._agreed(HitVerdict.CONFIRM, command, command.person):
            return
        application, desk = self.desk.application, self.desk
        desk.event("screening_confirmed", command.actor, reason=command.reason)
        if application.payouts:
            application.drawing_stopped_at = workflow.now()
            desk.event("drawing_stopped")
        elif application.stage.rank >= Stage.ACCEPTED.rank:
            desk.ending = Outcome.BOOKING_FAILED_REVERSED
        else:
            self._decline(command)
            desk.ending = Outcome.DENIED

    def _agreed(
        self, verdict: HitVerdict, command: messages.ClearScreening | messages.ConfirmScreening, person: str
    ) -> bool:
        """Whether enough people have said so with this one."""
        application = self.desk.application
        if not application.held:
            raise not_now("Nothing is held.")
        if person in application.makers:
            raise not_now("Who keyed it has no say in it.")
        if any(each.person == person and each.verdict is verdict for each in application.findings):
            raise not_now("This person has said so already; another one must.")
        others = [each for each in application.findings if each.person != person]
        found = HitFinding(person=person, verdict=verdict, reason=command.reason, at=workflow.now())
        application.findings = [*others, found]
        if application.found(verdict) >= application.needed(verdict):
            return True
        self.desk.event("screening_judged", command.actor, reason=command.reason, verdict=verdict.value)
        return False

    def _decline(self, command: messages.ConfirmScreening) -> None:
        application, now = self.desk.application, workflow.now()
        application.decision = Decision(
            verdict=Verdict.DECLINE,
            at=now,
            actor=command.actor,
            person=command.person,
            automatic=False,
            basis=Basis.JUDGEMENT,
            reasons=[DenialReason.OTHER.name.lower()],
            denial=[DenialReason.OTHER],
            input=application.decision_input(now),
            rules=f"{application.product.product}/{application.product.version}",
        )
