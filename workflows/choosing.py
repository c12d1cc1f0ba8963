"""What becomes of units that their store cannot serve: another store, the customer's home, waiting, or cancelling."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.alternatives import AlternativesFound, AlternativeSteps, AlternativesWanted
    from activities.faults import OUT_OF_STOCK
    from activities.milestones import QueueOperation, StockOperation
    from domain.alternatives import Alternative, in_reach, rank_alternatives
    from domain.cancellation import UnitsOf
    from domain.groups import Ending, WaitsFor
    from domain.ids import LineId, StoreId
    from domain.notices import NoticeKind
    from domain.order import AnyGroup
    from domain.personal import Readable
    from domain.pickups import PickupGroup
    from domain.refusals import RefusalKind
    from domain.sourcing.rules import REJECTED
    from domain.timeline import Event
    from domain.units import UnitState
    from workflows import messages, options
    from workflows.desk import Desk, process_of
    from workflows.messages import GroupAnswer
    from workflows.offering import offer
    from workflows.refusing import StepFailed, failure_type, refuse
    from workflows.sourcing import Sourcing
    from workflows.substituting import Substituting


class Choosing:
    """The customer's choices, and what they move. Called with the turn taken."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.ship: Callable[[PickupGroup, messages.Choose], Awaitable[GroupAnswer]] = _nobody_ships
        """How units are sent instead: a change of the order."""
        self.substitute = Substituting(desk).consent

    async def choose(self, command: messages.Choose) -> GroupAnswer:
        if (ahead := self._ordered_ahead(command.n)) is not None:
            return await self._choose_about_supply(ahead, command)
        desk, group = self.desk, self.waiting_for_choice(command.n)
        match command.option:
            case messages.ChoiceOption.OTHER_STORE:
                moved = await self.move_elsewhere(group, command.store_id, command)
                if moved is None:
                    raise refuse(
                        RefusalKind.OUT_OF_STOCK,
                        "No other store has these units now. Wait for stock, or cancel."
                        if command.store_id is None
                        else f"{command.store_id} does not have these units now. Leave store_id out for the best one.",
                    )
                return self.desk.answer(moved)
            case messages.ChoiceOption.WAIT if group.plan is not None:
                return await self._send_again(group, command)
            case messages.ChoiceOption.WAIT if group.waits_for is WaitsFor.STOCK:
                # Chosen again and again it would wait for ever. Only when it came to another question it begins anew.
                return self.desk.answer(group, already=True)
            case messages.ChoiceOption.WAIT:
                self._choice_made(group, command)
                self.wait_for_stock(group)
                await desk.book.record()
            case messages.ChoiceOption.SUBSTITUTE:
                return await self.substitute(group, command)
            case messages.ChoiceOption.CANCEL:
                self._choice_made(group, command)
                self._cancel_all_open(group, command)
                await desk.book.record()
            case messages.ChoiceOption.SHIP:
                if command.way is None:
                    raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Say where to: `ship` needs an address.")
                return await self.ship(group, command)
        return self.desk.answer(group)

    async def _send_again(self, group: PickupGroup, command: messages.Choose) -> GroupAnswer:
        """What did not come to the store is waited for: it is sent once more, from whichever place has it."""
        desk = self.desk
        self._choice_made(group, command)
        part = desk.order.send_again(group)
        Sourcing(desk).put_in_queue(part, REJECTED)
        part.auto_cancel_at = workflow.now() + desk.order.terms.policy.wait_for_stock
        desk.book.notice(
            NoticeKind.CHOICE_APPLIED, desk.book.occasion, group=part, choice="wait", deadline=part.auto_cancel_at
        )
        await desk.book.record()
        return desk.answer(part)

    def _ordered_ahead(self, n: int | None) -> AnyGroup | None:
        """The group that waits for supply and is meant: the named one, or the first when nothing else is asked."""
        order = self.desk.order
        asked = [each for each in order.pickups if each.open and each.waits_for in (WaitsFor.CHOICE, WaitsFor.STOCK)]
        if n is None and asked:
            return None
        return next((each for each in order.groups if each.supply is not None and n in (None, each.n)), None)

    async def _choose_about_supply(self, group: AnyGroup, command: messages.Choose) -> GroupAnswer:
        """Who ordered ahead may wait or cancel: the place in the queue is one at this store."""
        match command.option:
            case messages.ChoiceOption.WAIT:
                return self.desk.answer(group, already=True)
            case messages.ChoiceOption.CANCEL:
                self._choice_made(group, command)
                self._cancel_all_open(group, command)
                await self.desk.book.record()
                return self.desk.answer(group)
            case _:
                raise refuse(
                    RefusalKind.NOT_ALLOWED_NOW,
                    "These units wait for supply and keep their place in its queue. Wait, or cancel and order anew.",
                )

    def _cancel_all_open(self, group: AnyGroup, command: messages.Choose) -> None:
        lines = group.owed_lines(UnitState.OPEN)
        parts = [UnitsOf(group=group.group_id, n=group.n, line_id=line, quantity=n) for line, n in lines.items()]
        self.cancel_open(group, parts, command)

    def _choice_made(self, group: AnyGroup, command: messages.Choose) -> None:
        self.desk.book.event(
            Event.CHOICE_MADE, command.actor, group=group.n, choice=command.option, store=command.store_id
        )

    def waiting_for_choice(self, n: int | None) -> PickupGroup:
        groups = [
            group
            for group in self.desk.order.pickups
            if group.open and group.waits_for in (WaitsFor.CHOICE, WaitsFor.STOCK) and n in (None, group.n)
        ]
        if not groups:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "Nothing of this order waits for a choice.")
        if len(groups) > 1:
            raise refuse(
                RefusalKind.NOT_ALLOWED_NOW, f"Several pickups wait for a choice ({_numbers(groups)}): name one in `n`."
            )
        return groups[0]

    def wait_for_stock(self, group: PickupGroup) -> None:
        now = workflow.now()
        group.waits_for = WaitsFor.STOCK
        group.waiting_since = now
        group.choose_by = now + self.desk.order.terms.policy.wait_for_stock
        self.desk.book.notice(
            NoticeKind.CHOICE_APPLIED,
            self.desk.book.occasion,
            group=group,
            choice="wait",
            deadline=group.choose_by,
            lines=self.desk.book.notice_lines(group.owed_lines(UnitState.OPEN)),
        )

    async def stock_arrived(self, group: PickupGroup) -> None:
        """Stock came to a store for which units wait: take them if they are still free, and offer them again."""
        if not group.open or group.waits_for is not WaitsFor.STOCK:
            return
        lines = group.owed_lines(UnitState.OPEN)
        await self._take_up(group, lines, None, Event.STOCK_ARRIVED)

    async def move_elsewhere(
        self, group: PickupGroup, store_id: StoreId | None, command: messages.Choose | None = None
    ) -> PickupGroup | None:
        """Move what another store can serve to it; what nobody has stays for another choice. Gives who has it now."""
        found = await self._find_stores(group)
        skus = self.desk.order.skus
        wanted = {line: (skus[line], n) for line, n in group.owed_lines(UnitState.OPEN).items()}
        # Who names a store knows where it is; nobody else is sent abroad, or too far.
        within = self.desk.order.terms.policy.pickup.other_store_within_km
        offers = found.offers if store_id is not None else in_reach(found.offers, group.store_id, within)
        ranked = rank_alternatives(wanted, offers, group.store_id, group.declined_by, self.desk.book.needs)
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
        offer(desk, group)
        desk.book.notice(
            NoticeKind.CHOICE_APPLIED,
            desk.book.occasion,
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
                skus=sorted({sku for line in wanted for sku in self.desk.book.needs[line]}),
                channel=terms.channel,
                at=workflow.now(),
            ),
            summary=Readable("Look for another store"),
            **options.OUR_BOOKS,
        )

    def cancel_open(self, group: AnyGroup, parts: list[UnitsOf], command: messages.Command) -> None:
        desk = self.desk
        lines = {part.line_id: part.quantity for part in parts}
        worth = desk.order.worth(lines)
        for line, quantity in lines.items():
            group.move(line, UnitState.CANCELLED, quantity, UnitState.OPEN)
        desk.order.settle(lines, earned=False)
        if group.supply is not None:
            desk.book.queue(QueueOperation.LEAVE, group, lines)
        if not group.open:
            group.ending = group.ending or Ending.CANCELLED
        desk.book.event(
            Event.UNITS_CANCELLED, command.actor, reason=messages.CancelReason.INVENTORY, lines=lines, amount=worth
        )
        desk.tell_cancelled(lines, messages.CancelReason.INVENTORY, group=group)
        desk.cashier.wake()


async def _nobody_ships(group: PickupGroup, command: messages.Choose) -> GroupAnswer:
    raise refuse(RefusalKind.NOT_SUPPORTED, "Nothing is shipped here. Choose other_store, wait or cancel.")


def _numbers(groups: list[PickupGroup]) -> str:
    return ", ".join(str(group.n) for group in groups)
