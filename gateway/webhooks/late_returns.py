"""What carriers and operators say of a return that is over: kept in its order's timeline, once. Nothing moves."""

from adapters.inbound.port import InboundEvent
from adapters.transaction.port import Transactions
from domain.ids import ReturnId
from domain.timeline import Event, Fact
from gateway.webhooks.late_money import keep


async def parcel(transactions: Transactions, event: InboundEvent, return_id: ReturnId, said: str) -> None:
    facts = Fact(return_id=return_id, said=said, event_id=event.event_id)
    await keep(transactions, event, Event.CARRIER_EVENT, "the return has ended", facts)


async def locker(transactions: Transactions, event: InboundEvent, return_id: ReturnId, said: str) -> None:
    facts = Fact(return_id=return_id, said=said, event_id=event.event_id)
    await keep(transactions, event, Event.LOCKER_EVENT, "the return has ended", facts)
