"""What happened to an order since the last milestone, and the one place where a milestone is made real."""

import asyncio
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any, NamedTuple

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.faults import ANOTHER_TRY_STANDS, NEEDS_A_PERSON
    from activities.milestones import (
        CapacityEnd,
        CapacityStep,
        Milestone,
        Milestones,
        QueueOperation,
        QueueStep,
        StockOperation,
        StockStep,
        Withdrawal,
    )
    from adapters.brokering.port import QueuedGroup
    from adapters.records.port import OrderChange
    from domain.actors import ENGINE, Actor
    from domain.groups import Group
    from domain.ids import LineId, OperationKey, Sku, StoreId, derived_id, operation_key
    from domain.kits import Needs, pieces
    from domain.money import Money
    from domain.notices import Audience, Notice, NoticeFacts, NoticeKind, NoticeLine, notice_key
    from domain.order import Order
    from domain.stock import RejectReason, StockEffect, StockLine
    from domain.store_hours import StoreHours
    from domain.supply import ANYWHERE
    from domain.timeline import Event, Fact, TimelineEntry
    from domain.views import OrderView
    from workflows import options, summaries
    from workflows.refusing import StepFailed, failure_text, failure_type
    from workflows.turn import Turn
    from workflows.visibility import Visible


class Collected(NamedTuple):
    """What waits for the next milestone, but for what was said of money that moved, which no refusal drops."""

    events: list[TimelineEntry]
    notices: list[Notice]
    stock: list[StockStep]
    withdrawn: list[Withdrawal]
    wanted: set[StoreId]
    queue: list[QueueStep]


class RefusedStock(NamedTuple):
    """A stock move that inventory refused; its milestone was recorded without it."""

    step: StockStep
    error: str | None
    """Why; none when it was refused together with others, of which it may not have been at fault."""


class Book:
    """Collects events, notices and stock moves; `record` commits them with the order's new state in one transaction."""

    def __init__(self, order: Order, turn: Turn, is_final: Callable[[], bool]):
        self.order = order
        self.turn = turn
        self.hours: dict[StoreId, StoreHours] = {}
        self.visible = False
        self.closed = False
        """The final state is on record; nothing more will be written."""
        self.refused: list[RefusedStock] = []
        """Stock moves about which a person decides, for what they are about has happened."""
        self.ask_about_refused: Callable[[], None] = lambda: None
        self.in_queues: Callable[[], dict[int, QueuedGroup]] = dict
        """The shipments that wait in a queue for a place, by number."""
        self._is_final = is_final
        self._events: list[TimelineEntry] = []
        self._lasting_events: list[TimelineEntry] = []
        self._notices: list[Notice] = []
        self._lasting_notices: list[Notice] = []
        self._stock: list[StockStep] = []
        self._withdrawn: list[Withdrawal] = []
        self._wanted: set[StoreId] = set()
        self._queue: list[QueueStep] = []
        self._last: OrderView | None = None
        self._instead = False
        self._queued: dict[int, QueuedGroup] = {}
        self._writing = asyncio.Lock()
        self._search = Visible()
        self._doubted: set[OperationKey] = set()

    # --- collecting --------------------------------------------------------------------------------------------------

    def event(self, event: Event, actor: Actor = ENGINE, reason: str | None = None, **data: object) -> None:
        self._events.append(_entry(event, actor, reason, data))

    def lasting_event(self, event: Event, actor: Actor = ENGINE, reason: str | None = None, **data: object) -> None:
        """True whatever becomes of the command that goes on meanwhile (money has moved): no refusal drops this."""
        self._lasting_events.append(_entry(event, actor, reason, data))

    def stock(
        self,
        operation: StockOperation,
        lines: dict[LineId, int],
        store_id: StoreId,
        *,
        reason: RejectReason | None = None,
        effect: StockEffect | None = None,
        expires_at: datetime | None = None,
        found: dict[LineId, int] | None = None,
        only: Mapping[LineId, Container[Sku]] | None = None,
        to: StoreId | None = None,
    ) -> StockStep:
        """Add a stock move to the next milestone; its key is made of who decides and what is moved.

        `only`: of these lines, which are kits, no more than the named components.
        """
        moved = self.stock_lines(lines, store_id, only)
        step = StockStep(
            operation=operation,
            key=self._key(operation.value, moved),
            lines=moved,
            channel=self.order.terms.channel,
            expires_at=expires_at,
            reason=reason,
            effect=effect,
            found=self._by_sku(found or {}),
            to=to,
        )
        if step.lines:
            self._stock.append(step)
        return step

    def queue(
        self,
        operation: QueueOperation,
        group: Group,
        lines: dict[LineId, int] | None = None,
        expected_at: datetime | None = None,
    ) -> None:
        """Add to the next milestone what becomes of a group's place in the queue for supply."""
        moved = self.stock_lines(lines or {}, group.store_id or StoreId(ANYWHERE))
        key = self._key(f"{operation.value}:{group.n}", moved)
        self._queue.append(QueueStep(operation=operation, key=key, n=group.n, lines=moved, expected_at=expected_at))

    @property
    def occasion(self) -> str:
        """What is being decided, for keys of what is said or moved: the same whenever it is done again."""
        turn = self.turn
        decided = f"{turn.by}.{turn.milestones}" if turn.by is not None else str(self.order.version + 1)
        return derived_id(decided)[:12]

    def _key(self, operation: str, lines: tuple[StockLine, ...]) -> OperationKey:
        """Other units moved on the same occasion are another move; the same ones again have a number."""
        moved = "|".join(f"{line.line_id}/{line.sku}/{line.location_id}/{line.quantity}" for line in lines)
        taken = {step.key for step in self._stock} | {step.key for step in self._queue}
        for number in count(1):
            key = operation_key(
                self.order.terms.order_id, operation, derived_id(self.occasion, moved, str(number))[:16]
            )
            if key not in taken:
                break
        return key

    def _by_sku(self, lines: dict[LineId, int]) -> dict[Sku, int]:
        needs = self.needs
        sums: dict[Sku, int] = {}
        for line, quantity in lines.items():
            for sku, asked in pieces(needs[line], quantity).items():
                sums[sku] = sums.get(sku, 0) + asked
        return sums

    @property
    def needs(self) -> Mapping[LineId, Needs]:
        """What one unit of each line is made of; also of lines that were added, or that the open change would add."""
        order = self.order
        if not order.amended and order.change is None:
            return self._needs_as_placed
        return order.needs

    @cached_property
    def _needs_as_placed(self) -> Mapping[LineId, Needs]:
        return {line.line_id: line.needs for line in self.order.terms.lines}

    def stock_lines(
        self, lines: dict[LineId, int], store_id: StoreId, only: Mapping[LineId, Container[Sku]] | None = None
    ) -> tuple[StockLine, ...]:
        """Units as stock knows them: a kit's line has one for each component."""
        needs = self.needs
        return tuple(
            StockLine(line_id=line, sku=sku, location_id=store_id, quantity=asked)
            for line, quantity in lines.items()
            if quantity > 0
            for sku, asked in pieces(needs[line], quantity).items()
            if not only or line not in only or sku in only[line]
        )

    def notice(
        self,
        kind: NoticeKind,
        *sequence: str | int,
        group: Group | None = None,
        until: datetime | None = None,
        store_id: StoreId | None = None,
        lasting: bool = False,
        **facts: Any,
    ) -> None:
        """Tell someone, once: the key is the order, the kind and `sequence`. A lasting one no refusal drops.

        `store_id`: if not the group's own.
        """
        terms = self.order.terms
        if group is not None and store_id is None:
            store_id = group.customer_place if kind.audience is Audience.CUSTOMER else group.store_id or None
        if kind.audience is Audience.CUSTOMER:
            facts.setdefault("contact", self.order.contact)
        numbers = [str(group.n)] if group is not None else []
        if group is not None and (zone_of := store_id or group.store_id) in self.hours:
            facts.setdefault("zone", self.hours[zone_of].zone)
        elif len(zones := {self.hours[g.store_id].zone for g in self.order.groups if g.store_id in self.hours}) == 1:
            facts.setdefault("zone", zones.pop())
        (self._lasting_notices if lasting else self._notices).append(
            Notice(
                key=notice_key(terms.order_id, kind.value, *numbers, *sequence),
                kind=kind,
                order_id=terms.order_id,
                group_id=group.group_id if group else None,
                store_id=store_id,
                locale=terms.locale,
                at=workflow.now(),
                until=until,
                facts=NoticeFacts(order_number=terms.external_id, **facts),
            )
        )

    def notice_lines(self, lines: dict[LineId, int]) -> tuple[NoticeLine, ...]:
        skus = self.order.skus
        return tuple(NoticeLine(sku=skus[line], quantity=n) for line, n in lines.items() if n > 0)

    def money(self, amount: int) -> Money:
        return Money(amount=amount, currency=self.order.terms.currency)

    def withdraw(self, *kinds: NoticeKind, group: Group | None = None) -> None:
        self._withdrawn.append(Withdrawal(kinds=kinds, group_id=group.group_id if group else None))

    def ask_hours(self, store_id: StoreId) -> None:
        """Have the store's present opening hours read with the next milestone."""
        self._wanted.add(store_id)

    def collected(self) -> Collected:
        """What is collected so far: to be collected again if a step beyond it is refused."""
        return Collected(
            list(self._events),
            list(self._notices),
            list(self._stock),
            list(self._withdrawn),
            set(self._wanted),
            list(self._queue),
        )

    def collect_again(self, earlier: Collected) -> None:
        """After a refused milestone, which took everything with it: this much of it is still true."""
        self._events = [*earlier.events, *self._events]
        self._notices = [*earlier.notices, *self._notices]
        self._stock = [*earlier.stock, *self._stock]
        self._withdrawn = [*earlier.withdrawn, *self._withdrawn]
        self._wanted |= earlier.wanted
        self._queue = [*earlier.queue, *self._queue]

    def resume(self, hours: dict[StoreId, StoreHours]) -> None:
        """Go on in a new run: what the last one recorded is what there is."""
        self.hours = hours
        self.visible = True
        self._last = self.order.view()
        self._queued = self.in_queues()

    # --- recording ---------------------------------------------------------------------------------------------------

    @property
    def pending(self) -> bool:
        return bool(
            self._events or self._lasting_events or self._lasting_notices or self._notices or self._stock or self._queue
        )

    @property
    def busy(self) -> bool:
        """Something is to be recorded, or is being recorded at this moment."""
        return self.pending or bool(self.refused) or self._writing.locked()

    async def record(self, *, taken: bool = False) -> None:
        """Commit everything collected as the next milestone. Raises `OutOfStock` with nothing changed.

        Stock that inventory refuses for another reason undoes nothing of what has happened: the milestone is recorded
        without it, and a person decides about it.
        """
        async with self._writing:
            while not await self._is_committed(taken=taken):
                pass
            self.turn.milestones += 1
        self._show()
        if self.refused:
            self.ask_about_refused()

    async def _is_committed(self, *, taken: bool) -> bool:
        """False: it is to be recorded once more.

        Inventory refused the stock, which was put aside; or another try of the same task stands in the records, which
        died before Temporal had heard of it: what is decided now is recorded whole, in its place.
        """
        order, earlier, lasting_events = self.order, self.collected(), self._lasting_events
        lasting_notices = self._lasting_notices if self.visible else []
        before = (order.finished, list(order.holds), order.next_action)
        ends = self._finish_if_final()
        order.version += 1
        view = order.view()
        events = [*self._lasting_events, *self._events]
        freed = self._freed_capacity()
        queued = self.in_queues()
        milestone = Milestone(
            change=self._change(view, events),
            stock=self._stock,
            queue=self._queue,
            notices=[*self._lasting_notices, *self._notices] if self.visible else [],
            withdraw=self._withdrawn,
            wanted_places=sorted(self._wanted),
            capacity=freed,
            queued=[group for n, group in queued.items() if self._queued.get(n) != group],
            unqueued=self._unqueued(queued),
            taken=taken,
        )
        self._events, self._lasting_events, self._stock = [], [], []
        self._withdrawn, self._wanted, self._queue = [], set(), []
        if self.visible:
            self._notices, self._lasting_notices = [], []
        try:
            stores = await workflow.execute_local_activity_method(
                Milestones.record_milestone,
                milestone,
                summary=summaries.milestone([entry.event for entry in events]),
                **options.OUR_BOOKS,
            )
        except StepFailed as error:
            order.version -= 1
            if ends:
                order.finished, order.holds[:], order.next_action = before
            self._lasting_events = [*lasting_events, *self._lasting_events]
            self._lasting_notices = [*lasting_notices, *self._lasting_notices]
            kept = earlier._replace(notices=earlier.notices if self.visible else [])
            if failure_type(error) == ANOTHER_TRY_STANDS and not self._instead:
                self._instead, self._last, self._queued = True, None, {}
                self.collect_again(kept)
                return False
            if not self._is_a_persons_matter(earlier.stock, error):
                raise
            self._put_aside(earlier.stock, failure_text(error))
            self.collect_again(kept._replace(stock=[]))
            return False
        self.hours.update(stores.hours)
        self._capacity_is_free(freed)
        self._last, self._queued, self._instead = view, queued, False
        self.closed = order.finished
        return True

    def _unqueued(self, queued: Mapping[int, QueuedGroup]) -> list[int]:
        """Shipments that are in no queue any more; after a try that died, all that should be in none."""
        known = {group.n for group in self.order.shipments} if self._instead else set(self._queued)
        return sorted(known - set(queued))

    def _freed_capacity(self) -> list[CapacityStep]:
        """What places need not keep free any more: their shipment left, went elsewhere or was cancelled."""
        freed = [CapacityStep(key=key, end=CapacityEnd.GIVE_BACK) for key in self.order.spare_capacity]
        for group in self.order.shipments:
            if group.capacity_key is not None and not group.open:
                end = CapacityEnd.FINISH if group.parcels else CapacityEnd.GIVE_BACK
                freed.append(CapacityStep(key=group.capacity_key, end=end))
        sent = [group.transit.capacity_key for group in self.order.pickups if group.transit is not None]
        return freed + [CapacityStep(key=key, end=CapacityEnd.FINISH) for key in sent if key is not None]

    def _capacity_is_free(self, freed: list[CapacityStep]) -> None:
        keys = {step.key for step in freed}
        self.order.spare_capacity = [key for key in self.order.spare_capacity if key not in keys]
        for group in self.order.shipments:
            if group.capacity_key in keys:
                group.capacity_key = None
        for pickup in self.order.pickups:
            if pickup.transit is not None and pickup.transit.capacity_key in keys:
                pickup.transit.capacity_key = None

    def _is_a_persons_matter(self, stock: list[StockStep], error: BaseException) -> bool:
        again = any(step.key in self._doubted for step in stock)
        return bool(stock) and (again or failure_type(error) == NEEDS_A_PERSON)

    def _put_aside(self, stock: list[StockStep], error: str) -> None:
        alone = len(stock) == 1
        self.refused += [RefusedStock(step, error if alone else None) for step in stock]
        self._doubted |= {step.key for step in stock}

    async def record_refused(self, refused: RefusedStock) -> None:
        """Try a stock move once more, with whatever else is to be recorded."""
        self.refused.remove(refused)
        self._stock.append(refused.step)
        await self.record()

    def _finish_if_final(self) -> bool:
        order = self.order
        ends = self.visible and not order.finished and self._is_final()
        if ends:
            order.finished = True
            order.holds.clear()
            order.next_action = None
            self.event(Event.ORDER_COMPLETED if order.fulfilled_units else Event.ORDER_CANCELLED)
        return ends

    def _change(self, view: OrderView, events: list[TimelineEntry]) -> OrderChange:
        before = self._last
        lines = {line.line_id: line for line in before.lines} if before else {}
        groups = {group.n: group for group in before.groups} if before else {}
        return OrderChange(
            order_id=view.order_id,
            sequence=view.version,
            at=workflow.now(),
            head=view.model_copy(update={"lines": [], "groups": []}),
            lines=[line for line in view.lines if lines.get(line.line_id) != line],
            groups=[group for group in view.groups if groups.get(group.n) != group],
            events=events,
            visible=self.visible,
            instead=self._instead,
        )

    def _show(self) -> None:
        workflow.set_current_details(summaries.details(self.order))
        if self.visible and (updates := self._search.changes(self.order)):
            workflow.upsert_search_attributes(updates)


def _entry(event: Event, actor: Actor, reason: str | None, data: dict[str, object]) -> TimelineEntry:
    facts = {name: value for name, value in data.items() if value is not None}
    return TimelineEntry(at=workflow.now(), event=event, actor=actor, reason=reason, data=Fact(**facts))
