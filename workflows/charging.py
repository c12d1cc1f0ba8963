"""Goods that leave are paid first: exactly their worth is captured, or they stay."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.groups import Group
    from domain.refusals import RefusalKind
    from workflows.desk import Desk
    from workflows.payment_calls import Outcome
    from workflows.refusing import refuse


async def charge(desk: Desk, group: Group, worth: int) -> None:
    """Capture `worth` before units of `group` leave. Raises `Refused` when nobody pays; nothing may leave then.

    A payment system that is away stops nothing while the authorisation is live: the capture follows.
    """
    ships = group.kind == "shipment"
    if desk.cashier.plan(more_earned=worth).short:
        await desk.cashier.catch_up()
    if desk.cashier.plan(more_earned=worth).short:
        raise refuse(
            RefusalKind.PAYMENT_DUE,
            "It is not paid. Take the payment first: POST /v1/orders/{id}/payments with "
            + ("another card." if ships else "a pay_in_store tender, or another card."),
        )
    before = desk.order.payment.captured
    if await desk.cashier.capture_for(worth, group.group_id, dispatch=ships) is Outcome.DECLINED:
        desk.cashier.wake()
        await desk.book.record()
        taken = desk.order.payment.captured - before
        kept = (
            f" {desk.book.money(taken)} was taken from another tender before that: it stays paid, and goes back if "
            "the order is cancelled."
        )
        raise refuse(
            RefusalKind.PAYMENT_DECLINED,
            f"The payment was declined at capture, so nothing is {'shipped' if ships else 'handed over'}. "
            "Ask for another way to pay." + (kept if taken else ""),
            reason=desk.cashier.decline_reason or "declined",
        )
