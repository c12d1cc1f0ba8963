"""What happened to a return since its last milestone, and the one place where a milestone is made real."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.returns import TOO_MANY_UNITS, Restock, ReturnMilestone, ReturnSteps
    from adapters.returns.port import ExchangeCredit, ReturnChange
    from domain.actors import ENGINE, Actor
    from domain.ids import LineId, StoreId, operation_key
    from domain.money import Money
    from domain.notices import Notice, NoticeFacts, NoticeKind, NoticeLine, notice_key
    from domain.refusals import RefusalKind
    from domain.returns.exchanging import Exchange, ExchangeState
    from domain.returns.returned import Return, ReturnedLine, UnitPlace, restocked
    from domain.timeline import Event, Fact, TimelineEntry
    from workflows import options, summaries
    from workflows.refusing import StepFailed, failure_text, failure_type, refuse


class ReturnBook:
    """Collects events, notices and what goes on the shelf; `record` commits them with the return's new state."""

    def __init__(self, state: Return):
        self.state = state
        self._events: list[TimelineEntry] = []
        self._notices: list[Notice] = []
        self._restock: list[Restock] = []
        self._recorded = state.model_copy(deep=True)

    def event(self, event: Event, actor: Actor = ENGINE, reason: str | None = None, **data: object) -> None:
        facts = {name: value for name, value in data.items() if value is not None}
        entry = TimelineEntry(
            at=workflow.now(),
            event=event,
            actor=actor,
            reason=reason,
            data=Fact(**{"return_id": self.state.return_id, **facts}),
        )
        self._events.append(entry)

    def notice(self, kind: NoticeKind, *sequence: str | int, store_id: StoreId | None = None, **facts: Any) -> None:
        """Tell the customer, once: the key is the order, the kind, the return and `sequence`."""
        state = self.state
        self._notices.append(
            Notice(
                key=notice_key(state.order_id, kind.value, state.return_id, *sequence),
                kind=kind,
                order_id=state.order_id,
                store_id=store_id,
                locale=state.locale,
                at=workflow.now(),
                facts=NoticeFacts(order_number=state.external_id, **facts),
            )
        )

    def restock(self, line: ReturnedLine, quantity: int, store_id: StoreId) -> None:
        """So many units are on the shelf and can be sold again with the next milestone."""
        for sku, count in restocked(line, quantity).items():
            key = operation_key(
                self.state.order_id, "restock", self.state.return_id, self.state.version + 1, len(self._restock) + 1
            )
            self._restock.append(Restock(key=key, sku=sku, store_id=store_id, quantity=count))

    def notice_lines(self, lines: dict[LineId, int]) -> tuple[NoticeLine, ...]:
        skus = {line.line_id: line.sku for line in self.state.lines}
        return tuple(NoticeLine(sku=skus[line], quantity=n) for line, n in lines.items() if n > 0)

    def wanted_lines(self, exchange: Exchange) -> tuple[NoticeLine, ...]:
        """What the customer gets instead."""
        return tuple(NoticeLine(sku=line.sku, quantity=line.quantity) for line in exchange.lines)

    def money(self, amount: int) -> Money:
        return Money(amount=amount, currency=self.state.currency)

    async def record(self) -> None:
        """Commit everything collected as the next milestone.

        Raises `Refused`, with the return as it was last recorded, when it claims units that are not there.
        """
        state = self.state
        state.version += 1
        milestone = ReturnMilestone(
            change=ReturnChange(
                return_id=state.return_id,
                order_id=state.order_id,
                sequence=state.version,
                at=workflow.now(),
                view=state.view(),
                claimed=state.claimed(),
                accepted={line.line_id: line.count(UnitPlace.ACCEPTED) for line in state.lines},
                refunded=state.refunded,
                elsewhere=state.refunded_elsewhere(),
                credit=self._credit(),
            ),
            events=self._events,
            notices=self._notices,
            restock=self._restock,
        )
        self._events, self._notices, self._restock = [], [], []
        try:
            await workflow.execute_local_activity_method(
                ReturnSteps.record_return,
                milestone,
                summary=summaries.milestone([entry.event for entry in milestone.events]),
                **options.OUR_BOOKS,
            )
        except StepFailed as error:
            if failure_type(error) != TOO_MANY_UNITS:
                raise
            self.go_back()
            raise refuse(RefusalKind.TOO_MANY_UNITS, failure_text(error)) from None
        self._recorded = state.model_copy(deep=True)
        workflow.set_current_details(summaries.return_details(state))

    def _credit(self) -> ExchangeCredit | None:
        exchange = self.state.exchange
        if exchange is None or exchange.state is ExchangeState.WANTED:
            return None
        return ExchangeCredit(
            currency=self.state.currency,
            promised=exchange.credit,
            granted=exchange.granted,
            secured=exchange.secured,
        )

    def go_back(self) -> None:
        """The return is as it was last recorded; what was collected since is forgotten."""
        self._events, self._notices, self._restock = [], [], []
        earlier = self._recorded.model_copy(deep=True)
        for field in Return.model_fields:
            setattr(self.state, field, getattr(earlier, field))
