"""Another try to pay a held order: at the bank's page, or with another token of the payment provider."""

from typing import Any

from domain.holds import HoldKind
from domain.intake import TenderType
from domain.money import Money
from domain.payments import TenderId
from domain.terms import TenderTerms
from domain.views import OrderView
from gateway.account.visit import Form, Outcome, Visit, new_form
from workflows.messages import Pay
from workflows.order import OrderWorkflow


async def show(visit: Visit) -> dict[str, Any]:
    order = visit.order
    hold = next((hold for hold in order.holds if hold.kind is HoldKind.PAYMENT), None)
    asked = _asked(visit)
    if asked <= 0 or (hold is None and order.change is None):
        return {"open": False}
    deadline = hold.deadline if hold is not None else order.change.deadline if order.change else None
    bank = order.next_action.url if order.next_action and order.next_action.kind == "confirm_payment" else ""
    due = Money(amount=asked, currency=order.currency)
    return {
        "open": True,
        "due": visit.formats.money(due.model_dump()),
        "deadline": visit.when(deadline),
        "unpaid": _unpaid(order, for_change=hold is None),
        "bank": bank if bank.startswith(("http://", "https://")) else "",
        "once_value": new_form(),
    }


def _unpaid(order: OrderView, *, for_change: bool) -> str:
    """The page's words for what becomes of it without a payment."""
    if for_change:
        return "until_change"
    return "until_exchange" if order.exchange_of is not None else "until"


def _asked(visit: Visit) -> int:
    """What is due for the order; else for a change of it that waits for its payment."""
    order = visit.order
    return order.payment.due or (order.change.owed if order.change is not None else 0)


async def act(visit: Visit, form: Form) -> Outcome:
    token = form["token"].strip()
    if not token or len(token) > 255 or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError("no token")
    due = _asked(visit)
    words = visit.words["payment"]
    if due <= 0:
        return Outcome(words["nothing"], "")
    tender = TenderTerms(tender_id=TenderId("link"), type=TenderType.CARD, amount=due, token=token)
    command = Pay(command_id=visit.command_id(form), actor=visit.actor, tenders=[tender])
    answer = await visit.send(OrderWorkflow.pay, command)
    # The question that this payment answers may stand for a moment longer; only another one is news.
    asked = answer.next_action
    confirm = asked is not None and asked.kind == "confirm_payment" and asked != visit.order.next_action
    return Outcome(words["done_confirm"] if confirm else words["done"], "" if confirm else "good")
