"""Asking for something else instead: what it costs, what is owed or comes back, and the order that it will be."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from adapters.access.port import PrincipalKind
from adapters.items.port import Item
from adapters.keys.port import CustomerRef
from adapters.places.port import PlaceKind
from adapters.vault.port import Subject, UnknownSubject
from domain import ids
from domain.destinations import Destination, destination_of
from domain.geography import point_of
from domain.ids import LineId, OrderId, ReturnId, Sku, StoreId
from domain.intake import Method, PickupMode, Service, Tender, TenderType
from domain.kits import Component
from domain.payments import TenderId
from domain.personal import PersonalData
from domain.policy_packs import PolicyPack
from domain.returns.decision import Outcome
from domain.returns.exchanging import (
    EXCHANGED,
    Exchange,
    ExchangedLine,
    gap_of,
    line_of,
    price_wanted,
    replacement_number,
    tax_in,
    tenders_for,
)
from domain.returns.settling import paid_lines, settle
from domain.returns.words import ReturnKind
from domain.terms import ChannelRules, ExchangeOf, LineTerms, OrderTerms, PickupTerms, ShipmentTerms, TenderTerms
from domain.views import GroupView, OrderView
from gateway.channels.placing import kits_of, printed, where_is
from gateway.principals import Caller
from gateway.problems import invalid
from gateway.returns.asking import Decided, Facts, received
from gateway.returns.bodies import Delivery, ReturnBody
from gateway.services import Services
from gateway.showing import address_subject


class Wanted(NamedTuple):
    """Lines that the customer wants something else for, with what that is."""

    lines: list[ExchangedLine]
    terms: list[LineTerms]


class Asked(NamedTuple):
    """Who asks for which return, and when."""

    return_id: ReturnId
    caller: Caller
    at: datetime
    locale: str


async def wanted_of(
    services: Services, order: OrderView, body: ReturnBody, decided: Sequence[Decided], facts: Facts
) -> Wanted:
    """What is wanted instead, at its price. Raises 422."""
    _check_kind(body)
    async with services.transactions.begin() as books:
        found = await books.items.items(sorted({line.wanted.sku for line in body.lines if line.wanted}))
        kits = await kits_of(books.items, found)
    items: dict[str, Item] = {item.sku: item for item in found}
    wanted = Wanted([], [])
    for position, each in enumerate(decided):
        if each.wanted.wanted is None or each.decision.outcome is Outcome.REFUSED:
            continue
        if each.wanted.wanted.sku not in items:
            raise invalid(f"/lines/{position}/wanted/sku", "Unknown SKU")
        line, terms = _priced(position, order, each, facts, items, kits)
        wanted.lines.append(line)
        wanted.terms.append(terms)
    return wanted


def _check_kind(body: ReturnBody) -> None:
    replaced = any(line.wanted for line in body.lines)
    if body.kind is ReturnKind.EXCHANGE and not replaced:
        raise invalid("/lines/0/wanted", "An exchange says what is wanted instead")
    if body.kind is ReturnKind.RETURN and replaced:
        raise invalid("/kind", "Who wants something else asks for an exchange, or makes a claim")
    if body.advance and body.kind is not ReturnKind.EXCHANGE:
        raise invalid("/advance", "Only an exchange goes out in advance")
    if body.advance and not any(tender.type is TenderType.CARD for tender in body.tenders):
        raise invalid("/tenders", "What goes out in advance needs a card that stands for it")
    if body.tenders and not replaced and body.kind is not ReturnKind.RETURN:
        raise invalid("/tenders", "Only what is dearer than what comes back is paid")


def _priced(
    position: int,
    order: OrderView,
    each: Decided,
    facts: Facts,
    items: Mapping[str, Item],
    kits: Mapping[str, Sequence[Component]],
) -> tuple[ExchangedLine, LineTerms]:
    line, units, wanted = each.line, each.wanted.quantity, each.wanted.wanted
    assert wanted is not None, "only what is wanted has a price"
    same = wanted.sku == line.sku
    price = line.unit_price if same else items[wanted.sku].price
    if price is None:
        raise invalid(f"/lines/{position}/wanted/sku", "This article has no price")
    paid = paid_lines(order, facts.settled)
    worth = settle(1, paid, {line.line_id: units}, {line.line_id: EXCHANGED}, fee_charged_before=True).refund
    total = price_wanted(worth=worth, listed=line.unit_price * units, price=price, quantity=wanted.quantity)
    tax = tax_in(total, worth=line.total, tax=line.tax)
    terms = line_of(line.line_id, Sku(wanted.sku), wanted.quantity, total=total, tax=tax, price=price)
    return (
        ExchangedLine(
            line_id=line.line_id,
            units=units,
            sku=Sku(wanted.sku),
            quantity=wanted.quantity,
            credit=worth,
            total=total,
        ),
        terms.model_copy(update={"components": list(kits.get(wanted.sku, ()))}),
    )


async def exchange_of(
    services: Services, order: OrderView, body: ReturnBody, decided: Sequence[Decided], facts: Facts, asked: Asked
) -> Exchange | None:
    """The exchange as it begins, its replacement ready to be started under its customer's key; none is asked for."""
    wanted = await wanted_of(services, order, body, decided, facts)
    if not wanted.lines:
        return None
    total, credit = sum(line.total for line in wanted.lines), sum(line.credit for line in wanted.lines)
    pickups, shipments = await _ways(services, order, body, wanted, asked)
    payment = _payment(body.tenders, gap_of(wanted.lines).owed, at_till=bool(pickups))
    entropy = hashlib.sha256(asked.return_id.encode()).digest()
    async with services.transactions.begin() as books:
        newest = await books.return_policies.newest_version()
    terms = OrderTerms(
        order_id=ids.order_id(asked.at, entropy),
        channel=order.channel,
        external_id=replacement_number(order.external_id, asked.return_id),
        placed_at=asked.at,
        received_at=asked.at,
        currency=order.currency,
        locale=asked.locale,
        customer_ref=order.customer_ref,
        lines=wanted.terms,
        pickups=pickups,
        shipments=shipments,
        tenders=tenders_for(credit, total, payment),
        shipping_total=0,
        total=total,
        content_hash=hashlib.sha256(f"exchange {asked.return_id}".encode()).hexdigest(),
        policy=_policy(services.policy, min(each.terms.pay_within for each in decided)),
        # It was screened, and could be changed, as the order that it comes from.
        rules=ChannelRules(screening=False, change_window=timedelta(0)),
        return_policy=newest,
        actor=asked.caller.actor,
        exchange=ExchangeOf(return_id=asked.return_id, order_id=order.order_id, waits=not body.advance),
    )
    await _keep_person(services, order, body, terms, asked.at)
    card = next((tender.token for tender in body.tenders if tender.type is TenderType.CARD), None)
    return Exchange(terms=terms, lines=wanted.lines, advance=body.advance, token=card if body.advance else None)


def _policy(pack: PolicyPack, pay_within: timedelta) -> PolicyPack:
    """As for every order, save that who is asked for a difference has as long as the returns policy says."""
    return pack.model_copy(update={"pickup": pack.pickup.model_copy(update={"payment_within": pay_within})})


def _payment(tenders: Sequence[Tender], owed: int, *, at_till: bool) -> TenderTerms | None:
    if not tenders or not owed:
        return None
    tender = tenders[0]
    if tender.amount < owed:
        raise invalid("/tenders/0/amount", f"{owed} is to be paid on top, in minor units")
    if tender.type is TenderType.PAY_IN_STORE and not at_till:
        raise invalid("/tenders/0/type", "What is shipped is not paid in a store")
    if tender.type not in (TenderType.CARD, TenderType.PAY_IN_STORE):
        raise invalid("/tenders/0/type", "Pay it by card, or in the store")
    return TenderTerms(tender_id=TenderId("t2"), type=tender.type, amount=owed, token=tender.token)


# --- how it gets to the customer --------------------------------------------------------------------------------------


async def _ways(
    services: Services, order: OrderView, body: ReturnBody, wanted: Wanted, asked: Asked
) -> tuple[list[PickupTerms], list[ShipmentTerms]]:
    """As it is asked for; else where the customer stands, or the way that the goods had come."""
    group, _ = received(order, wanted.lines[0].line_id)
    deliver = body.deliver or _as_before(group, body, asked.caller)
    if deliver.method is Method.SHIP:
        destination = (
            destination_of(deliver.address) if deliver.address else await _old_destination(services, order, group)
        )
        return [], [_shipment(deliver, destination)]
    store = StoreId(deliver.store_id or "")
    async with services.transactions.begin() as books:
        place = await books.places.place(store)
    if place is None or place.kind is not PlaceKind.STORE:
        raise invalid("/deliver/store_id", "Unknown store")
    if deliver.method is Method.SHIP_TO_STORE:
        return [], [_shipment(deliver, where_is(place), to=store)]
    return [PickupTerms(n=1, fulfilment="x1", store_id=store, mode=PickupMode.COUNTER)], []


def _shipment(deliver: Delivery, destination: Destination, to: StoreId | None = None) -> ShipmentTerms:
    return ShipmentTerms(
        n=1,
        fulfilment="x1",
        destination=destination,
        service=deliver.service or Service.STANDARD,
        to_store=to,
    )


def _as_before(group: GroupView | None, body: ReturnBody, caller: Caller) -> Delivery:
    if caller.principal.kind is PrincipalKind.STORE and caller.principal.store_id:
        return Delivery(method=Method.PICKUP, store_id=caller.principal.store_id)
    if group is not None and group.kind == "pickup":
        return Delivery(method=Method.PICKUP, store_id=body.store_id or group.store_id)
    return Delivery(method=Method.SHIP)


async def _old_address(services: Services, order: OrderView, group: GroupView | None) -> PersonalData:
    try:
        found = await services.vault.get(address_subject(order.order_id, (group.origin or group.n) if group else 1))
    except UnknownSubject:
        found = None
    if not isinstance(found, PersonalData) or not found.address:
        raise invalid("/deliver/address", "Say where it is sent to")
    return found


async def _old_destination(services: Services, order: OrderView, group: GroupView | None) -> Destination:
    address = await _old_address(services, order, group)
    country = (group.country if group else None) or (address.address or ("",))[-1]
    point = point_of(country, (address.postal_code or "").strip())
    if point is None:
        return Destination(country=country)
    return Destination(country=country, latitude=point.latitude, longitude=point.longitude)


async def _keep_person(
    services: Services, order: OrderView, body: ReturnBody, terms: OrderTerms, now: datetime
) -> None:
    """The replacement is its customer's: under the same key, told where the order is, sent where it is to go."""
    person = await person_of(services, order)
    address = None
    if terms.shipments and terms.shipments[0].to_store is None:
        group, _ = received(order, LineId(terms.lines[0].line_id))
        asked = body.deliver.address if body.deliver else None
        address = printed(asked) if asked else await _old_address(services, order, group)
    async with services.transactions.begin() as books:
        key = await services.keys.key_for_customer(CustomerRef(order.customer_ref), now, books.connection)
        await services.keys.bind(ids.order_workflow_id(terms.order_id), key.id, books.connection)
        if person is not None:
            await services.vault.put(Subject(terms.order_id), key.id, person, now, books.connection)
        if address is not None:
            where = address_subject(OrderId(terms.order_id), 1)
            await services.vault.put(where, key.id, address, now, books.connection)


async def person_of(services: Services, order: OrderView) -> PersonalData | None:
    """Who it is for, and where they are told since."""
    subjects = [Subject(order.order_id)]
    if order.contact is not None:
        subjects.append(Subject(f"{order.order_id}/contact/{order.contact}"))
    found: PersonalData | None = None
    for subject in subjects:
        try:
            data = await services.vault.get(subject)
        except UnknownSubject:
            continue
        if isinstance(data, PersonalData):
            told = {"email": data.email, "phone": data.phone}
            found = data if found is None else found.model_copy(update=told)
    return found
