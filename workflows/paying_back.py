"""The money of a return: what its settlements come to goes back to the tenders that paid, each within its ceiling."""

from collections.abc import Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.balances import BalanceSteps
    from activities.faults import NEEDS_A_PERSON
    from activities.payment import PaymentSteps
    from activities.returns import ReturnSteps, SettleUnits, TendersAsked
    from adapters.balances.port import TakeOff
    from adapters.payment.port import RefundRequest
    from domain.actors import Actor
    from domain.balances import BalanceId
    from domain.ids import LineId, OperationKey, OrderId, derived_id, operation_key, refund_key
    from domain.notices import NoticeKind
    from domain.payments import OperationStatus, Refund
    from domain.personal import Readable
    from domain.refunds import RefundPolicy, RefundTarget, split_over_tenders
    from domain.refusals import Refusal, RefusalKind, Refused
    from domain.returns.returned import PaidBack, RefundMade, RefundState, Return, ReturnedLine
    from domain.returns.settling import TILL, Tenders
    from domain.timeline import Event
    from domain.views import InterventionView
    from domain.waits import Trouble
    from workflows import options
    from workflows.crediting import check_instead, give_as_balance
    from workflows.messages import Intervene, InterventionAction
    from workflows.refusing import StepFailed, failure, failure_text, failure_type
    from workflows.return_book import ReturnBook
    from workflows.return_messages import ReturnAnswer
    from workflows.turn import Turn

_STATES = {
    OperationStatus.SUCCEEDED: RefundState.DONE,
    OperationStatus.PENDING: RefundState.PENDING,
    OperationStatus.FAILED: RefundState.FAILED,
    OperationStatus.REVERSED: RefundState.FAILED,
}

_NOTICES = {
    RefundState.DONE: NoticeKind.REFUND_DONE,
    RefundState.PENDING: NoticeKind.REFUND_STARTED,
    RefundState.FAILED: NoticeKind.REFUND_FAILED,
}


class PayingBack:
    """Settles units, then moves the money. The return is changed in turn; the provider is asked without holding it."""

    refunded_event = Event.RETURN_REFUNDED
    why = "returned"

    def __init__(self, state: Return, book: ReturnBook, turn: Turn):
        self.state = state
        self.book = book
        self.turn = turn
        self._answers: dict[str, Intervene] = {}
        self._asked = 0
        self._refused_before = False
        self.policy_of: Callable[[ReturnedLine], RefundPolicy] = lambda line: line.policy
        """Under which policy a line's units are settled."""

    async def settle(self, to: RefundTarget, actor: Actor) -> None:
        """Work out what goes back for the units that were accepted since the last settlement, once and for ever.

        The caller has the turn.
        """
        state = self.state
        units = state.to_settle()
        n = len(state.paid_back) + 1
        spent = await self._disable_cards(n, units)
        settled = await workflow.execute_local_activity_method(
            ReturnSteps.settle_units,
            SettleUnits(
                return_id=state.return_id,
                order_id=state.order_id,
                n=n,
                units=units,
                policies={line.line_id: self.policy_of(line) for line in state.lines if line.line_id in units},
                fee_charged_before=any(each.fees for each in state.paid_back),
                spent=spent,
            ),
            summary=Readable(f"Work out settlement {n}"),
            **options.OUR_BOOKS,
        )
        in_advance = state.advances
        for line_id, quantity in settled.units.items():
            line = state.line(line_id)
            line.settled += quantity
            line.advanced, line.advance = line.advanced + line.advance, 0
        state.settle_by = state.instead = None
        shipping = sum(settled.shipping.values())
        state.paid_back.append(
            PaidBack(
                n=n,
                at=workflow.now(),
                lines=settled.units,
                by_line=settled.goods,
                shipping=shipping,
                fees=settled.fees,
                spent=settled.spent,
                goodwill=settled.goodwill,
                refund=settled.refund,
                to=to,
            )
        )
        if state.exchange is not None and state.exchange.stands:
            state.exchange.grant(state.refund)
        if in_advance and state.card is not None:
            state.card.wanted = min(settled.refund, state.card.at_most)
        self.book.event(
            Event.RETURN_SETTLED,
            actor,
            lines=settled.units,
            amount=settled.refund,
            fees=settled.fees or None,
            shipping=shipping or None,
            replaced=state.kept or None,
            spent=settled.spent or None,
            goodwill=settled.goodwill or None,
        )
        back = min(settled.refund, state.due)
        if back or not state.kept:
            self.book.notice(
                NoticeKind.RETURN_ADVANCED if in_advance else NoticeKind.RETURN_SETTLED,
                n,
                store_id=state.store_id,
                lines=self.book.notice_lines(settled.units),
                refund=self.book.money(back) if back else None,
                refund_target=to.value,
                fee=self.book.money(settled.fees) if settled.fees else None,
            )
        await self.book.record()

    async def _disable_cards(self, n: int, units: dict[LineId, int]) -> int:
        """Gift cards that are paid back buy nothing from now on; what they have bought is not paid back."""
        spent = 0
        for line_id, quantity in units.items():
            if self.state.line(line_id).gift_card:
                spent += await workflow.execute_local_activity_method(
                    BalanceSteps.disable_sold,
                    TakeOff(
                        key=operation_key(self.state.order_id, "disable", self.state.return_id, n, line_id),
                        order_id=self.state.order_id,
                        line_id=line_id,
                        quantity=quantity,
                        at=workflow.now(),
                    ),
                    summary=Readable(f"Disable {quantity} gift cards of line {line_id}"),
                    **options.OUR_BOOKS,
                )
        return spent

    async def pay(self) -> None:
        """Move what is due and not on its way; what no tender takes is a person's matter."""
        state = self.state
        while state.due or state.carried() or self._open():
            if refund := self._open():
                await self._carry_out(refund)
                continue
            before, due = next(iter(state.carried().items()), (None, state.due))
            tenders = await self._tenders(before or state.order_id)
            async with self.turn:
                self._adopt(tenders, before)
                due -= sum(each.amount for each in tenders.begun)
                if due > 0:
                    self._spread(due, tenders, before)
                if self.has_open:
                    await self.book.record()
            if not self.has_open:
                step = f"pay back {self.book.money(due)}"
                await self._ask(step, "no tender of the order can take it back", carried=before is not None)

    async def look_again(self, key: OperationKey) -> None:
        """The provider has news of a refund: its present state, under the same key."""
        for refund in self.state.refunds:
            if refund.key == key and refund.state in (RefundState.PENDING, RefundState.DONE):
                await self._carry_out(refund)

    @property
    def has_open(self) -> bool:
        return self._open() is not None

    def _open(self) -> RefundMade | None:
        return next((each for each in self.state.refunds if each.state is RefundState.OPEN), None)

    async def _tenders(self, order_id: OrderId) -> Tenders:
        return await workflow.execute_local_activity_method(
            ReturnSteps.read_tenders,
            TendersAsked(
                order_id=order_id,
                return_id=self.state.return_id,
                refunds=len(self.state.refunds),
                given_back=self.state.given_back if order_id == self.state.order_id else None,
            ),
            summary=Readable("Read what each tender can take back"),
            **options.OUR_BOOKS,
        )

    def _adopt(self, tenders: Tenders, order_id: OrderId | None) -> None:
        """Refunds that were begun by a worker that was lost are ours: each goes on under the key that it has."""
        for each in tenders.begun:
            original = each.to is RefundTarget.ORIGINAL
            self.state.refunds.append(
                RefundMade(
                    key=each.key,
                    settlement=self.state.paid_back[-1].n,
                    tender_id=each.tender_id,
                    authorisation_id=each.authorisation_id,
                    amount=each.amount,
                    order_id=order_id,
                    source=tenders.source_of(each.authorisation_id) if original else None,
                    to=each.to,
                )
            )

    def _spread(self, due: int, tenders: Tenders, order_id: OrderId | None) -> None:
        """What is due over the tenders, by the policy's rule; each part under a key of its own.

        `order_id`: of whose tenders, where it is not this return's: their value had paid for its order.
        """
        state = self.state
        rule = state.goodwill.tenders if state.goodwill is not None else state.lines[0].terms.tenders
        settlement, to = state.paid_back[-1].n, state.instead or state.paid_back[-1].to
        for share in split_over_tenders(due, tenders.tenders, rule):
            # The till's money has no authorisation behind it.
            parts = [(TILL, share.amount)] if share.tender_id == TILL else tenders.of(share.tender_id, share.amount)
            for authorisation, amount in parts:
                number = len(state.refunds) + 1
                state.refunds.append(
                    RefundMade(
                        key=refund_key(order_id or state.order_id, share.tender_id, state.return_id, number),
                        settlement=settlement,
                        tender_id=share.tender_id,
                        authorisation_id=authorisation,
                        amount=amount,
                        order_id=order_id,
                        # What is given as a balance is with its owner; the tenders behind the credit keep theirs.
                        source=tenders.source_of(authorisation) if to is RefundTarget.ORIGINAL else None,
                        to=to,
                    )
                )

    async def _give_as_balance(self, refund: RefundMade) -> None:
        """Store credit, or one gift card for the settlement: it counts against the tender that paid."""
        state = self.state
        try:
            issued = await give_as_balance(
                self.book.money(refund.amount),
                refund.to,
                key=refund.key,
                balance_id=BalanceId(derived_id(refund.to, state.return_id, str(refund.settlement))),
                order_id=refund.order_id or state.order_id,
                tender_id=refund.tender_id,
                authorisation_id=None if refund.tender_id == TILL else refund.authorisation_id,
                customer_ref=state.customer_ref,
                reference=state.return_id,
                reason=self.why,
            )
        except StepFailed as error:
            await self._not_possible(refund, error)
            return
        self._refused_before = False
        await self._ended(
            refund.model_copy(update={"balance_id": issued.balance_id}), RefundState.DONE, refund.to.value
        )

    async def _not_possible(self, refund: RefundMade, error: BaseException) -> None:
        """Our ledger or the provider refused it: worked out anew once, then a person decides."""
        told = self._refused_before
        self._refused_before = not told
        # Somebody else's refund may have been faster: what is left is spread over the tenders as they are now.
        await self._ended(refund, RefundState.FAILED, failure_text(error), told=told)
        if told:
            await self._ask(self._words(refund), failure_text(error), carried=refund.order_id is not None)

    async def _carry_out(self, refund: RefundMade) -> None:
        if refund.to is not RefundTarget.ORIGINAL:
            await self._give_as_balance(refund)
            return
        if refund.tender_id == TILL:
            await self._ended(refund, RefundState.DONE, "at the till")
            return
        try:
            outcome = await self._asked_for(refund)
        except StepFailed as error:
            await self._not_possible(refund, error)
            return
        self._refused_before = False
        state = _STATES[outcome.status]
        if state is refund.state:
            return
        await self._ended(refund, state, outcome.status.value)
        if state is RefundState.FAILED:
            why = "the provider could not pay it back"
            await self._ask(self._words(refund), why, carried=refund.order_id is not None)

    def _words(self, refund: RefundMade) -> str:
        return f"refund of {self.book.money(refund.amount)} on {refund.tender_id}"

    async def _ended(self, refund: RefundMade, state: RefundState, reason: str, *, told: bool = True) -> None:
        async with self.turn:
            at = next(n for n, each in enumerate(self.state.refunds) if each.key == refund.key)
            self.state.refunds[at] = refund.model_copy(update={"state": state})
            if state is not RefundState.FAILED:
                self.book.event_of(
                    refund.order_id,
                    self.refunded_event,
                    reason=reason,
                    tender=refund.tender_id,
                    amount=refund.amount,
                    balance_id=refund.balance_id,
                )
            if refund.balance_id is not None:
                self._tell_of_balance(refund)
            elif told and refund.source is None:
                self.book.notice(
                    _NOTICES[state], at + 1, refund=self.book.money(refund.amount), at_till=refund.tender_id == TILL
                )
            await self.book.record()

    def _tell_of_balance(self, refund: RefundMade) -> None:
        """Once, when all parts of the settlement are on it."""
        mine = [
            each
            for each in self.state.refunds
            if (each.settlement, each.to) == (refund.settlement, refund.to) and each.counts
        ]
        if all(each.state is RefundState.DONE for each in mine):
            self.book.notice(
                NoticeKind.BALANCE_GIVEN,
                len(self.state.refunds),
                refund=self.book.money(sum(each.amount for each in mine)),
                refund_target=refund.to.value,
                balance_id=refund.balance_id,
            )

    async def _asked_for(self, refund: RefundMade) -> Refund:
        """The provider's answer: soon, or as long as it takes while the return says whom it waits for."""
        request = RefundRequest(
            key=refund.key,
            order_id=refund.order_id or self.state.order_id,
            tender_id=refund.tender_id,
            authorisation_id=refund.authorisation_id,
            amount=self.book.money(refund.amount),
            at=workflow.now(),
            reason=self.why,
        )
        words = Readable(f"Refund {self.book.money(refund.amount)} ({refund.tender_id})")
        try:
            return await workflow.execute_local_activity_method(
                PaymentSteps.refund, request, summary=words, **options.PAYMENT_HERE
            )
        except StepFailed as error:
            if failure_type(error) == NEEDS_A_PERSON:
                raise
            async with self.turn:
                self.state.troubles["payment"] = Trouble(
                    system="payment system", step="refund", since=workflow.now(), error=failure_text(error)
                )
                await self.book.record()
        try:
            return await workflow.execute_activity_method(
                PaymentSteps.refund, request, summary=words, **options.PAYMENT_PATIENT
            )
        finally:
            self.state.troubles.pop("payment", None)

    # --- a person ----------------------------------------------------------------------------------------------------

    async def _ask(self, step: str, error: str, *, carried: bool) -> None:
        """Try again, give store credit instead, or count it as paid in another way.

        `carried`: it is about credit of an exchange that has to go on to the tenders behind it.
        """
        state = self.state
        choices = [InterventionAction.RETRY, InterventionAction.SKIP, InterventionAction.SUPPLY]
        answer = await self.ask(step, error, choices)
        if answer is None:
            return
        async with self.turn:
            if answer.action is InterventionAction.SKIP:
                state.carried_off = state.carried_off or carried
                state.written_off += state.due
                await self.book.record()
            elif answer.action is InterventionAction.SUPPLY:
                state.instead = RefundTarget(answer.value or RefundTarget.STORE_CREDIT)

    async def ask(
        self,
        step: str,
        error: str,
        choices: list[InterventionAction],
        unless: Callable[[], bool] = lambda: False,
    ) -> Intervene | None:
        """Show a question to ops and wait, without a deadline, for one of `choices`; none once `unless` came true."""
        state = self.state
        self._asked += 1
        question = InterventionView(
            intervention_id=f"return-{state.return_id}-{self._asked}",
            step=step,
            error=error,
            since=workflow.now(),
            choices=[choice.value for choice in choices],
        )
        async with self.turn:
            state.interventions.append(question)
            self.book.event(Event.INTERVENTION_NEEDED, reason=step, intervention_id=question.intervention_id)
            await self.book.record()
        await workflow.wait_condition(lambda: question.intervention_id in self._answers or unless())
        if (answer := self._answers.pop(question.intervention_id, None)) is not None:
            return answer
        async with self.turn:
            state.interventions[:] = [
                each for each in state.interventions if each.intervention_id != question.intervention_id
            ]
            await self.book.record()
        return None

    async def intervene(self, command: Intervene) -> ReturnAnswer:
        """What a person decided, if somebody waits for that. Refusals are answers that change nothing."""
        question = self.question(command)
        if question is None:
            raise failure(Refusal(kind=RefusalKind.NOT_FOUND, detail="Nobody waits for this decision any more."))
        if command.action.value not in question.choices:
            detail = f"Here one may only {', '.join(question.choices)}, not {command.action}."
            raise failure(Refusal(kind=RefusalKind.NOT_ALLOWED_NOW, detail=detail))
        try:
            check_instead(command)
        except Refused as refused:
            raise failure(refused.refusal) from None
        async with self.turn:
            await self.answer(command, question)
        return ReturnAnswer(view=self.state.view())

    def question(self, command: Intervene) -> InterventionView | None:
        return next(
            (each for each in self.state.interventions if each.intervention_id == command.intervention_id), None
        )

    async def answer(self, command: Intervene, question: InterventionView) -> None:
        self.state.interventions.remove(question)
        self._answers[command.intervention_id] = command
        self.book.event(
            Event.INTERVENTION_MADE,
            command.actor,
            reason=command.reason,
            intervention_id=command.intervention_id,
            action=command.action,
            value=command.value,
        )
        await self.book.record()
