"""A loan that is paid out in parts: each later one in its time, when a person has released it, and screened again."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from domain.lending.parts import Tranche, TrancheState
    from domain.lending.stages import Stage
    from domain.lending.tranches import schedule_now
    from domain.personal import Readable
    from domain.refusals import RefusalKind
    from workflows.application_desk import GIVE_UP, RETRY, ApplicationDesk, Over
    from workflows.applying import not_now
    from workflows.disbursing import Disbursing
    from workflows.refusing import refuse


class Drawing:
    def __init__(self, desk: ApplicationDesk, money: Disbursing):
        self.desk = desk
        self.money = money

    async def run(self) -> None:
        """What is drawn already is passed over. The first part was paid by then: it does not depend on the others."""
        application = self.desk.application
        if application.outcome is not None or application.stage is Stage.BOOKED or not application.tranches:
            return
        await self.desk.record()
        while application.to_be_drawn and not self._over:
            part = application.to_be_drawn[0]
            self._wake(f"part {part.n}", part.after)
            self._wake("the end of drawing", application.drawing_ends_at)
            await self.desk.until(lambda part=part: self._over or self._is_ready(part))  # type: ignore[misc]
            if not self._over:
                await self._draw(part)
        if application.to_be_drawn:
            await self._lapse()
        self.money.booked()

    @property
    def _over(self) -> bool:
        application = self.desk.application
        ends = application.drawing_ends_at
        return application.drawing_stopped_at is not None or (ends is not None and workflow.now() >= ends)

    def _is_ready(self, part: Tranche) -> bool:
        in_time = part.after is None or workflow.now() >= part.after
        return in_time and (part.released_at is not None or not part.needs_release)

    def _wake(self, what: str, at: datetime | None) -> None:
        """A timer looks again then."""
        if at is not None and at > workflow.now() and not self.desk.crew.runs(what):
            self.desk.crew.start(what, self._sleep(what, at))

    async def _sleep(self, what: str, at: datetime) -> None:
        while (left := (at - workflow.now()).total_seconds()) > 0:
            await workflow.sleep(left, summary=Readable(f"Until {what}"))

    async def _draw(self, part: Tranche) -> None:
        """As the first one: screened, booked as pending, paid once, confirmed. What fails touches no other part."""
        try:
            await self.money.screened()
            if not self._over:
                await self.money.moved(part)
                await self.desk.record()
        except Over:
            await self._refused(part)

    async def _refused(self, part: Tranche) -> None:
        application = self.desk.application
        payout = next((each for each in reversed(application.payouts) if each.tranche == part.n), None)
        choice = GIVE_UP
        if payout is not None and payout.state == "declined":
            part.tries += 1
            choice = await self.desk.ask(f"pay out part {part.n}", "the provider declined it", (RETRY, GIVE_UP))
        if choice is GIVE_UP:
            application.drawing_stopped_at = workflow.now()
            self.desk.event("drawing_stopped", reason="a part could not be paid")

    async def _lapse(self) -> None:
        """What is left of the loan is what was drawn: the schedule repays that."""
        application, desk = self.desk.application, self.desk
        assert application.offer is not None
        lapsed = application.to_be_drawn
        for part in lapsed:
            part.state = TrancheState.LAPSED
        today = application.policy.local_date(workflow.now())
        instalments = schedule_now(application.product, application.offer.terms, application.tranches, today)
        await self.money.replanned(instalments, None)
        drawn = sum(each.amount for each in application.tranches if each.state is TrancheState.DRAWN)
        undrawn = sum(each.amount for each in lapsed)
        desk.letter("drawing_ended", drawn=drawn, undrawn=undrawn)
        desk.event("drawing_ended", drawn=drawn, undrawn=undrawn)

    # --- commands ----------------------------------------------------------------------------------------------------

    async def release(self, command: messages.ReleaseTranche) -> None:
        """What a part pays for has come to be. Who keyed the application has no say in it."""
        application = self.desk.application
        part = next((each for each in application.tranches if each.n == command.n), None)
        if part is None:
            raise refuse(RefusalKind.NOT_FOUND, "There is no such part of the loan.")
        if not part.needs_release or part.released_at is not None or part.state is not TrancheState.PLANNED:
            raise not_now("It waits for nobody's word.")
        if command.person in application.makers:
            raise not_now("Who keyed it has no say in it.")
        part.released_at = workflow.now()
        self.desk.event("tranche_released", command.actor, reason=command.reason, tranche=part.n)
