"""Why it was an adverse action: told in the notice of it, or in a statement of its own to whom asks in time."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from domain.lending.clocks import ClockName
    from domain.lending.parts import ReasonsOwed
    from domain.lending.products import ReasonsTold
    from domain.personal import Readable
    from workflows.application_desk import ApplicationDesk
    from workflows.applying import not_now


class Explaining:
    def __init__(self, desk: ApplicationDesk):
        self.desk = desk

    def adverse_action(self, reasons: list[str]) -> None:
        """Owe the notice: with the reasons, or with the right to them, as the product says."""
        desk, application = self.desk, self.desk.application
        desk.start_clock(ClockName.ADVERSE_ACTION)
        duties = [ClockName.ADVERSE_ACTION, ClockName.ACTION_TAKEN]
        agency = application.product.agency
        if application.product.reasons is ReasonsTold.WITH_NOTICE:
            desk.letter("adverse_action", proves=duties, reasons=reasons, agency=agency)
            return
        application.reasons_owed = ReasonsOwed(reasons=reasons)
        desk.letter(
            "adverse_action",
            proves=duties,
            reasons=[],
            agency=agency,
            ask_within=application.policy.reasons_asked_within.length,
            answer_within=application.policy.clocks[ClockName.REASONS_ON_REQUEST].length,
        )

    async def ask(self, command: messages.AskReasons) -> None:
        """Once: the statement goes out at once, and its clock runs until there is proof of that."""
        desk, application, now = self.desk, self.desk.application, workflow.now()
        owed = application.reasons_owed
        if application.outcome is None or owed is None:
            raise not_now("No reasons are left to be told: nothing was denied, or the notice of it names them.")
        if owed.asked_at is not None:
            return
        if owed.over or (owed.until is not None and now >= owed.until):
            raise not_now("The time in which the reasons could be asked for has ended.")
        owed.asked_at = now
        desk.start_clock(ClockName.REASONS_ON_REQUEST)
        desk.event("reasons_asked", command.actor)
        desk.letter("statement_of_reasons", proves=[ClockName.REASONS_ON_REQUEST], reasons=owed.reasons)

    async def while_they_may_be_asked_for(self) -> None:
        """Begins when the notice is proven."""
        desk, application = self.desk, self.desk.application
        owed = application.reasons_owed
        if owed is None or owed.asked_at is not None:
            return
        notice = next(each for each in application.notices if each.kind == "adverse_action")
        async with desk.turn:
            owed.until = application.policy.reasons_until(notice.sent_at or workflow.now())
            await desk.record()
        try:
            await desk.crew.wait_until(
                lambda: owed.asked_at is not None,
                within=owed.until - workflow.now(),
                summary=Readable("The reasons may be asked for"),
            )
        except TimeoutError:
            async with desk.turn:
                if owed.asked_at is None:
                    owed.over = True
                    desk.event("reasons_not_asked_for")
                    await desk.record()
