"""A carrier takes units away: exactly their worth is captured first, and the customer gets the tracking number."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from activities.shipping import LabelBought
    from domain.groups import GroupStatus
    from domain.ids import LineId
    from domain.notices import NoticeKind
    from domain.parcels import Parcel
    from domain.refusals import RefusalKind, Refused
    from domain.shipments import ShipmentGroup
    from domain.timeline import Event
    from domain.transfers import TransferGroup
    from domain.units import UnitState
    from workflows import messages
    from workflows.charging import charge
    from workflows.delivering import Delivering
    from workflows.desk import Desk
    from workflows.labels import Labels
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse
    from workflows.stopping import Stopping


class Dispatching:
    """The moment in which goods leave a place. Called with the turn taken."""

    def __init__(self, desk: Desk, stopping: Stopping, delivering: Delivering):
        self.desk = desk
        self.stopping = stopping
        self.delivering = delivering
        self.labels = Labels(desk)
        self.transferring = delivering.transferring

    async def ship(self, command: messages.Ship) -> GroupAnswer:
        """All that is packed leaves, or some of it; what stays has its own fate."""
        desk, group = self.desk, self.desk.order.shipment(command.n)
        lines = self._leaving(group, command)
        label = await self._label(group, lines, command)
        if isinstance(group, TransferGroup):
            return await self._send_to_store(group, self._parcel(group, lines, command, label), command)
        worth = await self._earn(group, lines, label)
        desk.book.stock(StockOperation.CONSUME, lines, group.store_id)
        for line, quantity in lines.items():
            group.move(line, UnitState.SHIPPED, quantity, UnitState.PICKED)
        parcel = self._parcel(group, lines, command, label)
        self._tell(group, parcel, command, worth)
        self.stopping.left(group, lines)
        self.delivering.catch_up(group, parcel)
        await desk.book.record()
        desk.cashier.wake()
        return desk.answer(group)

    async def _send_to_store(self, group: TransferGroup, parcel: Parcel, command: messages.Ship) -> GroupAnswer:
        pickup = self.transferring.send(group, parcel, command)
        self.delivering.catch_up(pickup, parcel)
        await self.desk.book.record()
        self.desk.cashier.wake()
        return self.desk.answer(pickup)

    def _leaving(self, group: ShipmentGroup, command: messages.Ship) -> dict[LineId, int]:
        group.require((GroupStatus.PICKING, GroupStatus.PACKED), "shipping it")
        if not group.packed:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this shipment is packed. Pack it first.")
        lines = command.lines or dict(group.packed)
        if isinstance(group, TransferGroup) and lines != group.owed_lines():
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW,
                "What goes to a store leaves at once. Pack all of it first, or reject what you do not have.",
            )
        for line, quantity in lines.items():
            if quantity > group.packed.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{group.packed.get(line, 0)} units of line {line} are packed, not {quantity}.",
                )
        return lines

    async def _label(
        self, group: ShipmentGroup, lines: dict[LineId, int], command: messages.Ship
    ) -> LabelBought | None:
        """A label is bought, unless carrier and number come by hand."""
        if command.carrier is not None and command.tracking_number is not None:
            if self.delivering.find(command.tracking_number) is not None:
                raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Another parcel of this order has this tracking number.")
            return None
        return await self.labels.buy(group, lines)

    async def _earn(self, group: ShipmentGroup, lines: dict[LineId, int], label: LabelBought | None) -> int:
        """The units' worth, paid before they leave; nothing for units that stand for lost ones."""
        if group.paid:
            return 0
        worth = self.desk.order.worth(lines)
        try:
            await charge(self.desk, group, worth)
        except Refused:
            if label is not None:
                self.labels.give_back(group, label.key)
            raise
        return self.desk.order.settle(lines, earned=True)

    def _parcel(
        self, group: ShipmentGroup, lines: dict[LineId, int], command: messages.Ship, label: LabelBought | None
    ) -> Parcel:
        now, policy = workflow.now(), self.desk.order.terms.policy.shipping
        due_at = label.label.deliver_by if label else policy.delivered_by(group.service, now)
        parcel = Parcel(
            n=len(group.parcels) + 1,
            lines=lines,
            boxes=group.boxes if lines == group.packed else [],
            carrier=label.label.carrier if label else command.carrier or "",
            tracking_number=label.label.tracking_number if label else command.tracking_number or "",
            label_id=label.label.id if label else None,
            shipped_at=now,
            due_at=due_at,
            overdue_at=due_at + policy.overdue_within,
            # Its carrier may have had it, by its own clock, before the place said so.
            status_at=label.label.status_at if label else self.desk.order.terms.received_at,
        )
        group.parcels.append(parcel)
        group.take_from_box(lines)
        return parcel

    def _tell(self, group: ShipmentGroup, parcel: Parcel, command: messages.Ship, worth: int) -> None:
        book = self.desk.book
        book.event(
            Event.SHIPPED,
            command.actor,
            group=group.n,
            parcel=parcel.n,
            lines=parcel.lines,
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            amount=worth,
        )
        remaining = {line: n for line, n in self._still_owed().items() if n > 0}
        book.notice(
            NoticeKind.SHIPPED,
            parcel.n,
            group=group,
            ships=True,
            lines=book.notice_lines(parcel.lines),
            remaining=book.notice_lines(remaining),
            charged=book.money(worth) if worth else None,
            carrier=parcel.carrier,
            tracking_number=parcel.tracking_number,
            delivery_by=parcel.due_at,
        )

    def _still_owed(self) -> dict[LineId, int]:
        order = self.desk.order
        return {line.line_id: order.line_units(line.line_id).owed for line in order.lines}
