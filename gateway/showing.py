"""Orders and pickups as callers read them: the record, with the person behind it as far as the caller's role goes."""

from pydantic import BaseModel, ConfigDict, Field

from adapters.access.port import PrincipalKind
from adapters.records.port import StoreGroup
from adapters.vault.port import Subject, UnknownSubject
from domain.groups import GroupStatus
from domain.ids import LineId, OrderId
from domain.personal import PersonalData, Withheld, shown
from domain.pickups import HandOver
from domain.views import GroupLineView, GroupView, LineView, OrderStatus, OrderView
from gateway.links import LinkKind
from gateway.principals import Caller
from gateway.services import Services
from workflows.messages import GroupAnswer

WITH_ADDRESS = (GroupStatus.OFFERED, GroupStatus.ACCEPTED, GroupStatus.PICKING, GroupStatus.PACKED, GroupStatus.SHIPPED)
"""Statuses in which a place must know where a shipment goes."""
STAFF = "staff"
"""What a marketplace or partner sees instead of a store's or an office's account."""


class CustomerShown(BaseModel):
    """`erased` stands in every field once the person was erased."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class OrderShown(OrderView):
    """An order with its customer. Lists show the customer's reference only."""

    customer: CustomerShown


class Pieces(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: str
    quantity: int


class PickupLine(GroupLineView):
    sku: str
    components: list[Pieces] = Field(default_factory=list)
    """Of a kit: the pieces to take off the shelf for all its units here."""


def pickup_line(line_id: LineId, quantity: int, line: LineView | None) -> PickupLine:
    components = line.components if line is not None else []
    return PickupLine(
        line_id=line_id,
        quantity=quantity,
        sku=line.sku if line is not None else "",
        components=[Pieces(sku=each.sku, quantity=each.quantity * quantity) for each in components],
    )


class PickupShown(GroupView):
    """A pickup with what its people need. `status` is the pickup's, `version` the order's."""

    order_id: OrderId
    external_id: str
    order_status: OrderStatus
    version: int
    lines: list[PickupLine]  # type: ignore[assignment]
    customer_name: str | None = None
    pickup_person: str | None = None
    vehicle: str | None = None
    already: bool = False
    """Nothing was left to do: this is the first answer again."""


class ShipmentShown(GroupView):
    """A shipment with what its people need. `status` is the shipment's, `version` the order's."""

    order_id: OrderId
    external_id: str
    order_status: OrderStatus
    version: int
    lines: list[PickupLine]  # type: ignore[assignment]
    recipient: str | None = None
    address: tuple[str, ...] = ()
    """The lines as they are printed; for whoever works on it."""
    already: bool = False
    """Nothing was left to do: this is the first answer again."""


GroupShown = PickupShown | ShipmentShown


def order_in_list(services: Services, caller: Caller, view: OrderView) -> OrderShown:
    """Without a look into the vault."""
    return _order(services, caller, view, CustomerShown(ref=view.customer_ref))


async def order_shown(services: Services, caller: Caller, view: OrderView) -> OrderShown:
    person = await customer_of(services, view)
    customer = CustomerShown(ref=view.customer_ref)
    if person is not None and caller.principal.kind is PrincipalKind.STORE:
        customer = CustomerShown(ref=view.customer_ref, name=person.name)
    elif person is not None:
        customer = CustomerShown(ref=view.customer_ref, name=person.name, email=person.email, phone=person.phone)
    return _order(services, caller, view, customer)


async def pickup_shown(services: Services, caller: Caller, found: StoreGroup) -> PickupShown:
    """With names, and the car when the customer has arrived."""
    person = await person_shown(services, Subject(found.order_id))
    proxy = await person_shown(services, proxy_subject(found.order_id, found.group.n))
    arrival = None
    if found.group.arrived_at is not None:
        arrival = await person_shown(services, arrival_subject(found.order_id, found.group.n))
    named = proxy.pickup_person if proxy and proxy.pickup_person else person.pickup_person if person else None
    return _pickup(caller, found).model_copy(
        update={
            "customer_name": person.name if person else None,
            "pickup_person": named,
            "vehicle": arrival.vehicle if arrival else None,
        }
    )


async def shipment_shown(services: Services, caller: Caller, found: StoreGroup) -> ShipmentShown:
    """With the address, unless a store asks that has no work with it any more."""
    shown = _shipment(caller, found)
    is_store = caller.principal.kind is PrincipalKind.STORE
    if is_store and found.group.status not in WITH_ADDRESS:
        return shown
    person = await person_shown(services, address_subject(found.order_id, found.group.origin or found.group.n))
    if person is None:
        return shown
    return shown.model_copy(update={"recipient": person.name, "address": person.address})


async def group_shown(services: Services, caller: Caller, found: StoreGroup) -> GroupShown:
    if found.group.kind == "shipment":
        return await shipment_shown(services, caller, found)
    return await pickup_shown(services, caller, found)


def group_answer(caller: Caller, found: StoreGroup, answer: GroupAnswer) -> GroupShown:
    """The group after a command, as its workflow answered."""
    if found.group.kind != "shipment":
        return pickup_answer(caller, found, answer)
    after = found.model_copy(update={"group": answer.group, "version": answer.version, "order_status": answer.status})
    return _shipment(caller, after).model_copy(update={"already": answer.already})


def pickup_answer(caller: Caller, found: StoreGroup, answer: GroupAnswer) -> PickupShown:
    """The pickup after a command, as its workflow answered."""
    after = found.model_copy(update={"group": answer.group, "version": answer.version, "order_status": answer.status})
    return _pickup(caller, after).model_copy(update={"already": answer.already})


async def customer_of(services: Services, view: OrderView) -> PersonalData | None:
    """Who the order is for, and where that person is told of it now."""
    person = await person_shown(services, Subject(view.order_id))
    if person is None or view.contact is None:
        return person
    now = await person_shown(services, contact_subject(OrderId(view.order_id), view.contact))
    return person if now is None else person.model_copy(update={"email": now.email, "phone": now.phone})


def contact_subject(order_id: OrderId, number: int) -> Subject:
    """Where the customer is told, since a change."""
    return Subject(f"{order_id}/contact/{number}")


def proxy_subject(order_id: OrderId, n: int) -> Subject:
    """Whom the buyer named to collect this pickup."""
    return Subject(f"{order_id}/proxy/{n}")


def address_subject(order_id: OrderId, origin: int) -> Subject:
    """Where a shipment goes, under the number that it had when the order was placed."""
    return Subject(f"{order_id}/address/{origin}")


def arrival_subject(order_id: OrderId, n: int) -> Subject:
    """The car that the store looks out for."""
    return Subject(f"{order_id}/arrival/{n}")


async def person_of(services: Services, subject: Subject) -> PersonalData | Withheld | None:
    """What the vault has; nothing when nothing was ever put there."""
    try:
        return await services.vault.get(subject)
    except UnknownSubject:
        return None


async def person_shown(services: Services, subject: Subject) -> PersonalData | None:
    """With "erased" in every field once the person was erased."""
    found = await person_of(services, subject)
    return None if found is None else shown(found)


def _order(services: Services, caller: Caller, view: OrderView, customer: CustomerShown) -> OrderShown:
    action = view.next_action
    if action is not None and not action.url and caller.principal.kind is not PrincipalKind.STORE:
        link = services.customer_link(LinkKind.PAYMENT, view.order_id, None, action.deadline)
        action = action.model_copy(update={"url": link})
    fields = dict(view) | {"next_action": action, "groups": [_redacted(caller, group) for group in view.groups]}
    return OrderShown(**fields, customer=customer)


def _shipment(caller: Caller, found: StoreGroup) -> ShipmentShown:
    terms = {line.line_id: line for line in found.lines}
    lines = [pickup_line(line.line_id, line.quantity, terms.get(line.line_id)) for line in found.group.lines]
    return ShipmentShown(
        **(dict(found.group) | {"lines": lines}),
        order_id=found.order_id,
        external_id=found.external_id,
        order_status=found.order_status,
        version=found.version,
    )


def _pickup(caller: Caller, found: StoreGroup) -> PickupShown:
    group = _redacted(caller, found.group)
    terms = {line.line_id: line for line in found.lines}
    lines = [pickup_line(line.line_id, line.quantity, terms.get(line.line_id)) for line in group.lines]
    return PickupShown(
        **(dict(group) | {"lines": lines}),
        order_id=found.order_id,
        external_id=found.external_id,
        order_status=found.order_status,
        version=found.version,
    )


def _redacted(caller: Caller, group: GroupView) -> GroupView:
    """Other sellers' systems do not learn who works in a store."""
    if caller.sees_all_orders or caller.principal.kind is PrincipalKind.STORE or not group.hand_overs:
        return group
    hidden: list[HandOver] = [each.model_copy(update={"by": STAFF}) for each in group.hand_overs]
    return group.model_copy(update={"hand_overs": hidden})
