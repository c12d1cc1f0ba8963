"""One brokering run, step by step: who waits is decided together, room is kept, and each order is told.

A run is written down with what it is about to tell. So a step that is repeated goes on where it was, and what a run
that was ended from outside had begun the next one of its queue finishes: room that is kept is taken by an order or
given back.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from temporalio import activity

from activities.calendars import day_of
from activities.milestones import Message
from activities.sourcing import Needs, Part, candidates_now, lines_of, parts_of, stock_now, with_held, without
from adapters.brokering.port import AssignedPart, Assignment, Outcome, Run, RunCounts, RunState, Waiting
from adapters.capacity.port import NoCapacity, TakeCapacity
from adapters.inventory.port import OutOfStock, Release, Reserve
from adapters.places.port import Place
from adapters.routing.port import RoutingEntry
from adapters.transaction.port import Transaction, Transactions
from domain.actors import Channel
from domain.ids import LineId, OperationKey, OrderId, StoreId
from domain.refusals import RefusalKind
from domain.shipping_times import ShippingPolicy
from domain.sourcing import (
    Candidate,
    RoutingRules,
    SourcingDecision,
    SourcingRequest,
    broker,
)
from domain.sourcing.queues import UNFILLABLE, Queue
from domain.stock import Place as Shelf
from domain.stock import StockLine

MOST_PASSES = 4
"""So often an order is told again whose stock another one of the run has yet to leave."""
BESIDE = 8
"""Orders that are told at the same time."""
OF_ANY_QUEUE = (200, 20)
"""Orders that are decided together, and told in a second, of a queue without runs of its own."""


Key = tuple[OrderId, int]
"""A shipment: its order, and its number there."""


class Opening(Message):
    run: str
    queue: Queue
    by: str
    at: datetime


class Step(Message):
    run: str
    at: datetime
    alone: bool = False
    """Decide those that are still open once more, one at a time, on what the others have left."""


class Progress(Message):
    """How far a run is: shipments that this step looked at, and decisions that no order has taken or refused yet."""

    looked_at: int = 0
    open: int = 0


TellOrder = Callable[[Run, Assignment, int], Awaitable[RefusalKind | None]]
"""Tell an order of a decision, for the first time or again: nothing when it has taken it, else why not."""
IsRunning = Callable[[str], Awaitable[bool]]
"""Whether the workflow of a run goes on."""


class BrokeringSteps:
    def __init__(
        self, transactions: Transactions, policy: ShippingPolicy, tell: TellOrder, is_running: IsRunning
    ) -> None:
        self.transactions = transactions
        self.policy = policy
        self.tell = tell
        self.is_running = is_running

    @activity.defn
    async def open_run(self, opening: Opening) -> Progress:
        """Begin a run. What runs of this queue that were cut off had begun is finished first."""
        async with self.transactions.begin() as books:
            unfinished = await books.brokering.runs(opening.queue, state=RunState.RUNNING, limit=100)
        for run in unfinished:
            if run.run != opening.run and not await self.is_running(run.run):
                await self._tell_all(run, opening.at, last=True)
                await self._end(run.run, opening.at, RunState.CUT_OFF)
        async with self.transactions.begin() as books:
            if await books.brokering.run(opening.run) is None:
                rules = await _rules(books)
                await books.brokering.put_run(
                    Run(
                        run=opening.run,
                        queue=opening.queue,
                        by=opening.by,
                        started_at=opening.at,
                        rules=rules.id,
                        rules_version=rules.version,
                    )
                )
        return Progress()

    @activity.defn
    async def decide(self, step: Step) -> Progress:
        """Decide the next shipments of the queue together, and keep room for them. Repeating it changes nothing."""
        async with self.transactions.begin() as books:
            run, rules = await _run(books, step.run), await _rules(books)
            if _open(run) and not step.alone:
                return Progress(looked_at=len(run.assignments), open=_open(run))
            page = await self._page(books, run, rules, step)
            if not page and not step.alone:
                return Progress()
            found = await self._candidates(books, page, step.at)
        # Whole seconds of computing: on another thread, so that other steps go on meanwhile.
        decided = await asyncio.to_thread(_decide, page, found, rules, alone=step.alone)
        try:
            run = await self._written(run, page, decided, step, move=not step.alone)
        except OutOfStock:  # others took what was free: who is told later may find it gone, and is decided once more
            run = await self._written(run, page, decided, step, move=False)
        return Progress(looked_at=len(page), open=_open(run))

    @activity.defn
    async def tell_orders(self, step: Step) -> Progress:
        """Tell each order its decision, no faster than the queue's runs say. Who could not be told is told again."""
        async with self.transactions.begin() as books:
            run = await _run(books, step.run)
        run = await self._tell_all(run, step.at, last=step.alone)
        return Progress(open=_open(run))

    @activity.defn
    async def close_run(self, step: Step) -> RunCounts:
        """The run is over; what it did."""
        return (await self._end(step.run, step.at, RunState.DONE)).counts

    # --- deciding ----------------------------------------------------------------------------------------------------

    async def _page(self, books: Transaction, run: Run, rules: RoutingRules, step: Step) -> list[Waiting]:
        if step.alone:
            known = set(_left(run))
            waiting = await books.brokering.waiting(run.queue, after=None, until=run.started_at, limit=100_000)
            return [each for each in waiting if (each.order_id, each.group.n) in known]
        return await books.brokering.waiting(
            run.queue, after=run.after, until=run.started_at, limit=_pace(rules, run.queue)[0]
        )

    async def _candidates(
        self, books: Transaction, page: Sequence[Waiting], at: datetime
    ) -> dict[Channel, list[Candidate]]:
        places = await books.places.places()
        found = {}
        for channel in sorted({each.group.request.channel for each in page}):
            skus = {sku for each in page for line in each.group.request.lines for sku in line.needs()}
            stock = await stock_now(self.transactions.stock, places, sorted(skus), channel)
            found[channel] = await candidates_now(books, places, stock, at=at, policy=self.policy)
        return found

    async def _written(
        self, run: Run, page: list[Waiting], decided: list[SourcingDecision], step: Step, *, move: bool
    ) -> Run:
        async with self.transactions.begin() as books:
            kept = await self._keep_room(books, run, page, decided, step)
            if move:
                kept = await self._move_stock(books, kept, page, step.at)
            await books.brokering.put_run(kept)
        return kept

    async def _keep_room(
        self, books: Transaction, run: Run, page: list[Waiting], decided: list[SourcingDecision], step: Step
    ) -> Run:
        """Room for every part of a decision, or for none; who finds none stays in the queue."""
        now = await books.brokering.lock([(each.order_id, each.group.n) for each in page])
        made = [
            _assignment(run, waiting, decision, alone=step.alone)
            if now.get((waiting.order_id, waiting.group.n)) == waiting.group
            else None
            for waiting, decision in zip(page, decided, strict=True)
        ]
        if step.alone:
            # What they were decided before is void; its room may serve them now.
            await self._give_back(books, [each for each in run.assignments if each.outcome is Outcome.OPEN], step.at)
        full = await self._take(books, [each for each in made if each is not None], step.at)
        assignments: list[Assignment] = []
        kept = 0
        for waiting, decision, assignment in zip(page, decided, made, strict=True):
            if assignment is None or _key(assignment) in full:
                kept += 1
                continue
            assignments.append(assignment)
            await books.routing.record(_entry(run, waiting, decision, step))
        await self._give_back(books, [each for each in made if each and _key(each) in full], step.at)
        counts = run.counts
        if step.alone:
            done = [each for each in run.assignments if each.outcome is not Outcome.OPEN]
            gone = len(run.assignments) - len(done) - len(page)
            counts = counts.model_copy(update={"kept": counts.kept + kept, "refused": counts.refused + gone})
            return run.model_copy(update={"assignments": (*done, *assignments), "counts": counts})
        counts = counts.model_copy(update={"looked_at": counts.looked_at + len(page), "kept": counts.kept + kept})
        after = page[-1].place if page else run.after
        return run.model_copy(update={"assignments": tuple(assignments), "counts": counts, "after": after})

    async def _move_stock(self, books: Transaction, run: Run, page: list[Waiting], at: datetime) -> Run:
        """What is reserved for these shipments changes places in one step: two may each have what the other needs."""
        groups = {(each.order_id, each.group.n): each.group for each in page}
        moving = {
            _key(each): each
            for each in run.assignments
            if groups[_key(each)].held and groups[_key(each)].held != _places(each)
        }
        for key, each in moving.items():
            held = [Part(location_id=place, lines=lines) for place, lines in groups[key].held.items()]
            await books.inventory.release(
                Release(
                    key=OperationKey(f"{_name(run, each)}:free"),
                    at=at,
                    order_id=each.order_id,
                    lines=lines_of(held, _needs(groups[key].request)),
                    reason="brokered",
                )
            )
        for key, each in moving.items():
            await books.inventory.reserve(
                Reserve(
                    key=OperationKey(f"{_name(run, each)}:reserve"),
                    at=at,
                    order_id=each.order_id,
                    lines=_shipped(each, groups[key].request),
                    channel=groups[key].request.channel,
                )
            )
            await books.brokering.enter(each.order_id, groups[key].model_copy(update={"held": _places(each)}))
        told = tuple(each.model_copy(update={"moved": _key(each) in moving}) for each in run.assignments)
        return run.model_copy(update={"assignments": told})

    async def _take(self, books: Transaction, made: Iterable[Assignment], at: datetime) -> set[Key]:
        """Use capacity for all of them; the shipments whose places are full."""
        wanted = [(part, each) for each in made for part in each.parts]
        ids = sorted({part.location_id for part, _ in wanted})
        places = {place.location_id: place for place in await books.places.places(ids)}
        full: set[Key] = set()
        # In one order, so that nobody who takes from the same places waits for us in a circle.
        for part, each in sorted(wanted, key=lambda pair: (pair[0].location_id, pair[0].capacity)):
            if _key(each) in full:
                continue
            try:
                await books.capacity.take(_capacity(part, places[part.location_id], at))
            except NoCapacity:
                full.add(_key(each))
        return full

    async def _give_back(self, books: Transaction, assignments: Iterable[Assignment], at: datetime) -> None:
        keys = [(part.location_id, part.capacity) for each in assignments for part in each.parts]
        for _, key in sorted(keys):
            await books.capacity.give_back(key, at)

    # --- telling -----------------------------------------------------------------------------------------------------

    async def _tell_all(self, run: Run, at: datetime, *, last: bool) -> Run:
        """Who refuses for want of stock is told again, once others have left theirs. `last`: then it has refused."""
        async with self.transactions.begin() as books:
            pace = 1 / _pace(await _rules(books), run.queue)[1]
        for number in range(1, MOST_PASSES + 1):
            before = _open(run)
            run = await self._pass(run, at, pace, number)
            if _open(run) in (0, before):
                break
        if last and _open(run):
            run = await self._ended(run, dict.fromkeys(_left(run), Outcome.REFUSED), at)
        return run

    async def _pass(self, run: Run, at: datetime, pace: float, number: int) -> Run:
        left = [each for each in run.assignments if each.outcome is Outcome.OPEN]
        next_at = time.monotonic()

        async def told(each: Assignment, begins: float) -> RefusalKind | None:
            await asyncio.sleep(max(0.0, begins - time.monotonic()))
            return await self.tell(run, each, number)

        while left:
            some, left = left[:BESIDE], left[BESIDE:]
            begins = max(next_at, time.monotonic())
            next_at = begins + pace * len(some)
            _still_at_it(len(left))
            # One after the other, not all at the same moment: whoever places an order meanwhile meets one at most.
            answers = await asyncio.gather(*(told(each, begins + pace * place) for place, each in enumerate(some)))
            ended = {
                _key(each): Outcome.TAKEN if refusal is None else Outcome.REFUSED
                for each, refusal in zip(some, answers, strict=True)
                if refusal is not RefusalKind.OUT_OF_STOCK
            }
            gone = [each for each, why in zip(some, answers, strict=True) if why is RefusalKind.NOT_FOUND]
            run = await self._ended(run, ended, at, gone)
        await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        return run

    async def _ended(self, run: Run, ended: dict[Key, Outcome], at: datetime, gone: Iterable[Assignment] = ()) -> Run:
        """Orders have taken or refused their decisions; what they refused has no room any more.

        `gone`: orders that are over. What was reserved for them elsewhere meanwhile they did not know of.
        """
        if not ended:
            return run
        counts = run.counts
        for each in run.assignments:
            outcome, parts = ended.get(_key(each)), len(each.parts)
            if outcome is Outcome.REFUSED:
                counts = counts.model_copy(update={"refused": counts.refused + 1})
            elif outcome is Outcome.TAKEN and parts:
                counts = counts.model_copy(update={"brokered": counts.brokered + 1, "parts": counts.parts + parts})
            elif outcome is Outcome.TAKEN:
                counts = counts.model_copy(update={"unfillable": counts.unfillable + 1})
        refused = [each for each in run.assignments if ended.get(_key(each)) is Outcome.REFUSED]
        told = tuple(
            each.model_copy(update={"outcome": ended[_key(each)]}) if _key(each) in ended else each
            for each in run.assignments
        )
        run = run.model_copy(update={"assignments": told, "counts": counts})
        async with self.transactions.begin() as books:
            await self._give_back(books, refused, at)
            for each in gone:
                if each.moved:
                    await _forget(books, run, each, at)
            await books.brokering.put_run(run)
        return run

    async def _end(self, run: str, at: datetime, state: RunState) -> Run:
        async with self.transactions.begin() as books:
            known = await _run(books, run)
            if known.ended_at is None:
                known = known.model_copy(update={"state": state, "ended_at": at, "assignments": ()})
                await books.brokering.put_run(known)
        return known


def _decide(
    page: list[Waiting], found: dict[Channel, list[Candidate]], rules: RoutingRules, *, alone: bool
) -> list[SourcingDecision]:
    """A decision for each of the page, those of one channel together. What is reserved for them counts as free."""
    decided: dict[Key, SourcingDecision] = {}
    taken: list[StockLine] = []
    for some in [[each] for each in page] if alone else _by_channel(page):
        candidates = without(found[some[0].group.request.channel], taken)
        for each in some:
            candidates = with_held(candidates, each.group.held, _needs(each.group.request))
        decisions = broker([each.group.request for each in some], candidates, rules)
        for each, decision in zip(some, decisions, strict=True):
            decided[each.order_id, each.group.n] = decision
        taken += _beyond_held(some, decisions)
    return [decided[each.order_id, each.group.n] for each in page]


def _by_channel(page: list[Waiting]) -> list[list[Waiting]]:
    """Channels may be promised other quantities of the same stock."""
    found: dict[Channel, list[Waiting]] = {}
    for each in page:
        found.setdefault(each.group.request.channel, []).append(each)
    return list(found.values())


def _beyond_held(some: list[Waiting], decisions: Sequence[SourcingDecision]) -> list[StockLine]:
    """What decisions take beyond the stock that is reserved for these shipments: others cannot have it."""
    free: Counter[Shelf] = Counter()
    for each in some:
        parts = [Part(location_id=location, lines=lines) for location, lines in each.group.held.items()]
        free.update(_shelves(lines_of(parts, _needs(each.group.request))))
    beyond: list[StockLine] = []
    for each, decision in zip(some, decisions, strict=True):
        needs = _needs(each.group.request)
        for line in lines_of(parts_of(decision, needs), needs):
            own = min(line.quantity, free[line.place])
            free[line.place] -= own
            if line.quantity > own:
                beyond.append(line.model_copy(update={"quantity": line.quantity - own}))
    return beyond


def _shelves(lines: Iterable[StockLine]) -> Counter[Shelf]:
    found: Counter[Shelf] = Counter()
    for line in lines:
        found[line.place] += line.quantity
    return found


def _needs(request: SourcingRequest) -> Needs:
    """What one unit of each line asks of the shelves."""
    units = {line.line_id: dict(line.components) or {line.sku: 1} for line in request.lines}
    return lambda line: units[line]


def _assignment(run: Run, waiting: Waiting, decision: SourcingDecision, *, alone: bool) -> Assignment | None:
    """What the order is told; nothing when it is better off as it stands, in the queue with its stock."""
    request = waiting.group.request
    parts = parts_of(decision, _needs(request))
    lines = {line.line_id: line.quantity for line in request.lines}
    served = sum(sum(part.lines.values()) for part in parts)
    if served < sum(lines.values()) and waiting.group.held:
        return None
    if not parts and run.queue == UNFILLABLE:
        return None
    name = f"{run.run}:{waiting.order_id}:{waiting.group.n}" + (":alone" if alone else "")
    return Assignment(
        order_id=waiting.order_id,
        n=waiting.group.n,
        lines=lines,
        parts=tuple(
            AssignedPart(location_id=part.location_id, lines=part.lines, capacity=OperationKey(f"{name}:{number}"))
            for number, part in enumerate(parts, 1)
        ),
        then=decision.queue or UNFILLABLE,
        decided_alone=alone,
    )


def _entry(run: Run, waiting: Waiting, decision: SourcingDecision, step: Step) -> RoutingEntry:
    name = f"{run.run}:{waiting.order_id}:{waiting.group.n}" + (":alone" if step.alone else "")
    return RoutingEntry(
        key=OperationKey(name),
        order_id=waiting.order_id,
        group=waiting.group.n,
        run=run.run,
        at=step.at,
        decision=decision,
    )


def _capacity(part: AssignedPart, place: Place, at: datetime) -> TakeCapacity:
    return TakeCapacity(
        key=part.capacity,
        at=at,
        location_id=place.location_id,
        day=day_of(place, at),
        per_day=place.capacity.per_day,
        concurrent=place.capacity.concurrent,
    )


def _pace(rules: RoutingRules, queue: Queue) -> tuple[int, int]:
    """How many are decided together, and told in a second."""
    runs = rules.runs_of(queue)
    return (runs.batch, runs.orders_per_second) if runs is not None else OF_ANY_QUEUE


def _places(each: Assignment) -> dict[StoreId, dict[LineId, int]]:
    return {part.location_id: part.lines for part in each.parts}


def _name(run: Run, each: Assignment) -> str:
    return f"{run.run}:{each.order_id}:{each.n}"


def _shipped(each: Assignment, request: SourcingRequest) -> tuple[StockLine, ...]:
    """What the places of an assignment take from their shelves."""
    parts = [Part(location_id=part.location_id, lines=part.lines) for part in each.parts]
    return lines_of(parts, _needs(request))


async def _forget(books: Transaction, run: Run, each: Assignment, at: datetime) -> None:
    """Free what is still reserved for an order that is over."""
    held = tuple(
        StockLine(line_id=line.line_id, sku=line.sku, location_id=line.location_id, quantity=line.reserved)
        for line in await books.inventory.holdings(each.order_id)
        if line.reserved and line.location_id in _places(each) and line.line_id in each.lines
    )
    if held:
        name = OperationKey(f"{_name(run, each)}:gone")
        await books.inventory.release(
            Release(key=name, at=at, order_id=each.order_id, lines=held, reason="order is over")
        )


def _key(each: Assignment) -> Key:
    return each.order_id, each.n


def _left(run: Run) -> list[Key]:
    return [_key(each) for each in run.assignments if each.outcome is Outcome.OPEN]


def _open(run: Run) -> int:
    return len(_left(run))


async def _rules(books: Transaction) -> RoutingRules:
    rules = await books.routing.rules()
    assert rules is not None, "there are always rules"
    return rules


async def _run(books: Transaction, run: str) -> Run:
    found = await books.brokering.run(run)
    assert found is not None, "a run is opened before it goes on"
    return found


def _still_at_it(left: int) -> None:
    if activity.in_activity():
        activity.heartbeat(left)
