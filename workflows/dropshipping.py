"""A shipment that a partner sends from its own stock: asked for, answered, and called off only by agreement.

The partner's word is the only one that counts. A cancel asks it; until it has agreed the goods may be on their way, and
once they have left they are the customer's, with the way back that every parcel has.
"""

from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.dropship import CallingOff, PartnerAsked, PartnerHeard, PartnerSteps
    from domain.actors import ENGINE
    from domain.dropship import AskedLine, Cancellation, DeclineReason, PartnerRequest, PartnerWork, RequestStatus
    from domain.ids import CommandId, operation_key
    from domain.personal import Readable
    from domain.refusals import RefusalKind
    from domain.shipments import ShipmentGroup
    from domain.stock import RejectReason, StockEffect
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages, options
    from workflows.desk import Desk
    from workflows.dispatching import Dispatching
    from workflows.picking import correct_stock
    from workflows.refusing import refuse
    from workflows.sourcing import Sourcing
    from workflows.stopping import Stopping
    from workflows.waits import until

NO_ANSWER = "the partner does not take it"
MOST_EVENTS = 100
"""So many events of one shipment are heard; a partner that tells more is broken, and is looked at all the same."""


def partner_process_of(group: ShipmentGroup) -> str:
    return f"partner {group.n}"


class PartnerProcess:
    """The talk with one partner about one shipment. Phases that are done return at once, so it can begin anywhere."""

    def __init__(
        self, desk: Desk, group: ShipmentGroup, sourcing: Sourcing, stopping: Stopping, dispatching: Dispatching
    ) -> None:
        self.desk = desk
        self.group = group
        self.sourcing = sourcing
        self.stopping = stopping
        self.dispatching = dispatching

    async def run(self) -> None:
        group = self.group
        while group.open:
            await workflow.wait_condition(lambda: group.request is not None or not group.open)
            async with self.desk.turn:  # what is being tried, and may be undone, is no work yet
                pass
            while (work := group.request) is not None and group.open:
                await self._next(work)

    async def _next(self, work: PartnerWork) -> None:
        if work.id is None:
            await self._ask(work)
        elif self._is_to_be_called_off(work):
            await self._call_off(work)
        else:
            await self._wait(work)
            if group_goes_on(self.group) and not self._is_to_be_called_off(work) and self._is_due(work):
                await self._look(work)

    def _is_to_be_called_off(self, work: PartnerWork) -> bool:
        """The customer cancels, or the partner has not answered in its time; it is asked once."""
        silent = work.status is RequestStatus.REQUESTED and _over(self.group.accept_by) and not self.desk.order.holds
        return not work.called_off and (self.group.stop is not None or silent)

    def _is_due(self, work: PartnerWork) -> bool:
        return _over(work.look_at)

    async def _wait(self, work: PartnerWork) -> None:
        await until(
            lambda: self._is_to_be_called_off(work) or not group_goes_on(self.group),
            lambda: self._next_look(work),
            self.desk.alarms,
            f"shipment {self.group.n}: partner {work.partner} answers",
        )

    def _next_look(self, work: PartnerWork) -> datetime | None:
        answers_by = self.group.accept_by if work.status is RequestStatus.REQUESTED and not work.called_off else None
        if self.desk.order.holds:
            answers_by = None
        return min((at for at in (work.look_at, answers_by) if at is not None), default=None)

    # --- what is asked -----------------------------------------------------------------------------------------------

    async def _ask(self, work: PartnerWork) -> None:
        group = self.group
        lines = self.desk.book.stock_lines(group.owed_lines(), group.store_id)
        asked = PartnerAsked(
            key=work.key,
            partner=work.partner,
            order_id=group.order_id,
            group_id=group.group_id,
            address_of=group.origin,
            country=group.destination.country,
            lines=tuple(AskedLine(line_id=each.line_id, sku=each.sku, quantity=each.quantity) for each in lines),
            ship_by=group.leave_by or group.promised_ready_at or workflow.now(),
        )
        await self._step(work, PartnerSteps.ask_partner, asked, f"Ask partner {work.partner} to ship it")

    async def _look(self, work: PartnerWork) -> None:
        await self._step(work, PartnerSteps.look_at_request, work.id, f"Look what partner {work.partner} says")

    async def _call_off(self, work: PartnerWork) -> None:
        assert work.id is not None, "only what was asked for is called off"
        work.called_off = True
        wanted = CallingOff(request=work.id, key=operation_key(self.group.order_id, "call_off", self.group.n))
        await self._step(work, PartnerSteps.call_off_request, wanted, f"Ask partner {work.partner} to drop it")

    async def _step(self, work: PartnerWork, step: Any, given: Any, what: str) -> None:
        work.speaking = True
        heard: PartnerHeard = await workflow.execute_activity_method(
            step, given, summary=Readable(what), **options.PARTNER_PATIENT
        )
        async with self.desk.turn:
            work.speaking = False
            every = self.desk.order.terms.policy.shipping.look_at_partner_every
            work.look_at = workflow.now() + (timedelta() if work.look_again else every)
            work.look_again = False
            if self.group.open:
                await self._hear(work, heard)

    # --- what it says ------------------------------------------------------------------------------------------------

    async def _hear(self, work: PartnerWork, heard: PartnerHeard) -> None:
        said = heard.request
        if said is None:
            await self._declined(work, heard.refused or NO_ANSWER)
            return
        before, work.id, work.status = work.status, said.id, said.status
        match said.status:
            case RequestStatus.SHIPPED:
                await self._left(work, said)
            case RequestStatus.DECLINED:
                await self._declined(work, (said.declined_for or DeclineReason.OTHER).value)
            case RequestStatus.CANCELLED:
                await self._dropped(work)
            case RequestStatus.ACCEPTED if before is RequestStatus.REQUESTED:
                await self._accepted(work, said)
            case RequestStatus.UNKNOWN:
                work.status = before
        if self.group.open and self.group.stop is not None and said.cancellation is Cancellation.REFUSED:
            await self._goes_on(work)

    async def _accepted(self, work: PartnerWork, said: PartnerRequest) -> None:
        group = self.group
        group.accepted_at = workflow.now()
        group.promised_ready_at = said.ship_by or group.promised_ready_at
        self._event(Event.PARTNER_ACCEPTED, work, until=_written(said.ship_by))
        await self.desk.book.record()

    async def _declined(self, work: PartnerWork, reason: str) -> None:
        """Another place is looked for, never this one again. What it does not have is not sold from there."""
        group = self.group
        self._event(Event.PARTNER_DECLINED, work, reason)
        self._no_more(work, "partner_declined", missing=reason == DeclineReason.NO_STOCK.value)
        await self.desk.book.record()
        assert not group.open, "a partner takes or leaves the whole"

    async def _dropped(self, work: PartnerWork) -> None:
        """It has agreed to drop it, or has dropped it by itself."""
        self._event(Event.PARTNER_CALLED_OFF, work)
        self._no_more(work, "partner_silent" if work.called_off else "partner_cancelled")
        await self.desk.book.record()

    def _no_more(self, work: PartnerWork, reason: str, *, missing: bool = False) -> None:
        """What a cancel waits for is cancelled; all else goes to another place."""
        desk, group = self.desk, self.group
        group.request = None
        if group.stop is not None:
            self.stopping.agreed(group)
        if lines := group.owed_lines():
            desk.give_back(group, lines)
            if missing:
                correct_stock(desk, group, lines, RejectReason.NOT_IN_STOCK, StockEffect.ZERO, {}, {})
            self.sourcing.take_from_place(group, lines, reason)

    async def _goes_on(self, work: PartnerWork) -> None:
        """It cannot stop any more: the goods come all the same."""
        group = self.group
        assert group.stop is not None, "somebody has asked it to stop"
        work.goes_on = True
        self._event(Event.STOP_ANSWERED, work, "not stopped")
        self.stopping.too_late(group, group.stop.lines)
        await self.desk.book.record()

    async def _left(self, work: PartnerWork, said: PartnerRequest) -> None:
        """Exactly their share is captured. They have left: no decline of a card keeps them here."""
        group, now = self.group, workflow.now()
        group.accepted_at, group.picking_at = group.accepted_at or now, now
        lines = group.owed_lines(UnitState.ALLOCATED)
        for line, quantity in lines.items():
            group.move(line, UnitState.PICKED, quantity, UnitState.ALLOCATED)
        group.packed = dict(lines)
        ship = messages.Ship(
            command_id=CommandId(work.key),
            actor=ENGINE,
            n=group.n,
            carrier=work.partner,
            tracking_number=said.tracking_number or said.id,
        )
        await self.dispatching.ship(ship, gone=True)

    def _event(self, event: Event, work: PartnerWork, reason: str | None = None, **data: object) -> None:
        self.desk.book.event(
            event, ENGINE, reason=reason, group=self.group.n, store=self.group.store_id, partner=work.partner, **data
        )


def require_own_place(desk: Desk, command: messages.Command) -> None:
    """Refuse what a place does, of goods that lie at a partner's: it knows of nobody's word but its own."""
    n = getattr(command, "n", None)
    work = next((each.request for each in desk.order.shipments if each.n == n), None)
    if work is not None:
        raise refuse(
            RefusalKind.NOT_ALLOWED_NOW,
            f"Partner {work.partner} sends it, and says by itself what it does. Cancel it, and the partner is asked to "
            "stop; silent past its time, it is asked to drop it.",
        )


async def hear_from_partner(desk: Desk, event: messages.PartnerEvent) -> None:
    """What a partner says by itself is kept once, and is a reason to look: the request as it is now is what counts."""
    group = next((each for each in desk.order.shipments if each.n == event.n), None)
    if group is None or event.event_id in group.partner_events or len(group.partner_events) >= MOST_EVENTS:
        return
    group.partner_events.append(event.event_id)
    work = group.request
    is_ours = work is not None and work.partner == event.partner and work.id in (None, event.request_id)
    is_news = is_ours and work is not None and group.open and work.status is not event.status
    desk.book.event(
        Event.PARTNER_EVENT,
        ENGINE,
        reason=None if is_news else "nothing new" if is_ours else "not waited for",
        group=group.n,
        partner=event.partner,
        status=event.status,
        said=event.said,
        at=event.at.isoformat(),
    )
    if is_news and work is not None:
        if work.speaking:
            work.look_again = True
        else:
            work.look_at = workflow.now()
    await desk.book.record()


def group_goes_on(group: ShipmentGroup) -> bool:
    return group.open and group.request is not None


def _over(at: datetime | None) -> bool:
    return at is not None and workflow.now() >= at


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
