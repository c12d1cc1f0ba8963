"""What ops read in the Temporal UI: business words, numbers and ids, never personal data."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.money import Money
    from domain.order import Order
    from domain.personal import Readable
    from domain.returns.returned import Return
    from domain.terms import OrderTerms
    from domain.timeline import Event

_PLACES = {"undecided", "refused", "awaited", "received", "accepted", "declined", "closed"}


def order(terms: OrderTerms) -> Readable:
    """The workflow's own summary: fixed at the start."""
    ways = []
    if stores := ", ".join(sorted({pickup.store_id for pickup in terms.pickups})):
        ways.append(f"pickup at {stores}")
    if countries := ", ".join(sorted({shipment.destination.country for shipment in terms.shipments})):
        ways.append(f"shipped to {countries}")
    total = Money(amount=terms.total, currency=terms.currency)
    return Readable(f"{terms.channel} order {terms.external_id}: {', '.join(ways)}, {total}")


def milestone(events: list[Event]) -> Readable:
    words = list(dict.fromkeys(event.value.replace("_", " ") for event in events))
    if not words:
        return Readable("Record the new state")
    return Readable("Record: " + ", ".join(words[:4]) + (" …" if len(words) > 4 else ""))


def returned(state: Return) -> Readable:
    """A return workflow's own summary: fixed at the start."""
    units = sum(line.quantity for line in state.lines)
    what = f"{units} unit" if units == 1 else f"{units} units"
    return Readable(f"{state.kind} of {what} of {state.external_id} by {state.via}")


def appeasement(state: Return) -> Readable:
    """An appeasement workflow's own summary: fixed at the start."""
    amount = state.goodwill.amount if state.goodwill is not None else 0
    return Readable(f"goodwill of {Money(amount=amount, currency=state.currency)} for {state.external_id}")


def return_details(state: Return) -> str:
    """A return's current details: status, money, and what it waits for. Markdown."""
    refund = Money(amount=state.refund, currency=state.currency)
    money = f"refund {refund}" if state.refund else "no money moved"
    lines = [f"**{state.status.replace('_', ' ')}** (version {state.version})", "", money, ""]
    for line in state.lines:
        where = {place: n for place, n in line.model_dump(include=_PLACES).items() if n}
        lines.append(f"- line {line.line_id}: " + ", ".join(f"{n} {place}" for place, n in where.items()))
    for wait in state.waits():
        until = f" until {when(wait.deadline)}" if wait.deadline else ""
        default = f", then: {wait.default}" if wait.default else ""
        lines.append(f"- waits: {wait.what} ({wait.who}){until}{default}")
    return "\n".join(lines)


def details(state: Order) -> str:
    """The current details: status, what the order waits for, and the money. Markdown."""
    view = state.view()
    money = view.payment
    amounts = " · ".join(
        f"{name} {Money(amount=amount, currency=view.currency)}"
        for name, amount in (
            ("authorised", money.authorised),
            ("captured", money.captured),
            ("refunded", money.refunded),
            ("voided", money.voided),
            ("due", money.due),
        )
        if amount
    )
    lines = [f"**{view.status.replace('_', ' ')}** (version {view.version})", "", amounts or "no money moved", ""]
    for group in view.groups:
        units = sum(line.quantity for line in group.lines)
        what = f"{units} unit" if units == 1 else f"{units} units"
        place, status = group.store_id or "no place yet", group.status.replace("_", " ")
        lines.append(f"- {group.kind} {group.n} at {place}: {status}, {what}")
    if view.waiting_for:
        lines += ["", "Waiting for:", ""]
        for wait in view.waiting_for:
            until = f" until {when(wait.deadline)}" if wait.deadline else ""
            default = f", then: {wait.default}" if wait.default else ""
            lines.append(f"- {wait.what} ({wait.who}){until}{default}")
    return "\n".join(lines)


def when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
