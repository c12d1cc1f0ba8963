"""What a payment provider says after the process that it concerns is over: kept in the order's timeline, once."""

from adapters.inbound.port import InboundEvent
from adapters.records.port import whole_timeline
from adapters.transaction.port import Transaction, Transactions
from domain.actors import ENGINE
from domain.ids import ReturnId
from domain.money import Currency, Money
from domain.timeline import Event, Fact, TimelineEntry
from gateway.stores import late_reports
from workflows.cashier import CAME_BACK


async def came_back(transactions: Transactions, event: InboundEvent, amount: int, return_id: ReturnId) -> None:
    """A refund did not reach its customer after all: somebody has to see it."""
    facts = Fact(return_id=return_id, amount=amount, event_id=event.event_id)
    await keep(transactions, event, Event.REFUND_CAME_BACK, event.type, facts)


async def ask_about(transactions: Transactions, event: InboundEvent, amount: int, currency: Currency) -> None:
    """The same of a refund that an order made by itself, and has ended since: put before ops, once."""
    async with transactions.begin() as books:
        await books.returns.lock_order(event.order_id)
        order = await books.records.order(event.order_id)
        if order is None or await _is_known(books, event):
            return
        facts = Fact(amount=amount, event_id=event.event_id)
        came = TimelineEntry(
            at=event.received_at, event=Event.REFUND_CAME_BACK, actor=ENGINE, reason=event.type, data=facts
        )
        step = f"refund of {Money(amount=amount, currency=currency)}"
        await late_reports.ask(books, order, step, CAME_BACK, came, event.received_at)


async def disputed(transactions: Transactions, event: InboundEvent, dispute_id: str, amount: int) -> None:
    """The customer's bank has taken money back."""
    facts = Fact(dispute_id=dispute_id, amount=amount, event_id=event.event_id)
    await keep(transactions, event, Event.PAYMENT_DISPUTED, event.type, facts)


async def keep(transactions: Transactions, event: InboundEvent, kind: Event, reason: str, facts: Fact) -> None:
    """One more event in the order's timeline, unless this news is in it."""
    async with transactions.begin() as books:
        await books.returns.lock_order(event.order_id)
        if await _is_known(books, event):
            return
        entry = TimelineEntry(at=event.received_at, event=kind, actor=ENGINE, reason=reason, data=facts)
        await books.records.append(event.order_id, entry)


async def _is_known(books: Transaction, event: InboundEvent) -> bool:
    told = await whole_timeline(books.records, event.order_id)
    return any(getattr(each.data, "event_id", None) == event.event_id for each in told)
