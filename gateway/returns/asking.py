"""Asking for a return: the policy decides each line, then the units are claimed once and the return starts."""

from datetime import datetime
from typing import NamedTuple

from adapters.access.port import PrincipalKind
from adapters.places.port import Place
from domain.carriage import ParcelStatus
from domain.ids import LineId, OrderId, ReturnId, StoreId
from domain.refunds import RefundTarget
from domain.returns.decision import DeliveredLine, Outcome, ReturnDecision, ReturnLine, decide_return, target_of
from domain.returns.exchanging import Exchange
from domain.returns.packs import built_in
from domain.returns.policy import Case, ReturnPolicy, ReturnTerms, window_ends
from domain.returns.returned import Return, ReturnedLine
from domain.returns.settling import Settled, Tenders, came, paid_lines, tenders_of
from domain.returns.words import NEVER_CAME
from domain.store_hours import holidays_after
from domain.views import GroupView, LineView, OrderView
from gateway.principals import Caller
from gateway.problems import invalid
from gateway.returns.bodies import ReturnBody, WantedReturn
from gateway.returns.carrying import on_the_way, standing_card, way_back
from gateway.services import Services


class Facts(NamedTuple):
    """What is on record of an order, as far as a return of it is decided by that."""

    policy: ReturnPolicy
    claimed: dict[LineId, int]
    settled: list[Settled]
    places: dict[str, Place]
    categories: dict[str, str | None]
    cards: frozenset[LineId] = frozenset()
    """Lines whose units are gift cards."""


async def facts_of(services: Services, order: OrderView) -> Facts:
    cards = frozenset(each.line_id for each in await services.balances.sold_in(order.order_id) if each.line_id)
    async with services.transactions.begin() as books:
        policy = await books.return_policies.version(order.return_policy) if order.return_policy else None
        items = await books.items.items(sorted({line.sku for line in order.lines}))
        wanted = sorted({group.store_id for group in order.groups if group.store_id})
        return Facts(
            policy=policy or built_in(services.policy),
            claimed=dict(await books.returns.claimed(order.order_id)),
            settled=[settled for _, settled in await books.returns.settlements(order.order_id)],
            places={place.location_id: place for place in await books.places.places(wanted)},
            categories={item.sku: item.category for item in items},
            cards=cards,
        )


class Decided(NamedTuple):
    line: LineView
    wanted: WantedReturn
    terms: ReturnTerms
    decision: ReturnDecision
    refund_to: RefundTarget
    unit_worth: int = 0
    group: GroupView | None = None
    """What brought it last."""


def decide(order: OrderView, body: ReturnBody, facts: Facts, now: datetime) -> list[Decided]:
    """The policy's word on each line that is asked for."""
    lines = {line.line_id: line for line in order.lines}
    paid = {line.line_id: line for line in paid_lines(order, facts.settled)}
    found = []
    for position, wanted in enumerate(body.lines):
        line = lines.get(LineId(wanted.line_id))
        if line is None:
            raise invalid(f"/lines/{position}/line_id", "This order has no such line")
        group, received_at = received(order, line.line_id)
        place = facts.places.get(group.store_id or "") if group else None
        terms = terms_of(order, line, facts)
        zone = place.hours.zone if place else "UTC"
        holidays = holidays_after(place.hours, received_at) if place and received_at else frozenset()
        part = paid.get(line.line_id)
        delivered = DeliveredLine(
            line_id=line.line_id,
            sku=line.sku,
            units=came(line, never_came=wanted.reason in NEVER_CAME),
            returned=facts.claimed.get(line.line_id, 0),
            unit_worth=part.paid // part.units if part else 0,
            received_at=received_at,
        )
        wish = body.refund_to if "refund_to" in body.model_fields_set else None
        target = target_of(wish, terms, received_at, now)
        request = ReturnLine(
            line_id=line.line_id,
            quantity=wanted.quantity,
            reason=wanted.reason,
            kind=body.kind,
            via=body.via,
            refund_to=target,
            credit_instead=wish is not target and target is RefundTarget.STORE_CREDIT,
        )
        ends = window_ends(terms, received_at, zone, holidays) if received_at else None
        decision = decide_return(delivered, request, terms, ends, now)
        found.append(Decided(line, wanted, terms, decision, target, delivered.unit_worth, group))
    return found


def terms_of(order: OrderView, line: LineView, facts: Facts) -> ReturnTerms:
    """The policy fixed at the sale, for this line."""
    group, _ = received(order, line.line_id)
    place = facts.places.get(group.store_id or "") if group else None
    country = (group.country if group else None) or (place.country if place else None)
    case = Case(channel=order.channel, country=country, category=facts.categories.get(line.sku), sku=line.sku)
    return facts.policy.terms_for(case)


def received(order: OrderView, line_id: LineId) -> tuple[GroupView | None, datetime | None]:
    """The group that brought units of a line last, and when the customer had them."""
    last: tuple[GroupView | None, datetime | None] = (None, None)
    for group in order.groups:
        moments = [each.at for each in group.hand_overs if each.lines.get(line_id)]
        moments += [
            parcel.status_at
            for parcel in group.parcels
            if parcel.lines.get(line_id) and parcel.status is ParcelStatus.DELIVERED
        ]
        if moments and (last[1] is None or max(moments) > last[1]):
            last = group, max(moments)
        elif last[0] is None and line_id in group.units:
            last = group, None
    return last


def state_of(
    order: OrderView,
    body: ReturnBody,
    decided: list[Decided],
    facts: Facts,
    caller: Caller,
    return_id: ReturnId,
    locale: str,
    now: datetime,
    exchange: Exchange | None = None,
) -> Return:
    """The return as it begins: allowed units are awaited, or kept by the customer; others refused or for a person."""
    at_store = caller.principal.kind is PrincipalKind.STORE
    store = body.store_id or (caller.principal.store_id if at_store else None) or way_back(body, decided)
    return Return(
        **on_the_way(body, decided, order.order_id, return_id, StoreId(store) if store else None),
        return_id=return_id,
        order_id=order.order_id,
        external_id=order.external_id,
        channel=caller.principal.channel,
        customer_ref=order.customer_ref,
        locale=locale,
        currency=order.currency,
        kind=body.kind,
        via=body.via,
        store_id=StoreId(store) if store else None,
        requested_at=now,
        requested_by=caller.actor,
        policy_name=facts.policy.name,
        policy_version=facts.policy.version,
        refund_to=_one_target(body, decided),
        lines=[_line(each, gift_card=each.line.line_id in facts.cards) for each in decided],
        exchange=exchange,
        card=standing_card(body, decided),
    )


def _one_target(body: ReturnBody, decided: list[Decided]) -> RefundTarget:
    """A return has one target: if the policy sends the money of some line elsewhere, all of it goes there."""
    return next((each.refund_to for each in decided if each.refund_to is not body.refund_to), body.refund_to)


def _line(decided: Decided, *, gift_card: bool) -> ReturnedLine:
    decision, quantity = decided.decision, decided.wanted.quantity
    where = {
        Outcome.ALLOWED: "accepted" if decision.keeps_item else "awaited",
        Outcome.PERSON: "undecided",
        Outcome.REFUSED: "refused",
    }[decision.outcome]
    return ReturnedLine(
        line_id=decided.line.line_id,
        sku=decided.line.sku,
        needs={} if gift_card else decided.line.needs,
        gift_card=gift_card,
        quantity=quantity,
        reason=decided.wanted.reason,
        decision=decision,
        terms=decided.terms,
        unit_worth=decided.unit_worth,
        evidence=decided.wanted.evidence,
        **{where: quantity},
    )


async def locale_of(services: Services, order_id: OrderId) -> str:
    """The language that the order was placed in."""
    async with services.transactions.begin() as books:
        entries = await books.outbox.list_for_order(order_id)
    return next((entry.notice.locale for entry in entries if entry.notice.audience == "customer"), "en")


async def tenders(services: Services, order: OrderView) -> Tenders:
    """What each tender of the order paid and can take back now."""
    async with services.transactions.begin() as books:
        returns = await books.returns.of_order(order.order_id)
    given_back: dict[str, int] = {}
    for view in returns:
        for settled in view.paid_back:
            for tender, amount in settled.by_tender.items():
                given_back[tender] = given_back.get(tender, 0) + amount
    return tenders_of(order, await services.payments.statement(order.order_id), given_back)
