"""What carriers say of parcels after their order has ended: kept in its record, and goods that came back received."""

from adapters.inbound.port import InboundEvent
from adapters.transaction.port import Transactions
from domain.actors import ENGINE
from domain.carriage import ParcelStatus, parcel_status
from domain.hearsay import Effect
from domain.ids import LineId
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import GroupView
from gateway.webhooks.carriage import CarrierData

SAYS_MORE = {ParcelStatus.RETURNED: Event.PARCEL_RETURNED, ParcelStatus.DELIVERED: Event.PARCEL_TURNED_UP}
"""News that somebody must hear of: units to be put back, or goods that were paid back and are there."""


async def keep(transactions: Transactions, event: InboundEvent, data: CarrierData) -> None:
    """Write the news into the order's record, once. No money moves for it."""
    async with transactions.begin() as books:
        order = await books.records.order(event.order_id)
        n = next((group.n for group in order.groups if _has(group, data)), None) if order else None
        found = await books.records.group(event.order_id, n, locked=True) if n is not None else None
        if found is None:
            return
        group = found.group.model_copy(deep=True)
        parcel = next(each for each in group.parcels if each.tracking_number == data.tracking_number)
        effect = parcel.take(event.event_id, data.at, data.status, parcel_status(data.status))
        if effect is None:
            return
        news = SAYS_MORE.get(parcel.status) if effect is Effect.APPLIED else None
        if news is Event.PARCEL_RETURNED:
            group = group.model_copy(
                update={
                    "returned": _more(group.returned, parcel.lines),
                    "put_back": _more(group.put_back, parcel.lines),
                }
            )
        entry = TimelineEntry(
            at=event.received_at,
            event=news or Event.CARRIER_EVENT,
            actor=ENGINE,
            reason=None if effect is Effect.APPLIED else effect.value,
            data=Fact.model_validate(
                {"group": group.n, "parcel": parcel.n, "status": parcel.status, "said": data.status}
                | ({"lines": parcel.lines} if news else {})
            ),
        )
        await books.records.put_back(event.order_id, group, entry)


def _has(group: GroupView, data: CarrierData) -> bool:
    return any(parcel.tracking_number == data.tracking_number for parcel in group.parcels)


def _more(there: dict[LineId, int], lines: dict[LineId, int]) -> dict[LineId, int]:
    return there | {line: there.get(line, 0) + n for line, n in lines.items()}
