"""A pickup's parcel machine: a compartment is asked for, watched, and given back, however long its operator is away."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lockers import NO_COMPARTMENT, CompartmentWanted, LockerSteps
    from domain.actors import ENGINE
    from domain.locker_stays import CounterReason, LockerStay, StayStep, counter_reason, next_step, size_for
    from domain.lockers import Compartment, CompartmentStatus, LockerRefusal
    from domain.personal import Readable
    from domain.pickups import PickupGroup
    from domain.timeline import Event
    from workflows import options
    from workflows.counter_instead import to_the_counter
    from workflows.depositing import Depositing
    from workflows.desk import Desk
    from workflows.messages import InterventionAction
    from workflows.refusing import StepFailed, failure_detail, failure_text, failure_type
    from workflows.waits import until
    from workflows.window import set_window

LONGEST_PAUSE = timedelta(days=1)
"""Between two looks into a compartment of which its operator says nothing."""


class LockerProcess:
    """Beside the work on one pickup: everything that is asked of the machine's operator."""

    def __init__(self, desk: Desk, group: PickupGroup):
        self.desk = desk
        self.group = group
        self.depositing = Depositing(desk)

    async def run(self) -> None:
        """One thing at a time, in the order in which it came to be due."""
        what = f"pickup {self.group.n}: the locker's operator says what became of it"
        while True:
            if not await until(lambda: self._step() is not None, self._look_at, self.desk.alarms, what):
                await self.look()
                continue
            match self._step():
                case StayStep.RESERVE:
                    await self.reserve()
                case StayStep.TAKE_OUT:
                    await self.take_out()
                case StayStep.EMPTY:
                    await self.empty()
                case _:
                    await self.follow()

    async def reserve(self) -> None:
        """Until the time at which the goods should be ready; then they wait at the counter."""
        group, stay = self.group, self._stay
        stay.asking = True
        promised = group.promised_ready_at or workflow.now()
        wanted = CompartmentWanted(
            key=stay.key(group.order_id, group.n),
            order_id=group.order_id,
            group=group.group_id,
            locker_id=stay.locker_id,
            size=size_for(group.owed),
            until=max(promised, workflow.now()) + self.desk.order.terms.policy.pickup.deposit_within,
        )
        patience = options.COMPARTMENT_PATIENT | {
            "schedule_to_close_timeout": max(promised - workflow.now(), options.A_MOMENT)
        }
        try:
            compartment = await workflow.execute_activity_method(
                LockerSteps.reserve_compartment, wanted, summary=Readable("Reserve a compartment"), **patience
            )
        except StepFailed as error:
            async with self.desk.turn:
                self._not_reserved(error)
                await self._record()
            return
        async with self.desk.turn:
            self._stay.reserved(compartment)
            self.desk.book.event(
                Event.COMPARTMENT_RESERVED,
                ENGINE,
                group=group.n,
                locker=compartment.locker_id,
                compartment=compartment.id,
                until=compartment.reserved_until.isoformat(),
            )
            await self.depositing.follow(group)
            await self._record()

    def _not_reserved(self, error: BaseException) -> None:
        group, stay = self.group, self._stay
        if failure_type(error) == NO_COMPARTMENT:
            stay.forget()
            reason = counter_reason(LockerRefusal(failure_detail(error) or LockerRefusal.OTHER))
        else:
            stay.unanswered(group.order_id, group.n)
            reason = CounterReason.AWAY
        if group.open and group.waits_for is None and stay.counter is None:
            to_the_counter(self.desk, group, reason)

    async def take_out(self) -> None:
        """For a cancel: it is taken out again, or the customer was quicker."""
        group, asked = self.group, self._stay.compartment_id
        assert asked is not None
        answer = await self._ask(
            lambda: workflow.execute_activity_method(
                LockerSteps.take_goods_out,
                asked,
                summary=Readable("Have the goods taken out of the locker"),
                **options.COMPARTMENT_PATIENT,
            ),
            f"taking pickup {group.n} out of locker {self._stay.locker_id}",
            "skip to leave it to the customer",
        )
        async with self.desk.turn:
            if answer is not None:
                self.depositing.hear_answer(group, answer, f"{asked}:taken out:{self.desk.order.version}")
            if self._step() is StayStep.TAKE_OUT:
                # It lies there still, or a person left it: then it is as if nobody had asked.
                taken = self._stay.take_out
                self._stay.take_out = None
                self.desk.book.event(Event.STOP_TOO_LATE, ENGINE, group=group.n, lines=taken.lines if taken else {})
            await self.depositing.follow(group)
            await self._record()

    async def empty(self) -> None:
        """A compartment that nobody needs goes back to its operator, with whatever lies in it to the store."""
        group, key = self.group, self._stay.spare[0]
        answer = await self._ask(
            lambda: workflow.execute_activity_method(
                LockerSteps.empty_compartment,
                key,
                summary=Readable("Give a compartment back"),
                **options.COMPARTMENT_PATIENT,
            ),
            f"giving a compartment of locker {self._stay.locker_id} back",
            "skip when the operator was told otherwise",
        )
        async with self.desk.turn:
            self._stay.spare.remove(key)
            if answer is not None:
                self.desk.book.event(
                    Event.COMPARTMENT_RELEASED,
                    ENGINE,
                    group=group.n,
                    locker=answer.locker_id,
                    compartment=answer.id,
                    status=answer.status,
                )
            await self._record()

    async def follow(self) -> None:
        """What was known before can be done now: a hold is gone, or a compartment is not wanted any more."""
        async with self.desk.turn:
            await self.depositing.follow(self.group)
            await self._record()

    async def look(self) -> None:
        """The customer's time is over and the operator has said nothing: only it knows what became of the goods."""
        group, asked = self.group, self._stay.compartment_id
        assert asked is not None
        answer = await self._ask(
            lambda: workflow.execute_activity_method(
                LockerSteps.look_into_compartment,
                asked,
                summary=Readable("Ask what became of the goods in the locker"),
                **options.COMPARTMENT_PATIENT,
            ),
            f"asking what became of pickup {group.n} in locker {self._stay.locker_id}",
            "skip to ask again later",
        )
        async with self.desk.turn:
            if answer is not None:
                self.depositing.hear_answer(group, answer, f"{asked}:looked:{self._stay.looks}")
            if group.in_locker and self._step() is None:
                self._look_again_later()
            await self.depositing.follow(group)
            await self._record()

    def _look_again_later(self) -> None:
        stay, now = self._stay, workflow.now()
        if stay.said is CompartmentStatus.DEPOSITED and stay.collect_by is not None and stay.collect_by > now:
            set_window(self.desk, self.group, stay.collect_by)  # the operator lets it wait longer
            stay.look_at, stay.looks = None, 0
            return
        pause = self.desk.order.terms.policy.pickup.look_into_locker * 2 ** min(stay.looks, 16)
        stay.looks += 1
        stay.look_at = now + min(pause, LONGEST_PAUSE)

    # --- waiting -----------------------------------------------------------------------------------------------------

    @property
    def _stay(self) -> LockerStay:
        assert self.group.locker is not None
        return self.group.locker

    def _step(self) -> StayStep | None:
        return next_step(self.group, held=bool(self.desk.order.holds))

    def _look_at(self) -> datetime | None:
        if not self.group.in_locker or self.group.deadline is None:
            return None
        return self._stay.look_at or self.group.deadline + self.desk.order.terms.policy.pickup.look_into_locker

    async def _ask(self, call: Callable[[], Awaitable[Compartment | None]], step: str, skip: str) -> Compartment | None:
        """The operator's answer, however long that takes; none when a person skips what it does not understand."""
        while True:
            try:
                return await call()
            except StepFailed as error:
                answer = await self.desk.people.ask(
                    step,
                    f"{failure_text(error)}; retry, or {skip}",
                    [InterventionAction.RETRY, InterventionAction.SKIP],
                )
                if answer.action is InterventionAction.SKIP:
                    return None

    async def _record(self) -> None:
        await self.desk.book.record()
        self.desk.cashier.wake()
