"""What happens at the counter: units are handed over and paid, turned down, or missing.

Every command is called with the turn taken, decides, changes the state and records one milestone. Refusals leave
everything as it was, save what must be remembered (a wrong code, a late answer).
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.cancellation import CancelPlan, UnitsOf
    from domain.groups import Ending, GroupStatus, WaitsFor
    from domain.ids import LineId
    from domain.intake import Relation
    from domain.notices import NoticeKind
    from domain.pickups import HandOver, PickupGroup, ProofKind
    from domain.refusals import RefusalKind, Refused
    from domain.stock import RejectReason, StockEffect
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages
    from workflows.charging import charge
    from workflows.choosing import Choosing
    from workflows.desk import REMINDERS, Desk
    from workflows.messages import GroupAnswer
    from workflows.refusing import refuse
    from workflows.window import tell_code


class Counter:
    """The commands of an associate before whom the customer stands."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.choosing = Choosing(desk)

    async def hand_over(self, command: messages.GiveOut) -> GroupAnswer:
        """Give the named units to the customer and capture exactly their share, before they leave."""
        desk, group = self.desk, self.desk.order.pickup(command.n)
        late = self._was_in_time(group, command, Ending.EXPIRED)
        if self._was_in_time(group, command, Ending.CANCELLED):
            await self._check_code(group, command)
            raise self._left_to_a_person(group, command)
        if not late:
            if group.status is GroupStatus.COLLECTED and group.code_serial in command.code_serials:
                return self.desk.answer(group, already=True)
            group.require((GroupStatus.READY,), "handing it over")
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
            await charge(desk, group, worth)
            desk.order.settle(lines, earned=True)
            desk.book.stock(StockOperation.CONSUME, lines, group.store_id)
            self._hand_out(group, command, lines, worth)
        if refused:
            self._turn_down(group, refused, command.refusal_reasons, command)
        await desk.book.record()
        desk.cashier.wake()
        return self.desk.answer(group)

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
        return self.desk.answer(group)

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
                refusal_reasons=command.refusal_reasons,
                proof_ref=command.proof_ref,
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
            proof_ref=command.proof_ref,
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
        group = self.desk.order.pickup(command.n)
        group.require((GroupStatus.READY,), "refusing units")
        group.check_lines(command.lines, UnitState.READY)
        reasons = dict.fromkeys(command.lines, command.reason)
        self._turn_down(group, command.lines, reasons, command, command.disposition)
        await self.desk.book.record()
        return self.desk.answer(group)

    def _turn_down(
        self,
        group: PickupGroup,
        lines: dict[LineId, int],
        reasons: dict[LineId, str],
        command: messages.GroupCommand,
        disposition: messages.Disposition = messages.Disposition.RESTOCK,
    ) -> None:
        by_reason: dict[str, dict[LineId, int]] = {}
        for line, n in lines.items():
            by_reason.setdefault(reasons.get(line, "refused at the counter"), {})[line] = n
        for reason, units in by_reason.items():
            self.desk.book.event(
                Event.REFUSED_AT_COUNTER,
                command.actor,
                reason=reason,
                group=group.n,
                lines=units,
                disposition=disposition,
            )
        recall = [UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items()]
        self.desk.cancel_units(CancelPlan(recall=recall), messages.CancelReason.CUSTOMER, command.actor)
        if not self.desk.order.open and not self.desk.order.fulfilled_units:
            # Nobody hears of a hand-over that did not happen: the order would end in silence.
            self.desk.tell_cancelled(lines, messages.CancelReason.CUSTOMER, "refused", group=group)

    async def shortage(self, command: messages.ReportShortage) -> GroupAnswer:
        """A staged unit is missing at the counter: its stock is gone, and the money follows the resolution."""
        desk, group = self.desk, self.desk.order.pickup(command.n)
        group.require((GroupStatus.READY,), "reporting a shortage")
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
            self.choosing.cancel_open(group, parts, command)
        else:
            part = desk.order.split_off(group, command.lines, WaitsFor.CHOICE, [group.store_id])
            if command.resolution is messages.ShortageResolution.LATER:
                self.choosing.wait_for_stock(part)
            elif await self.choosing.move_elsewhere(part, None) is None:
                desk.ask_for_choice(part, "shortage")
        await desk.book.record()
        return self.desk.answer(group)
