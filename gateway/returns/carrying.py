"""How a return comes back without a counter: to which place, from where, and by which parcel machine."""

from collections.abc import Sequence
from typing import Any, Protocol

from adapters.vault.port import Subject
from domain.ids import OrderId, ReturnId, StoreId
from domain.intake import TenderType
from domain.locker_stays import LockerStay
from domain.lockers import LockerId
from domain.returns.carried import ReturnParcel
from domain.returns.decision import Outcome, ReturnDecision
from domain.returns.policy import AdvanceRule, ReturnTerms
from domain.returns.standing import StandingCard
from domain.returns.words import ReturnKind, ReturnVia
from domain.views import GroupView
from gateway.problems import invalid
from gateway.returns.bodies import ReturnBody, WantedReturn
from gateway.services import Services
from gateway.showing import address_subject


class _Decided(Protocol):
    @property
    def terms(self) -> ReturnTerms: ...

    @property
    def decision(self) -> ReturnDecision: ...

    @property
    def wanted(self) -> WantedReturn: ...

    @property
    def unit_worth(self) -> int: ...

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


def standing_card(body: ReturnBody, decided: Sequence[_Decided]) -> StandingCard | None:
    """The card that the customer names for money that goes back before the goods have come. Raises 422."""
    if body.kind is not ReturnKind.RETURN or not body.tenders:
        return None
    tender = body.tenders[0]
    allowed = [each for each in decided if each.decision.outcome is not Outcome.REFUSED]
    worth = sum(each.unit_worth * each.wanted.quantity for each in allowed)
    if body.via is ReturnVia.STORE or any(each.terms.lost_advance is not AdvanceRule.CHARGE for each in allowed):
        raise invalid("/tenders", "The policy holds no card for this return")
    if not allowed or any(worth > each.terms.instant_refund_to for each in allowed):
        raise invalid("/tenders", "Nothing of this return is paid back before it has come, so that no card is needed")
    if tender.type is not TenderType.CARD or tender.token is None:
        raise invalid("/tenders/0/type", "Only a card stands for what is paid back in advance")
    if tender.amount < worth:
        raise invalid("/tenders/0/amount", f"{worth} is paid back in advance, in minor units")
    return StandingCard(token=tender.token, at_most=tender.amount)


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
