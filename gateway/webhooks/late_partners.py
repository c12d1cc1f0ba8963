"""What partners say of a request after its order has ended: shown in the order's timeline, once. Nothing follows."""

from adapters.inbound.port import InboundEvent
from adapters.transaction.port import Transactions
from domain.dropship import request_status
from domain.timeline import Event, Fact
from gateway.webhooks import late_money
from gateway.webhooks.carriage import PartnerData


async def keep(transactions: Transactions, event: InboundEvent, data: PartnerData) -> None:
    facts = Fact.model_validate(
        {"group": data.number, "partner": data.partner, "status": request_status(data.status), "said": data.status}
        | {"at": data.at.isoformat(), "event_id": event.event_id}
    )
    await late_money.keep(transactions, event, Event.PARTNER_EVENT, "the order has ended", facts)
