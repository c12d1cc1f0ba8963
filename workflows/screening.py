"""Fraud screening of an order as it is placed, and again of a change that makes it another risk."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.screening import ScreeningSteps
    from adapters.fraud.port import ScreeningRequest, Verdict
    from domain.holds import HoldKind
    from domain.personal import Readable
    from workflows import options
    from workflows.desk import Desk
    from workflows.holds import Holds


async def screen(desk: Desk, amount: int, attempt: int = 1) -> Verdict:
    """What fraud screening says of the order at so many minor units."""
    screening = screening_of(desk, amount, attempt)
    if screening is None:
        return Verdict.ACCEPT
    return await workflow.execute_local_activity_method(
        ScreeningSteps.screen, screening, summary=Readable("Screen for fraud"), **options.OUR_BOOKS
    )


def screening_of(desk: Desk, amount: int, attempt: int = 1) -> ScreeningRequest | None:
    """What fraud screening is asked of the order; nothing where the seller screens elsewhere."""
    terms = desk.order.terms
    if not terms.rules.screening:
        return None
    return ScreeningRequest(
        order_id=terms.order_id,
        attempt=attempt,
        customer_ref=terms.customer_ref,
        amount=desk.book.money(amount),
        channel=terms.channel.value,
    )


def hold_for_review(desk: Desk, holds: Holds, reason: str = "fraud screening reviews it") -> None:
    """Its answer comes by webhook, minutes or days later."""
    deadline = workflow.now() + desk.order.terms.policy.pickup.fraud_within
    holds.place(HoldKind.FRAUD, reason, "fraud screening", deadline=deadline)
