"""How a return comes back without a counter: to which place, from where, and by which parcel machine."""

from collections.abc import Sequence
from typing import Any, Protocol

from adapters.vault.port import Subject
from domain.ids import OrderId, ReturnId, StoreId
from domain.locker_stays import LockerStay
from domain.lockers import LockerId
from domain.returns.carried import ReturnParcel
from domain.returns.policy import ReturnTerms
from domain.returns.words import ReturnVia
from domain.views import GroupView
from gateway.problems import invalid
from gateway.returns.bodies import ReturnBody
from gateway.services import Services
from gateway.showing import address_subject


class _Decided(Protocol):
    @property
    def terms(self) -> ReturnTerms: ...

    @property
    def group(self) -> GroupView | None: ...


def way_back(body: ReturnBody, decided: Sequence[_Decided]) -> str | None:
    """The place that a posted return goes to: the policy's, or the one that the goods came from."""
    if body.via is not ReturnVia.POST:
        return None
    named = (each.terms.send_to for each in decided)
    came_from = (each.group.store_id for each in decided if each.group is not None)
    return next((place for place in (*named, *came_from) if place), None)


def on_the_way(
    body: ReturnBody, decided: Sequence[_Decided], order_id: OrderId, return_id: ReturnId, to: StoreId | None
) -> dict[str, Any]:
    """What of a return's beginning is about its way; nothing for one that is brought to a counter."""
    if body.via is ReturnVia.LOCKER and body.locker_id is not None and to is not None:
        return {"drop": LockerStay(locker_id=LockerId(body.locker_id), store_id=to)}
    if body.via is not ReturnVia.POST or to is None:
        return {}
    if body.sender is not None:
        subject = sender_subject(order_id, return_id)
        return {"parcel": ReturnParcel(to=to), "sends_from": body.sender.country, "sender": subject}
    came = next((each.group for each in decided if each.group is not None and each.group.origin is not None), None)
    if came is None or came.origin is None or came.country is None:
        return {}  # nobody knows where it leaves: the customer sends it by a carrier of their own
    return {
        "parcel": ReturnParcel(to=to),
        "sends_from": came.country,
        "sender": address_subject(order_id, came.origin),
    }


def sender_subject(order_id: OrderId, return_id: ReturnId) -> Subject:
    return Subject(f"{order_id}/return/{return_id}")


async def at_machine(services: Services, body: ReturnBody) -> ReturnBody:
    """With the store at whose door the machine stands. Raises 422 for a machine that is none of ours, or not there."""
    if body.locker_id is None:
        return body
    async with services.transactions.begin() as books:
        places = await books.places.places()
    there = [place for place in places if body.locker_id in place.lockers]
    if not there:
        known = sorted({locker for place in places for locker in place.lockers})
        raise invalid("/locker_id", f"Should be a locker at one of the stores: {', '.join(known[:20]) or 'none'}")
    if body.store_id is not None and all(place.location_id != body.store_id for place in there):
        raise invalid("/locker_id", f"Stands at {there[0].location_id}")
    return body.model_copy(update={"store_id": body.store_id or there[0].location_id})
