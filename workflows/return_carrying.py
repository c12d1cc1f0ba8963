"""The way back of a return that nobody brings to a counter: its label or compartment, and what goes wrong."""

from datetime import timedelta
from enum import StrEnum

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.lockers import NO_COMPARTMENT, CompartmentWanted, LockerSteps
    from activities.shipping import LabelSteps, ReturnLabelWanted
    from domain.actors import ENGINE
    from domain.ids import OperationKey, return_workflow_id
    from domain.locker_stays import CounterReason, counter_reason, size_for
    from domain.lockers import CompartmentStatus, LockerRefusal
    from domain.personal import Readable
    from domain.returns.carried import (
        LabelState,
        compartment_key,
        is_compartment,
        label_key,
        wants_compartment,
        wants_label,
        weight_of,
    )
    from domain.returns.returned import Return, UnitPlace
    from domain.timeline import Event
    from workflows import options
    from workflows.messages import InterventionAction
    from workflows.paying_back import PayingBack
    from workflows.refusing import StepFailed, failure_detail, failure_details, failure_text, failure_type
    from workflows.return_book import ReturnBook
    from workflows.return_desk import ReturnDesk
    from workflows.return_way import ReturnWay
    from workflows.turn import Turn

PATIENCE = 4
"""A label or a compartment is asked for in this part of the time that the customer has to send the goods."""


class CarryingStep(StrEnum):
    LABEL = "label"
    COMPARTMENT = "compartment"
    GIVE_BACK = "give_back"
    DECIDE = "decide"
    """Goods do not come as they should: a person says what becomes of them."""
    INSPECTION = "inspection"
    """A store does not look at what came."""
    COLLECT = "collect"
    """Money was paid back in advance, and the goods never came."""


class Carrying:
    """Beside the return itself: everything that is asked of carriers, operators and, about both, of people."""

    def __init__(
        self, state: Return, book: ReturnBook, desk: ReturnDesk, way: ReturnWay, money: PayingBack, turn: Turn
    ):
        self.state = state
        self.book = book
        self.desk = desk
        self.way = way
        self.money = money
        self.turn = turn
        self.busy = False
        """Somebody is being asked: the return is not over."""

    async def run(self) -> None:
        """One thing at a time, in the order in which it came to be due."""
        while True:
            await workflow.wait_condition(lambda: self._step() is not None)
            self.busy = True
            match self._step():
                case CarryingStep.LABEL:
                    await self._buy_label()
                case CarryingStep.COMPARTMENT:
                    await self._reserve()
                case CarryingStep.GIVE_BACK:
                    await self._give_back()
                case CarryingStep.DECIDE:
                    await self._decide()
                case CarryingStep.INSPECTION:
                    await self._inspection()
                case CarryingStep.COLLECT:
                    await self._collect()
            self.busy = False

    def _step(self) -> CarryingStep | None:
        state = self.state
        if state.version and state.units(UnitPlace.AWAITED):
            if wants_label(state.via, state.parcel):
                return CarryingStep.LABEL
            if wants_compartment(state.via, state.drop):
                return CarryingStep.COMPARTMENT
            if state.late_asked:
                return CarryingStep.DECIDE
        if state.spare or state.unused_way:
            return CarryingStep.GIVE_BACK
        if state.inspection_asked and state.units(UnitPlace.RECEIVED):
            return CarryingStep.INSPECTION
        return CarryingStep.COLLECT if state.to_collect else None

    # --- a label -----------------------------------------------------------------------------------------------------

    async def _buy_label(self) -> None:
        state, parcel = self.state, self.state.parcel
        assert parcel is not None
        wanted = ReturnLabelWanted(
            key=label_key(state.order_id, state.return_id, parcel.tries),
            order_id=state.order_id,
            name=return_workflow_id(state.return_id),
            sender=state.sender or "",
            country=state.sends_from or "",
            to=parcel.to,
            weight_grams=weight_of(state.units(UnitPlace.AWAITED)),
        )
        try:
            bought = await workflow.execute_activity_method(
                LabelSteps.buy_return_label,
                wanted,
                summary=Readable("Buy a return label"),
                **(options.LABEL_PATIENT | {"schedule_to_close_timeout": self._patience()}),
            )
        except StepFailed as error:
            async with self.turn:
                await self._no_label(failure_text(error), [OperationKey(str(key)) for key in failure_details(error)])
            return
        async with self.turn:
            parcel = self.state.parcel
            assert parcel is not None
            parcel.bought(bought.label, bought.key)
            self.state.spare += bought.spare
            self.state.carrier, self.state.tracking_number = parcel.carrier, parcel.tracking_number
            self.book.event(
                Event.RETURN_LABEL_BOUGHT,
                ENGINE,
                carrier=parcel.carrier,
                tracking_number=parcel.tracking_number,
                store=parcel.to,
                price=bought.label.price.amount,
            )
            self.desk.tell_label()
            await self.book.record()

    async def _no_label(self, why: str, spare: list[OperationKey]) -> None:
        parcel = self.state.parcel
        assert parcel is not None
        parcel.state, parcel.tries = LabelState.NONE, parcel.tries + 1
        self.state.spare += spare
        self.book.event(Event.NO_LABEL, ENGINE, reason=why)
        self.desk.tell_awaited()
        await self.book.record()

    # --- a compartment -----------------------------------------------------------------------------------------------

    async def _reserve(self) -> None:
        state, drop = self.state, self.state.drop
        assert drop is not None
        wanted = CompartmentWanted(
            key=compartment_key(state.order_id, state.return_id, drop.number),
            order_id=state.order_id,
            group=return_workflow_id(state.return_id),
            locker_id=drop.locker_id,
            size=size_for(state.units(UnitPlace.AWAITED)),
            until=state.send_by or workflow.now(),
        )
        try:
            compartment = await workflow.execute_activity_method(
                LockerSteps.reserve_compartment,
                wanted,
                summary=Readable("Reserve a compartment for a return"),
                **(options.COMPARTMENT_PATIENT | {"schedule_to_close_timeout": self._patience()}),
            )
        except StepFailed as error:
            async with self.turn:
                await self._no_compartment(error, wanted.key)
            return
        async with self.turn:
            drop = self.state.drop
            assert drop is not None
            drop.reserved(compartment)
            self.book.event(
                Event.COMPARTMENT_RESERVED,
                ENGINE,
                locker=compartment.locker_id,
                compartment=compartment.id,
                until=compartment.reserved_until.isoformat(),
            )
            self.desk.tell_compartment()
            self.way.follow_drop()
            await self.book.record()

    async def _no_compartment(self, error: BaseException, key: OperationKey) -> None:
        drop = self.state.drop
        assert drop is not None
        if failure_type(error) == NO_COMPARTMENT:
            reason = counter_reason(LockerRefusal(failure_detail(error) or LockerRefusal.OTHER))
        else:
            self.state.spare.append(key)  # nobody knows whether one was reserved
            reason = CounterReason.AWAY
        drop.forget()
        drop.counter = reason
        self.book.event(Event.COUNTER_INSTEAD, ENGINE, reason=reason.value, locker=drop.locker_id)
        self.desk.tell_awaited()
        await self.book.record()

    # --- what nobody needs any more ----------------------------------------------------------------------------------

    async def _give_back(self) -> None:
        if not self.state.spare:
            async with self.turn:
                self.state.put_way_aside()
                await self.book.record()
        key = self.state.spare[0]
        if is_compartment(key):
            given_back = await self._empty(key)
        else:
            given_back = await workflow.execute_activity_method(
                LabelSteps.give_back_label,
                key,
                summary=Readable("Give an unused label back"),
                **options.LABEL_PATIENT,
            )
        async with self.turn:
            self.state.spare.remove(key)
            if given_back:
                self.book.event(
                    Event.COMPARTMENT_RELEASED if is_compartment(key) else Event.LABEL_VOIDED,
                    ENGINE,
                )
            await self.book.record()

    async def _empty(self, key: OperationKey) -> bool:
        try:
            compartment = await workflow.execute_activity_method(
                LockerSteps.empty_compartment,
                key,
                summary=Readable("Give a compartment back"),
                **options.COMPARTMENT_PATIENT,
            )
        except StepFailed as error:
            await self.money.ask(
                "give a compartment of a parcel machine back",
                f"{failure_text(error)}; skip when its operator was told otherwise",
                [InterventionAction.SKIP],
            )
            return False
        return compartment is not None and compartment.status is CompartmentStatus.RELEASED

    # --- people ------------------------------------------------------------------------------------------------------

    async def _decide(self) -> None:
        """The goods were given away, and nobody has taken them in."""
        answer = await self.money.ask(
            "decide about goods that were sent back and have not come",
            f"{self.state.where_it_is}; retry to wait longer, skip to pay back all the same, give_up to close it",
            [InterventionAction.RETRY, InterventionAction.SKIP, InterventionAction.GIVE_UP],
            unless=lambda: not self.state.units(UnitPlace.AWAITED),
        )
        async with self.turn:
            self.state.late_asked = False
            if answer is None or not self.state.units(UnitPlace.AWAITED):
                return
            match answer.action:
                case InterventionAction.SKIP:
                    await self.way.count_as_come(answer.actor, answer.reason)
                case InterventionAction.GIVE_UP:
                    await self.desk.expire()
                case _:
                    await self.way.wait_longer()

    async def _inspection(self) -> None:
        answer = await self.money.ask(
            f"have {self.state.store_id} inspect what was sent back",
            "nobody has looked at it in time; retry to give the store more time, skip to pay back all the same",
            [InterventionAction.RETRY, InterventionAction.SKIP],
            unless=lambda: not self.state.units(UnitPlace.RECEIVED),
        )
        async with self.turn:
            if answer is None or not self.state.units(UnitPlace.RECEIVED):
                self.state.inspection_asked = False
            elif answer.action is InterventionAction.SKIP:
                await self.way.accept_uninspected(answer.actor, answer.reason)
            else:
                await self.way.inspect_later()

    async def _collect(self) -> None:
        async with self.turn:
            amount, self.state.uncollected = self.state.uncollected, 0
        await self.money.ask(
            f"collect {self.book.money(amount)} from the customer",
            "it was paid back in advance, and the goods never came; skip once it was collected, or is written off",
            [InterventionAction.SKIP],
        )

    def _patience(self) -> timedelta:
        left = (self.state.send_by or workflow.now()) - workflow.now()
        return max(left / PATIENCE, options.A_MOMENT)
