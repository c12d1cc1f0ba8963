"""One appeasement: asked for, approved by a second person where it is above a limit, and paid like a return's money."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from pydantic import ValidationError
from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.notices import NoticeKind
    from domain.personal import Readable
    from domain.refusals import Refusal, RefusalKind, Refused
    from domain.returns.goodwill import Goodwill
    from domain.returns.returned import PaidBack
    from domain.timeline import Event
    from workflows import options, summaries
    from workflows import return_messages as messages
    from workflows.messages import Intervene
    from workflows.paying_back import PayingBack
    from workflows.refusing import failure
    from workflows.return_book import ReturnBook


class PayingGoodwill(PayingBack):
    """The same money, for no unit."""

    refunded_event = Event.APPEASEMENT_PAID
    why = "goodwill"


@workflow.defn(failure_exception_types=[ValidationError])
class AppeasementWorkflow:
    """Its state is a return's without lines, so that every reader of returns counts its money."""

    @workflow.init
    def __init__(self, start: messages.ReturnStart) -> None:
        assert start.asked.goodwill is not None, "an appeasement says what is given"
        self.state = start.asked
        self.goodwill: Goodwill = start.asked.goodwill
        self.book = ReturnBook(self.state)
        self.turn = asyncio.Lock()
        self.money = PayingGoodwill(self.state, self.book, self.turn)
        self.opened: messages.ReturnOpened | None = None
        self.news: list[messages.RefundEvent] = []

    @workflow.run
    async def run(self, start: messages.ReturnStart) -> messages.ReturnResult:
        """Record the wish; wait for the second person where one is needed; pay."""
        workflow.set_current_details(summaries.return_details(self.state))
        try:
            await self._open()
        except Refused as refused:
            self.opened = messages.ReturnOpened(refusal=refused.refusal)
        else:
            await self._until_decided()
            if self.state.paid_back:
                await self._pay()
            await self._finish()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return messages.ReturnResult(
            return_id=self.state.return_id, version=self.state.version, refund=self.state.refund
        )

    async def _open(self) -> None:
        state, goodwill = self.state, self.goodwill
        self.book.event(
            Event.APPEASEMENT_REQUESTED,
            state.requested_by,
            reason=goodwill.reason,
            amount=goodwill.amount,
            to=goodwill.to,
            needs_approval=goodwill.awaits,
        )
        if not goodwill.awaits:
            self._give(state.requested_by)
        await self.book.record()
        self.opened = messages.ReturnOpened(view=state.view())

    def _give(self, actor: Actor) -> None:
        """It is owed from now on."""
        state, goodwill = self.state, self.goodwill
        goodwill.awaits, goodwill.decided_by = False, actor.id
        state.paid_back.append(
            PaidBack(n=1, at=workflow.now(), lines={}, by_line={}, refund=goodwill.amount, to=goodwill.to)
        )
        self.book.notice(NoticeKind.APPEASED, refund=self.book.money(goodwill.amount), refund_target=goodwill.to.value)

    async def _until_decided(self) -> None:
        """Silence is a no."""
        if not self.goodwill.awaits:
            return
        assert self.state.decide_by is not None
        left = max(self.state.decide_by - workflow.now(), timedelta())
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: not self.goodwill.awaits, timeout=left, timeout_summary=Readable("Until goodwill is decided")
            )
        async with self.turn:
            if self.goodwill.awaits:
                await self._refuse(ENGINE, "not decided in time")

    async def _refuse(self, actor: Actor, reason: str | None) -> None:
        self.goodwill.awaits, self.goodwill.decided_by = False, actor.id
        self.book.event(Event.APPEASEMENT_REFUSED, actor, reason=reason, amount=self.goodwill.amount)
        await self.book.record()

    async def _pay(self) -> None:
        """Until the provider has carried out every part of it."""
        state = self.state
        while not state.money_rests:
            if self.news:
                await self.money.look_again(self.news.pop(0).key)
            elif state.due or self.money.has_open:
                await self.money.pay()
            else:
                await workflow.wait_condition(lambda: bool(self.news) or state.due > 0)

    async def _finish(self) -> None:
        async with self.turn:
            self.state.finished = True
            self.book.event(Event.APPEASEMENT_CLOSED, reason=self.state.status.value)
            await self.book.record()

    # --- commands ----------------------------------------------------------------------------------------------------

    @workflow.update
    async def request(self) -> messages.ReturnOpened:
        """What became of the wish. Started together with the workflow; waits a moment for the money."""
        await workflow.wait_condition(lambda: self.opened is not None)
        assert self.opened is not None
        if self.opened.refusal is not None or self.goodwill.awaits:
            return self.opened
        await self._money_for_a_moment()
        return messages.ReturnOpened(view=self.state.view())

    @workflow.update
    async def decide(self, command: messages.DecideGoodwill) -> messages.ReturnAnswer:
        """A second person approves it or refuses it."""
        await workflow.wait_condition(lambda: self.opened is not None)
        async with self.turn:
            if not self.goodwill.awaits:
                raise failure(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail="This is decided already."))
            if command.actor.id == self.state.requested_by.id:
                detail = "Who asked for it does not approve it. Let a second person decide."
                raise failure(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail))
            if command.approved:
                self._give(command.actor)
                self.book.event(
                    Event.APPEASEMENT_APPROVED, command.actor, reason=command.reason, amount=self.goodwill.amount
                )
                await self.book.record()
            else:
                await self._refuse(command.actor, command.reason)
        if command.approved:
            await self._money_for_a_moment()
        return messages.ReturnAnswer(view=self.state.view())

    @workflow.update
    async def intervene(self, command: Intervene) -> messages.ReturnAnswer:
        """A person decides about money in trouble."""
        return await self.money.intervene(command)

    @workflow.signal
    async def refund_event(self, event: messages.RefundEvent) -> None:
        """The provider has news of a refund."""
        self.news.append(event)

    async def _money_for_a_moment(self) -> None:
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self.state.money_rests,
                timeout=options.A_MOMENT,
                timeout_summary=Readable("Wait for the money of the goodwill"),
            )
