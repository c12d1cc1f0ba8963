"""What is never shipped: charged and there as soon as nothing holds the order. Gift cards are issued and mailed."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.balances import BalanceSteps
    from domain.actors import ENGINE
    from domain.balances import BalanceId, BalanceKind, Issue
    from domain.groups import WaitsFor
    from domain.ids import LineId, derived_id, operation_key
    from domain.intake import LineKind
    from domain.notices import NoticeKind
    from domain.personal import Readable
    from domain.refusals import Refused
    from domain.timeline import Event
    from domain.units import UnitState
    from domain.virtual import VirtualGroup
    from workflows import options
    from workflows.charging import charge
    from workflows.desk import Desk


class VirtualProcess:
    """The group, from its confirmation until the customer has it. It begins again wherever it was."""

    def __init__(self, desk: Desk, group: VirtualGroup):
        self.desk = desk
        self.group = group

    async def run(self) -> None:
        while self.group.open:
            await workflow.wait_condition(self._can_go)
            if self.group.open:
                await self._give()

    def _can_go(self) -> bool:
        """Cancelled meanwhile, or free to go and paid for."""
        if not self.group.open:
            return True
        order = self.desk.order
        if order.holds or self.group.waits_for is WaitsFor.HOLDS or order.unsecured:
            return False
        return not self.desk.cashier.plan(more_earned=order.worth(self._lines)).short

    @property
    def _lines(self) -> dict[LineId, int]:
        return self.group.owed_lines(UnitState.OPEN)

    async def _give(self) -> None:
        desk, group = self.desk, self.group
        async with desk.turn:
            lines = self._lines
            if not lines or not self._can_go():
                return
            try:
                await charge(desk, group, desk.order.worth(lines))
            except Refused:
                return  # the order waits for another payment, and this for that
            await self._issue(lines)
            desk.order.settle(lines, earned=True)
            group.deliver(lines)
            desk.book.event(Event.DELIVERED, ENGINE, group=group.n, lines=lines)
            desk.cashier.wake()
            await desk.book.record()

    async def _issue(self, lines: dict[LineId, int]) -> None:
        """A card for every unit, worth what a unit costs without its discount. Its number goes to who gets it."""
        desk, terms = self.desk, self.desk.order.terms
        for line in desk.order.lines:
            if line.kind is not LineKind.GIFT_CARD or not lines.get(line.line_id) or not line.unit_price:
                continue
            for number in range(1, lines[line.line_id] + 1):
                key = operation_key(terms.order_id, "issue", line.line_id, number)
                issued = await workflow.execute_local_activity_method(
                    BalanceSteps.issue,
                    Issue(
                        key=key,
                        id=BalanceId(derived_id("gift_card", key)),
                        kind=BalanceKind.GIFT_CARD,
                        amount=line.unit_price,
                        currency=terms.currency,
                        at=workflow.now(),
                        reason="sold",
                        order_id=terms.order_id,
                        line_id=line.line_id,
                    ),
                    summary=Readable(f"Issue gift card {number} of line {line.line_id}"),
                    **options.OUR_BOOKS,
                )
                desk.book.event(
                    Event.GIFT_CARD_ISSUED,
                    ENGINE,
                    line=line.line_id,
                    balance_id=issued.balance_id,
                    amount=issued.amount,
                    last_four=issued.last_four,
                )
                desk.book.notice(
                    NoticeKind.BALANCE_GIVEN,
                    line.line_id,
                    number,
                    refund=desk.book.money(issued.amount),
                    refund_target="gift_card",
                    balance_id=issued.balance_id,
                    contact=line.recipient if line.recipient is not None else desk.order.contact,
                )
