"""The exchange of a return: the replacement is reserved, waits for the goods or goes first; their value pays for it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ChildWorkflowError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.faults import DECLINED
    from activities.returns import Replacement, ReturnSteps
    from domain.ids import order_workflow_id
    from domain.intake import TenderType
    from domain.notices import NoticeKind
    from domain.payments import AuthorisationStatus, TenderId
    from domain.personal import Readable
    from domain.refunds import RefundPolicy
    from domain.refusals import Refusal, RefusalKind, Refused
    from domain.returns.exchanging import (
        EXCHANGED,
        CardHold,
        Exchange,
        ExchangeState,
        credit_token,
        for_approved,
        hold_of,
        left_out,
    )
    from domain.returns.returned import Return, ReturnedLine, UnitPlace
    from domain.terms import OrderTerms
    from domain.timeline import Event
    from workflows import options, summaries, visibility
    from workflows.desk import OrderStart
    from workflows.exchange_messages import ExchangeNews, ExchangeSettled
    from workflows.held_card import HeldCard
    from workflows.messages import InterventionAction, OrderResult
    from workflows.paying_back import PayingBack
    from workflows.refusing import StepFailed, failure_text
    from workflows.return_book import ReturnBook
    from workflows.turn import Turn

HOLD = TenderId("advance")
"""The card that stands for what goes out before the goods have come. It is held under the return's own id."""
ORDER = "OrderWorkflow"
TOLD = {"payment_expired": "payment_expired", "out_of_stock": "inventory"}
"""The words that mails have for why an exchange fell through."""
SETTLED = "exchange_settled"
"""The signal of the replacement."""


class Exchanging:
    def __init__(self, state: Return, book: ReturnBook, money: PayingBack, turn: Turn):
        self.state = state
        self.book = book
        self.money = money
        self.turn = turn
        self.card = HeldCard(state, book, HOLD, (DECLINED,))
        self.news: list[ExchangeNews] = []
        self._order: workflow.ChildWorkflowHandle[Any, OrderResult] | None = None

    @property
    def exchange(self) -> Exchange | None:
        return self.state.exchange

    @property
    def _present(self) -> Exchange:
        if self.state.exchange is None:
            raise ValueError("this return is no exchange")
        return self.state.exchange

    @property
    def _hold(self) -> CardHold:
        if self._present.hold is None:
            raise ValueError("no card stands for this exchange")
        return self._present.hold

    # --- what is to be done ------------------------------------------------------------------------------------------

    @property
    def something_to_do(self) -> bool:
        return self._next() is not None

    @property
    def settles_at_once(self) -> bool:
        """What was accepted pays for the replacement: nobody has to say where the money goes."""
        return self.exchange is not None and self.exchange.stands and bool(self.state.unsettled())

    async def go_on(self) -> None:
        if (step := self._next()) is not None:
            await step()

    def _next(self) -> Callable[[], Awaitable[None]] | None:
        exchange, state = self.exchange, self.state
        if exchange is None:
            return None
        if self.news:
            return self._take_over
        if self._order is not None and self._order.done() and not exchange.ended:
            return self._order_has_ended
        if exchange.state is ExchangeState.WANTED and not state.units(UnitPlace.UNDECIDED):
            return self._place_later if self._approved() else None
        if exchange.live and not exchange.told and not exchange.ended and state.goods_rest:
            return self._tell
        if exchange.hold is not None and exchange.hold.live and self._is_decided(exchange):
            return self._settle_hold
        return None

    def _is_decided(self, exchange: Exchange) -> bool:
        """Whether the card is needed: nothing goes out, or it is known what went out and what came back."""
        return not exchange.stands or (self.state.goods_rest and (exchange.ended or exchange.heard))

    def _approved(self) -> dict[Any, int]:
        """Units of exchanged lines that may still come, or have."""
        return {
            line.line_id: line.claimed
            for line in self.state.lines
            if line.claimed and self.exchange and any(each.line_id == line.line_id for each in self.exchange.lines)
        }

    def policy_of(self, line: ReturnedLine) -> RefundPolicy:
        exchange = self.exchange
        if exchange is not None and exchange.stands and any(e.line_id == line.line_id for e in exchange.lines):
            return EXCHANGED
        return line.policy

    # --- placing -----------------------------------------------------------------------------------------------------

    async def place(self) -> None:
        """Reserve the replacement, as far as the return is approved. Raises `Refused` when it cannot be had."""
        if self.exchange is None or self.state.units(UnitPlace.UNDECIDED) or not self._approved():
            return
        refusal = await self._placed()
        if refusal is None:
            return
        if self.exchange.hold is not None:
            await self._settle_hold()
        raise Refused(refusal)

    async def _place_later(self) -> None:
        refusal = await self._placed()
        if refusal is not None:
            await self._falls_through(_words(refusal))

    async def _placed(self) -> Refusal | None:
        """Why there is no replacement; nothing when it stands, or waits for its payment."""
        state = self.state
        async with self.turn:
            exchange = state.exchange = for_approved(self._present, self._approved())
            exchange.credit = sum(
                tender.amount for tender in exchange.terms.tenders if tender.type is TenderType.EXCHANGE_CREDIT
            )
            if exchange.advance and exchange.credit and (refusal := await self._secure(exchange)) is not None:
                return refusal
            exchange.state = ExchangeState.PLACED
            self.book.event(
                Event.EXCHANGE_ORDERED,
                state.requested_by,
                replacement=exchange.order_id,
                lines={line.line_id: line.quantity for line in exchange.lines},
                amount=exchange.credit,
            )
            await self.book.record()
        order = self._order = await self._started(exchange.terms)
        await workflow.wait_condition(lambda: bool(self.news) or order.done())
        if not self.news:
            return await self._refusal(order)
        await self._take_over()
        await self._tell_reserved()
        return None

    async def _started(self, terms: OrderTerms) -> "workflow.ChildWorkflowHandle[Any, OrderResult]":
        """The replacement is an order like any other: this return is only its parent, and need not outlive it."""
        state = self.state
        tenders = [
            tender.model_copy(update={"token": credit_token(state.return_id)})
            if tender.type is TenderType.EXCHANGE_CREDIT
            else tender
            for tender in terms.tenders
        ]
        terms = terms.model_copy(update={"tenders": tenders})
        await workflow.execute_local_activity_method(
            ReturnSteps.promise_replacement,
            Replacement(
                order_id=terms.order_id,
                replaces=state.order_id,
                channel=terms.channel,
                external_id=terms.external_id,
                content_hash=terms.content_hash,
                at=workflow.now(),
            ),
            summary=Readable("Claim the number of the replacement"),
            **options.OUR_BOOKS,
        )
        return await workflow.start_child_workflow(
            ORDER,
            OrderStart(terms=terms, screened_at_once=True),
            id=order_workflow_id(terms.order_id),
            result_type=OrderResult,
            task_timeout=options.TASK_TIMEOUT,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            search_attributes=visibility.at_start(terms),
            static_summary=Readable(summaries.order(terms)),
        )

    async def _refusal(self, order: "workflow.ChildWorkflowHandle[Any, OrderResult]") -> Refusal | None:
        result = await order
        async with self.turn:
            exchange = self._present
            exchange.ended, exchange.state = True, ExchangeState.FELL_THROUGH
            exchange.reason = _words(result.refusal) if result.refusal else None
            await self.book.record()
        return result.refusal

    async def _tell_reserved(self) -> None:
        exchange = self.exchange
        if exchange is None or not exchange.live or exchange.advance or not self.state.units(UnitPlace.AWAITED):
            return
        async with self.turn:
            self.book.notice(
                NoticeKind.EXCHANGE_RESERVED,
                lines=self.book.wanted_lines(exchange),
                deadline=self.state.send_by,
                due=self.book.money(exchange.due) if exchange.due else None,
            )
            await self.book.record()

    # --- how the replacement stands ----------------------------------------------------------------------------------

    async def _take_over(self) -> None:
        async with self.turn:
            exchange = self._present
            while self.news:
                news = self.news.pop(0)
                exchange.standing, exchange.due, exchange.pay_by = news.credit, news.due, news.pay_by
                exchange.heard = exchange.heard or news.heard
            await self.book.record()

    async def _order_has_ended(self) -> None:
        """Its units and its money are where they stay: what it has used of the value is kept, the rest goes back."""
        used, unpaid = self._present.standing, False
        if self._order is not None:
            with suppress(ChildWorkflowError):
                result = await self._order
                used, unpaid = result.credit_used, result.unpaid
        async with self.turn:
            exchange = self._present
            exchange.ended, exchange.standing, exchange.due, exchange.pay_by = True, used, 0, None
            if used or not sum(line.total for line in exchange.lines):
                exchange.state = ExchangeState.COMPLETED
                self.book.event(Event.EXCHANGE_COMPLETED, replacement=exchange.order_id, amount=used)
                await self.book.record()
                return
        await self._falls_through("payment_expired" if unpaid else "not_sent" if exchange.told else "cancelled")

    async def _falls_through(self, reason: str) -> None:
        """It is a plain return from now on."""
        async with self.turn:
            exchange = self._present
            exchange.state, exchange.reason = ExchangeState.FELL_THROUGH, reason
            if self.state.units(UnitPlace.AWAITED):
                # Whoever waited for an answer about the exchange has as long as anybody to bring the goods.
                self.state.send_by = workflow.now() + max(line.terms.send_within for line in self.state.lines)
            self.book.event(Event.EXCHANGE_FELL_THROUGH, reason=reason, replacement=exchange.order_id)
            if self.state.units(UnitPlace.AWAITED) or self.state.units(UnitPlace.ACCEPTED):
                lines = self.book.wanted_lines(exchange)
                self.book.notice(NoticeKind.EXCHANGE_FELL_THROUGH, lines=lines, reason=TOLD.get(reason))
            await self.book.record()

    async def _tell(self) -> None:
        """What came is counted: the replacement goes on with as much of it as that pays for."""
        async with self.turn:
            exchange, state, order = self._present, self.state, self._order
            came = {line.line_id: line.settled for line in state.lines}
            out = left_out(exchange.lines, came)
            credit = exchange.credit if exchange.advance else min(exchange.credit, state.refund)
            exchange.told, exchange.state = True, ExchangeState.RELEASED
            self.book.event(Event.EXCHANGE_RELEASED, replacement=exchange.order_id, amount=credit, left_out=out or None)
            await self.book.record()
        if order is None:
            return
        with suppress(FailureError):  # it has ended meanwhile, which is heard of next
            await order.signal(SETTLED, ExchangeSettled(credit=credit, left_out=out))

    # --- a card stands for goods that go out first -------------------------------------------------------------------

    async def _secure(self, exchange: Exchange) -> Refusal | None:
        state = self.state
        try:
            held = await self.card.hold(exchange.token or "", exchange.credit)
        except StepFailed as error:
            return Refusal(
                kind=RefusalKind.PAYMENT_DECLINED,
                detail="The card was declined, so nothing goes out in advance. Ask for another one.",
                reason=failure_text(error),
            )
        if held.status is not AuthorisationStatus.AUTHORISED:
            await self.card.free(held.id)
            return Refusal(
                kind=RefusalKind.PAYMENT_DECLINED,
                detail="The bank wants this card confirmed first. Ask for another one, or exchange after the return.",
                reason=held.status.value,
            )
        exchange.hold = hold_of(held.id, exchange.credit, held.capture_before, workflow.now())
        if exchange.hold.charge_by is not None and state.send_by is not None:
            state.send_by = min(state.send_by, exchange.hold.charge_by)
        self.book.event(Event.EXCHANGE_SECURED, amount=exchange.credit)
        self.book.notice(
            NoticeKind.RETURN_SECURED, secured=self.book.money(exchange.credit), deadline=self.state.send_by
        )
        return None

    async def _settle_hold(self) -> None:
        """The goods have come, and the card is free; or what did not come is charged, and no more than that."""
        exchange, hold = self._present, self._hold
        used = exchange.standing if exchange.stands else 0
        missing = max(0, used - exchange.granted)
        charged = await self._charge(missing) if missing else 0
        if charged < hold.amount:
            await self.card.free(hold.authorisation_id)
        async with self.turn:
            exchange, hold = self._present, self._hold
            exchange.hold = hold.model_copy(update={"captured": charged, "live": False})
            exchange.granted = min(exchange.credit, exchange.granted + charged)
            if charged:
                self.book.event(Event.EXCHANGE_CHARGED, amount=charged, replacement=exchange.order_id)
                self.book.notice(
                    NoticeKind.EXCHANGE_CHARGED,
                    lines=self.book.notice_lines(self.state.at(UnitPlace.CLOSED) or self.state.at(UnitPlace.DECLINED)),
                    charged=self.book.money(charged),
                )
            else:
                self.book.event(Event.EXCHANGE_FREED, amount=hold.amount)
            await self.book.record()

    async def _charge(self, amount: int) -> int:
        """Take it from the card; where that cannot be done, a person collects it or lets it go."""
        hold, tries = self._hold, 0
        while True:
            tries += 1
            try:
                await self.card.charge(hold.authorisation_id, amount, tries)
            except StepFailed as error:
                step = f"collect {self.book.money(amount)} for goods not returned"
                choices = [InterventionAction.RETRY, InterventionAction.SKIP]
                answer = await self.money.ask(step, failure_text(error), choices)
                if answer is not None and answer.action is InterventionAction.SKIP:
                    return 0
                continue
            return amount


def _words(refusal: Refusal) -> str:
    return refusal.kind.value.replace("-", "_")
