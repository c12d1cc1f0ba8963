"""What people do with a return: approve or refuse it, take in what came, inspect it, call it off."""

from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.actors import ENGINE, Actor
    from domain.ids import LineId, StoreId
    from domain.notices import NoticeKind
    from domain.refusals import RefusalKind
    from domain.returns.carried import wants_compartment, wants_label
    from domain.returns.decision import Outcome, may_be_overridden, overridden
    from domain.returns.returned import Handled, Return, ReturnedLine, Stranger, UnitPlace
    from domain.returns.words import FAULTS, ReturnDisposition
    from domain.timeline import Event
    from workflows.refusing import refuse
    from workflows.return_book import ReturnBook
    from workflows.return_messages import (
        ApproveReturn,
        CancelReturn,
        InspectedUnits,
        InspectReturn,
        ReceivedUnits,
        ReceiveReturn,
        RejectReturn,
    )


class ReturnDesk:
    def __init__(self, state: Return, book: ReturnBook, *, at_counter: bool):
        self.state = state
        self.book = book
        self.at_counter = at_counter

    # --- approval ----------------------------------------------------------------------------------------------------

    async def approve(self, command: ApproveReturn) -> bool:
        """True: there was nothing left to approve."""
        asked = self._asked_for(command.lines)
        if not asked:
            if not self._refused_by_policy(command.lines):
                return True
            if not command.override:
                raise refuse(
                    RefusalKind.NOT_ALLOWED_NOW,
                    "The policy refuses it; a manager or ops may approve it all the same, with a reason.",
                )
        approved = dict(asked)
        for line in self.state.lines:
            wanted = (command.lines or {}).get(line.line_id, line.refused if command.lines is None else 0)
            more = min(wanted - asked.get(line.line_id, 0), line.refused)
            if command.override and more > 0:
                self._override(line, more)
                approved[line.line_id] = approved.get(line.line_id, 0) + more
        for line_id, units in asked.items():
            self._approved(self.state.line(line_id), UnitPlace.UNDECIDED, units)
        event = Event.RETURN_OVERRIDDEN if command.override and approved != asked else Event.RETURN_APPROVED
        self.book.event(event, command.actor, reason=command.reason, lines=approved)
        self.tell_approved(approved)
        await self.book.record()
        return False

    @property
    def overridable(self) -> bool:
        """The policy refused something that a person may approve all the same."""
        return any(
            line.refused and line.decision.outcome is Outcome.REFUSED and may_be_overridden(line.decision)
            for line in self.state.lines
        )

    def _asked_for(self, lines: dict[LineId, int] | None) -> dict[LineId, int]:
        """The undecided units that a command is about; it may name what is approved already, and no more than that."""
        undecided = self.state.at(UnitPlace.UNDECIDED)
        if lines is None:
            return undecided
        for each, n in lines.items():
            self._check_there(self.state.line(each), n)
        return {each: least for each, n in lines.items() if (least := min(n, undecided.get(each, 0)))}

    def _check_there(self, line: ReturnedLine, quantity: int) -> None:
        if quantity > line.quantity:
            raise refuse(
                RefusalKind.TOO_MANY_UNITS,
                f"{line.quantity} units of line {line.line_id} were announced, not {quantity}.",
            )

    def _refused_by_policy(self, lines: dict[LineId, int] | None) -> bool:
        """Whether some of the units, or of all, are refused and stay so without an override."""
        return any(
            line.refused
            and line.decision.outcome is Outcome.REFUSED
            and (lines is None or lines.get(line.line_id, 0) > line.quantity - line.refused)
            for line in self.state.lines
        )

    def _override(self, line: ReturnedLine, units: int) -> None:
        if not may_be_overridden(line.decision):
            raise refuse(RefusalKind.TOO_MANY_UNITS, f"Nobody has these units of line {line.line_id} to return.")
        line.decision = overridden(line.decision)
        self._approved(line, UnitPlace.REFUSED, units)

    def _approved(self, line: ReturnedLine, source: UnitPlace, units: int) -> None:
        keeps = line.decision.keeps_item
        line.move(source, UnitPlace.ACCEPTED if keeps else UnitPlace.AWAITED, units)
        if not keeps:
            self.state.want_way()
        self.start_clocks()

    def start_clocks(self) -> None:
        """Deadlines of what is waited for from now on."""
        state, now = self.state, workflow.now()
        terms = [line.terms for line in state.lines]
        if state.units(UnitPlace.UNDECIDED) or self.overridable:
            state.decide_by = state.decide_by or now + min(each.decide_within for each in terms)
        if state.units(UnitPlace.AWAITED):
            state.send_by = state.send_by or now + max(each.send_within for each in terms)
        if not state.units(UnitPlace.RECEIVED):
            state.inspect_by = None
        elif not state.inspection_asked:
            state.inspect_by = state.inspect_by or now + min(each.inspect_within for each in terms)
        if state.unsettled():
            state.settle_by = state.settle_by or now + min(each.settle_within for each in terms)

    def tell_approved(self, lines: dict[LineId, int]) -> None:
        """Who is to get a label or a compartment hears of it once that is known."""
        state = self.state
        awaited = {line: n for line, n in lines.items() if n and state.line(line).awaited}
        if not awaited or wants_label(state.via, state.parcel) or wants_compartment(state.via, state.drop):
            return
        self._tell_way(NoticeKind.RETURN_APPROVED, awaited)

    def tell_awaited(self) -> None:
        """There is no label, or no compartment: it is brought, or sent by a carrier of the customer's own."""
        if awaited := self.state.at(UnitPlace.AWAITED):
            drop = self.state.drop
            reason = drop.counter.value if drop is not None and drop.counter is not None else None
            self._tell_way(NoticeKind.RETURN_APPROVED, awaited, reason=reason)

    def tell_label(self) -> None:
        parcel = self.state.parcel
        if parcel is not None and (awaited := self.state.at(UnitPlace.AWAITED)):
            self._tell_way(
                NoticeKind.RETURN_LABEL, awaited, carrier=parcel.carrier, tracking_number=parcel.tracking_number
            )

    def tell_compartment(self) -> None:
        drop = self.state.drop
        if drop is not None and (awaited := self.state.at(UnitPlace.AWAITED)):
            self._tell_way(
                NoticeKind.RETURN_LOCKER, awaited, locker_id=drop.locker_id, compartment_id=drop.compartment_id
            )

    def _tell_way(self, kind: NoticeKind, lines: dict[LineId, int], **facts: Any) -> None:
        if not self.at_counter:
            self.book.notice(
                kind,
                self.book.occasion,
                store_id=self.state.store_id,
                lines=self.book.notice_lines(lines),
                deadline=self.state.send_by,
                **facts,
            )

    def tell_undecided(self) -> None:
        """Somebody looks at it first."""
        if (undecided := self.state.at(UnitPlace.UNDECIDED)) and not self.at_counter:
            self.book.notice(
                NoticeKind.RETURN_REQUESTED,
                self.book.occasion,
                lines=self.book.notice_lines(undecided),
                deadline=self.state.decide_by,
            )

    async def reject(self, command: RejectReturn) -> None:
        """What waits for a decision is refused; what was approved and has not come, too."""
        refused: dict[LineId, int] = {}
        for line_id in command.lines or {}:
            self.state.line(line_id)
        for line in self.state.lines:
            open_units = line.undecided + line.awaited
            wanted = open_units if command.lines is None else command.lines.get(line.line_id, 0)
            undecided = min(wanted, line.undecided)
            line.move(UnitPlace.UNDECIDED, UnitPlace.REFUSED, undecided)
            line.move(UnitPlace.AWAITED, UnitPlace.REFUSED, wanted - undecided)
            if wanted:
                refused[line.line_id] = wanted
        if not refused:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this return waits for a decision.")
        await self._refuse(refused, command.actor, command.reason)

    async def give_no_answer(self) -> None:
        """Nobody decided in time."""
        undecided = self.state.at(UnitPlace.UNDECIDED)
        for line_id, units in undecided.items():
            self.state.line(line_id).move(UnitPlace.UNDECIDED, UnitPlace.REFUSED, units)
        await self._refuse(undecided, ENGINE, "not decided in time")

    async def _refuse(self, lines: dict[LineId, int], actor: Actor, reason: str) -> None:
        self.book.event(Event.RETURN_REJECTED, actor, reason=reason, lines=lines)
        self._lose_advances()
        self.tell_refused(lines)
        await self.book.record()

    def tell_refused(self, lines: dict[LineId, int]) -> None:
        if not self.at_counter:
            self.book.notice(NoticeKind.RETURN_REJECTED, self.book.occasion, lines=self.book.notice_lines(lines))

    # --- goods -------------------------------------------------------------------------------------------------------

    async def receive(self, command: ReceiveReturn) -> None:
        """What really came: less or more than announced, or something else."""
        state, now = self.state, workflow.now()
        took: dict[LineId, int] = {}
        for units in command.lines:
            line = next((each for each in state.lines if each.line_id == units.line_id), None)
            if line is None:
                self._stranger(units, command.store_id, command.actor)
                continue
            if line.decision.keeps_item:
                self._turned_up(line, units, command.store_id, command.actor)
                continue
            self._take_in(line, units.quantity)
            took[line.line_id] = took.get(line.line_id, 0) + units.quantity
            self._inspect_at_once(line, units, command.store_id)
        state.store_id = command.store_id
        state.received_in = [*(each for each in state.received_in if each != command.store_id), command.store_id]
        state.last_received_at = now
        self.start_clocks()
        if took:
            self.book.event(Event.RETURN_RECEIVED, command.actor, lines=took, store=command.store_id)
        self._lose_advances()
        if took and not self.at_counter:
            self.book.notice(
                NoticeKind.RETURN_RECEIVED,
                self.book.occasion,
                store_id=command.store_id,
                lines=self.book.notice_lines(took),
            )
        await self.book.record()

    def _take_in(self, line: ReturnedLine, quantity: int) -> None:
        """More than was announced came: the customer has so many, or the record is refused."""
        more = quantity - line.awaited
        if more > 0:
            if line.undecided and workflow.patched("what waits for a decision is not taken in"):
                raise refuse(
                    RefusalKind.NOT_ALLOWED_NOW,
                    f"{line.undecided} units of line {line.line_id} wait for a person's decision. Have them approved.",
                )
            if line.refused:
                raise refuse(
                    RefusalKind.NOT_ALLOWED_NOW,
                    f"{line.awaited} units of line {line.line_id} are approved; a manager must approve the others.",
                )
            line.quantity += more
            line.awaited += more
        line.move(UnitPlace.AWAITED, UnitPlace.RECEIVED, quantity)

    def _turned_up(self, line: ReturnedLine, units: ReceivedUnits, store_id: StoreId, actor: Actor) -> None:
        """It was claimed as missing, or to be kept: it is stocked, and no money goes back again."""
        if units.quantity > line.accepted - line.turned_up:
            raise refuse(
                RefusalKind.TOO_MANY_UNITS,
                f"{line.accepted - line.turned_up} units of line {line.line_id} can turn up, not {units.quantity}.",
            )
        line.turned_up += units.quantity
        if units.disposition is ReturnDisposition.RESTOCK:
            self.book.restock(line, units.quantity, store_id)
        self.book.event(Event.RETURN_TURNED_UP, actor, lines={line.line_id: units.quantity}, store=store_id)

    def _stranger(self, units: ReceivedUnits, store_id: StoreId, actor: Actor) -> None:
        if units.sku is None:
            raise refuse(
                RefusalKind.NOT_FOUND,
                f"This return has no line {units.line_id}. Ask for another return, or name the article by its sku.",
            )
        self.state.strangers.append(
            Stranger(sku=units.sku, quantity=units.quantity, store_id=store_id, at=workflow.now())
        )
        self.book.event(Event.RETURN_STRANGER, actor, sku=units.sku, quantity=units.quantity, store=store_id)

    def _inspect_at_once(self, line: ReturnedLine, units: ReceivedUnits, store_id: StoreId) -> None:
        """Who receives it says where it goes: that settles it, unless its condition is not one that is taken back."""
        if units.condition is None or units.disposition is None:
            return
        back = units.disposition is ReturnDisposition.BACK_TO_CUSTOMER
        taken_back = line.reason in FAULTS or units.condition in line.terms.conditions
        if back or taken_back:
            self._handle(
                line,
                InspectedUnits(
                    line_id=line.line_id,
                    quantity=units.quantity,
                    accepted=not back,
                    condition=units.condition,
                    disposition=units.disposition,
                ),
                store_id,
            )

    async def inspect(self, command: InspectReturn) -> None:
        state = self.state
        store_id = command.store_id or state.store_id
        if store_id is None:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this return has come.")
        declined: dict[LineId, int] = {}
        accepted: dict[LineId, int] = {}
        for units in command.lines:
            line = state.line(units.line_id)
            self._handle(line, units, store_id)
            into = accepted if units.accepted else declined
            into[line.line_id] = into.get(line.line_id, 0) + units.quantity
        self.start_clocks()
        self.book.event(
            Event.RETURN_INSPECTED,
            command.actor,
            lines=accepted or None,
            declined=declined or None,
            store=store_id,
        )
        owed = self._lose_advances()
        if declined:
            self.book.notice(
                NoticeKind.RETURN_DECLINED,
                self.book.occasion,
                store_id=store_id,
                lines=self.book.notice_lines(declined),
                **owed,
            )
        await self.book.record()

    def _handle(self, line: ReturnedLine, units: InspectedUnits, store_id: StoreId) -> None:
        """Only what is accepted and restocked can be sold again."""
        back = units.disposition is ReturnDisposition.BACK_TO_CUSTOMER
        if units.accepted and back:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "What goes back to the customer is not accepted.")
        if units.accepted:
            line.accept(units.quantity)
        else:
            line.move(UnitPlace.RECEIVED, UnitPlace.DECLINED, units.quantity)
        line.handled.append(
            Handled(
                quantity=units.quantity,
                condition=units.condition,
                disposition=units.disposition if units.accepted else ReturnDisposition.BACK_TO_CUSTOMER,
                accepted=units.accepted,
                store_id=store_id,
                at=workflow.now(),
            )
        )
        if units.accepted and units.disposition is ReturnDisposition.RESTOCK:
            self.book.restock(line, units.quantity, store_id)

    async def call_off(self) -> None:
        """What was asked for cannot be: nothing of the request is left."""
        self._close()
        self.state.cancelled = self.state.finished = True
        self.book.event(Event.RETURN_CANCELLED, reason="the replacement cannot be had")
        await self.book.record()

    # --- ends --------------------------------------------------------------------------------------------------------

    async def cancel(self, command: CancelReturn) -> None:
        closed = self._close()
        if not closed:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this return can be called off any more.")
        self.state.cancelled = True
        self.book.event(Event.RETURN_CANCELLED, command.actor, reason=command.reason, lines=closed)
        self._lose_advances()
        await self.book.record()

    async def expire(self) -> None:
        """What was approved has not come in time."""
        closed = self._close(awaited_only=True)
        self.state.expired = True
        self.book.event(Event.RETURN_EXPIRED, lines=closed)
        owed = self._lose_advances()
        self.book.notice(NoticeKind.RETURN_EXPIRED, lines=self.book.notice_lines(closed), **owed)
        await self.book.record()

    def _lose_advances(self) -> dict[str, Any]:
        """What was paid back in advance for goods that cannot come any more: collected, or taken from a card."""
        lost, amount = self.state.lose_advances()
        if lost:
            self.book.event(Event.RETURN_ADVANCE_LOST, lines=lost, amount=amount)
        stands = self.state.card is not None and self.state.card.stands
        return {"secured" if stands else "due": self.book.money(amount)} if amount else {}

    def _close(self, *, awaited_only: bool = False) -> dict[LineId, int]:
        closed: dict[LineId, int] = {}
        for line in self.state.lines:
            open_units = line.awaited + (0 if awaited_only else line.undecided)
            line.move(UnitPlace.AWAITED, UnitPlace.CLOSED, line.awaited)
            if not awaited_only:
                line.move(UnitPlace.UNDECIDED, UnitPlace.CLOSED, line.undecided)
            if open_units:
                closed[line.line_id] = open_units
        return closed
