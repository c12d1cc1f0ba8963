"""Goods on their way back: given away, paid back in advance, heard of, arrived, or gone astray."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.carriage import ParcelStatus
    from domain.hearsay import Effect
    from domain.ids import LineId
    from domain.locker_stays import LockerNews
    from domain.notices import NoticeKind
    from domain.refusals import RefusalKind
    from domain.returns.carried import ASTRAY, AT_STORE, ON_ITS_WAY, WITH_OPERATOR
    from domain.returns.returned import Return, UnitPlace
    from domain.timeline import Event
    from workflows.refusing import refuse
    from workflows.return_book import ReturnBook
    from workflows.return_desk import ReturnDesk
    from workflows.return_messages import CarrierWord, DropOff


class ReturnWay:
    """Whoever calls has the turn."""

    def __init__(self, state: Return, book: ReturnBook, desk: ReturnDesk):
        self.state = state
        self.book = book
        self.desk = desk

    # --- given away --------------------------------------------------------------------------------------------------

    async def drop_off(self, command: DropOff) -> bool:
        state = self.state
        if not state.units(UnitPlace.AWAITED):
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this return is waited for.")
        known = (state.carrier, state.tracking_number)
        state.carrier = command.carrier or state.carrier
        state.tracking_number = command.tracking_number or state.tracking_number
        is_news = state.dropped_off_at is None or known != (state.carrier, state.tracking_number)
        if not is_news and workflow.patched("a drop-off is told once"):
            return True
        self.given_away(command.at or workflow.now(), command.actor)
        await self.book.record()
        return False

    def given_away(self, at: datetime, actor: Actor = ENGINE, locker: str | None = None) -> None:
        """The customer has sent it: from now on others are waited for, and a small sum goes back at once."""
        state = self.state
        if state.dropped_off_at is None:
            self._pay_in_advance()
        state.dropped_off_at = at
        # What is on its way is not given up at the customer's deadline, but for what a card stands for no longer.
        self._wait_for(max(line.terms.send_within for line in state.lines))
        hold = state.exchange.hold if state.exchange is not None else None
        if hold is not None and hold.charge_by is not None and state.send_by is not None:
            state.send_by = min(state.send_by, hold.charge_by)
        self.book.event(
            Event.RETURN_DROPPED_OFF,
            actor,
            carrier=state.carrier,
            tracking_number=state.tracking_number,
            lines=state.at(UnitPlace.AWAITED),
            locker=locker,
        )
        if not self.desk.at_counter:
            self.book.notice(
                NoticeKind.RETURN_DROPPED_OFF,
                self.book.occasion,
                store_id=state.store_id,
                lines=self.book.notice_lines(state.at(UnitPlace.AWAITED)),
                carrier=state.carrier,
                tracking_number=state.tracking_number,
            )

    def _pay_in_advance(self) -> None:
        paid = self.state.pays_in_advance()
        for line_id, units in paid.items():
            self.state.line(line_id).advance = units
        if paid:
            self.book.event(Event.RETURN_ADVANCED, ENGINE, lines=paid, worth=self.state.worth_awaited)

    # --- what outsiders say ------------------------------------------------------------------------------------------

    async def hear_carrier(self, word: CarrierWord) -> None:
        """The carrier has said something of a parcel: kept once, and followed where it can be true."""
        parcel = self.state.parcel
        if parcel is None or parcel.tracking_number != word.tracking_number:
            self._said(Event.CARRIER_EVENT, "no parcel of this return", said=word.said)
            await self.book.record()
            return
        effect = parcel.take(word.event_id, word.at, word.said, word.status)
        if effect is None:
            return
        if effect is Effect.APPLIED:
            self._follow_parcel(parcel.status, word.at)
        else:
            self._said(Event.CARRIER_EVENT, effect.value, said=word.said)
        await self.book.record()

    def _follow_parcel(self, status: ParcelStatus, at: datetime) -> None:
        state = self.state
        awaited = state.units(UnitPlace.AWAITED)
        if awaited and state.dropped_off_at is None and status in ON_ITS_WAY:
            self.given_away(at)
        if awaited and status is ParcelStatus.DELIVERED:
            self._arrived(at)
        elif awaited and status in ASTRAY:
            state.late_asked = True
            self._said(Event.RETURN_ASTRAY, status.value, tracking_number=state.tracking_number)
        else:
            self._said(Event.CARRIER_EVENT, None, status=status.value, tracking_number=state.tracking_number)

    async def hear_operator(self, news: LockerNews) -> None:
        """The operator of the parcel machine has said something of the compartment."""
        drop = self.state.drop
        if drop is None:
            return
        effect = drop.take(news)
        if effect is Effect.APPLIED:
            self.follow_drop()
        elif effect is not None:
            self._said(Event.LOCKER_EVENT, effect.value, said=news.said)
        if effect is not None:
            await self.book.record()

    def follow_drop(self) -> None:
        """What the operator says is true: it lies in the machine, or is at the store."""
        state, drop = self.state, self.state.drop
        if drop is None or drop.known is None:
            return
        if state.units(UnitPlace.AWAITED):
            if drop.said in WITH_OPERATOR | AT_STORE and state.dropped_off_at is None:
                self.given_away(drop.known.at, locker=drop.locker_id)
                return
            if drop.said in AT_STORE and state.arrived_at is None:
                self._arrived(drop.known.at)
                return
        self._said(Event.LOCKER_EVENT, None, locker=drop.locker_id, status=drop.status.value)

    def _arrived(self, at: datetime) -> None:
        self.state.arrived_at = at
        self._wait_for(max(line.terms.inspect_within for line in self.state.lines))
        self._said(Event.RETURN_ARRIVED, None, store=self.state.store_id)

    def _said(self, event: Event, reason: str | None, **data: object) -> None:
        self.book.event(event, ENGINE, reason=reason, **data)

    # --- what becomes of it when it does not come --------------------------------------------------------------------

    async def overdue(self) -> None:
        """It has not come in time: closed, unless somebody whom we trust with it has it."""
        if self.state.given_away:
            self.state.late_asked = True
            self._said(Event.RETURN_ASTRAY, "overdue", tracking_number=self.state.tracking_number)
            await self.book.record()
        else:
            await self.desk.expire()

    async def not_inspected(self) -> None:
        """The store has not looked at what came: ops are asked, and it may still do it."""
        self.state.inspect_by, self.state.inspection_asked = None, True
        await self.book.record()

    async def inspect_later(self) -> None:
        """The store has more time."""
        self.state.inspection_asked = False
        self.desk.start_clocks()
        await self.book.record()

    async def wait_longer(self) -> None:
        self._wait_for(max(line.terms.send_within for line in self.state.lines))
        await self.book.record()

    async def count_as_come(self, actor: Actor, reason: str) -> None:
        """A person has it paid back although it has not come: it is never stocked."""
        lines = self.state.at(UnitPlace.AWAITED)
        for line_id, units in lines.items():
            self.state.line(line_id).move(UnitPlace.AWAITED, UnitPlace.RECEIVED, units)
            self.state.line(line_id).accept(units)
        await self._accepted(lines, actor, reason)

    async def accept_uninspected(self, actor: Actor, reason: str) -> None:
        """A person has it paid back although the store has not looked at it: it is not stocked."""
        lines = self.state.at(UnitPlace.RECEIVED)
        for line_id, units in lines.items():
            self.state.line(line_id).accept(units)
        self.state.inspection_asked = False
        await self._accepted(lines, actor, reason)

    async def _accepted(self, lines: dict[LineId, int], actor: Actor, reason: str) -> None:
        self.desk.start_clocks()
        self.book.event(Event.RETURN_INSPECTED, actor, reason=reason, lines=lines)
        await self.book.record()

    def _wait_for(self, time: timedelta) -> None:
        self.state.send_by = workflow.now() + time
