"""Money that does not get back to where it came from: a person may have it given as store credit or as a gift card."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.balances import BalanceSteps
    from adapters.balances.port import Issued, Redirect
    from domain.balances import BalanceId, BalanceKind, Issue
    from domain.ids import OperationKey, OrderId
    from domain.money import Money
    from domain.payments import AuthorisationId, TenderId
    from domain.personal import Readable
    from domain.refunds import RefundTarget
    from domain.refusals import RefusalKind
    from workflows import options
    from workflows.messages import Intervene, InterventionAction
    from workflows.refusing import refuse

INSTEAD = (RefundTarget.STORE_CREDIT.value, RefundTarget.GIFT_CARD.value)
"""What a person may say."""


def check_instead(command: Intervene) -> None:
    """Refuses another value."""
    if command.action is InterventionAction.SUPPLY and command.value not in INSTEAD:
        raise refuse(
            RefusalKind.NOT_ALLOWED_NOW, f"The value says where the money goes instead: {' or '.join(INSTEAD)}."
        )


async def give_as_balance(
    amount: Money,
    target: RefundTarget,
    *,
    key: OperationKey,
    balance_id: BalanceId,
    order_id: OrderId,
    tender_id: TenderId,
    authorisation_id: AuthorisationId | None,
    customer_ref: str,
    reference: str,
    reason: str,
) -> Issued:
    """It counts against the tender that paid, which gives that much back no more. Raises `StepFailed`."""
    card = target is RefundTarget.GIFT_CARD
    wanted = Redirect(
        issue=Issue(
            key=key,
            id=balance_id,
            kind=BalanceKind.GIFT_CARD if card else BalanceKind.CREDIT,
            amount=amount.amount,
            currency=amount.currency,
            at=workflow.now(),
            reason=reason,
            customer_ref=None if card else customer_ref,
            reference=reference,
        ),
        order_id=order_id,
        tender_id=tender_id,
        authorisation_id=authorisation_id,
    )
    return await workflow.execute_local_activity_method(
        BalanceSteps.pay_as_balance,
        wanted,
        summary=Readable(f"Give {amount} as {target.value.replace('_', ' ')}"),
        **options.OUR_BOOKS,
    )
