"""A change carried out: units, stock, groups and stores in one milestone, or nothing at all."""

from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import OUT_OF_STOCK
    from activities.milestones import QueueOperation, StockOperation
    from activities.sourcing import Part
    from domain.actors import Actor
    from domain.change_wishes import ChangeWish
    from domain.changes import ChangePlan
    from domain.edits import draw_up
    from domain.groups import WaitsFor
    from domain.holds import HoldKind
    from domain.ids import LineId
    from domain.making_changes import Made, Off, make
    from domain.notices import NoticeKind
    from domain.open_changes import HeldStock, MadeChange
    from domain.order import AnyGroup, Order
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.sourcing.rules import REJECTED
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows.book import Collected
    from workflows.desk import Desk, process_of
    from workflows.holds import Holds
    from workflows.offering import offer
    from workflows.refusing import StepFailed, failure_type, refuse
    from workflows.screening import hold_for_review
    from workflows.shipment import take_all_away
    from workflows.sourcing import Sourcing, missing_of

TOUCHED = ("settled", "given_up", "amended", "tranches", "cut", "changes", "change", "contact")
"""What a change does to an order beside its groups."""


class Making:
    """Called with the turn taken."""

    def __init__(self, desk: Desk, holds: Holds, sourcing: Sourcing):
        self.desk = desk
        self.holds = holds
        self.sourcing = sourcing

    async def make(
        self,
        wish: ChangeWish,
        plan: ChangePlan,
        change_id: str,
        actor: Actor,
        *,
        held: Sequence[HeldStock] | None = None,
        in_review: bool = False,
    ) -> None:
        """Raises `Refused`, with nothing changed, when the stock is gone.

        `held`: what is held for it already. `in_review`: the order is held until fraud screening has looked at it.
        """
        desk, order, reserved = self.desk, self.desk.order, held is not None
        await self._read_hours(wish)
        before = order.model_copy(deep=True)
        had_stock = {group.n for group in order.groups if group.has_stock}
        made = make(order, draw_up(order, wish))
        order.changes.append(MadeChange(change_id=change_id, at=workflow.now(), before=plan.before, after=plan.after))
        order.change = None
        sent = await self._places_taken(made, held or ())
        earlier = desk.book.collected()
        desk.book.event(
            Event.ORDER_CHANGED,
            actor,
            change=change_id,
            added={part.line_id: part.quantity for part in plan.add},
            taken_off=_sums(plan.cut),
            moved=_sums(plan.move),
            shipments=plan.address or None,
            contact=plan.contact or None,
            owed=plan.owed,
            due=plan.due,
        )
        if in_review and not any(hold.kind is HoldKind.FRAUD for hold in order.holds):
            hold_for_review(desk, self.holds, "fraud screening reviews its change")
        for parts in (made.cut, made.moved):
            for n, off in parts.items():
                self._free(order.group(n), off, n in had_stock)
        for n, lines in made.joined.items():
            self._join(order.group(n), lines, reserved)
        for group in _shipments(made.new):
            if not group.store_id:
                # A place is looked for.
                self.sourcing.put_in_queue(group, REJECTED)
        for begun in (*(group for group in made.new if isinstance(group, PickupGroup)), *sent):
            self._begin(begun, reserved)
        self._go_on_otherwise(made)
        self._tell_customer(plan, order.contact)
        if order.contact != before.contact:
            # Who is told no more learns of it, in case it was somebody else's doing.
            self._tell_customer(plan, before.contact, "before")
        if not await self.is_recorded(earlier):
            self.restore(before)
            raise refuse(RefusalKind.OUT_OF_STOCK, "Not all units are available there. Nothing was changed.")
        desk.cashier.wake()

    async def is_recorded(self, earlier: Collected) -> bool:
        """False when the stock is gone: what was collected before is collected again."""
        try:
            await self.desk.book.record()
        except StepFailed as error:
            if failure_type(error) != OUT_OF_STOCK:
                raise
            self.desk.book.collect_again(earlier)
            return False
        return True

    async def _read_hours(self, wish: ChangeWish) -> None:
        """A store that is new to the order: when it is open decides its deadlines."""
        place = wish.method.way.store_id if wish.method is not None else None
        if place is not None and place not in self.desk.book.hours:
            self.desk.book.hours.update((await self.sourcing.find([], hours_of=[place])).hours)

    # --- stock and places --------------------------------------------------------------------------------------------

    def _free(self, group: AnyGroup, off: Off, had_stock: bool) -> None:
        if had_stock and group.store_id:
            self.desk.book.stock(StockOperation.RELEASE, off.shelf, group.stock_place)
            self.desk.book.stock(StockOperation.SET_ASIDE, off.hands, group.stock_place)
        if group.supply is not None:
            self.desk.book.queue(QueueOperation.LEAVE, group, off.shelf)
        if group.offered_at is None or not had_stock:
            return
        if group.open:
            self._tell_store(group)
        else:
            self.desk.tell_store_to_stop(group, {**off.shelf, **off.hands})

    def _join(self, group: AnyGroup, lines: dict[LineId, int], reserved: bool) -> None:
        self._take(group, lines, reserved)
        if group.offered_at is not None:
            self._tell_store(group)

    async def places_for(self, wish: ChangeWish) -> list[HeldStock]:
        """Where the change's new shipments would leave from.

        None for what only the order's own units could serve: they are free once it is made, and a place is looked for.
        """
        draft = self.desk.order.model_copy(deep=True)
        shipments = _shipments(make(draft, draw_up(draft, wish)).new)
        if not shipments:
            return []
        found = await self.sourcing.find(shipments, order=draft)
        self.desk.book.hours.update(found.hours)
        return [
            HeldStock(store_id=part.location_id, lines=part.lines, shipment=number)
            for number, group in enumerate(shipments)
            if not missing_of(group.owed_lines(), found.parts[group.n])
            for part in found.parts[group.n]
        ]

    async def _places_taken(self, made: Made, held: Sequence[HeldStock]) -> list[AnyGroup]:
        """The new shipments whose stock is held, each with its place: it was promised, so it takes on one parcel more.

        Nothing is collected yet: money that moves meanwhile may be recorded.
        """
        sent: list[AnyGroup] = []
        for number, group in enumerate(_shipments(made.new)):
            if parts := [each for each in held if each.shipment == number]:
                sent += self._at_their_places(group, parts)
        if parcels := _shipments(sent):
            await self.sourcing.hold_capacity(parcels, limited=False)
        return sent

    def _at_their_places(self, group: ShipmentGroup, held: Sequence[HeldStock]) -> list[AnyGroup]:
        """The shipment leaves from where its stock is held; what its store turns out to have is a pickup there."""
        parts = [Part(location_id=each.store_id, lines=each.lines) for each in held]
        return [self.sourcing.at_its_own_store(part) for part in self.sourcing.spread(group, parts, WaitsFor.HOLDS)]

    def _begin(self, group: AnyGroup, reserved: bool) -> None:
        """New work is offered to its place, unless the order is held."""
        lines = group.owed_lines(UnitState.OPEN)
        if not self.desk.order.holds:
            group.waits_for = None
        self._take(group, lines, reserved)
        if not self.desk.order.holds:
            for line, quantity in lines.items():
                group.move(line, UnitState.ALLOCATED, quantity, UnitState.OPEN)
            offer(self.desk, group)

    def _take(self, group: AnyGroup, lines: dict[LineId, int], reserved: bool) -> None:
        held = group.waits_for is not None
        if held and not reserved:
            self.desk.book.stock(StockOperation.RESERVE, lines, group.store_id)
        elif not held:
            operation = StockOperation.ALLOCATE if reserved else StockOperation.TAKE
            self.desk.book.stock(operation, lines, group.store_id)

    def _go_on_otherwise(self, made: Made) -> None:
        order, policy = self.desk.order, self.desk.order.terms.policy.shipping
        for group in (*made.parted, *(order.group(n) for n in made.altered)):
            if isinstance(group, ShipmentGroup) and group.promised_ready_at is not None:
                group.promised_at = group.promised_at or policy.delivered_by(group.service, group.promised_ready_at)
            if group.offered_at is not None and group.waits_for is None:
                self._tell_store(group)
        for n in made.abroad:
            shipment = order.shipment(n)
            if reserved := shipment.owed_lines(UnitState.OPEN):
                self.desk.book.stock(StockOperation.RELEASE, reserved, shipment.store_id)
            take_all_away(self.desk, shipment)
            if shipment.capacity_key is not None:
                order.spare_capacity.append(shipment.capacity_key)
                shipment.capacity_key = None
            self.sourcing.put_in_queue(shipment, REJECTED)

    def _tell_store(self, group: AnyGroup) -> None:
        self.desk.book.notice(
            NoticeKind.STORE_ORDER_CHANGED,
            self.desk.book.occasion,
            group=group,
            ships=not isinstance(group, PickupGroup),
            lines=self.desk.book.notice_lines(group.owed_lines()),
            location=group.location,
        )

    def _tell_customer(self, plan: ChangePlan, contact: int | None, *sequence: str) -> None:
        book = self.desk.book
        book.notice(
            NoticeKind.ORDER_CHANGED,
            self.desk.book.occasion,
            *sequence,
            lines=book.notice_lines({each.line_id: self._kept(each.line_id) for each in self.desk.order.lines}),
            total=book.money(plan.after.total),
            due=book.money(plan.owed) if plan.owed else None,
            released=book.money(plan.void) if plan.void else None,
            refund=book.money(plan.refund) if plan.refund else None,
            contact=contact,
        )

    def _kept(self, line: LineId) -> int:
        units = self.desk.order.line_units(line)
        return units.owed + units.fulfilled

    def restore(self, before: Order) -> None:
        """As if nothing had been tried. Processes know their groups, so those are put back in place."""
        order = self.desk.order
        kept, spare = {group.n: group for group in before.groups}, list(before.spare_capacity)
        for group in list(order.groups):
            if group.n not in kept:
                order.groups.remove(group)
                if isinstance(group, ShipmentGroup) and group.capacity_key is not None:
                    spare.append(group.capacity_key)
                self.desk.crew.dismiss(process_of(group))
                continue
            for field in type(group).model_fields:
                if field != "parcels":
                    setattr(group, field, getattr(kept[group.n], field))
        for field in TOUCHED:
            setattr(order, field, getattr(before, field))
        order.spare_capacity = spare
        # Whoever watches a hold that stood knows that very one.
        order.holds[:] = [hold for hold in order.holds if hold in before.holds]
        order.held_since = before.held_since
        for tender, was in zip(order.tenders, before.tenders, strict=False):
            tender.amount = was.amount


def new_shipments(order: Order, wish: ChangeWish) -> dict[int, dict[LineId, int]]:
    """What the change would ship that is not shipped yet, by the number that counts its new shipments."""
    draft = order.model_copy(deep=True)
    made = make(draft, draw_up(draft, wish))
    return {number: group.owed_lines() for number, group in enumerate(_shipments(made.new))}


def _shipments(groups: Sequence[AnyGroup]) -> list[ShipmentGroup]:
    return [group for group in groups if isinstance(group, ShipmentGroup)]


def _sums(parts: list) -> dict[LineId, int]:  # type: ignore[type-arg]
    sums: dict[LineId, int] = {}
    for part in parts:
        sums[part.line_id] = sums.get(part.line_id, 0) + part.quantity
    return sums
