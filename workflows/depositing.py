"""Goods in a parcel machine: put in, taken by the customer, or brought back; as its operator says, and nobody else."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lockers import LockerSteps
    from activities.milestones import StockOperation
    from domain.actors import ENGINE
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.hearsay import Effect
    from domain.intake import Relation
    from domain.locker_stays import CounterReason, LockerNews, LockerStay, StayStep, next_step
    from domain.lockers import Compartment, CompartmentStatus
    from domain.notices import NoticeKind
    from domain.personal import Readable
    from domain.pickup_windows import pickup_deadline
    from domain.pickups import HandOver, PickupGroup, ProofKind
    from domain.refusals import RefusalKind
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages, options
    from workflows.counter_instead import to_the_counter
    from workflows.desk import REMINDERS, Desk
    from workflows.messages import CancelReason, GroupAnswer
    from workflows.pickup import PickupProcess
    from workflows.refusing import StepFailed, refuse
    from workflows.window import locker_facts, set_window

TOLD_OF_CODE = (*REMINDERS, NoticeKind.READY_IN_LOCKER)


class Depositing:
    """What operators say of the pickups of one order, and what follows. Called with the turn taken."""

    def __init__(self, desk: Desk):
        self.desk = desk

    # --- what operators say ------------------------------------------------------------------------------------------

    async def locker_event(self, event: messages.LockerEvent) -> None:
        """Kept once, whatever it says; followed where it can be true."""
        pickups = self.desk.order.pickups
        group = next((each for each in pickups if each.n == event.n and each.locker is not None), None)
        if group is not None and self.hear(group, event.news):
            await self.follow(group)
            await self.desk.book.record()
            self.desk.cashier.wake()

    def hear(self, group: PickupGroup, news: LockerNews) -> bool:
        """False when it is known already, or of a compartment that is not."""
        stay = _stay(group)
        effect = stay.take(news)
        if effect is None:
            return False
        self.desk.book.event(
            Event.LOCKER_EVENT,
            ENGINE,
            reason=None if effect is Effect.APPLIED else effect.value,
            group=group.n,
            locker=stay.locker_id,
            status=news.status,
            said=news.said,
            at=news.at.isoformat(),
        )
        return True

    def hear_answer(self, group: PickupGroup, compartment: Compartment, event_id: str) -> None:
        """What the operator answered when it was asked."""
        if compartment.status is not _stay(group).said or compartment.collect_by != _stay(group).collect_by:
            self.hear(
                group,
                LockerNews(
                    event_id=event_id,
                    compartment_id=compartment.id,
                    at=compartment.status_at,
                    said=compartment.status.value,
                    status=compartment.status,
                    collect_by=compartment.collect_by,
                ),
            )

    # --- what follows ------------------------------------------------------------------------------------------------

    async def follow(self, group: PickupGroup) -> None:
        """Units, stock and money go after what is known; the caller records it."""
        match next_step(group, held=bool(self.desk.order.holds)):
            case StayStep.FILL:
                self._fill(group)
                self._tell(group)
            case StayStep.HAND_OUT:
                self._hand_out(group)
            case StayStep.GO_BACK:
                await self._goes_back(group)
            case StayStep.TO_COUNTER:
                to_the_counter(self.desk, group, CounterReason.NOT_FILLED)
            case StayStep.GIVE_UP:
                _stay(group).give_up(group.order_id, group.n)
            case _:
                pass

    def _fill(self, group: PickupGroup) -> None:
        """The units wait for their customer as long as the operator lets them."""
        desk, stay, now = self.desk, _stay(group), workflow.now()
        for line, quantity in group.owed_lines(UnitState.ALLOCATED).items():
            group.move(line, UnitState.PICKED, quantity, UnitState.ALLOCATED)
        for line, quantity in group.owed_lines(UnitState.PICKED).items():
            group.move(line, UnitState.READY, quantity, UnitState.PICKED)
        group.picking_at = group.picking_at or now
        group.ready_at, group.location = now, f"locker {stay.locker_id}"
        set_window(
            desk,
            group,
            stay.collect_by or pickup_deadline(desk.hours(group.store_id), desk.order.terms.policy.pickup, now),
        )
        assert group.deadline is not None
        group.latest_deadline = group.deadline + desk.order.terms.policy.pickup.max_extension
        desk.book.event(
            Event.READY,
            ENGINE,
            group=group.n,
            lines=group.owed_lines(UnitState.READY),
            locker=stay.locker_id,
            compartment=stay.compartment_id,
        )

    def _tell(self, group: PickupGroup, *sequence: str) -> None:
        self.desk.book.notice(
            NoticeKind.READY_IN_LOCKER,
            *sequence,
            group=group,
            until=group.deadline,
            deadline=group.deadline,
            lines=self.desk.book.notice_lines(group.owed_lines(UnitState.READY)),
            link_kind="extension",
            **locker_facts(group),
        )

    def _hand_out(self, group: PickupGroup) -> None:
        """The customer has opened the door: exactly these units are charged."""
        desk, stay, now = self.desk, _stay(group), workflow.now()
        if group.ready_at is None:
            self._fill(group)  # nobody said that it had been put in
        if stay.take_out is not None:
            desk.book.event(Event.STOP_TOO_LATE, ENGINE, group=group.n, lines=stay.take_out.lines)
            stay.take_out = None
        assert stay.known is not None
        lines = group.owed_lines(UnitState.READY)
        worth = desk.order.settle(lines, earned=True)
        desk.book.stock(StockOperation.CONSUME, lines, group.store_id)
        for line, quantity in lines.items():
            group.move(line, UnitState.HANDED_OVER, quantity, UnitState.READY)
        group.hand_overs.append(
            HandOver(
                command_id=str(stay.compartment_id),
                at=stay.known.at,
                recorded_at=now,
                by=f"locker {stay.locker_id}",
                relation=Relation.SELF,
                proof=ProofKind.CODE,
                lines=lines,
                refused={},
                captured=worth,
                capture_pending=True,
            )
        )
        desk.book.event(Event.HANDED_OVER, ENGINE, group=group.n, lines=lines, locker=stay.locker_id, amount=worth)
        desk.book.withdraw(*TOLD_OF_CODE, group=group)
        desk.book.notice(
            NoticeKind.COLLECTED, group=group, lines=desk.book.notice_lines(lines), charged=desk.book.money(worth)
        )

    async def _goes_back(self, group: PickupGroup) -> None:
        """Nobody came in time, or it was taken out for a cancel: the store puts it back when the operator brings it."""
        desk, asked = self.desk, _stay(group).take_out
        if group.ready_at is None:
            self._fill(group)
        desk.book.withdraw(*TOLD_OF_CODE, group=group)
        if asked is None:
            await PickupProcess(desk, group).window_is_over()
            return
        _stay(group).take_out = None
        desk.book.event(Event.STOP_ANSWERED, ENGINE, reason="taken out", group=group.n, lines=asked.lines)
        lines, reason = group.owed_lines(), CancelReason(asked.reason)
        recall = [UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items()]
        desk.cancel_units(CancelPlan(recall=recall), reason, ENGINE)
        desk.tell_cancelled(lines, reason)

    # --- what people ask ---------------------------------------------------------------------------------------------

    async def is_in(self, group: PickupGroup, command: messages.MakeReady) -> GroupAnswer:
        """The store says that it has put the goods in. Its word is taken when the operator confirms it."""
        stay = _stay(group)
        if stay.compartment_id is None:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"No compartment of locker {stay.locker_id} is reserved yet. It shows in your tasks when there is one.",
            )
        try:
            compartment = await workflow.execute_activity_method(
                LockerSteps.look_into_compartment,
                stay.compartment_id,
                summary=Readable("Ask whether the goods lie in the locker"),
                **options.COMPARTMENT_AT_ONCE,
            )
        except StepFailed as error:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                "The locker's operator does not answer. The pickup becomes ready by itself as soon as it does.",
            ) from error
        self.hear_answer(group, compartment, command.command_id)
        if compartment.status is CompartmentStatus.RESERVED:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"Compartment {compartment.id} of locker {stay.locker_id} is empty, says its operator. "
                "Put the goods in with …/deposit-code, and close the door.",
            )
        await self.follow(group)
        await self.desk.book.record()
        self.desk.cashier.wake()
        return self.desk.answer(group)

    async def tell_again(self, group: PickupGroup, command: messages.ResendCode) -> GroupAnswer:
        """The operator's code once more; it has no other."""
        self.desk.book.event(Event.CODE_RESENT, command.actor, group=group.n)
        self._tell(group, self.desk.book.occasion)
        await self.desk.book.record()
        return self.desk.answer(group)

    def require_reach(self, command: messages.Command) -> None:
        """Refuse what would need the goods at the counter while they lie in a machine."""
        n = getattr(command, "n", None)
        group = next((each for each in self.desk.order.pickups if each.n == n and each.out_of_reach), None)
        if group is not None:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                f"This pickup is {group.status} in locker {_stay(group).locker_id}, whose operator opens it for the "
                "customer and sets the time. Cancel the order, and it is taken out again.",
            )


def _stay(group: PickupGroup) -> LockerStay:
    assert group.locker is not None
    return group.locker
