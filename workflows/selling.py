"""A sale at the counter: what the customer takes besides the order is paid and gone as soon as it is placed."""

from itertools import pairwise

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.intake import Relation, TenderType
    from domain.notices import NoticeKind
    from domain.pickups import HandOver, ProofKind
    from domain.refusals import Refusal, RefusalKind
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.desk import Desk
    from workflows.payment_calls import Outcome

OVER_THE_COUNTER = (UnitState.OPEN, UnitState.ALLOCATED, UnitState.PICKED, UnitState.READY, UnitState.HANDED_OVER)
"""The customer has taken them off the shelf and brought them."""


async def sell(desk: Desk) -> Refusal | None:
    """Take the money and give everything out. A refusal changes nothing: the placing undoes what was held for it."""
    order, [group] = desk.order, desk.order.pickups
    if order.holds:
        return Refusal(
            kind=RefusalKind.PAYMENT_DUE,
            detail="This cannot be paid at once. Ask the customer for another way to pay.",
        )
    lines, actor = group.owed_lines(), order.terms.actor
    worth = order.worth(lines)
    at_till = [tender for tender in order.terms.tenders if tender.type is TenderType.PAY_IN_STORE]
    if at_till:
        await desk.cashier.pay(at_till, actor)
    outcome = await desk.cashier.capture_for(worth, group.group_id)
    if outcome is Outcome.DECLINED:
        return Refusal(
            kind=RefusalKind.PAYMENT_DECLINED,
            detail="The payment was declined. Ask the customer for another way to pay.",
            reason=desk.cashier.decline_reason,
        )
    order.settle(lines, earned=True)
    group.waits_for = None
    desk.book.stock(StockOperation.ALLOCATE, lines, group.store_id)
    desk.book.stock(StockOperation.CONSUME, lines, group.store_id)
    for line, quantity in lines.items():
        for before, after in pairwise(OVER_THE_COUNTER):
            group.move(line, after, quantity, before)
    now = workflow.now()
    group.hand_overs.append(
        HandOver(
            command_id=str(order.terms.order_id),
            at=now,
            recorded_at=now,
            by=actor.id,
            relation=Relation.SELF,
            # The code was checked when the order was handed over.
            proof=ProofKind.CODE,
            lines=lines,
            refused={},
            captured=worth,
            capture_pending=outcome is Outcome.AWAY,
        )
    )
    sale = order.terms.sale
    beside = sale.order_id if sale is not None else None
    desk.book.event(Event.SOLD_AT_COUNTER, actor, group=group.n, lines=lines, amount=worth, order=beside)
    desk.book.notice(
        NoticeKind.COLLECTED, group=group, lines=desk.book.notice_lines(lines), charged=desk.book.money(worth)
    )
    return None
