"""May money that does not get back to where it came from go to store credit, or to a gift card, instead?"""

from domain.refunds import RefundTarget
from domain.views import OrderView
from gateway.problems import Problem, ProblemKind
from gateway.returns.asking import facts_of, terms_of
from gateway.returns.exchanging import person_of
from gateway.services import Services
from workflows.messages import InterventionAction


async def check_credit(services: Services, order: OrderView, action: InterventionAction, value: str | None) -> None:
    """Where the policy of the sale offers it, to a customer who hears of the number. Raises 409."""
    if action is not InterventionAction.SUPPLY or value not in (RefundTarget.STORE_CREDIT, RefundTarget.GIFT_CARD):
        return
    facts = await facts_of(services, order)
    if any(value not in terms_of(order, line, facts).targets for line in order.lines):
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, f"The policy of this sale gives no money back as {value}.")
    person = await person_of(services, order)
    if person is None or not (person.email or person.phone):
        raise Problem(ProblemKind.NOT_ALLOWED_NOW, "Nobody knows this customer: nobody could be told the number.")
