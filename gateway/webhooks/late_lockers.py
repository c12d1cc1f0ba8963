"""What operators of parcel machines say after an order has ended: kept in its record and shown. No money moves."""

from adapters.inbound.port import InboundEvent
from adapters.transaction.port import Transactions
from domain.actors import ENGINE
from domain.locker_stays import LockerNews, StayStatus
from domain.lockers import CompartmentId, CompartmentStatus, compartment_status
from domain.timeline import Event, Fact, TimelineEntry
from domain.views import GroupView
from gateway.webhooks.carriage import LockerData

FOLLOWS = {(StayStatus.EXPIRED, CompartmentStatus.RETURNED): StayStatus.RETURNED}
"""The one thing that may still be true of a stay once its order has ended: what went back is back."""


def news_of(event_id: str, data: LockerData) -> LockerNews:
    return LockerNews(
        event_id=event_id,
        compartment_id=CompartmentId(data.compartment_id),
        at=data.at,
        said=data.status,
        status=compartment_status(data.status),
        collect_by=data.collect_by,
    )


async def keep(transactions: Transactions, event: InboundEvent, data: LockerData) -> None:
    """Write the news into the order's record."""
    async with transactions.begin() as books:
        found = await books.records.group(event.order_id, data.pickup, locked=True) if data.pickup else None
        if found is None or found.group.locker is None:
            return
        group, status = found.group, compartment_status(data.status)
        own = group.locker is not None and group.locker.compartment_id == data.compartment_id
        follows = FOLLOWS.get((group.locker.status, status)) if own and group.locker is not None else None
        entry = TimelineEntry(
            at=event.received_at,
            event=Event.LOCKER_EVENT,
            actor=ENGINE,
            reason=None if follows else "the order has ended",
            data=Fact.model_validate(
                {"group": group.n, "locker": data.locker_id, "status": status, "said": data.status}
                | {"at": data.at.isoformat()}
            ),
        )
        await books.records.put_back(event.order_id, _followed(group, follows), entry)


def _followed(group: GroupView, status: StayStatus | None) -> GroupView:
    if status is None or group.locker is None:
        return group
    return group.model_copy(update={"locker": group.locker.model_copy(update={"status": status})})
