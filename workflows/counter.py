"""What people do to a pickup group: the store accepts, picks, makes ready and hands over; the customer chooses.

Every method is called with the turn taken, decides, changes the state and records one milestone. Refusals leave
everything as it was, save what must be remembered (a wrong code, a late answer).
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.alternatives import AlternativesFound, AlternativeSteps, AlternativesWanted
    from activities.faults import OUT_OF_STOCK
    from activities.milestones import StockOperation
    from domain.alternatives import Alternative, rank_alternatives
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.groups import Ending, GroupStatus, HandOver, PickupGroup, ProofKind, WaitsFor
    from domain.hand_over_codes import MOST_SERIALS
    from domain.ids import LineId, StoreId
    from domain.intake import Relation
    from domain.notices import NoticeKind
    from domain.order import group_view
    from domain.personal import Readable
    from domain.pickup_windows import (
        late_deadline,
        latest_extension,
        pickup_deadline,
    )
    from domain.refusals import RefusalKind, Refused
    from domain.stock import RejectReason, StockEffect, default_effect
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages, options
    from workflows.desk import REMINDERS, Desk, process_of
    from workflows.messages import GroupAnswer
    from workflows.payment_calls import Outcome
    from workflows.refusing import StepFailed, failure_type, refuse
    from workflows.window import set_window, tell_code

READY_LIKE = (GroupStatus.READY,)
AT_WORK = (GroupStatus.OFFERED, GroupStatus.ACCEPTED, GroupStatus.PICKING)


class Counter:
    """The commands on pickup groups of one order."""

    def __init__(self, desk: Desk):
        self.desk = desk

    # --- the store gets it ready -------------------------------------------------------------------------------------

    async def accept(self, command: messages.Accept) -> GroupAnswer:
        group = self.group(command)
        if group.status is GroupStatus.ACCEPTED:
            return self.answer(group, already=True)
        await self._not_too_late(group, command)
        group.require([GroupStatus.OFFERED], "accepting it")
        group.accepted_at = workflow.now()
        group.escalated = False
        self.desk.book.event(Event.STORE_ACCEPTED, command.actor, group=group.n)
        self.desk.book.ask_hours(group.store_id)
        await self.desk.book.record()
        return self.answer(group)

    async def reject(self, command: messages.Reject) -> GroupAnswer:
        """The store cannot serve some or all units: never silently re-sourced, the customer chooses."""
        group = self.group(command)
        await self._not_too_late(group, command)
        group.require((*AT_WORK, *READY_LIKE), "rejecting it")
        lines = command.lines or group.owed_lines()
        group.check_lines(lines, UnitState.ALLOCATED, UnitState.PICKED, UnitState.READY)
        self.desk.book.event(Event.STORE_REJECTED, command.actor, reason=command.reason, group=group.n, lines=lines)
        self._take_from_store(group, lines, command.reason, command.stock_effect)
        await self.desk.book.record()
        return self.answer(group)

    async def pick(self, command: messages.Pick) -> GroupAnswer:
        """Found units go on; fewer than asked is a short pick, and the rest is the customer's choice."""
        group = self.group(command)
        await self._not_too_late(group, command)
        group.require(AT_WORK, "picking it")
        group.check_lines(command.lines, UnitState.ALLOCATED)
        now = workflow.now()
        group.escalated = False
        if group.late_until is not None:
            group.late_until = late_deadline(self.desk.hours(group.store_id), self.desk.order.terms.policy.pickup, now)
        group.accepted_at = group.accepted_at or now
        group.picking_at = group.picking_at or now
        group.location = command.staged_at or group.location
        for line, quantity in command.lines.items():
            group.move(line, UnitState.PICKED, quantity, UnitState.ALLOCATED)
        self.desk.book.event(Event.PICKED, command.actor, group=group.n, lines=command.lines)
        missing = group.owed_lines(UnitState.ALLOCATED)
        if missing:
            self.desk.book.event(Event.SHORT_PICK, command.actor, group=group.n, lines=missing)
            self._take_from_store(group, missing, RejectReason.NOT_IN_STOCK, StockEffect.ZERO)
        self.desk.book.ask_hours(group.store_id)
        await self.desk.book.record()
        return self.answer(group)

    async def ready(self, command: messages.MakeReady) -> GroupAnswer:
        """Units are staged; the customer is told place, hours, deadline and code."""
        group = self.group(command)
        if group.status is GroupStatus.READY:
            return self.answer(group, already=True)
        await self._not_too_late(group, command)
        group.require((GroupStatus.PICKING,), "making it ready")
        for line, quantity in group.owed_lines(UnitState.PICKED).items():
            group.move(line, UnitState.READY, quantity, UnitState.PICKED)
        now, policy, hours = workflow.now(), self.desk.order.terms.policy.pickup, self.desk.hours(group.store_id)
        group.ready_at = now
        group.location = command.location or group.location
        group.latest_deadline = latest_extension(hours, policy, now)
        group.code_serial += 1
        set_window(self.desk, group, pickup_deadline(hours, policy, now))
        self.desk.book.event(Event.READY, command.actor, group=group.n, lines=group.owed_lines(UnitState.READY))
        tell_code(self.desk, NoticeKind.READY_FOR_PICKUP, group)
        await self.desk.book.record()
        return self.answer(group)

    async def arrived(self, command: messages.Arrive) -> GroupAnswer:
        group = self.group(command)
        group.require(READY_LIKE, "announcing an arrival")
        group.arrived_at = workflow.now()
        group.arrivals += 1
        group.bay = command.bay
        self.desk.book.event(Event.CUSTOMER_ARRIVED, command.actor, group=group.n, bay=command.bay)
        self.desk.book.notice(
            NoticeKind.STORE_CUSTOMER_ARRIVED,
            group.arrivals,
            group=group,
            bay=command.bay,
            location=group.location,
            deadline=workflow.now() + self.desk.order.terms.policy.pickup.curbside_sla,
            lines=self.desk.book.notice_lines(group.owed_lines(UnitState.READY)),
        )
        await self.desk.book.record()
        return self.answer(group)

    # --- hand-over ---------------------------------------------------------------------------------------------------

    async def hand_over(self, command: messages.GiveOut) -> GroupAnswer:
        """Give the named units to the customer and capture exactly their share, before they leave."""
        desk, group = self.desk, self.group(command)
        late = self._was_in_time(group, command, Ending.EXPIRED)
        if self._was_in_time(group, command, Ending.CANCELLED):
            await self._check_code(group, command)
            raise self._left_to_a_person(group, command)
        if not late:
            if group.status is GroupStatus.COLLECTED and group.code_serial in command.code_serials:
                return self.answer(group, already=True)
            group.require(READY_LIKE, "handing it over")
        await self._check_code(group, command)
        if late:
            return await self._hand_over_late(group, command)
        refused = command.refused
        lines = command.lines or {
            line: left
            for line, n in group.owed_lines(UnitState.READY).items()
            if (left := n - refused.get(line, 0)) > 0
        }
        group.check_lines({line: n + refused.get(line, 0) for line, n in lines.items()}, UnitState.READY)
        group.check_lines(refused, UnitState.READY)
        worth = desk.order.worth(lines)
        self._check_proof(command, worth)
        if lines:
            await self._take_money(group, worth)
            desk.order.settle(lines, earned=True)
            desk.book.stock(StockOperation.CONSUME, lines, group.store_id)
            self._hand_out(group, command, lines, worth)
        if refused:
            self._turn_down(group, refused, "refused at the counter", command)
        await desk.book.record()
        desk.cashier.wake()
        return self.answer(group)

    async def _hand_over_late(self, group: PickupGroup, command: messages.GiveOut) -> GroupAnswer:
        """The store was offline: the goods have left, and units, stock and money follow what was true before."""
        desk = self.desk
        # Units that an earlier silence of the store had it put back were never the customer's.
        gone = {line: min(n, group.units[line].cancelled) for line, n in group.put_back.items()}
        lines = command.lines or {line: n for line, n in gone.items() if n}
        for line, quantity in lines.items():
            if quantity > gone.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{gone.get(line, 0)} units of line {line} are not back on the shelf, not {quantity}.",
                )
        worth = desk.order.worth_given_up(lines)
        self._check_proof(command, worth)
        group.put_back = {line: left for line, n in group.put_back.items() if (left := n - lines.get(line, 0)) > 0}
        desk.order.drop_fee(group.n)
        desk.order.settle_late(lines)
        desk.book.stock(StockOperation.CONSUME_LATE, lines, group.store_id)
        self._hand_out(group, command, lines, worth, late=True)
        await desk.book.record()
        desk.cashier.wake()
        return self.answer(group)

    def _left_to_a_person(self, group: PickupGroup, command: messages.GiveOut) -> Refused:
        """The customer has cancelled what a store says it had given out: which of the two counts, a person decides."""
        report = f"late report {group.n} {command.at}"
        if not self.desk.crew.has(report):
            self.desk.crew.start(report, self._settle_late_report(group, command))
        return refuse(
            RefusalKind.NOT_ALLOWED_NOW,
            "This pickup was cancelled. Your report is kept for operations, who decide what counts.",
        )

    async def _settle_late_report(self, group: PickupGroup, command: messages.GiveOut) -> None:
        desk = self.desk
        decision = await desk.people.ask(
            f"hand-over of pickup {group.n} at {command.at}, reported after it was cancelled",
            "retry to count it as handed over, and take the money; skip to leave it cancelled",
            [messages.InterventionAction.RETRY, messages.InterventionAction.SKIP],
        )
        if decision.action is messages.InterventionAction.RETRY:
            async with desk.turn:
                try:
                    await self._hand_over_late(group, command)
                except Refused as refused:
                    # The units were put back meanwhile: they are not there any more to be handed over.
                    desk.book.event(
                        Event.COMMAND_REFUSED,
                        command.actor,
                        reason=refused.refusal.detail,
                        command=command.kind,
                        group=group.n,
                    )
        desk.cashier.wake()

    async def _take_money(self, group: PickupGroup, worth: int) -> None:
        desk = self.desk
        if desk.cashier.plan(more_earned=worth).short:
            await desk.cashier.catch_up()
        if desk.cashier.plan(more_earned=worth).short:
            raise refuse(
                RefusalKind.PAYMENT_DUE,
                "It is not paid. Take the payment first: POST /v1/orders/{id}/payments with a pay_in_store tender, "
                "or another card.",
            )
        before = desk.order.payment.captured
        if await desk.cashier.capture_for(worth, group.group_id) is Outcome.DECLINED:
            desk.cashier.wake()
            await desk.book.record()
            taken = desk.order.payment.captured - before
            kept = (
                f" {desk.book.money(taken)} was taken from another tender before that: it stays paid, and goes back if "
                "the order is cancelled."
            )
            raise refuse(
                RefusalKind.PAYMENT_DECLINED,
                "The payment was declined at capture, so nothing is handed over. Ask for another way to pay."
                + (kept if taken else ""),
                reason=desk.cashier.decline_reason or "declined",
            )

    def _hand_out(
        self,
        group: PickupGroup,
        command: messages.GiveOut,
        lines: dict[LineId, int],
        worth: int,
        *,
        late: bool = False,
    ) -> None:
        desk = self.desk
        for line, quantity in lines.items():
            group.move(line, UnitState.HANDED_OVER, quantity, UnitState.CANCELLED if late else UnitState.READY)
        now = workflow.now()
        group.hand_overs.append(
            HandOver(
                command_id=command.command_id,
                at=command.at or now,
                recorded_at=now,
                by=command.actor.id,
                relation=command.relation,
                proof=command.proof,
                lines=lines,
                refused=command.refused,
                captured=worth,
                capture_pending=late or bool(desk.order.troubles) or any(t.pending for t in desk.order.tenders),
            )
        )
        desk.book.event(
            Event.HANDED_OVER,
            command.actor,
            reason="reported late" if late else None,
            group=group.n,
            lines=lines,
            relation=command.relation,
            proof=command.proof,
            amount=worth,
        )
        remaining = {line: n - command.refused.get(line, 0) for line, n in group.owed_lines(UnitState.READY).items()}
        remaining = {line: n for line, n in remaining.items() if n > 0}
        if remaining:
            tell_code(
                desk,
                NoticeKind.PARTLY_COLLECTED,
                group,
                len(group.hand_overs),
                lines=desk.book.notice_lines(lines),
                remaining=desk.book.notice_lines(remaining),
                charged=desk.book.money(worth),
            )
        else:
            desk.book.withdraw(*REMINDERS, group=group)
            desk.book.notice(
                NoticeKind.COLLECTED,
                group=group,
                lines=desk.book.notice_lines(lines),
                charged=desk.book.money(worth),
            )

    async def _check_code(self, group: PickupGroup, command: messages.GiveOut) -> None:
        if group.code_locked:
            raise refuse(RefusalKind.LOCKED, "Too many wrong codes. A manager of the store can unlock it.")
        if group.code_serial in command.code_serials:
            return
        group.wrong_codes += 1
        tries = self.desk.order.terms.policy.wrong_code_tries
        self.desk.book.event(Event.WRONG_CODE, command.actor, group=group.n, tries=group.wrong_codes)
        if group.wrong_codes >= tries:
            group.code_locked = True
            self.desk.book.event(Event.CODE_LOCKED, command.actor, group=group.n)
        await self.desk.book.record()
        if group.code_locked:
            raise refuse(RefusalKind.LOCKED, "Too many wrong codes. A manager of the store can unlock it.")
        old = " It was replaced by a newer one." if command.code_serials else ""
        left = tries - group.wrong_codes
        raise refuse(
            RefusalKind.WRONG_CODE,
            f"This code does not open this pickup.{old} {left} {'try is' if left == 1 else 'tries are'} left.",
        )

    def _check_proof(self, command: messages.GiveOut, worth: int) -> None:
        if command.relation is not Relation.SELF and not command.person_is_named:
            raise refuse(
                RefusalKind.CONSENT_NEEDED,
                "The buyer has not named this person. The buyer can do so with POST /v1/pickups/{order_id}/{n}/proxy.",
            )
        limit = self.desk.order.terms.policy.proof_above
        if limit is not None and worth > limit and command.proof is ProofKind.CODE:
            raise refuse(
                RefusalKind.PROOF_NEEDED,
                "Goods of this value need more than the code: see an ID or take a signature, and say so in `proof`.",
            )

    def _was_in_time(self, group: PickupGroup, command: messages.GiveOut, ending: Ending) -> bool:
        """An offline store reports a hand-over that was true before the window ended: the earlier truth wins.

        Also when the customer had some of the units before: unless this is that very hand-over, told once more.
        """
        return (
            command.at is not None
            and group.ending is ending
            and bool(group.put_back)
            and all(known.at != command.at for known in group.hand_overs)
            and group.ready_at is not None
            and group.deadline is not None
            and group.ready_at <= command.at < group.deadline
        )

    # --- trouble at the counter --------------------------------------------------------------------------------------

    async def refuse_units(self, command: messages.RefuseUnits) -> GroupAnswer:
        """The customer does not want units after all: not charged, or paid back if they were."""
        group = self.group(command)
        group.require(READY_LIKE, "refusing units")
        group.check_lines(command.lines, UnitState.READY)
        self._turn_down(group, command.lines, command.reason, command, command.disposition)
        await self.desk.book.record()
        return self.answer(group)

    def _turn_down(
        self,
        group: PickupGroup,
        lines: dict[LineId, int],
        reason: str,
        command: messages.GroupCommand,
        disposition: messages.Disposition = messages.Disposition.RESTOCK,
    ) -> None:
        self.desk.book.event(
            Event.REFUSED_AT_COUNTER, command.actor, reason=reason, group=group.n, lines=lines, disposition=disposition
        )
        recall = [UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items()]
        self.desk.cancel_units(CancelPlan(recall=recall), messages.CancelReason.CUSTOMER, command.actor)

    async def shortage(self, command: messages.ReportShortage) -> GroupAnswer:
        """A staged unit is missing at the counter: its stock is gone, and the money follows the resolution."""
        desk, group = self.desk, self.group(command)
        group.require(READY_LIKE, "reporting a shortage")
        group.check_lines(command.lines, UnitState.READY)
        desk.book.event(
            Event.SHORTAGE_AT_COUNTER, command.actor, group=group.n, lines=command.lines, resolution=command.resolution
        )
        desk.give_back(group, command.lines)
        desk.book.stock(
            StockOperation.VARIANCE,
            command.lines,
            group.store_id,
            reason=RejectReason.MISMATCH,
            effect=StockEffect.MINUS,
        )
        if command.resolution is messages.ShortageResolution.CANCEL:
            parts = [
                UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in command.lines.items()
            ]
            self._cancel_open(group, parts, command)
        else:
            part = desk.order.split_off(group, command.lines, WaitsFor.CHOICE, [group.store_id])
            if command.resolution is messages.ShortageResolution.LATER:
                self._wait_for_stock(part)
            elif await self._move_elsewhere(part, None) is None:
                desk.ask_for_choice(part, "shortage")
        await desk.book.record()
        return self.answer(group)

    def _cancel_open(self, group: PickupGroup, parts: list[UnitsOf], command: messages.Command) -> None:
        desk = self.desk
        lines = {part.line_id: part.quantity for part in parts}
        worth = desk.order.worth(lines)
        for line, quantity in lines.items():
            group.move(line, UnitState.CANCELLED, quantity, UnitState.OPEN)
        desk.order.settle(lines, earned=False)
        if not group.open:
            group.ending = group.ending or Ending.CANCELLED
        desk.book.event(
            Event.UNITS_CANCELLED, command.actor, reason=messages.CancelReason.INVENTORY, lines=lines, amount=worth
        )
        desk.tell_cancelled(lines, messages.CancelReason.INVENTORY, group=group)
        desk.cashier.wake()

    # --- window, code, person ----------------------------------------------------------------------------------------

    async def extend(self, command: messages.ExtendWindow) -> GroupAnswer:
        group = self.group(command)
        group.require(READY_LIKE, "extending its window")
        if group.deadline is None or command.until <= group.deadline:
            raise refuse(RefusalKind.BEYOND_LIMIT, "The window already ends no earlier than that. Name a later time.")
        if group.latest_deadline is not None and command.until > group.latest_deadline:
            raise refuse(
                RefusalKind.BEYOND_LIMIT, f"The window can be extended to {group.latest_deadline.isoformat()} at most."
            )
        group.extensions += 1
        set_window(self.desk, group, command.until)
        self.desk.book.event(Event.WINDOW_EXTENDED, command.actor, group=group.n, until=command.until.isoformat())
        self.desk.book.withdraw(*REMINDERS, group=group)
        tell_code(self.desk, NoticeKind.WINDOW_EXTENDED, group, group.extensions)
        await self.desk.book.record()
        return self.answer(group)

    async def resend_code(self, command: messages.ResendCode) -> GroupAnswer:
        """A new code, which makes the old one void."""
        group = self.group(command)
        group.require(READY_LIKE, "sending a new code")
        if group.code_serial >= MOST_SERIALS:
            # A later one would be known to nobody at the counter.
            raise refuse(RefusalKind.BEYOND_LIMIT, "No more codes can be sent for this pickup. The last one is good.")
        group.code_serial += 1
        self.desk.book.event(Event.CODE_RESENT, command.actor, group=group.n, serial=group.code_serial)
        tell_code(self.desk, NoticeKind.CODE_RESENT, group, group.code_serial)
        await self.desk.book.record()
        return self.answer(group)

    async def unlock(self, command: messages.Unlock) -> GroupAnswer:
        group = self.group(command)
        group.code_locked = False
        group.wrong_codes = 0
        self.desk.book.event(Event.CODE_UNLOCKED, command.actor, group=group.n)
        await self.desk.book.record()
        return self.answer(group)

    async def name_proxy(self, command: messages.NameProxy) -> GroupAnswer:
        group = self.group(command)
        if not group.open:
            group.require(READY_LIKE, "naming who collects")
        group.proxy = command.relation
        await self.desk.book.record()
        return self.answer(group)

    async def put_back(self, command: messages.PutBack) -> GroupAnswer:
        """Units of an ended pickup are on the shelf again and may be sold."""
        group = self.group(command)
        lines = command.lines or dict(group.put_back)
        for line, quantity in lines.items():
            if quantity > group.put_back.get(line, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{group.put_back.get(line, 0)} units of line {line} wait to be put back, not {quantity}.",
                )
        group.put_back = {line: left for line, n in group.put_back.items() if (left := n - lines.get(line, 0)) > 0}
        self.desk.book.stock(StockOperation.PUT_BACK, lines, group.store_id)
        self.desk.book.event(Event.PUT_BACK, command.actor, group=group.n, lines=lines)
        await self.desk.book.record()
        return self.answer(group)

    # --- the customer's choice ---------------------------------------------------------------------------------------

    async def choose(self, command: messages.Choose) -> GroupAnswer:
        desk, group = self.desk, self.waiting_for_choice(command.n)
        match command.option:
            case messages.ChoiceOption.OTHER_STORE:
                moved = await self._move_elsewhere(group, command.store_id, command)
                if moved is None:
                    raise refuse(
                        RefusalKind.OUT_OF_STOCK,
                        "No other store has these units now. Wait for stock, or cancel."
                        if command.store_id is None
                        else f"{command.store_id} does not have these units now. Leave store_id out for the best one.",
                    )
                return self.answer(moved)
            case messages.ChoiceOption.WAIT if group.waits_for is WaitsFor.STOCK:
                # Chosen again and again it would wait for ever. Only when it came to another question it begins anew.
                return self.answer(group, already=True)
            case messages.ChoiceOption.WAIT:
                self._choice_made(group, command)
                self._wait_for_stock(group)
                await desk.book.record()
            case messages.ChoiceOption.CANCEL:
                self._choice_made(group, command)
                parts = [
                    UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n)
                    for line, n in group.owed_lines(UnitState.OPEN).items()
                ]
                self._cancel_open(group, parts, command)
                await desk.book.record()
            case messages.ChoiceOption.SHIP:
                raise refuse(
                    RefusalKind.NOT_SUPPORTED, "Shipping is not offered yet. Choose other_store, wait or cancel."
                )
        return self.answer(group)

    def _choice_made(self, group: PickupGroup, command: messages.Choose) -> None:
        self.desk.book.event(
            Event.CHOICE_MADE, command.actor, group=group.n, choice=command.option, store=command.store_id
        )

    def waiting_for_choice(self, n: int | None) -> PickupGroup:
        groups = [
            group
            for group in self.desk.order.groups
            if group.open and group.waits_for in (WaitsFor.CHOICE, WaitsFor.STOCK) and n in (None, group.n)
        ]
        if not groups:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this order waits for a choice.")
        if len(groups) > 1:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW, f"Several pickups wait for a choice ({_numbers(groups)}): name one in `n`."
            )
        return groups[0]

    def _wait_for_stock(self, group: PickupGroup) -> None:
        now = workflow.now()
        group.waits_for = WaitsFor.STOCK
        group.waiting_since = now
        group.choose_by = now + self.desk.order.terms.policy.wait_for_stock
        self.desk.book.notice(
            NoticeKind.CHOICE_APPLIED, self.desk.order.version + 1, group=group, choice="wait", deadline=group.choose_by
        )

    async def stock_arrived(self, n: int) -> None:
        """Stock came to a store for which units wait: take them if they are still free, and offer them again."""
        group = self.desk.order.group(n)
        if not group.open or group.waits_for is not WaitsFor.STOCK:
            return
        lines = group.owed_lines(UnitState.OPEN)
        await self._take_up(group, lines, None, Event.STOCK_ARRIVED)

    async def _move_elsewhere(
        self, group: PickupGroup, store_id: StoreId | None, command: messages.Choose | None = None
    ) -> PickupGroup | None:
        """Move what another store can serve to it; what nobody has stays for another choice. Gives who has it now."""
        found = await self._find_stores(group)
        skus = {line.line_id: line.sku for line in self.desk.order.terms.lines}
        wanted = {line: (skus[line], n) for line, n in group.owed_lines(UnitState.OPEN).items()}
        ranked = rank_alternatives(wanted, found.offers, group.store_id, group.declined_by)
        for alternative in ranked:
            if store_id in (None, alternative.store_id):
                moved = await self._move_to(group, alternative, found, command)
                if moved is not None:
                    return moved
        return None

    async def _move_to(
        self, group: PickupGroup, there: Alternative, found: AlternativesFound, command: messages.Choose | None
    ) -> PickupGroup | None:
        desk = self.desk
        whole = there.lines == group.owed_lines(UnitState.OPEN)
        if whole and group.offered_at is None and group.count(*UnitState) == group.owed:
            return await self._reassign(group, there, found, command)
        before = desk.order.model_copy(deep=True)
        ending = group.ending
        part = desk.order.split_off(group, there.lines, WaitsFor.CHOICE, [])
        part.store_id = there.store_id
        desk.book.hours.setdefault(there.store_id, found.hours[there.store_id])
        if await self._take_up(part, there.lines, command):
            return part
        desk.order.groups.remove(part)
        # The next part gets the same number, and a process of its own.
        desk.crew.dismiss(process_of(part))
        for line, units in next(each for each in before.groups if each.n == group.n).units.items():
            group.units[line] = units
        group.ending = ending
        return None

    async def _reassign(
        self, group: PickupGroup, there: Alternative, found: AlternativesFound, command: messages.Choose | None
    ) -> PickupGroup | None:
        """A group that no store has worked on yet simply changes its store."""
        old = group.store_id
        group.store_id = there.store_id
        self.desk.book.hours.setdefault(there.store_id, found.hours[there.store_id])
        if await self._take_up(group, there.lines, command):
            return group
        group.store_id = old
        return None

    async def _take_up(
        self,
        group: PickupGroup,
        lines: dict[LineId, int],
        command: messages.Choose | None,
        found: Event = Event.MOVED_TO_STORE,
    ) -> bool:
        """Commit stock at the group's store and offer it there; false, with nothing changed, if it is gone."""
        desk = self.desk
        kept, earlier = group.model_copy(deep=True), desk.book.collected()
        if command is not None:
            self._choice_made(group, command)
        else:
            desk.book.event(found, group=group.n, store=group.store_id)
        desk.book.stock(StockOperation.TAKE, lines, group.store_id)
        for line, quantity in lines.items():
            group.move(line, UnitState.ALLOCATED, quantity, UnitState.OPEN)
        group.declined_by = [store for store in group.declined_by if store != group.store_id]
        desk.offer(group)
        desk.book.notice(
            NoticeKind.CHOICE_APPLIED,
            desk.order.version + 1,
            group=group,
            choice="in_stock" if found is Event.STOCK_ARRIVED else "other_store",
            lines=desk.book.notice_lines(lines),
            ready_at=group.promised_ready_at,
        )
        try:
            await desk.book.record()
        except StepFailed as error:
            if failure_type(error) != OUT_OF_STOCK:
                raise
            for field in type(group).model_fields:
                setattr(group, field, getattr(kept, field))
            desk.book.collect_again(earlier)
            return False
        return True

    async def _find_stores(self, group: PickupGroup) -> AlternativesFound:
        terms = self.desk.order.terms
        wanted = group.owed_lines(UnitState.OPEN)
        return await workflow.execute_local_activity_method(
            AlternativeSteps.find_stores,
            AlternativesWanted(
                origin=group.store_id,
                skus=sorted({line.sku for line in terms.lines if line.line_id in wanted}),
                channel=terms.channel,
                at=workflow.now(),
            ),
            summary=Readable("Look for another store"),
            **options.OUR_BOOKS,
        )

    # --- shared ------------------------------------------------------------------------------------------------------

    def group(self, command: messages.GroupCommand) -> PickupGroup:
        return self.desk.order.group(command.n)

    def answer(self, group: PickupGroup, *, already: bool = False) -> GroupAnswer:
        order = self.desk.order
        return GroupAnswer(version=order.version, status=order.status, group=group_view(group), already=already)

    async def _not_too_late(self, group: PickupGroup, command: messages.GroupCommand) -> None:
        """A store that answers after its work was withdrawn is told so politely, and the answer is shown."""
        gone = (GroupStatus.WAITING, GroupStatus.REJECTED, GroupStatus.CANCELLED)
        if group.status not in gone or group.store_id not in group.declined_by:
            return
        self.desk.book.event(Event.LATE_ANSWER_REFUSED, command.actor, group=group.n, answer=type(command).__name__)
        await self.desk.book.record()
        raise refuse(
            RefusalKind.NOT_ALLOWED_NOW, "The answer came after its time; the order has gone another way. Thank you."
        )

    def _take_from_store(
        self, group: PickupGroup, lines: dict[LineId, int], reason: RejectReason, effect: StockEffect | None
    ) -> None:
        """Units go back to open and the store's stock is corrected; they become a question to the customer."""
        desk = self.desk
        desk.give_back(group, lines)
        desk.book.stock(
            StockOperation.VARIANCE,
            lines,
            group.store_id,
            reason=reason,
            effect=effect or default_effect(reason),
            found=group.owed_lines(UnitState.PICKED, UnitState.READY),
        )
        whole = sum(lines.values()) == group.owed
        if whole:
            group.declined_by.append(group.store_id)
            desk.ask_for_choice(group, reason.value)
        else:
            part = desk.order.split_off(group, lines, WaitsFor.CHOICE, [group.store_id])
            desk.ask_for_choice(part, reason.value)


def _numbers(groups: list[PickupGroup]) -> str:
    return ", ".join(str(group.n) for group in groups)
