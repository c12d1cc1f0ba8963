"""Edits carried out on an order: its lines, units, groups and what they are worth. Stock is not moved here."""

from dataclasses import dataclass, field
from typing import Any

from domain.amending import add_line, bear_shipping, cut_line, raise_line, shipping_borne, totals_of
from domain.change_policy import EditKind, Until
from domain.change_wishes import ChangeWish, NewAddress, Way
from domain.edits import Addition, Edits, sent_home, stays_in_place, till_of
from domain.groups import Ending, WaitsFor
from domain.ids import LineId, StoreId
from domain.intake import Method
from domain.order import AnyGroup, Order
from domain.pickups import PickupGroup
from domain.repricing import price_address
from domain.settlement import plan_money
from domain.shipments import ShipmentGroup
from domain.transfers import TransferGroup
from domain.units import Units, UnitState
from domain.virtual import VirtualGroup

SHELF = (UnitState.OPEN, UnitState.ALLOCATED)
HANDS = (UnitState.PICKED, UnitState.READY)
AFTER_REJECTION = (WaitsFor.CHOICE, WaitsFor.STOCK)


@dataclass
class Off:
    """Units that a group owes no more: those on its place's shelf, and those that the place must put back."""

    shelf: dict[LineId, int] = field(default_factory=dict)
    hands: dict[LineId, int] = field(default_factory=dict)


@dataclass
class Made:
    """What has become of the order, by the groups' numbers: what stock and stores have to follow."""

    joined: dict[int, dict[LineId, int]] = field(default_factory=dict)
    """Units that were added to a group."""
    cut: dict[int, Off] = field(default_factory=dict)
    moved: dict[int, Off] = field(default_factory=dict)
    new: list[AnyGroup] = field(default_factory=list)
    """Groups whose units are open, and have no stock yet."""
    parted: list[AnyGroup] = field(default_factory=list)
    """Groups that took units over with their place and their stock."""
    altered: list[int] = field(default_factory=list)
    """Groups that go on at their place, another way."""
    abroad: list[int] = field(default_factory=list)
    """Shipments whose address is in another country now: another place may be the right one."""


def make(order: Order, edits: Edits) -> Made:
    made, wish = Made(), edits.wish
    before = uncovered(order)
    for part in edits.cut:
        cut_line(order, part.line_id, part.quantity)
        off = made.cut.setdefault(part.n, Off())
        _take_off(order.group(part.n), part.line_id, part.quantity, edits_until(order, EditKind.LINES), off)
    _add(order, edits, made)
    if wish.method is not None and edits.move:
        _move(order, edits.move, wish, wish.method.way, made)
    if wish.address is not None:
        price_address(order, edits.readdressed, wish.address, wish.prices)
        for n in edits.readdressed:
            _readdress(order.shipment(n), wish.address, made)
    if wish.contact is not None:
        order.contact = wish.contact
    till = till_of(order)
    if till is not None:
        # What is paid on collection just costs more then.
        till.amount += max(0, uncovered(order) - before)
    return made


def edits_until(order: Order, edit: EditKind) -> Until:
    return order.terms.policy.changes.until_of(edit)


def uncovered(order: Order) -> int:
    return plan_money(order.tenders, order.earned - order.written_off, order.secured_worth).uncovered


def _take_off(group: AnyGroup, line: LineId, quantity: int, until: Until, off: Off) -> None:
    """Cancelled units: those on the shelf first."""
    shelf = min(quantity, group.units[line].sum(SHELF))
    if shelf:
        group.move(line, UnitState.CANCELLED, shelf, *SHELF)
        off.shelf[line] = shelf
    if hands := quantity - shelf:
        group.move(line, UnitState.CANCELLED, hands, *(state for state in until.states if state in HANDS))
        off.hands[line] = hands
    _put_back(group, off.hands if hands else {}, line)
    if not group.open:
        group.ending = group.ending or Ending.CANCELLED


def _put_back(group: AnyGroup, hands: dict[LineId, int], line: LineId) -> None:
    if line in hands:
        group.put_back[line] = group.put_back.get(line, 0) + hands[line]
    if isinstance(group, ShipmentGroup):
        group.keep_packed_within_picked()


# --- adding ----------------------------------------------------------------------------------------------------------


def _add(order: Order, edits: Edits, made: Made) -> None:
    beside: dict[int, AnyGroup] = {}
    for addition in edits.add:
        group = order.group(addition.n)
        if addition.joins:
            joined = made.joined.setdefault(group.n, {})
            joined[addition.line_id] = joined.get(addition.line_id, 0) + addition.quantity
            more = Units(open=addition.quantity) if group.waits_for else Units(allocated=addition.quantity)
        else:
            if group.n not in beside:
                beside[group.n] = _beside(order, group)
                made.new.append(beside[group.n])
            group, more = beside[group.n], Units(open=addition.quantity)
        group.units[addition.line_id] = group.units.get(addition.line_id, Units()) + more
        _price(order, addition, group)


def _price(order: Order, addition: Addition, group: AnyGroup) -> None:
    if addition.new is not None:
        add_line(order, addition.new, group.n)
    else:
        line = next(each for each in order.lines if each.line_id == addition.line_id)
        raise_line(order, line, addition.quantity)


def _beside(order: Order, group: AnyGroup) -> AnyGroup:
    """A group of its own that goes the same way."""
    new = group.successor(next_number(order), {}, WaitsFor.HOLDS, [])
    if isinstance(new, ShipmentGroup):
        new.hops, new.promised_at, new.replaces = 0, None, None
    return _opened(order, new)


def next_number(order: Order) -> int:
    return max(group.n for group in order.groups) + 1


def _opened(order: Order, group: AnyGroup) -> AnyGroup:
    order.groups.append(group)
    return group


# --- other ways ------------------------------------------------------------------------------------------------------


def _move(order: Order, moves: dict[int, dict[LineId, int]], wish: ChangeWish, way: Way, made: Made) -> None:
    lines: dict[LineId, int] = {}
    for moved in moves.values():
        for line, n in moved.items():
            lines[line] = lines.get(line, 0) + n
    _price_way(order, moves, lines, way)
    elsewhere: AnyGroup | None = None
    for n, moved in moves.items():
        group = order.group(n)
        if stays_in_place(group, wish):
            _alter(order, group, moved, way, made)
            continue
        if elsewhere is None:
            elsewhere = _opened(order, _another_way(order, way))
            made.new.append(elsewhere)
        made.moved[n] = _take_out(group, moved)
        for line, quantity in moved.items():
            elsewhere.units[line] = elsewhere.units.get(line, Units()) + Units(open=quantity)


def _price_way(order: Order, moves: dict[int, dict[LineId, int]], lines: dict[LineId, int], way: Way) -> None:
    """The moved units bear what their new way costs, instead of what they bore. Whatever is collected ships free."""
    if way.method is not Method.SHIP and not any(isinstance(order.group(n), ShipmentGroup) for n in moves):
        return
    policy = order.terms.policy.changes
    price = policy.shipping_price(way.service, totals_of(order).lines) if way.method is Method.SHIP else 0
    if not policy.charges_after_rejection and all(order.group(n).waits_for in AFTER_REJECTION for n in moves):
        price = 0
    bear_shipping(order, lines, price - max(0, shipping_borne(order, lines)))


def _take_out(group: AnyGroup, lines: dict[LineId, int]) -> Off:
    off = Off()
    for line, quantity in lines.items():
        left = quantity
        for state in (*SHELF, *HANDS):
            part = min(left, group.units[line].count(state))
            if part:
                group.units[line].take_out(state, part)
                left -= part
                among = off.shelf if state in SHELF else off.hands
                among[line] = among.get(line, 0) + part
        _put_back(group, off.hands, line)
    if not group.open:
        group.ending = group.ending or Ending.MOVED
    return off


def _another_way(order: Order, way: Way) -> AnyGroup:
    number = next_number(order)
    if way.method is Method.PICKUP:
        return PickupGroup(
            order_id=order.terms.order_id,
            n=number,
            store_id=way.store_id or StoreId(""),
            mode=way.mode,
            proxy=way.proxy,
            requested_at=way.requested_at,
            units={},
        )
    address = way.address or _known_address(order)
    shared: dict[str, Any] = {
        "order_id": order.terms.order_id,
        "n": number,
        "origin": address.origin,
        "store_id": StoreId(""),
        "service": way.service,
        "destination": address.destination,
        "allow_split": way.allow_split,
        "keep_together": way.keep_together,
        "exclude": way.exclude,
        "units": {},
    }
    if way.method is Method.SHIP:
        return ShipmentGroup(**shared)
    return TransferGroup(**shared, to_store=way.store_id, proxy=way.proxy)


def _known_address(order: Order) -> NewAddress:
    last = sent_home(order)[-1]
    return NewAddress(destination=last.destination, origin=last.origin)


def _alter(order: Order, group: AnyGroup, moved: dict[LineId, int], way: Way, made: Made) -> None:
    """Goods that stay where they are go another way: in their group, or in one of their own at the same place."""
    if moved != group.owed_lines():
        parted = group.successor(next_number(order), {}, WaitsFor.HOLDS, [])
        for field_name in _STAGE:
            setattr(parted, field_name, getattr(group, field_name))
        for line, quantity in moved.items():
            _hand_on(group, parted, line, quantity)
        group = _opened(order, parted)
        made.parted.append(group)
    else:
        made.altered.append(group.n)
    if isinstance(group, PickupGroup):
        group.mode, group.requested_at = way.mode, way.requested_at or group.requested_at
        return
    if isinstance(group, VirtualGroup):
        return
    group.service, group.promised_at = way.service, None
    if way.address is not None:
        group.destination, group.origin = way.address.destination, way.address.origin


_STAGE = (
    "store_id",
    "waits_for",
    "offered_at",
    "accept_by",
    "escalated",
    "accepted_at",
    "picking_at",
    "promised_ready_at",
    "late_until",
    "location",
)
"""How far a place has got with a group, and until when it must go on."""


def _hand_on(group: AnyGroup, to: AnyGroup, line: LineId, quantity: int) -> None:
    left = quantity
    for state in (*SHELF, *HANDS):
        part = min(left, group.units[line].count(state))
        if part:
            group.units[line].take_out(state, part)
            to.units[line] = to.units.get(line, Units()) + Units(**{state.value: part})
            left -= part
    if isinstance(group, ShipmentGroup):
        group.keep_packed_within_picked()


def _readdress(group: ShipmentGroup, address: NewAddress, made: Made) -> None:
    if group.destination.country != address.destination.country and not group.begun and group.has_stock:
        made.abroad.append(group.n)
    elif group.n not in made.altered:
        made.altered.append(group.n)
    group.destination, group.origin = address.destination, address.origin
