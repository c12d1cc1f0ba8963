"""Withdrawing from a loan that is paid out already: nothing is rolled back, what was paid is repaid in its own time."""

import contextlib
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    import workflows.application_messages as messages
    from activities.lending import AccountOwes, LendingSteps, LookAtAccount
    from domain.lending.clocks import ClockName, ClockState
    from domain.lending.parts import RepaymentDue
    from domain.lending.stages import Outcome, Stage
    from domain.money import Money
    from domain.personal import Readable
    from workflows import options
    from workflows.application_desk import RETRY, SKIP, ApplicationDesk, Over
    from workflows.applying import not_now
    from workflows.disbursing import Disbursing
    from workflows.refusing import in_words


class Withdrawing:
    def __init__(self, desk: ApplicationDesk, money: Disbursing):
        self.desk = desk
        self.money = money
        self.told = False
        """Something was posted to the account since it was looked at."""

    async def rescind(self, command: messages.Rescind) -> None:
        """Before the payout nothing leaves; after it, what left is to be repaid."""
        desk, application = self.desk, self.desk.application
        if application.stage is Stage.COOLING_OFF:
            if self._time_is_over():
                raise not_now("The time for it is over. As long as no money has left, it can be withdrawn.")
            application.rescinded_at = workflow.now()
            desk.ending = Outcome.RESCINDED
            desk.event("rescinded", command.actor)
            return
        if not application.pays_early or application.clock(ClockName.CCD_WITHDRAWAL) is None:
            raise not_now(f"It is {in_words(application.stage)}: there is nothing to rescind.")
        if not application.payouts:
            raise not_now("Nothing was paid out to you: cancel the orders that the loan pays instead.")
        if application.rescinded_at is None:
            application.rescinded_at = workflow.now()
            desk.event("withdrawn_after_payout", command.actor)

    def _time_is_over(self) -> bool:
        """The time to change one's mind: from signature and notice, whichever is the last."""
        application = self.desk.application
        name, day_of = application.product.cooling_off, application.policy.local_date
        sent = application.told("right_to_cancel")
        if name is None or not sent or application.clock(name) is not None:
            return False
        latest = application.latest_clock(name)
        return latest is not None and day_of(latest.started_at) >= day_of(max(sent))

    async def until_it_is_final(self) -> None:
        """The right to withdraw runs on beside a loan that was paid out early."""
        desk, application = self.desk, self.desk.application
        if not application.pays_early or application.stage is not Stage.BOOKED:
            return
        if all(each.kind != "booked" for each in application.notices):
            async with desk.storys_turn():
                self.money.tell_booked()
                await desk.record()
        await desk.until(lambda: self._withdrawn or application.clock(ClockName.CCD_WITHDRAWAL) is None)
        if self._withdrawn:
            await self._repayment()
            raise Over(Outcome.RESCINDED)

    @property
    def _withdrawn(self) -> bool:
        return self.desk.application.rescinded_at is not None

    async def _repayment(self) -> None:
        """Principal and interest of each day, in thirty days; what has not come by then goes to a person."""
        desk, application = self.desk, self.desk.application
        owes = await self._owed()
        if application.repayment is None:
            async with desk.storys_turn():
                self._ask_for_it(owes)
                await desk.record()
        while owes.payoff.total > 0:
            if await self._nothing_comes_in_time():
                owed = Money(amount=owes.payoff.total, currency=application.product.currency)
                choice = await desk.ask(
                    "the repayment after a withdrawal",
                    f"{owed} of account {application.account_id} is still owed",
                    (RETRY, SKIP),
                )
                if choice is SKIP:
                    desk.event("repayment_given_to_collection")
                    return
            owes = await self._owed()
        async with desk.turn:
            assert application.repayment is not None
            application.repayment.repaid_at = workflow.now()
            desk.end_clock(ClockName.CCD_REPAYMENT, ClockState.MET, "repaid")
            desk.event("repaid_after_withdrawal")
            await desk.record()

    def _ask_for_it(self, owes: AccountOwes) -> None:
        desk, application = self.desk, self.desk.application
        assert application.rescinded_at is not None
        desk.end_clock(ClockName.CCD_WITHDRAWAL, ClockState.MET, "withdrawn")
        clock = application.start_clock(ClockName.CCD_REPAYMENT, application.rescinded_at)
        application.repayment = RepaymentDue(
            withdrawn_at=application.rescinded_at,
            principal=owes.payoff.principal,
            daily_interest=owes.daily_interest,
            repay_by=clock.due_at,
        )
        desk.letter(
            "withdrawn_after_payout",
            account_id=application.account_id,
            principal=owes.payoff.principal,
            daily_interest=owes.daily_interest,
            interest=owes.payoff.interest,
            total=owes.payoff.total,
            until=desk.last_day(clock.due_at),
        )

    async def _nothing_comes_in_time(self) -> bool:
        """Wait for a posting, for a day, or for the last day; true when the time is over and a look has shown it."""
        desk, application = self.desk, self.desk.application
        clock = application.clock(ClockName.CCD_REPAYMENT)
        if clock is None:
            return True
        left = clock.due_at - workflow.now()
        if left <= timedelta(0):
            async with desk.turn:
                desk.end_clock(clock.name, ClockState.BREACHED)
                desk.event("clock_breached", clock=clock.name.value, due=clock.due_at.isoformat())
                await desk.record()
            return True
        with contextlib.suppress(TimeoutError):
            await desk.crew.wait_until(
                lambda: self.told,
                within=min(left, application.policy.day),
                summary=Readable("Look whether the loan is repaid"),
            )
        return False

    async def _owed(self) -> AccountOwes:
        application = self.desk.application
        assert application.account_id is not None
        self.told = False
        return await workflow.execute_activity_method(
            LendingSteps.look_at_account,
            LookAtAccount(account_id=application.account_id, on=application.policy.local_date(workflow.now())),
            summary=Readable("Look what is still owed"),
            **options.LENDING_PATIENT,
        )
