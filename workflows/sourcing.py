"""Finding places for what is shipped: at placing, after a place gave units up, from the queue, or by a person."""

from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from activities.sourcing import (
        CapacityWanted,
        ParcelAt,
        Part,
        PlacesFound,
        PlacesWanted,
        RunAwaited,
        SourcingSteps,
        Wish,
        request_of,
    )
    from adapters.brokering.port import QueuedGroup
    from domain.actors import ENGINE
    from domain.groups import GroupStatus, WaitsFor
    from domain.ids import LineId, StoreId, operation_key
    from domain.order import AnyGroup, Order
    from domain.personal import Readable
    from domain.refusals import Shortfall
    from domain.shipments import ShipmentGroup
    from domain.sourcing.rules import REJECTED, UNFILLABLE, Queue
    from domain.stock import StockLine
    from domain.timeline import Event
    from domain.transfers import TransferGroup
    from domain.units import UnitState
    from workflows import options
    from workflows.desk import Desk
    from workflows.offering import offer
    from workflows.queueing import reserve_until_the_run, wait_for_run
    from workflows.trying import Try

ANY_PLACE = "all places"
"""Of a shortfall: no place that ships has it."""
TRIES = 3
"""So often places are chosen anew when others took the stock meanwhile."""


class Sourcing:
    """Where shipments leave from. Called with the turn taken, save while the order is being placed."""

    def __init__(self, desk: Desk):
        self.desk = desk
        desk.book.in_queues = self.in_queues

    # --- placing -----------------------------------------------------------------------------------------------------

    async def choose_at_placing(self, ahead: dict[int, dict[LineId, int]]) -> list[Shortfall]:
        """Give every shipment of a new order its places; what no place can serve, if that is anything.

        What of that may be sold beyond stock is put into `ahead`, each line whole (and all of what must leave
        together); it stays in its group.
        """
        desk, terms = self.desk, self.desk.order.terms
        wanted = {group.n: group.owed_lines(UnitState.OPEN) for group in desk.order.shipments}
        skus = {line.line_id: line.sku for line in terms.lines}
        found = await self.find(desk.order.shipments, self._pickups(), may_wait=True)
        short: dict[LineId, int] = {}
        for group in desk.order.shipments:
            missing = missing_of(wanted[group.n], found.parts[group.n])
            if missing and set(missing) <= set(found.sold_ahead):
                ahead[group.n] = {line: n for line, n in wanted[group.n].items() if group.one_place or line in missing}
                continue
            for line, left in missing.items():
                short[line] = short.get(line, 0) + left
        if short:
            return [
                Shortfall(sku=skus[line], location_id=ANY_PLACE, asked=asked, available=asked - short[line])
                for lines in wanted.values()
                for line, asked in lines.items()
                if line in short
            ]
        for group in list(desk.order.shipments):
            waits = ahead.get(group.n, {})
            parts = _without(found.parts[group.n], waits) if waits else found.parts[group.n]
            if group.n in found.awaited and not waits:
                reserve_until_the_run(group, parts, found.awaited[group.n])
            elif parts:
                rest = {line: n for line, n in wanted[group.n].items() if line not in waits}
                part = desk.order.split_off(group, rest, WaitsFor.HOLDS, []) if waits else group
                for each in self.spread(part, parts, WaitsFor.HOLDS):
                    self.at_its_own_store(each)
        return []

    def at_its_own_store(self, group: ShipmentGroup) -> AnyGroup:
        """What a store has itself that it was to be sent to is an ordinary pickup there."""
        if not _stays(group):
            return group
        assert isinstance(group, TransferGroup), "only what goes to a store can be there already"
        pickup = group.at_its_store()
        self.desk.order.replace(group, pickup)
        return pickup

    def has_moved(self, group: ShipmentGroup) -> None:
        """What was to be sent is recorded; a transfer that has become a pickup by that is one no more."""
        if isinstance(group, TransferGroup) and all(each is not group for each in self.desk.order.groups):
            group.retire()

    async def hold_capacity(self, shipments: list[ShipmentGroup], *, limited: bool = True) -> bool:
        """Have the shipments' places take them on, all or none; False when one of them cannot take on so much."""
        order = self.desk.order
        order.places_tried += 1
        for group in shipments:
            group.capacity_key = operation_key(order.terms.order_id, "capacity", group.n, order.places_tried)
        spare = list(order.spare_capacity)
        held = await workflow.execute_local_activity_method(
            SourcingSteps.hold_capacity,
            CapacityWanted(
                order_id=order.terms.order_id,
                at=workflow.now(),
                take=[
                    ParcelAt(key=group.capacity_key, location_id=group.store_id)
                    for group in shipments
                    if group.capacity_key is not None
                ],
                give_back=spare,
                limited=limited,
            ),
            summary=Readable("Have places take parcels on"),
            **options.OUR_BOOKS,
        )
        order.spare_capacity = [key for key in order.spare_capacity if key not in spare]
        return held

    def forget_choice(self) -> None:
        """Others were quicker: the new order's shipments are without places again."""
        desk = self.desk
        desk.order.spare_capacity += [group.capacity_key for group in desk.order.shipments if group.capacity_key]
        fresh = type(desk.order).opened(desk.order.terms)
        desk.order.groups[:] = fresh.groups

    def _pickups(self) -> tuple[StockLine, ...]:
        lines: list[StockLine] = []
        for group in self.desk.order.pickups:
            lines += self.desk.book.stock_lines(group.owed_lines(UnitState.OPEN), group.store_id)
        return tuple(lines)

    # --- moving on ---------------------------------------------------------------------------------------------------

    def take_from_place(self, group: ShipmentGroup, lines: dict[LineId, int], reason: str) -> ShipmentGroup:
        """Open units leave their place for good: they form a shipment of their own, for which a place is looked for."""
        place = group.store_id
        whole = sum(lines.values()) == group.owed
        part = self.desk.order.split_off(group, lines, WaitsFor.SOURCING, [place])
        if whole:
            group.declined_by.append(place)
        part.hops += 1
        self.desk.book.event(Event.MOVED_ON, ENGINE, reason=reason, group=group.n, store=place, lines=lines, to=part.n)
        self.put_in_queue(part, REJECTED)
        return part

    def put_in_queue(self, group: ShipmentGroup, queue: Queue) -> None:
        """Have a place looked for; now, unless it went from hand to hand too often."""
        now, policy = workflow.now(), self.desk.order.terms.policy.shipping
        group.waits_for = WaitsFor.SOURCING
        group.waiting_since = now
        group.queue = queue
        group.auto_cancel_at = now + policy.unfillable_within
        group.look_again_at = now
        if group.hops > policy.most_hops:
            self._no_place(group, "hop_limit")

    async def find_place(self, group: ShipmentGroup) -> None:
        """Look for places for a queued shipment. What they have goes to them; for the rest one is looked for later."""
        may_wait = group.queue == REJECTED and group.run_within is None
        for _ in range(TRIES):
            found = await self.find([group], may_wait=may_wait)
            parts = found.parts[group.n]
            if may_wait and group.n in found.awaited:
                await self._join_queue(group, found.awaited[group.n])
                return
            if not parts or (group.held and missing_of(group.owed_lines(UnitState.OPEN), parts)):
                break
            if await self._is_taken(group, parts, found):
                return
        if group.queue == REJECTED or (group.run_within is not None and not group.held):
            self._no_place(group, "no_place", found.queues.get(group.n, UNFILLABLE))
        group.look_again_at = workflow.now() + self.desk.order.terms.policy.shipping.look_again_every
        await self.desk.book.record()

    async def _join_queue(self, group: ShipmentGroup, run: RunAwaited) -> None:
        group.queue, group.run_within = run.queue, run.within
        wait_for_run(self.desk, group)
        await self.desk.book.record()

    def _no_place(self, group: ShipmentGroup, reason: str, queue: Queue = UNFILLABLE) -> None:
        group.queue = queue
        group.look_again_at = group.run_within = None
        self.desk.book.event(
            Event.QUEUED,
            ENGINE,
            reason=reason,
            group=group.n,
            queue=group.queue,
            lines=group.owed_lines(UnitState.OPEN),
            until=group.auto_cancel_at,
        )

    async def _is_taken(self, group: ShipmentGroup, parts: list[Part], found: PlacesFound) -> bool:
        step = Try(self.desk)
        self.desk.book.hours.update(found.hours)
        self.desk.let_go(group, group.owed_lines(UnitState.OPEN))
        shipments = self.spread(group, parts, WaitsFor.SOURCING)
        if not await self.hold_capacity([part for part in shipments if part.store_id and not _stays(part)]):
            step.undo()
            return False
        self.take_up_parts(shipments, found.queues.get(group.n, UNFILLABLE))
        taken = await step.record()
        if taken:
            self.has_moved(group)
        return taken

    def take_up_parts(self, shipments: list[ShipmentGroup], otherwise: Queue) -> None:
        """Parts that have a place are offered there; what has none waits in the queue `otherwise`."""
        for part in shipments:
            if part.store_id:
                self.take_up(self.at_its_own_store(part))
            else:
                self.put_in_queue(part, UNFILLABLE)
                self._no_place(part, "no_place", otherwise)
                part.look_again_at = workflow.now() + self.desk.order.terms.policy.shipping.look_again_every

    def nobody_can(self, group: ShipmentGroup, queue: Queue) -> None:
        """A run has found no place for a shipment: it is looked for again and again, as for any other."""
        self._no_place(group, "no_place", queue)
        group.look_again_at = workflow.now() + self.desk.order.terms.policy.shipping.look_again_every

    def spread(self, group: ShipmentGroup, parts: list[Part], waits_for: WaitsFor) -> list[ShipmentGroup]:
        """The first part stays in the group; each other one, and what is in none, becomes a shipment of its own."""
        first, *others = parts
        rest = missing_of(group.owed_lines(UnitState.OPEN), parts)
        shipments = [group]
        for other in others:
            shipments.append(self.desk.order.split_off(group, other.lines, waits_for, []))
            shipments[-1].store_id = other.location_id
        if rest:
            shipments.append(self.desk.order.split_off(group, rest, waits_for, []))
        group.store_id = first.location_id
        return shipments

    def take_up(self, group: AnyGroup) -> None:
        """Commit stock at the shipment's place, and offer it there."""
        if isinstance(group, ShipmentGroup):
            group.run_within = None
        lines = group.owed_lines(UnitState.OPEN)
        self.desk.book.stock(StockOperation.TAKE, lines, group.store_id)
        for line, quantity in lines.items():
            group.move(line, UnitState.ALLOCATED, quantity, UnitState.OPEN)
        offer(self.desk, group)

    async def find(
        self,
        shipments: list[ShipmentGroup],
        spoken_for: tuple[StockLine, ...] = (),
        hours_of: Sequence[StoreId] = (),
        order: Order | None = None,
        *,
        may_wait: bool = False,
    ) -> PlacesFound:
        """`order`: as it would be, when the shipments are those of a change that is not made yet."""
        self.desk.order.places_tried += 1
        found = await workflow.execute_local_activity_method(
            SourcingSteps.find_places,
            self._wanted(shipments, spoken_for, hours_of, order, may_wait=may_wait),
            summary=Readable("Look for places that can ship it"),
            **options.OUR_BOOKS,
        )
        self.desk.order.partners |= found.partners
        return found

    def in_queues(self) -> dict[int, QueuedGroup]:
        """The shipments that wait in a queue, each with what a run must know of it."""
        found = {}
        for group in self.desk.order.shipments:
            if group.status is GroupStatus.QUEUED and group.queue is not None and group.bound_for is None:
                wanted = self._wanted([group])
                found[group.n] = QueuedGroup(
                    n=group.n,
                    queue=group.queue,
                    since=group.waiting_since or self.desk.order.terms.received_at,
                    request=request_of(wanted, wanted.wishes[0]),
                    held={place: dict(lines) for place, lines in group.held.items()},
                )
        return found

    def _wanted(
        self,
        shipments: list[ShipmentGroup],
        spoken_for: tuple[StockLine, ...] = (),
        hours_of: Sequence[StoreId] = (),
        order: Order | None = None,
        *,
        may_wait: bool = False,
    ) -> PlacesWanted:
        terms, order = self.desk.order.terms, order or self.desk.order
        wishes = [
            Wish(
                n=group.n,
                lines=group.owed_lines(UnitState.OPEN),
                destination=group.destination,
                service=group.service,
                values={} if group.paid else _values(order, group),
                allow_split=group.allow_split,
                keep_together=group.keep_together,
                exclude=group.exclude,
                declined_by=group.declined_by,
                hops=group.hops,
                leave_by=group.leave_by,
                to_store=group.bound_for,
                held=group.held,
                may_wait=may_wait,
            )
            for group in shipments
        ]
        wanted = {line for wish in wishes for line in wish.lines}
        lines = [line for line in order.lines if line.line_id in wanted]
        return PlacesWanted(
            key=operation_key(terms.order_id, "sourcing", self.desk.order.places_tried),
            order_id=terms.order_id,
            policy=terms.policy.shipping,
            at=workflow.now(),
            channel=terms.channel,
            skus={line.line_id: line.sku for line in lines},
            kits={line.line_id: line.needs for line in lines if line.components},
            wishes=wishes,
            spoken_for=spoken_for,
            hours_of=list(hours_of),
        )

    async def stock_arrived(self, group: ShipmentGroup) -> None:
        """Stock came to some place: look again, unless a run of its class does so."""
        if group.run_within is not None:
            return
        within = group.hops <= self.desk.order.terms.policy.shipping.most_hops
        if group.status is GroupStatus.QUEUED and within and not self.desk.order.holds:
            await self.find_place(group)


def _values(order: Order, group: ShipmentGroup) -> dict[LineId, int]:
    return {line: order.worth({line: n}) for line, n in group.owed_lines(UnitState.OPEN).items()}


def _stays(group: ShipmentGroup) -> bool:
    """The place that has it is the store that it is for."""
    return group.bound_for is not None and group.bound_for == group.store_id


def missing_of(lines: dict[LineId, int], parts: list[Part]) -> dict[LineId, int]:
    return {line: left for line, n in lines.items() if (left := n - sum(part.lines.get(line, 0) for part in parts)) > 0}


def _without(parts: list[Part], lines: dict[LineId, int]) -> list[Part]:
    """The parts with these lines left out."""
    left = [
        part.model_copy(update={"lines": {line: n for line, n in part.lines.items() if line not in lines}})
        for part in parts
    ]
    return [part for part in left if part.lines]
