"""Substitutes: taken at once where the customer's rule allows it, put to the customer where it says so."""

from typing import NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.milestones import StockOperation
    from domain.actors import Actor
    from domain.ids import LineId
    from domain.notices import NoticeKind, NoticeLine
    from domain.open_changes import MadeChange
    from domain.order import Order
    from domain.pickups import PickupGroup, Proposal
    from domain.refusals import RefusalKind
    from domain.substitution import Consent, Substitute, Swapped, consent_to, proposal_of, swap
    from domain.timeline import Event
    from domain.units import Units, UnitState
    from workflows import messages
    from workflows.book import Collected
    from workflows.desk import Desk
    from workflows.holds import Holds
    from workflows.making import Making
    from workflows.messages import GroupAnswer
    from workflows.offering import offer
    from workflows.refusing import refuse
    from workflows.sourcing import Sourcing


class Offered(NamedTuple):
    """What a store found instead of units that it did not find."""

    at_once: list[Proposal]
    asked: list[Proposal]


class Substituting:
    """Called with the turn taken."""

    def __init__(self, desk: Desk):
        self.desk = desk
        self.making = Making(desk, Holds(desk), Sourcing(desk))

    def offered(self, group: PickupGroup, found: list[Substitute], missing: dict[LineId, int]) -> Offered:
        """Raises `Refused`, with nothing changed, for what the customer does not allow, or more than is missing."""
        order = self.desk.order
        lines = {line.line_id: line for line in order.lines}
        at_once: list[Proposal] = []
        asked: list[Proposal] = []
        for each in found:
            if each.quantity > missing.get(each.line_id, 0):
                raise refuse(
                    RefusalKind.TOO_MANY_UNITS,
                    f"{missing.get(each.line_id, 0)} units of line {each.line_id} are missing, not {each.quantity}.",
                )
            given = consent_to(lines[each.line_id], each) is Consent.GIVEN
            (at_once if given else asked).append(proposal_of(order, each))
        return Offered(at_once, asked)

    def take(self, group: PickupGroup, proposal: Proposal, actor: Actor, command_id: str) -> None:
        """The rule allows it, and the store has it in its hands: it goes on with what was found."""
        new = self._swap(group, proposal, proposal.quantity, actor, command_id)
        group.units[new.line_id] = Units(picked=proposal.quantity)
        self.desk.book.notice(
            NoticeKind.SUBSTITUTED,
            self.desk.book.occasion,
            new.line_id,
            group=group,
            lines=self.desk.book.notice_lines({new.line_id: proposal.quantity}),
            remaining=(NoticeLine(sku=self.desk.order.skus[proposal.line_id], quantity=proposal.quantity),),
            price=self.desk.book.money(new.worth),
        )

    async def consent(self, group: PickupGroup, command: messages.Choose) -> GroupAnswer:
        """The customer takes the proposed article: the store is asked for it as for any other."""
        desk, order, proposal = self.desk, self.desk.order, group.proposal
        open_units = group.units[proposal.line_id].count(UnitState.OPEN) if proposal is not None else 0
        if proposal is None or not open_units:
            raise refuse(RefusalKind.NOT_ALLOWED_NOW, "The store has proposed nothing else for these units.")
        before, earlier = order.model_copy(deep=True), desk.book.collected()
        quantity = min(proposal.quantity, open_units)
        desk.book.event(Event.CHOICE_MADE, command.actor, group=group.n, choice=command.option, store=None)
        new = self._swap(group, proposal, quantity, command.actor, command.command_id)
        group.units[new.line_id] = Units(allocated=quantity)
        group.declined_by = [store for store in group.declined_by if store != group.store_id]
        offer(desk, group)
        desk.book.notice(
            NoticeKind.CHOICE_APPLIED,
            desk.book.occasion,
            group=group,
            choice="substitute",
            lines=desk.book.notice_lines({new.line_id: quantity}),
            ready_at=group.promised_ready_at,
        )
        await self.recorded(before, earlier)
        return desk.answer(group)

    async def recorded(self, before: Order, earlier: Collected) -> None:
        """Raises `Refused`, with everything as it was, when the store's stock of the substitute is spoken for."""
        if not await self.making.is_recorded(earlier):
            self.making.restore(before)
            raise refuse(
                RefusalKind.OUT_OF_STOCK, "The substitute is promised to others there. Choose otherwise, or count it."
            )
        self.desk.cashier.wake()

    def _swap(self, group: PickupGroup, proposal: Proposal, quantity: int, actor: Actor, command_id: str) -> Swapped:
        desk, order = self.desk, self.desk.order
        group.move(proposal.line_id, UnitState.CANCELLED, quantity, UnitState.OPEN)
        new = swap(order, group.n, proposal, quantity)
        order.changes.append(MadeChange(change_id=command_id, at=workflow.now(), before=new.before, after=new.after))
        group.proposal = None
        desk.book.stock(StockOperation.TAKE, {new.line_id: quantity}, group.store_id)
        desk.book.event(
            Event.SUBSTITUTED,
            actor,
            group=group.n,
            line=proposal.line_id,
            lines={new.line_id: quantity},
            amount=new.worth,
            saved=new.saved,
        )
        return new
