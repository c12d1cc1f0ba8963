"""Taking an order in: is it ours to take, can it be, does it add up; then it is promised once and started."""

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from temporalio.client import WorkflowUpdateRPCTimeoutOrCancelledError

from adapters.access.port import PrincipalKind
from adapters.channels.port import Channels
from adapters.intake.port import Intake, IntakeState
from adapters.items.port import Item, Items
from adapters.keys.port import CustomerRef, DataKey
from adapters.places.port import Place
from adapters.postgres.transaction import PostgresTransaction
from adapters.vault.port import Subject
from domain import ids
from domain.actors import Channel
from domain.destinations import Destination
from domain.ids import OrderId, StoreId, order_workflow_id
from domain.intake import Address, Discrepancy, Method, OrderBody, TenderType, placed_in_the_future, reconcile
from domain.kits import Component
from domain.personal import PersonalData
from domain.promises import Promise
from domain.refusals import Refusal
from domain.terms import ChannelRules, OrderTerms, SaleOf, terms_of
from domain.views import OrderView
from gateway.channels.checks import check_places, check_supported
from gateway.channels.financing import check_financing
from gateway.channels.promised import check_promises, promises_of
from gateway.channels.tenders import token_of_tender
from gateway.commands import StillWorking
from gateway.principals import Caller
from gateway.problems import FieldError, Problem, ProblemKind, invalid, of_refusal
from gateway.reading import may_see
from gateway.services import Services
from gateway.showing import address_subject, contact_subject, order_shown, proxy_subject
from gateway.starting import seal_terms, start_order
from workflows.messages import Placed


class Taken(NamedTuple):
    view: OrderView
    is_new: bool


class _Known(NamedTuple):
    """What is on record before anything is decided."""

    intake: Intake | None
    rules: ChannelRules
    places: dict[StoreId, Place]
    skus: frozenset[str]
    kits: Mapping[str, Sequence[Component]]
    """What is sold as a kit, with its components as they are now."""
    promises: Mapping[str, Promise]
    """What its pickups were promised before, by fulfilment."""
    sale: SaleOf | None
    return_policy: int = 0
    """The version in force."""


async def place_order(services: Services, caller: Caller, body: OrderBody, sale: SaleOf | None = None) -> Taken:
    """The order's fate. Raises a `Problem` for what is refused, `StillWorking` for what takes longer."""
    if not speaks_for(caller, body.channel):
        raise await caller.refused(f"needs a key that speaks for the channel {body.channel}")
    now = services.now()
    known = await _look_up(services, body, sale)
    if known.intake is None:
        discrepancy = _checked(services, body, known, now)
        await check_financing(services, caller, body.tenders, body.customer.ref)
        await check_promises(services, caller, body, known.promises)
        intake, terms = await _promise(services, caller, body, discrepancy, known, now)
    else:
        intake, terms = known.intake, None
    if not await _may_know(services, caller, intake):
        raise Problem(ProblemKind.ORDER_EXISTS, f"{_twice(intake)} Use another external_id.")
    if intake.content_hash != body.content_hash():
        raise await _exists(services, caller, intake)
    is_new = terms is not None
    if intake.state is IntakeState.TAKEN:
        return Taken(await _view(services, intake.order_id), is_new=False)
    if terms is None:
        # The same order again while its first start has not answered, or was lost: go on with that one.
        terms = _terms(services, caller, body, intake.order_id, intake.promised_at, known, _discrepancy(body))
    placed = await _start(services, terms)
    if placed.refusal is not None:
        raise _refused(placed.refusal, body, known.kits)
    return Taken(await _view(services, intake.order_id), is_new=is_new)


def speaks_for(caller: Caller, channel: Channel) -> bool:
    """A key speaks for its own channel, and for those that were granted to it (`channel:kiosk`)."""
    principal = caller.principal
    if principal.kind not in (PrincipalKind.CHANNEL, PrincipalKind.STORE, PrincipalKind.OPS):
        return False
    return principal.channel is channel or f"channel:{channel}" in principal.rights


async def _look_up(services: Services, body: OrderBody, sale: SaleOf | None) -> _Known:
    stores = [StoreId(each.store_id) for each in body.fulfilments if each.store_id is not None]
    promises = await promises_of(services, body)
    async with services.transactions.begin() as books:
        channels: Channels = books.channels
        items = await books.items.items(sorted({line.sku for line in body.lines}))
        return _Known(
            intake=await books.intake.by_external_id(body.channel, body.external_id),
            rules=await channels.rules(body.channel),
            places={place.location_id: place for place in await books.places.places(sorted(set(stores)))},
            skus=frozenset(item.sku for item in items),
            kits=await kits_of(books.items, items),
            promises=promises,
            sale=sale,
            return_policy=await books.return_policies.newest_version(),
        )


async def kits_of(catalogue: Items, items: Sequence[Item]) -> Mapping[str, Sequence[Component]]:
    """Each kit with its components' usual prices, by which its own price is shared among them."""
    pieces = sorted({part.sku for item in items for part in item.components})
    prices = {each.sku: each.price or 0 for each in await catalogue.items(pieces)} if pieces else {}
    return {
        item.sku: [
            Component(sku=part.sku, quantity=part.quantity, price=prices.get(part.sku, 0)) for part in item.components
        ]
        for item in items
        if item.components
    }


def _checked(services: Services, body: OrderBody, known: _Known, now: datetime) -> Discrepancy | None:
    """Everything that would make it an order that cannot be; what does not add up, where that is only held."""
    check_supported(body)
    if placed_in_the_future(body, now):
        raise invalid("/placed_at", "Should not lie in the future")
    check_places(body, known.places, known.skus, services.policy.pickup, now)
    discrepancy = _discrepancy(body)
    if discrepancy is not None and not known.rules.holds_discrepancies:
        raise Problem(ProblemKind.DOES_NOT_ADD_UP, discrepancy.explain(), errors=_differences(discrepancy))
    return discrepancy


def _discrepancy(body: OrderBody) -> Discrepancy | None:
    sums = reconcile(body)
    return None if sums.adds_up else sums


def _differences(sums: Discrepancy) -> list[FieldError]:
    errors = []
    if sums.total != sums.lines_and_shipping:
        difference = sums.total - sums.lines_and_shipping
        errors.append(
            FieldError(
                pointer="/total",
                reason=f"Is {sums.total}, lines and shipping are {sums.lines_and_shipping}: {difference:+d}",
            )
        )
    if sums.tenders != sums.total:
        difference = sums.tenders - sums.total
        reason = f"Add up to {sums.tenders}, total is {sums.total}: {difference:+d}"
        errors.append(FieldError(pointer="/tenders", reason=reason))
    return errors


async def _promise(
    services: Services,
    caller: Caller,
    body: OrderBody,
    discrepancy: Discrepancy | None,
    known: _Known,
    now: datetime,
) -> tuple[Intake, OrderTerms | None]:
    """Claim the identity, with key, personal data and start in one transaction: from here on the order is started,
    by us or by the sweeper. Gives the other's claim when somebody was first."""
    order_id = ids.order_id(now, os.urandom(10))
    terms = _terms(services, caller, body, order_id, now, known, discrepancy)
    wanted = Intake(
        order_id=order_id,
        channel=body.channel,
        external_id=body.external_id,
        content_hash=terms.content_hash,
        created_by=caller.principal.id,
        state=IntakeState.PROMISED,
        promised_at=now,
    )
    async with services.transactions.begin() as books:
        key = await services.keys.key_for_customer(CustomerRef(body.customer.ref), now, books.connection)
        claimed = await books.intake.promise(wanted, seal_terms(key, terms))
        if claimed.order_id != order_id:
            return claimed, None
        await services.keys.bind(order_workflow_id(order_id), key.id, books.connection)
        await _keep_person(services, books, body, order_id, key, now)
    return claimed, terms


async def _keep_person(
    services: Services, books: PostgresTransaction, body: OrderBody, order_id: OrderId, key: DataKey, now: datetime
) -> None:
    named = body.pickup.person if body.pickup else None
    for_all = PersonalData(
        name=body.customer.name,
        email=body.customer.email,
        phone=body.customer.phone,
        pickup_person=named.name if named else None,
    )
    await services.vault.put(Subject(order_id), key.id, for_all, now, books.connection)
    for n, line in enumerate(body.lines, start=1):
        if line.recipient is not None:
            holder = PersonalData(name=line.recipient.name, email=line.recipient.email)
            await services.vault.put(contact_subject(order_id, n), key.id, holder, now, books.connection)
    for token in sorted({tender.token for tender in body.tenders if tender.type is TenderType.CARD and tender.token}):
        await services.vault.put_card(Subject(order_id), key.id, token, now, books.connection)
    for n, fulfilment in enumerate(body.fulfilments, start=1):
        if fulfilment.proxy is not None:
            proxy = PersonalData(pickup_person=fulfilment.proxy.name)
            await services.vault.put(proxy_subject(order_id, n), key.id, proxy, now, books.connection)
        if fulfilment.method is Method.SHIP and fulfilment.address is not None:
            address = printed(fulfilment.address)
            await services.vault.put(address_subject(order_id, n), key.id, address, now, books.connection)


def printed(address: Address) -> PersonalData:
    """An address as a carrier prints it."""
    town = " ".join(filter(None, (address.postal_code, address.city)))
    lines = (address.line1, address.line2, address.region, town, address.country)
    return PersonalData(
        name=address.name, address=tuple(line for line in lines if line), postal_code=address.postal_code
    )


def _terms(
    services: Services,
    caller: Caller,
    body: OrderBody,
    order_id: OrderId,
    received_at: datetime,
    known: _Known,
    discrepancy: Discrepancy | None,
) -> OrderTerms:
    return terms_of(
        body,
        order_id=order_id,
        received_at=received_at,
        actor=caller.actor,
        policy=services.policy,
        rules=known.rules,
        discrepancy=discrepancy,
        kits=known.kits,
        stores={name: where_is(place) for name, place in known.places.items()},
        promises=known.promises,
        sale=known.sale,
        return_policy=known.return_policy,
        tokens=[token_of_tender(services, tender) for tender in body.tenders],
    )


def where_is(place: Place) -> Destination:
    """Where goods go that are sent to a store."""
    return Destination(country=place.country or "", latitude=place.latitude, longitude=place.longitude)


async def _start(services: Services, terms: OrderTerms) -> Placed:
    try:
        return await start_order(services.temporal, terms)
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise StillWorking(terms.order_id) from None


async def _view(services: Services, order_id: OrderId) -> OrderView:
    async with services.transactions.begin() as books:
        view = await books.records.order(order_id)
    if view is None:
        raise StillWorking(order_id)
    return view


async def _may_know(services: Services, caller: Caller, intake: Intake) -> bool:
    """Two sellers' keys may speak for one channel: neither learns of the other's orders, whatever it sends."""
    if intake.created_by == caller.principal.id:
        return True
    async with services.transactions.begin() as books:
        return await may_see(books, caller, intake.order_id)


def _twice(intake: Intake) -> str:
    return f"{intake.channel} has sent {intake.external_id} before."


async def _exists(services: Services, caller: Caller, intake: Intake) -> Problem:
    async with services.transactions.begin() as books:
        view = await books.records.order(intake.order_id)
    current = await order_shown(services, caller, view) if view is not None else {"order_id": intake.order_id}
    return Problem(
        ProblemKind.ORDER_EXISTS,
        f"{_twice(intake)} Its content was another: change or cancel that order, or use another external_id.",
        current=current,
    )


def _refused(refusal: Refusal, body: OrderBody, kits: Mapping[str, Sequence[Component]]) -> Problem:
    problem = of_refusal(refusal)
    problem.errors = _shortfalls(refusal, body, kits)
    return problem


def _shortfalls(refusal: Refusal, body: OrderBody, kits: Mapping[str, Sequence[Component]]) -> Sequence[FieldError]:
    return [
        FieldError(
            pointer=f"/lines/{position}/quantity",
            reason=f"{short.sku} at {short.location_id}: {short.asked} asked, {short.available} available",
        )
        for short in refusal.shortfalls
        for position, line in enumerate(body.lines)
        if line.sku == short.sku or any(part.sku == short.sku for part in kits.get(line.sku, ()))
    ]
