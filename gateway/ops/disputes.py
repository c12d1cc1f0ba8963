"""Cases of disputed payments: what a person of ops is asked, and the end of it."""

from adapters.records.port import OpenIntervention
from domain.ledger import Dispute
from domain.money import Money
from domain.timeline import Event, Fact, TimelineEntry
from gateway.principals import Caller
from gateway.problems import Problem, ProblemKind, not_found
from gateway.services import Services
from workflows.messages import InterventionAction

PREFIX = "dispute-"
MOST = 2000
CHOICES = (InterventionAction.SKIP, InterventionAction.GIVE_UP)
"""Contested at the provider, or accepted. Either way the money is not refunded again."""


def is_dispute(intervention_id: str) -> bool:
    return intervention_id.startswith(PREFIX)


def question_of(dispute: Dispute) -> OpenIntervention:
    amount = Money(amount=dispute.amount, currency=dispute.currency)
    return OpenIntervention(
        intervention_id=PREFIX + dispute.id,
        order_id=dispute.order_id,
        step=f"answer a dispute of {amount} on {dispute.tender_id}",
        error="the customer's bank has taken the money back; nothing of it is refunded again",
        since=dispute.at,
        choices=[choice.value for choice in CHOICES],
    )


async def close_dispute(
    services: Services, caller: Caller, intervention_id: str, action: InterventionAction, reason: str
) -> Dispute:
    """Somebody has decided; the order's timeline says who and why. Raises 404, 409."""
    name = intervention_id.removeprefix(PREFIX)
    dispute = next((each for each in await services.payments.open_disputes(MOST) if each.id == name), None)
    if dispute is None:
        raise not_found()
    if action not in CHOICES:
        words = " or ".join(choice.value for choice in CHOICES)
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, f"Here one may only {words}, not {action}.")
    if not await services.payments.close_dispute(name, services.now(), caller.principal.id, reason):
        raise not_found()
    entry = TimelineEntry(
        at=services.now(),
        event=Event.DISPUTE_CLOSED,
        actor=caller.actor,
        reason=reason,
        data=Fact(dispute_id=name, amount=dispute.amount, action=action),
    )
    async with services.transactions.begin() as books:
        await books.records.append(dispute.order_id, entry)
    return dispute
