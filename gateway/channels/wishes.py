"""A body's wish in the order's words: known goods and stores, and addresses put away in the vault."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from adapters.keys.port import CustomerRef
from adapters.places.port import Place, PlaceKind
from adapters.vault.port import Subject
from domain.change_wishes import ChangeWish, NewAddress, NewLine, NewPrices, NewWay, Way
from domain.destinations import destination_of
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.intake import Address, LineKind, Method, PickupMode, Service, Tender
from domain.kits import Component
from domain.personal import PersonalData
from domain.pickup_windows import PickupTimeProblem, check_requested
from domain.settlement import HELD
from domain.terms import TenderTerms
from domain.views import OrderView
from gateway.channels import bodies
from gateway.channels.checks import in_words, instant, paused_until
from gateway.channels.placing import kits_of, printed, where_is
from gateway.channels.tenders import terms_of_tenders
from gateway.problems import FieldError, Problem, ProblemKind
from gateway.services import Services
from gateway.showing import address_subject, contact_subject, customer_of

FIRST_CHANGED_ADDRESS = 1_000_000
"""Addresses of placed shipments are kept under the numbers of their fulfilments, which are smaller."""


async def wish_of(services: Services, order: OrderView, command_id: str, body: bodies.ChangesBody) -> ChangeWish:
    """Raises 422 with every field that cannot be. A question leaves no address behind."""
    known = await _look_up(services, body)
    _check(services, order, body, known)
    address = None
    if body.address is not None:
        address = await _address(services, order, command_id, body.address, keep=not body.preview)
    return ChangeWish(
        add=[
            NewLine(
                line_id=LineId(line.line_id),
                sku=Sku(line.sku),
                quantity=line.quantity,
                unit_price=line.unit_price,
                discount=line.discount,
                tax=line.tax,
                fulfilment=line.fulfilment,
                components=list(known.kits.get(line.sku, ())),
                substitution=line.substitution,
            )
            for line in body.add
        ],
        remove=[LineId(line) for line in body.remove],
        quantity={LineId(line): quantity for line, quantity in body.quantity.items()},
        address=address,
        prices=_prices(body.prices) if body.prices is not None else None,
        method=await _method(services, order, command_id, body, known.place) if body.method is not None else None,
        contact=await _contact(services, order, command_id, body) if body.contact is not None else None,
    )


async def way_home(services: Services, order: OrderView, command_id: str, address: Address, service: Service) -> Way:
    """Shipping to an address that the customer names."""
    kept = await _address(services, order, command_id, address, keep=True)
    return Way(method=Method.SHIP, service=service, address=kept)


def held_tenders(services: Services, tenders: list[Tender]) -> list[TenderTerms]:
    """Raises 422 for what cannot be held before a change is made."""
    errors = [
        FieldError(
            pointer=f"/tenders/{n}/type", reason="Only card, gift_card, store_credit and financing pay for a change"
        )
        for n, tender in enumerate(tenders)
        if tender.type not in HELD
    ]
    if errors:
        raise Problem(ProblemKind.NOT_SUPPORTED, "See errors.", errors=errors)
    return terms_of_tenders(services, tenders, "change")


def _prices(prices: bodies.PricesBody) -> NewPrices:
    return NewPrices(shipping=prices.shipping, tax={LineId(line): tax for line, tax in prices.tax.items()})


async def _method(
    services: Services, order: OrderView, command_id: str, body: bodies.ChangesBody, place: Place | None
) -> NewWay:
    assert body.method is not None
    wanted = body.method.fulfilment
    address = None
    if wanted.address is not None and wanted.method is Method.SHIP:
        address = await _address(services, order, f"{command_id}/method", wanted.address, keep=not body.preview)
    if place is not None and wanted.method is Method.SHIP_TO_STORE:
        # The carrier is told the store's own address; nothing is put away.
        address = NewAddress(destination=where_is(place), origin=_number_of(f"{command_id}/method"))
    return NewWay(
        lines=[LineId(line) for line in body.method.lines],
        way=Way(
            method=wanted.method,
            store_id=StoreId(wanted.store_id) if wanted.store_id else None,
            mode=wanted.mode,
            requested_at=wanted.requested_pickup_at,
            service=wanted.service or Service.STANDARD,
            address=address,
            allow_split=wanted.allow_split,
            keep_together=wanted.keep_together,
            exclude=[StoreId(place) for place in wanted.exclude],
        ),
    )


async def _contact(services: Services, order: OrderView, command_id: str, body: bodies.ChangesBody) -> int:
    """Both are kept together, so that the last number tells all."""
    number, wanted = _number_of(f"{command_id}/contact"), body.contact
    if not body.preview and wanted is not None:
        order_id, before = OrderId(order.order_id), await customer_of(services, order)
        contact = PersonalData(
            email=wanted.email or (before.email if before else None),
            phone=wanted.phone or (before.phone if before else None),
        )
        await _keep(services, order, contact_subject(order_id, number), contact)
    return number


class _Known(NamedTuple):
    """What is on record of the goods and the store that are named."""

    skus: frozenset[str]
    kits: Mapping[str, Sequence[Component]]
    place: Place | None


async def _look_up(services: Services, body: bodies.ChangesBody) -> _Known:
    named = body.method.fulfilment.store_id if body.method is not None else None
    async with services.transactions.begin() as books:
        items = await books.items.items(sorted({line.sku for line in body.add}))
        return _Known(
            skus=frozenset(item.sku for item in items),
            kits=await kits_of(books.items, items),
            place=await books.places.place(StoreId(named)) if named else None,
        )


def _check(services: Services, order: OrderView, body: bodies.ChangesBody, known: _Known) -> None:
    wanted = body.method.fulfilment if body.method is not None else None
    lines = {line.line_id for line in order.lines}
    errors = [
        FieldError(pointer=f"/add/{n}/sku", reason="Unknown SKU")
        for n, line in enumerate(body.add)
        if line.sku not in known.skus
    ]
    if body.prices is not None and body.address is None:
        errors.append(FieldError(pointer="/prices", reason="Prices go with a new address"))
    if body.contact is not None and body.contact.email is None and body.contact.phone is None:
        errors.append(FieldError(pointer="/contact", reason="Name the email, the phone or both"))
    errors += [
        FieldError(pointer=f"/add/{n}/discount", reason="Is more than the line's price")
        for n, line in enumerate(body.add)
        if line.discount > line.quantity * line.unit_price
    ]
    errors += [
        FieldError(pointer=f"/add/{n}/line_id", reason="This order has such a line; change its quantity")
        for n, line in enumerate(body.add)
        if line.line_id in lines
    ]
    errors += [
        FieldError(pointer=f"/add/{n}/kind", reason="Only goods are sold yet")
        for n, line in enumerate(body.add)
        if line.kind is not LineKind.GOODS
    ]
    errors += [
        FieldError(pointer=f"/add/{n}/recipient", reason="Only a gift card has a recipient of its own")
        for n, line in enumerate(body.add)
        if line.recipient is not None
    ]
    named = [("/remove", line) for line in body.remove] + [("/quantity", line) for line in body.quantity]
    named += [("/prices/tax", line) for line in (body.prices.tax if body.prices is not None else ())]
    named += [("/method/lines", line) for line in (body.method.lines if body.method else ())]
    errors += [
        FieldError(pointer=pointer, reason=f"This order has no line {line}")
        for pointer, line in named
        if line not in lines
    ]
    wrong_time = None
    if wanted is not None:
        errors += _kept_by_none(wanted)
    if wanted is not None and wanted.method is not Method.SHIP:
        errors += _wrong_with_store(wanted, known.place)
        wrong_time = _wrong_time(services, wanted, known.place)
    if wrong_time is not None:
        asked = "requested_pickup_at" if wanted is not None and wanted.requested_pickup_at else "store_id"
        errors.append(FieldError(pointer=f"/method/fulfilment/{asked}", reason=in_words(wrong_time)))
    if errors:
        possible = wrong_time.next_possible if wrong_time is not None else None
        extra = {"next_possible": instant(possible)} if possible is not None else {}
        raise Problem(ProblemKind.VALIDATION, "See errors.", errors=errors, extra=extra)


def _kept_by_none(wanted: bodies.WayBody) -> Iterator[FieldError]:
    """What an order's fulfilment may say and a change cannot keep: it is refused, not swallowed."""
    here = "/method/fulfilment"
    if wanted.promise is not None:
        yield FieldError(pointer=f"{here}/promise", reason="A promise goes with a new order")
    for name in ("person", "pickup"):
        if getattr(wanted, name) is not None:
            yield FieldError(
                pointer=f"{here}/{name}",
                reason="Name who else collects when the change is made: POST /v1/pickups/{order_id}/{n}/proxy",
            )


def _wrong_with_store(wanted: bodies.WayBody, place: Place | None) -> Iterator[FieldError]:
    here = "/method/fulfilment"
    if place is None or place.kind is not PlaceKind.STORE:
        yield FieldError(pointer=f"{here}/store_id", reason="Unknown store")
    elif wanted.method is Method.SHIP_TO_STORE:
        if wanted.mode is not PickupMode.COUNTER:
            yield FieldError(pointer=f"{here}/mode", reason="What is sent to a store is collected inside")
        return
    elif wanted.mode is PickupMode.CURBSIDE and not place.curbside:
        yield FieldError(pointer=f"{here}/mode", reason="This store has no curbside pickup")
    if wanted.mode is PickupMode.LOCKER:
        yield FieldError(pointer=f"{here}/mode", reason="Only counter and curbside are offered yet")


def _wrong_time(services: Services, wanted: bodies.WayBody, place: Place | None) -> PickupTimeProblem | None:
    """Of a pickup, as if it were ordered now."""
    if wanted.method is not Method.PICKUP or place is None or place.kind is not PlaceKind.STORE:
        return None
    now, policy = services.now(), services.policy.pickup
    return check_requested(place.hours, policy, now, wanted.requested_pickup_at, paused_until(place, now))


async def _address(
    services: Services, order: OrderView, command_id: str, address: Address, *, keep: bool
) -> NewAddress:
    """The address goes to the vault, under a number that the same command always gets; the order knows the region."""
    number = _number_of(command_id)
    if keep:
        await _keep(services, order, address_subject(OrderId(order.order_id), number), printed(address))
    return NewAddress(destination=destination_of(address), origin=number)


async def _keep(services: Services, order: OrderView, subject: Subject, data: PersonalData) -> None:
    now = services.now()
    async with services.transactions.begin() as books:
        key = await services.keys.key_for_customer(CustomerRef(order.customer_ref), now, books.connection)
        await services.vault.put(subject, key.id, data, now, books.connection)


def _number_of(command_id: str) -> int:
    return FIRST_CHANGED_ADDRESS + int.from_bytes(hashlib.sha256(command_id.encode()).digest()[:5], "big")
