"""From a wish to edits: which units are added, taken off, moved or sent elsewhere, and which cannot be any more."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from domain.cancellation import UnitsOf
from domain.change_policy import EditKind, Until
from domain.change_wishes import ChangeWish, NewLine
from domain.groups import GroupStatus, WaitsFor
from domain.ids import LineId, StoreId
from domain.intake import MAX_LINES, MAX_QUANTITY, VIRTUAL, Method, TenderType
from domain.order import AnyGroup, Order
from domain.pickups import PickupGroup
from domain.refusals import Refusal, RefusalKind, Refused
from domain.repricing import going_to
from domain.settlement import TenderBook
from domain.shipments import ShipmentGroup
from domain.units import FULFILLED, OWED, UnitState
from domain.virtual import VirtualGroup

JOINABLE = (GroupStatus.OFFERED, GroupStatus.ACCEPTED)
"""A place that has begun to pick goes on with what it has; what is added is work of its own."""


@dataclass(frozen=True)
class Addition:
    """Units more. `n` is the group that they join, or beside which they are if `joins` is not so."""

    line_id: LineId
    quantity: int
    n: int
    joins: bool
    new: NewLine | None = None


@dataclass(frozen=True)
class Block:
    edit: EditKind
    n: int
    line_id: LineId
    quantity: int
    reason: str


@dataclass
class Edits:
    """What a wish comes to. Group numbers are those of the order as it is."""

    wish: ChangeWish
    add: list[Addition] = field(default_factory=list)
    cut: list[UnitsOf] = field(default_factory=list)
    move: dict[int, dict[LineId, int]] = field(default_factory=dict)
    readdressed: list[int] = field(default_factory=list)
    blocked: list[Block] = field(default_factory=list)

    @property
    def is_blocked(self) -> bool:
        """All of it or nothing; but an address changes wherever it still can."""
        if any(each.edit is not EditKind.ADDRESS for each in self.blocked):
            return True
        return bool(self.blocked) and not self.readdressed

    @property
    def touched(self) -> list[int]:
        added = {each.n for each in self.add if each.joins}
        return sorted({*added, *(part.n for part in self.cut), *self.move, *self.readdressed})

    def added_units(self, order: Order) -> list[UnitsOf]:
        return [
            UnitsOf(group=order.group(each.n).group_id, n=each.n, line_id=each.line_id, quantity=each.quantity)
            for each in self.add
        ]

    def moved_units(self, order: Order) -> list[UnitsOf]:
        return [
            UnitsOf(group=order.group(n).group_id, n=n, line_id=line, quantity=quantity)
            for n, lines in self.move.items()
            for line, quantity in lines.items()
        ]

    def keeps_place(self, order: Order, n: int) -> bool:
        """Units of group `n` that go another way still come from where they are."""
        return n in self.move and stays_in_place(order.group(n), self.wish)

    def needs(self, order: Order) -> list[tuple[StoreId, dict[LineId, int]]]:
        """Stock that is wanted, by place; the empty place stands for one that has to be found."""
        wanted: dict[StoreId, dict[LineId, int]] = {}

        def want(place: StoreId, line: LineId, quantity: int) -> None:
            lines = wanted.setdefault(place, {})
            lines[line] = lines.get(line, 0) + quantity

        for each in self.add:
            group = order.group(each.n)
            place = group.store_id if each.joins or isinstance(group, PickupGroup) else StoreId("")
            want(place, each.line_id, each.quantity)
        for n, moved in self.move.items():
            if self.wish.method is None or self.keeps_place(order, n):
                continue
            way = self.wish.method.way
            elsewhere = (way.store_id if way.method is Method.PICKUP else None) or StoreId("")
            for line, quantity in moved.items():
                want(elsewhere, line, quantity)
        return list(wanted.items())


def stays_in_place(group: AnyGroup, wish: ChangeWish) -> bool:
    """The goods need not come from elsewhere for their new way: only their service or their counter is another."""
    if wish.method is None:
        return True
    way = wish.method.way
    if isinstance(group, PickupGroup):
        return way.method is Method.PICKUP and way.store_id == group.store_id and group.has_stock
    if isinstance(group, VirtualGroup) or not group.store_id or not group.has_stock:
        return False
    if group.bound_for is not None:
        return way.method is Method.SHIP_TO_STORE and way.store_id == group.bound_for
    if way.method is not Method.SHIP:
        return False
    return way.address is None or way.address.destination.country == group.destination.country


def draw_up(order: Order, wish: ChangeWish) -> Edits:
    """Raises `Refused` for a wish that makes no sense: an unknown line, a line twice, nothing left."""
    edits = Edits(wish)
    known = {line.line_id: line for line in order.lines}
    _check(order, wish, set(known))
    _check_money(order, wish)
    _check_virtual(order, wish)
    for new in wish.add:
        edits.add.append(_addition(order, new.line_id, new.quantity, _begun_in(order, new.fulfilment), new))
    wanted = dict.fromkeys(wish.remove, 0) | wish.quantity
    for line, quantity in wanted.items():
        kept = _kept(order, line)
        if quantity > kept:
            _check_supply(order, line)
            edits.add.append(_addition(order, line, quantity - kept, _has_line(line)))
        elif quantity < kept:
            _cut(order, edits, line, kept - quantity)
    if wish.method is not None:
        _move(order, edits, wish)
    if wish.address is not None:
        _readdress(order, edits)
        _check_prices(order, edits)
    if wish.contact is not None:
        _check_contact(order)
    if not edits.blocked and edits.cut and not edits.add and not order.fulfilled_units:
        off = sum(part.quantity for part in edits.cut)
        if off == sum(group.owed for group in order.groups):
            raise _refused("Nothing would be left of the order. Cancel it instead: POST /v1/orders/{id}/cancel.")
    return edits


def _check(order: Order, wish: ChangeWish, known: set[LineId]) -> None:
    for line in (*wish.remove, *wish.quantity, *(wish.method.lines if wish.method else ())):
        if line not in known:
            raise _refused(f"This order has no line {line}.", RefusalKind.NOT_FOUND)
    named = [*wish.remove, *wish.quantity, *(new.line_id for new in wish.add)]
    if len(set(named)) < len(named):
        raise _refused("A line is named twice. Name each line once.")
    for new in wish.add:
        if new.line_id in known:
            raise _refused(f"Line {new.line_id} is there already. Change its quantity, or add a line with another id.")
    if len(known) + len(wish.add) > MAX_LINES:
        raise _refused(f"An order has at most {MAX_LINES} lines.", RefusalKind.BEYOND_LIMIT)
    if any(quantity > MAX_QUANTITY for quantity in wish.quantity.values()):
        raise _refused(f"A line has at most {MAX_QUANTITY} units.", RefusalKind.BEYOND_LIMIT)


def _check_money(order: Order, wish: ChangeWish) -> None:
    more = wish.add or any(n > _kept(order, line) for line, n in wish.quantity.items())
    if order.unsecured and more:
        raise _refused("Supply is far and nothing of this order is paid yet: nothing can be added. Order it anew.")
    if wish.method is not None and wish.method.way.method is Method.SHIP and till_of(order) is not None:
        raise _refused(
            "It is to be paid in the store, and what is shipped is paid before. "
            "Pay it first: POST /v1/orders/{id}/payments."
        )


def _check_virtual(order: Order, wish: ChangeWish) -> None:
    """It goes out as soon as it is paid: nobody is between."""
    named = {*wish.remove, *wish.quantity, *(wish.method.lines if wish.method else ())}
    for line in order.lines:
        if line.line_id in named and line.kind in VIRTUAL:
            raise _refused(f"Line {line.line_id} is never shipped and is not changed. Cancel it, or order anew.")


# --- adding ----------------------------------------------------------------------------------------------------------


def _begun_in(order: Order, fulfilment: str) -> Callable[[AnyGroup], bool]:
    """Groups that a fulfilment has become."""
    numbers = {each.fulfilment: each.n for each in order.terms.pickups}
    numbers |= {each.fulfilment: each.n for each in order.terms.shipments}
    if fulfilment not in numbers:
        raise _refused(f"This order has no fulfilment {fulfilment}. Name one of: {', '.join(sorted(numbers))}.")
    n = numbers[fulfilment]
    lines = {line.line_id for line in order.lines if line.group == n}
    return lambda group: group.n == n or bool(lines & group.units.keys())


def _has_line(line: LineId) -> Callable[[AnyGroup], bool]:
    return lambda group: line in group.units


def _addition(
    order: Order, line: LineId, quantity: int, fits: Callable[[AnyGroup], bool], new: NewLine | None = None
) -> Addition:
    """Units go where their line goes, as far as that is still being put together; else beside it."""
    found = [group for group in order.groups if fits(group)]
    joined = next((group for group in found if joinable(group)), None)
    stocked = (group for group in found if group.open and group.supply is None)
    beside = next(stocked, None) or next((group for group in found if group.open), found[-1])
    return Addition(line, quantity, (joined or beside).n, joined is not None, new)


def _check_supply(order: Order, line: LineId) -> None:
    """Who waits in the queue for supply has a place for what was ordered, not for more."""
    going = [group for group in order.groups if line in group.units and group.units[line].owed]
    if going and all(group.supply is not None for group in going):
        raise _refused(
            f"Line {line} waits for supply, and its place in the queue is for what was ordered. Order more of it anew."
        )


def joinable(group: AnyGroup) -> bool:
    """Its place can take more units with it, as if they had been ordered so."""
    if not group.open or group.paid or not group.store_id:
        return False
    held = group.status is GroupStatus.WAITING and group.waits_for is WaitsFor.HOLDS
    return (held or group.status in JOINABLE) and not group.count(UnitState.PICKED, UnitState.READY)


# --- taking off ------------------------------------------------------------------------------------------------------


def _kept(order: Order, line: LineId) -> int:
    """Units that the customer has or gets."""
    return order.line_units(line).sum((*OWED, *FULFILLED))


def _cut(order: Order, edits: Edits, line: LineId, quantity: int) -> None:
    """Units on the shelf go before picked ones; what is missing is blocked, for the reason of who has it."""
    until = order.terms.policy.changes.until_of(EditKind.LINES)
    left = quantity
    for states in _in_turn(until):
        for group in order.groups:
            if line not in group.units or _reason(group, EditKind.LINES) is not None:
                continue
            part = min(left, group.units[line].sum(states))
            if part > 0:
                left -= part
                _put(edits.cut, group, line, part)
    if left:
        edits.blocked += _blocks(order, EditKind.LINES, line, left, until)


def _in_turn(until: Until) -> Iterable[tuple[UnitState, ...]]:
    shelf = tuple(state for state in until.states if state in Until.PICKED.states)
    hands = tuple(state for state in until.states if state not in Until.PICKED.states)
    return (shelf, hands)


def _put(parts: list[UnitsOf], group: AnyGroup, line: LineId, quantity: int) -> None:
    for position, part in enumerate(parts):
        if (part.n, part.line_id) == (group.n, line):
            parts[position] = part.model_copy(update={"quantity": part.quantity + quantity})
            return
    parts.append(UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=quantity))


def _blocks(order: Order, edit: EditKind, line: LineId, quantity: int, until: Until) -> list[Block]:
    """Who has so many units that cannot be changed."""
    blocks = []
    for group in order.groups:
        if line not in group.units:
            continue
        units, reason = group.units[line], _reason(group, edit)
        stuck = units.sum(OWED) if reason else units.sum(OWED - set(until.states))
        for n, why in (
            (stuck, reason or ("not_offered" if until is Until.NEVER else "picked")),
            (units.fulfilled, "left"),
        ):
            part = min(quantity, n)
            if part > 0:
                quantity -= part
                blocks.append(Block(edit, group.n, line, part, why))
    return blocks


def _reason(group: AnyGroup, edit: EditKind) -> str | None:
    """Why no unit of the group may be changed so, whatever its state."""
    if isinstance(group, ShipmentGroup) and group.stop is not None:
        return "asked_to_stop"
    if edit is EditKind.METHOD and group.supply is not None:
        return "awaits_supply"
    if edit is EditKind.METHOD and isinstance(group, PickupGroup) and group.in_transit:
        return "in_transit"
    return "replacement" if group.paid and edit is not EditKind.ADDRESS else None


# --- other ways ------------------------------------------------------------------------------------------------------


def _move(order: Order, edits: Edits, wish: ChangeWish) -> None:
    """All owed units of the lines, in whichever groups they are; those that go that way already stay."""
    assert wish.method is not None
    until = order.terms.policy.changes.until_of(EditKind.METHOD)
    off = {(part.n, part.line_id): part.quantity for part in edits.cut}
    if wish.method.way.method is Method.SHIP and wish.method.way.address is None and not sent_home(order):
        raise _refused("Nothing of this order is shipped yet: say where to, in the fulfilment's address.")
    for group in order.groups:
        if wish.method.n not in (None, group.n) or goes_so(group, wish):
            continue
        for line in wish.method.lines:
            owed = group.units[line].owed - off.get((group.n, line), 0) if line in group.units else 0
            if owed <= 0:
                continue
            stuck = owed if _reason(group, EditKind.METHOD) else group.units[line].sum(OWED - set(until.states))
            if stuck:
                edits.blocked += _blocks(order, EditKind.METHOD, line, stuck, until)
            else:
                edits.move.setdefault(group.n, {})[line] = owed


def goes_so(group: AnyGroup, wish: ChangeWish) -> bool:
    """The group's units go the wished way already."""
    assert wish.method is not None
    way = wish.method.way
    if isinstance(group, PickupGroup):
        if way.method is Method.SHIP_TO_STORE:
            return way.store_id == group.store_id and group.has_stock
        same = way.method is Method.PICKUP and way.store_id == group.store_id and way.mode is group.mode
        return same and group.has_stock
    if isinstance(group, VirtualGroup):
        return True
    if group.bound_for is not None:
        same = way.method is Method.SHIP_TO_STORE and way.store_id == group.bound_for
        return same and way.service is group.service
    return way.method is Method.SHIP and way.service is group.service and way.address is None


def _check_contact(order: Order) -> None:
    """As long as something is to come of which the customer is told."""
    until = order.terms.policy.changes.until_of(EditKind.CONTACT)
    if until is Until.NEVER:
        raise _refused("The seller does not offer to change this (contact).")
    if not any(group.count(*until.states) for group in order.groups):
        raise _refused("Everything of this order has left, or is picked: its contact stays.")


def sent_home(order: Order) -> list[ShipmentGroup]:
    """Shipments that go to an address of the customer: what is sent to a store goes to the store's."""
    return [group for group in order.shipments if group.bound_for is None]


def _readdress(order: Order, edits: Edits) -> None:
    """Every shipment that has not left yet."""
    until = order.terms.policy.changes.until_of(EditKind.ADDRESS)
    shipments = sent_home(order)
    if not shipments:
        raise _refused("Nothing of this order is sent to the customer. Change the way of its lines with `method`.")
    for group in shipments:
        for line, units in group.units.items():
            gone = units.sum((UnitState.SHIPPED,))
            if gone:
                edits.blocked.append(Block(EditKind.ADDRESS, group.n, line, gone, "left"))
        if not group.open or group.n in edits.move:
            continue
        reason = _reason(group, EditKind.ADDRESS)
        stuck = (
            group.owed_lines(*(OWED if reason else OWED - set(until.states))) if reason or _stuck(group, until) else {}
        )
        if not stuck:
            edits.readdressed.append(group.n)
        edits.blocked += [
            Block(EditKind.ADDRESS, group.n, line, n, reason or ("not_offered" if until is Until.NEVER else "picked"))
            for line, n in stuck.items()
        ]


def _check_prices(order: Order, edits: Edits) -> None:
    going = going_to(order, edits.readdressed)
    for line in edits.wish.prices.tax if edits.wish.prices is not None and edits.readdressed else ():
        if line not in going:
            raise _refused(f"No unit of line {line} that is still to be paid goes to the new address.")


def _stuck(group: ShipmentGroup, until: Until) -> bool:
    return group.count(*(OWED - set(until.states))) > 0


def till_of(order: Order) -> TenderBook | None:
    """The tender that the customer still has to pay in the store, if that is how the order is paid."""
    return next((each for each in order.tenders if each.type is TenderType.PAY_IN_STORE and each.expected), None)


def _refused(detail: str, kind: RefusalKind = RefusalKind.NOT_ALLOWED_NOW) -> Refused:
    return Refused(Refusal(kind=kind, detail=detail))
