"""One return, from the request until its units and its money are where they stay."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.locker_stays import LockerNews
    from domain.personal import Readable
    from domain.refunds import RefundTarget
    from domain.refusals import RefusalKind, Refused
    from domain.returns.decision import Why
    from domain.returns.returned import UnitPlace
    from domain.timeline import Event
    from workflows import options, summaries
    from workflows import return_messages as messages
    from workflows.exchange_messages import ExchangeNews
    from workflows.exchanging import Exchanging
    from workflows.messages import Command, Intervene
    from workflows.paying_back import PayingBack
    from workflows.refusing import failure, refuse
    from workflows.return_book import ReturnBook
    from workflows.return_carrying import Carrying
    from workflows.return_desk import ReturnDesk
    from workflows.return_way import ReturnWay
    from workflows.standing import Standing
    from workflows.turn import Turn
    from workflows.waits import Alarms, until

Sent = TypeVar("Sent", bound=Command)


@workflow.defn(failure_exception_types=[ValidationError])
class ReturnWorkflow:
    @workflow.init
    def __init__(self, start: messages.ReturnStart) -> None:
        self.state = start.asked
        self.turn = Turn()
        self.book = ReturnBook(self.state, self.turn)
        self.desk = ReturnDesk(self.state, self.book, at_counter=start.at_counter)
        self.money = PayingBack(self.state, self.book, self.turn)
        self.exchanging = Exchanging(self.state, self.book, self.money, self.turn)
        self.money.policy_of = self.exchanging.policy_of
        self.opened: messages.ReturnOpened | None = None
        self.told_to_settle: Actor | None = None
        self.way = ReturnWay(self.state, self.book, self.desk)
        self.carrying = Carrying(self.state, self.book, self.desk, self.way, self.money, self.turn)
        self.standing = Standing(self.state, self.book, self.turn)
        self.beside: list[asyncio.Task[None]] = []
        """What goes on beside the return itself."""
        self.news: list[messages.RefundEvent] = []
        self.words: list[messages.CarrierWord | LockerNews] = []
        """Of carriers and operators, in the order in which they came."""

    @workflow.run
    async def run(self, start: messages.ReturnStart) -> messages.ReturnResult:
        """Claim the units; then see to every deadline, and pay back what was accepted."""
        workflow.set_current_details(summaries.return_details(self.state))
        try:
            await self._open()
        except Refused as refused:
            self.opened = messages.ReturnOpened(refusal=refused.refusal)
        else:
            self.beside = [asyncio.create_task(self.carrying.run(), name="carrying")]
            if self.state.card is not None:
                self.beside.append(asyncio.create_task(self.standing.run(), name="standing"))
            while not self.state.finished:
                for task in self.beside:
                    if task.done():
                        await task  # none ends by itself: what went wrong in it goes wrong here
                await self._next()
            for task in self.beside:
                task.cancel()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return messages.ReturnResult(
            return_id=self.state.return_id, version=self.state.version, refund=self.state.refund
        )

    async def _open(self) -> None:
        """The units are this return's from now on, unless they never came or another return has them."""
        state, desk = self.state, self.desk
        self.book.event(
            Event.RETURN_REQUESTED,
            state.requested_by,
            kind=state.kind,
            via=state.via,
            lines={line.line_id: line.quantity for line in state.lines},
        )
        desk.start_clocks()
        approved = state.at(UnitPlace.AWAITED) | state.at(UnitPlace.ACCEPTED)
        if approved:
            self.book.event(Event.RETURN_APPROVED, ENGINE, lines=approved)
            desk.tell_approved(approved)
        desk.tell_undecided()
        if refused := state.at(UnitPlace.REFUSED):
            whys = sorted({why.value for line in state.lines if line.refused for why in line.decision.why})
            self.book.event(Event.RETURN_REJECTED, ENGINE, reason=", ".join(whys), lines=refused)
            desk.tell_refused(refused)
        await self.book.record()
        try:
            await self.exchanging.place()
        except Refused:
            await desk.call_off()
            raise
        self.opened = messages.ReturnOpened(view=state.view())

    # --- what goes on by itself --------------------------------------------------------------------------------------

    async def _next(self) -> None:
        """Wait until somebody has acted or a deadline is over, and do what follows."""
        state = self.state
        await until(self._something_to_do, self._deadline, Alarms(), "A return's next deadline")
        if self.news:
            await self.money.look_again(self.news.pop(0).key)
        elif self.words:
            async with self.turn:
                await self._hear(self.words.pop(0))
        elif self.exchanging.something_to_do:
            await self.exchanging.go_on()
        elif not state.money_rests and self._unpaid and not self.standing.is_asked:
            await self.money.pay()
        elif state.advances or (state.unsettled() and (self._settles or self._over(state.settle_by))):
            async with self.turn:
                actor, self.told_to_settle = self.told_to_settle or ENGINE, None
                if state.to_settle():
                    await self.money.settle(state.refund_to, actor)
        elif state.units(UnitPlace.UNDECIDED) and self._over(state.decide_by):
            async with self.turn:
                if state.units(UnitPlace.UNDECIDED):
                    await self.desk.give_no_answer()
        elif state.units(UnitPlace.RECEIVED) and self._over(state.inspect_by):
            async with self.turn:
                if state.units(UnitPlace.RECEIVED) and self._over(state.inspect_by):
                    await self.way.not_inspected()
        elif state.units(UnitPlace.AWAITED) and not state.late_asked and self._over(state.send_by):
            async with self.turn:
                if state.units(UnitPlace.AWAITED) and self._over(state.send_by):
                    await self.way.overdue()
        elif self._is_over():
            async with self.turn:
                if self._is_over():
                    await self._finish()

    async def _finish(self) -> None:
        self.state.finished = True
        self.book.event(Event.RETURN_CLOSED, reason=self.state.status.value)
        await self.book.record()

    def _something_to_do(self) -> bool:
        state = self.state
        heard = bool(self.news or self.words) or any(task.done() for task in self.beside)
        if heard or self.exchanging.something_to_do:
            return True
        unpaid = self._unpaid and not self.standing.is_asked
        settles = bool(state.unsettled()) and self._settles
        return unpaid or settles or state.advances or self._is_over()

    @property
    def _unpaid(self) -> bool:
        return self.state.due > 0 or bool(self.state.carried()) or self.money.has_open

    @property
    def _settles(self) -> bool:
        return self.told_to_settle is not None or self.exchanging.settles_at_once

    def _is_over(self) -> bool:
        """Nothing is left to do; what was refused may be approved all the same for as long as a decision takes."""
        state = self.state
        if not state.at_rest or self.carrying.busy:
            return False
        return not self._may_still_be_overridden() or self._over(state.decide_by)

    def _may_still_be_overridden(self) -> bool:
        return self.desk.overridable and not self.state.cancelled

    def _deadline(self) -> datetime | None:
        state = self.state
        decides = state.units(UnitPlace.UNDECIDED) or (state.at_rest and self._may_still_be_overridden())
        awaited = [
            state.decide_by if decides else None,
            state.send_by if state.units(UnitPlace.AWAITED) and not state.late_asked else None,
            state.settle_by if state.unsettled() else None,
            state.inspect_by if state.units(UnitPlace.RECEIVED) else None,
        ]
        return min((at for at in awaited if at is not None), default=None)

    def _over(self, deadline: datetime | None) -> bool:
        return deadline is not None and workflow.now() >= deadline

    # --- commands ----------------------------------------------------------------------------------------------------

    @workflow.update
    async def request(self) -> messages.ReturnOpened:
        """What became of the request. Started together with the workflow: one round trip."""
        await workflow.wait_condition(lambda: self.opened is not None)
        assert self.opened is not None
        return self.opened

    @workflow.update
    async def approve(self, command: messages.ApproveReturn) -> messages.ReturnAnswer:
        """A person approves what waits for a decision, or what the policy refuses."""
        return await self._in_turn(command, self.desk.approve)

    @workflow.update
    async def reject(self, command: messages.RejectReturn) -> messages.ReturnAnswer:
        """A person refuses units that have not come."""
        return await self._in_turn(command, self.desk.reject)

    @workflow.update
    async def drop_off(self, command: messages.DropOff) -> messages.ReturnAnswer:
        """The customer has given the goods to a carrier or a partner."""
        return await self._in_turn(command, self.way.drop_off)

    @workflow.update
    async def receive(self, command: messages.ReceiveReturn) -> messages.ReturnAnswer:
        """A store takes in what really came."""
        return await self._in_turn(command, self.desk.receive)

    @workflow.update
    async def inspect(self, command: messages.InspectReturn) -> messages.ReturnAnswer:
        """What came was looked at: accepted or not, and where it goes."""
        return await self._in_turn(command, self.desk.inspect)

    @workflow.update
    async def cancel(self, command: messages.CancelReturn) -> messages.ReturnAnswer:
        """The customer keeps what has not come."""
        return await self._in_turn(command, self.desk.cancel)

    @workflow.update
    async def settle(self, command: messages.SettleReturn) -> messages.ReturnAnswer:
        """Pay back what was accepted; answered once that is done, or a moment later while it goes on."""
        answer = await self._in_turn(command, self._settle_now)
        if answer.already:
            return answer
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: not self.state.unsettled() and self.state.money_rests,
                timeout=options.A_MOMENT,
                timeout_summary=Readable("Wait for the money of the return"),
            )
        return messages.ReturnAnswer(view=self.state.view())

    async def _settle_now(self, command: messages.SettleReturn) -> bool:
        state = self.state
        if not state.unsettled():
            if state.paid_back and not state.units(UnitPlace.RECEIVED) and not state.units(UnitPlace.AWAITED):
                return True
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing was accepted that is not settled. Receive it first.")
        wish = command.refund_to
        if wish is not None and any(wish not in state.line(line).terms.targets for line in state.unsettled()):
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, f"The policy of this sale gives no money back as {wish}.")
        if wish is RefundTarget.ORIGINAL and any(
            Why.CREDIT_INSTEAD in state.line(line).decision.why for line in state.unsettled()
        ):
            detail = "The original payment was too long ago: the policy of this sale pays it back as store credit."
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, detail)
        state.refund_to = wish or state.refund_to
        self.told_to_settle = command.actor
        return False

    @workflow.update
    async def intervene(self, command: Intervene) -> messages.ReturnAnswer:
        """A person decides about money in trouble."""
        await workflow.wait_condition(lambda: self.opened is not None)
        return await self.money.intervene(command)

    @workflow.signal
    async def refund_event(self, event: messages.RefundEvent) -> None:
        """The provider has news of a refund."""
        self.news.append(event)

    @workflow.signal
    async def exchange_news(self, news: ExchangeNews) -> None:
        """How the order stands that replaces what comes back."""
        self.exchanging.news.append(news)

    @workflow.signal
    async def carrier_word(self, word: messages.CarrierWord) -> None:
        """A carrier has said something of the return's parcel."""
        self.words.append(word)

    @workflow.signal
    async def locker_news(self, news: LockerNews) -> None:
        """The operator of the parcel machine has said something of the return's compartment."""
        self.words.append(news)

    async def _hear(self, word: messages.CarrierWord | LockerNews) -> None:
        if isinstance(word, LockerNews):
            await self.way.hear_operator(word)
        else:
            await self.way.hear_carrier(word)

    async def _in_turn(self, command: Sent, do: Callable[[Sent], Awaitable[bool | None]]) -> messages.ReturnAnswer:
        """One decision at a time. What is refused leaves the return as it was."""
        await workflow.wait_condition(lambda: self.opened is not None)
        async with self.turn.of(command.command_id):
            try:
                self._check(command)
                already = await do(command)
            except Refused as refused:
                self.book.go_back()
                raise failure(refused.refusal) from None
        return messages.ReturnAnswer(view=self.state.view(), already=bool(already))

    def _check(self, command: Command) -> None:
        if self.opened is None or self.opened.refusal is not None:
            raise refuse(RefusalKind.NOT_FOUND, "This return was refused; nothing of it is left.")
        if self.state.finished:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "This return is over.")
        if command.version is not None and command.version != self.state.version:
            raise refuse(
                RefusalKind.STALE_VERSION,
                f"You saw version {command.version}; it is {self.state.version} now. Look at it again, then decide.",
            )
