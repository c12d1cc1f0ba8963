"""Goods that a place sends to the store where their customer collects them: sent, on their way, there or not there."""

from collections.abc import Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.actors import ENGINE, Actor
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.carriage import EXCEPTIONS, ParcelStatus
    from domain.groups import WaitsFor
    from domain.ids import LineId
    from domain.notices import NoticeKind
    from domain.parcels import Parcel
    from domain.pickup_windows import promised_ready_at
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.shipments import StopAsked
    from domain.stock import RejectReason, StockEffect
    from domain.timeline import Event
    from domain.transfers import TransferGroup
    from domain.transits import Received, Transit, in_transit_to, receive
    from domain.units import UnitState
    from workflows import messages
    from workflows.desk import Desk
    from workflows.messages import CancelReason, GroupAnswer
    from workflows.refusing import refuse

WILL_NOT_COME = frozenset({ParcelStatus.LOST, ParcelStatus.RETURNED})
NOT_SENT = "Nothing of this pickup is on its way to the store."


class Transferring:
    """The transfers of one order, from the moment in which they leave. Called with the turn taken."""

    def __init__(self, desk: Desk):
        self.desk = desk

    def send(self, group: TransferGroup, parcel: Parcel, command: messages.Ship) -> PickupGroup:
        """All of a transfer leaves: from now on it is the pickup of the store that it goes to. Nobody is charged."""
        book, sender = self.desk.book, group.store_id
        pickup = group.sent(parcel)
        self.desk.order.replace(group, pickup)
        book.stock(StockOperation.RELOCATE, parcel.lines, sender, to=in_transit_to(group.to_store))
        book.event(
            Event.SENT_TO_STORE,
            command.actor,
            group=pickup.n,
            store=sender,
            to=pickup.store_id,
            lines=parcel.lines,
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
        )
        for kind in (NoticeKind.SENT_TO_STORE, NoticeKind.STORE_TRANSFER_COMING):
            book.notice(
                kind,
                group=pickup,
                lines=book.notice_lines(parcel.lines),
                carrier=parcel.carrier,
                tracking_number=parcel.tracking_number,
                delivery_by=parcel.due_at,
            )
        book.ask_hours(pickup.store_id)
        if group.stop is not None:
            self._cancel_on_its_way(pickup, group.stop, command.actor)
            group.stop = None
        group.retire()
        return pickup

    def _cancel_on_its_way(self, pickup: PickupGroup, asked: StopAsked, actor: Actor) -> None:
        """Its sender was asked to stop, and sent it: no customer has it yet, so it is cancelled all the same."""
        owed = pickup.owed_lines()
        lines = {line: n for line, wanted in asked.lines.items() if (n := min(wanted, owed.get(line, 0))) > 0}
        recall = [UnitsOf(group=pickup.group_id, n=pickup.n, line_id=line, quantity=n) for line, n in lines.items()]
        reason = CancelReason(asked.reason)
        self.desk.cancel_units(CancelPlan(recall=recall), reason, actor)
        self.desk.tell_cancelled(lines, reason)

    # --- at the store ------------------------------------------------------------------------------------------------

    async def arrive(self, command: messages.Receive) -> GroupAnswer:
        """The store says what came: that much it makes ready; about the rest the customer is asked."""
        group = self.desk.order.group(command.n)
        if not isinstance(group, PickupGroup) or group.transit is None:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, NOT_SENT)
        if group.transit.arrived_at is not None:
            if command.lines is None and not command.damaged:
                return self.desk.answer(group, already=True)
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                "What came was said before, or it was given up. Goods that turn up now are received as a delivery: "
                "POST /v1/stock/movements.",
            )
        found = receive(group.owed_lines(), group.put_back, command.lines, command.damaged)
        self._take_in(group, group.transit, found, command.actor, command.damaged)
        await self.desk.book.record()
        return self.desk.answer(group)

    def _take_in(
        self,
        group: PickupGroup,
        transit: Transit,
        found: Received,
        actor: Actor,
        damaged: dict[LineId, int],
        reason: str = "arrived_short",
    ) -> None:
        book, road, store = self.desk.book, group.stock_place, group.store_id
        transit.arrived_at = workflow.now()
        group.put_back = found.shelved
        book.event(
            Event.ARRIVED_AT_STORE,
            actor,
            group=group.n,
            store=store,
            lines=found.came,
            put_back=found.shelved or None,
            missing=found.missing or None,
            damaged=damaged or None,
        )
        book.stock(StockOperation.RELOCATE, found.came, road, to=store)
        book.stock(StockOperation.RELOCATE_ASIDE, found.shelved, road, to=store)
        book.stock(StockOperation.PUT_BACK, found.written_off, road)
        book.stock(StockOperation.RELEASE, found.missing, road)
        # Two steps for units of one line, that each unit leaves the road for good once.
        for gone in (found.written_off, found.missing):
            book.stock(
                StockOperation.VARIANCE,
                gone,
                road,
                reason=RejectReason.DAMAGED if damaged else RejectReason.MISMATCH,
                effect=StockEffect.MINUS,
            )
        if found.missing:
            self._ask_about_missing(group, transit, found.missing, "arrived_damaged" if damaged else reason)
        if found.came:
            self._is_there(group, found.came)

    def _is_there(self, group: PickupGroup, lines: dict[LineId, int]) -> None:
        desk, now = self.desk, workflow.now()
        group.promised_ready_at = promised_ready_at(
            desk.hours(group.store_id), desk.order.terms.policy.pickup, now, group.requested_at
        )
        desk.book.notice(
            NoticeKind.ARRIVED_AT_STORE,
            group=group,
            lines=desk.book.notice_lines(lines),
            ready_at=group.promised_ready_at,
        )

    def _ask_about_missing(self, group: PickupGroup, transit: Transit, missing: dict[LineId, int], reason: str) -> None:
        """The customer chooses: sent again, collected elsewhere, or cancelled. The sender is told what did not come."""
        desk, whole = self.desk, sum(missing.values()) == group.owed
        for line, quantity in missing.items():
            group.move(line, UnitState.OPEN, quantity, UnitState.PICKED)
        desk.book.event(
            Event.DELIVERY_EXCEPTION,
            ENGINE,
            reason=reason,
            group=group.n,
            store=transit.from_store,
            lines=missing,
            carrier=transit.parcel.carrier,
            tracking_number=transit.parcel.tracking_number,
        )
        desk.book.notice(
            NoticeKind.STORE_ARRIVED_SHORT,
            group=group,
            store_id=transit.from_store,
            lines=desk.book.notice_lines(missing),
            reason=reason,
            carrier=transit.parcel.carrier,
            tracking_number=transit.parcel.tracking_number,
        )
        part = group if whole else desk.order.split_off(group, missing, WaitsFor.CHOICE, [])
        part.plan = transit.plan
        desk.ask_for_choice(part, reason)

    # --- on its way --------------------------------------------------------------------------------------------------

    def carrier_says(self, group: PickupGroup, parcel: Parcel) -> None:
        """Only the store says what came; but what the carrier has lost is not waited for."""
        if group.transit is None or not group.in_transit or parcel.status not in EXCEPTIONS:
            return
        if parcel.status in WILL_NOT_COME:
            self._nothing_comes(group, group.transit, f"parcel_{parcel.status.value}")
        else:
            self.desk.book.event(
                Event.DELIVERY_EXCEPTION, ENGINE, reason=parcel.status, group=group.n, lines=parcel.lines
            )

    async def is_late(self, group: PickupGroup, transit: Transit) -> None:
        """The customer is told the first time; the second time it counts as lost."""
        book, parcel = self.desk.book, transit.parcel
        if parcel.told_late:
            self._nothing_comes(group, transit, "parcel_lost")
        else:
            parcel.told_late = True
            book.event(Event.DELIVERY_LATE, ENGINE, group=group.n)
            book.notice(
                NoticeKind.TRANSFER_LATE,
                group=group,
                lines=book.notice_lines(group.owed_lines()),
                carrier=parcel.carrier,
                tracking_number=parcel.tracking_number,
            )
        await book.record()

    def _nothing_comes(self, group: PickupGroup, transit: Transit, reason: str) -> None:
        self._take_in(group, transit, receive(group.owed_lines(), group.put_back, {}, {}), ENGINE, {}, reason)


def parcels_on_the_road(groups: Iterable[PickupGroup]) -> list[tuple[PickupGroup, Parcel]]:
    return [(group, group.transit.parcel) for group in groups if group.transit is not None]
