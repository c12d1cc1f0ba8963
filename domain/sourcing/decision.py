"""Where each line of an order leaves from, and why: every place that was looked at, every rule, every cost.

Among the ways that keep the order's and the rule's limits a rule takes the one that serves most units, from the fewest
places, at the least cost. Up to a dozen lines, keep-together groups or split kits that is proven; above, and for lines
that no single place has whole, it is a good way. Equal ways are told apart by the places' fixed sequence and ids, so
that the same input always gives the same decision.
"""

from collections.abc import Iterable
from typing import Annotated

from pydantic import AwareDatetime, Field

from domain.ids import LineId, OrderId, Sku, StoreId
from domain.sourcing.bundles import Bundle, Wanted
from domain.sourcing.candidates import Candidate
from domain.sourcing.drafting import Attempt, Draft, draft, plan
from domain.sourcing.field import Field as Places
from domain.sourcing.reasons import Left, LeftKind, Removal, RemovalKind, Waiting
from domain.sourcing.request import Fixed, SourcingRequest
from domain.sourcing.rules import Costs, Queue, RoutingRules, Rule
from domain.sourcing.subsets import MAX_EXACT, PLACE
from domain.sourcing.survey import PartCost, Surveys, late_days, part_cost

_ASSIGNED = Rule(name="assigned", costs=Costs(per_shipment=0, per_100_km=0, late_per_day=0))


class Allocation(Fixed):
    line_id: LineId
    sku: Sku
    """What is picked: a kit's line has an allocation for each component."""
    quantity: int
    rule: str | None
    """Which rule decided it; none: a person did."""


class Part(Fixed):
    """What leaves from one place."""

    location_id: StoreId
    rule: str | None
    """Which rule opened the part; none: a person did."""
    allocations: tuple[Allocation, ...]
    metres: int
    dispatches_at: AwareDatetime | None
    late_days: int
    """Days begun between the promise and the dispatch."""
    cost: PartCost


class Ranked(Fixed):
    """A place that the rule could have used."""

    location_id: StoreId
    rank: Annotated[int, Field(ge=1)]
    serves: int
    """How many of the open lines, groups or kits it has whole; none: some units of a line that may be split."""
    metres: int
    cost: int
    """Of a part from there, without what its units cost."""
    used: bool


class RuleRun(Fixed):
    """What one rule saw and did."""

    rule: str
    removed: tuple[Removal, ...]
    ranked: tuple[Ranked, ...]
    proven: bool
    """What it took is the best that it could; otherwise it is a good way."""
    left: tuple[Left, ...]


class SourcingDecision(Fixed):
    order_id: OrderId
    rules: str
    rules_version: int
    promise: AwareDatetime | None
    """The original one; no decision moves it."""
    parts: tuple[Part, ...]
    waiting: Waiting | None
    runs: tuple[RuleRun, ...]

    @property
    def splits(self) -> int:
        """Parts beyond the first."""
        return max(0, len(self.parts) - 1)

    @property
    def cost(self) -> int:
        return sum(part.cost.total for part in self.parts)

    @property
    def metres(self) -> int:
        return sum(part.metres for part in self.parts)

    @property
    def queue(self) -> Queue | None:
        return self.waiting.queue if self.waiting else None

    def shortened(self, places: int) -> "SourcingDecision":
        """The best `places` of each rule and those it used, not those it removed: where the whole is too long."""
        runs = [
            run.model_copy(update={"removed": (), "ranked": tuple(r for r in run.ranked if r.used or r.rank <= places)})
            for run in self.runs
        ]
        return self.model_copy(update={"runs": tuple(runs)})


def source(request: SourcingRequest, candidates: Iterable[Candidate], rules: RoutingRules) -> SourcingDecision:
    """Decide one order. Nothing is reserved: `candidates` say what could be promised when they were read."""
    return decide(request, Places(candidates), rules)


def decide(
    request: SourcingRequest, places: Places, rules: RoutingRules, surveys: Surveys | None = None
) -> SourcingDecision:
    """As `source`; what is allocated is taken out of `places`."""
    surveys = surveys or Surveys(request, places.places)
    return explained(draft(request, places, rules, surveys), places, rules, surveys)


def explained(made: Draft, places: Places, rules: RoutingRules, surveys: Surveys) -> SourcingDecision:
    """A draft in full, after it has taken from `places`."""
    stock = _before(made, places)
    runs = tuple(_run(attempt, made, places, stock) for attempt in made.attempts)
    left = [
        Left(line_id=p.line_id, sku=p.sku, quantity=p.quantity, reason=kind)
        for kind, b in made.refused
        for p in b.pieces
    ]
    if runs:
        refused = {(each.line_id, each.sku) for each in left}
        left += [each for each in runs[-1].left if (each.line_id, each.sku) not in refused]
    waiting = None
    if made.queue is not None:
        waiting = Waiting(queue=made.queue[0], rule=made.queue[1], lines=tuple(left))
    return SourcingDecision(
        order_id=made.request.order_id,
        rules=rules.id,
        rules_version=rules.version,
        promise=made.request.promise,
        parts=tuple(_part(made, places, surveys, position) for position in sorted(made.parts)),
        waiting=waiting,
        runs=runs,
    )


def _before(made: Draft, places: Places) -> list[dict[Sku, int]]:
    """What was free before the draft took its own."""
    stock = list(places.stock)
    for position, part in made.parts.items():
        shelf = stock[position] = dict(stock[position])
        for taking in part.taken:
            shelf[taking.sku] += taking.quantity
    return stock


def _part(made: Draft, places: Places, surveys: Surveys, position: int) -> Part:
    drafted, place, metres = made.parts[position], places.places[position], surveys.metres[position]
    late = late_days(made.request, place)
    units = sum(taking.quantity for taking in drafted.taken)
    return Part(
        location_id=place.location_id,
        rule=drafted.rule.name if drafted.rule else None,
        allocations=tuple(Allocation(**taking._asdict()) for taking in drafted.taken),
        metres=metres,
        dispatches_at=place.dispatches_at,
        late_days=late,
        cost=part_cost(drafted.rule or _ASSIGNED, place, metres, late, units),
    )


def _run(attempt: Attempt, made: Draft, places: Places, stock: list[dict[Sku, int]]) -> RuleRun:
    survey, rule = attempt.survey, attempt.survey.rule
    serves: dict[int, int] = {}
    for mask, weight in (*attempt.options, *attempt.opened):
        position = weight & PLACE
        serves[position] = max(serves.get(position, 0), mask.bit_count())
    used = {position for position, _ in attempt.shares} | {
        position for position, part in made.parts.items() if any(taking.rule == rule.name for taking in part.taken)
    }
    full_up = set(attempt.full_up)
    removed = list(survey.removed)
    ranked: list[Ranked] = []
    seen = {sight.position: sight for sight in survey.seen}
    for position in sorted(seen, key=lambda position: seen[position].weight):
        sight, place = seen[position], places.places[position]
        if position in full_up:
            found, limit = places.room[position], rule.filters.capacity_left
            removed.append(
                Removal(location_id=place.location_id, reason=RemovalKind.NO_CAPACITY, found=found, limit=limit)
            )
        elif position in serves or position in used or _has_some(attempt, place, stock[position]):
            ranked.append(
                Ranked(
                    location_id=place.location_id,
                    rank=len(ranked) + 1,
                    serves=serves.get(position, 0),
                    metres=sight.metres,
                    cost=sight.cost,
                    used=position in used,
                )
            )
        else:
            removed.append(_without_stock(attempt, place, stock[position]))
    return RuleRun(
        rule=rule.name,
        removed=tuple(sorted(removed, key=lambda each: each.location_id)),
        ranked=tuple(ranked),
        proven=len(attempt.bundles) <= MAX_EXACT and not attempt.loose and not attempt.rough,
        left=tuple(_left(attempt, made, places, stock)),
    )


def _has_some(attempt: Attempt, place: Candidate, stock: dict[Sku, int]) -> bool:
    """Units of a line that no place has whole, and that may come from several."""
    kept = attempt.survey.rule.filters.stock_left
    return any(stock.get(sku, 0) - place.buffers.get(sku, 0) > kept for bundle in attempt.loose for sku in bundle.needs)


def _without_stock(attempt: Attempt, place: Candidate, stock: dict[Sku, int]) -> Removal:
    kept_back = sum(
        all(stock.get(sku, 0) >= need for sku, need in bundle.needs.items())
        for bundle in (*attempt.bundles, *attempt.loose)
    )
    if kept_back:
        return Removal(location_id=place.location_id, reason=RemovalKind.STOCK_KEPT_BACK, found=kept_back)
    return Removal(location_id=place.location_id, reason=RemovalKind.NO_STOCK)


def _left(attempt: Attempt, made: Draft, places: Places, stock: list[dict[Sku, int]]) -> list[Left]:
    served = able = 0
    for _, mask in attempt.shares:
        served |= mask
    for mask, _ in (*attempt.options, *attempt.opened):
        able |= mask
    left = []
    for n, bundle in enumerate(attempt.bundles):
        if not served >> n & 1:
            reason, found, limit = _reason(attempt, bundle, 1 << n, able, stock)
            left += [
                Left(line_id=p.line_id, sku=p.sku, quantity=p.quantity, reason=reason, found=found, limit=limit)
                for p in bundle.pieces
            ]
    for bundle in attempt.loose:
        whole = bundle.pieces[0]
        taken = sum(
            taking.quantity
            for part in made.parts.values()
            for taking in part.taken
            if taking.line_id == whole.line_id and taking.rule == attempt.survey.rule.name
        )
        if taken < whole.quantity:
            reason = LeftKind.NOWHERE_IN_STOCK if attempt.goal.partial else LeftKind.NOT_WHOLE
            left.append(
                Left(
                    line_id=whole.line_id,
                    sku=whole.sku,
                    quantity=whole.quantity - taken,
                    reason=reason,
                    found=sum(shelf.get(whole.sku, 0) for shelf in stock),
                    limit=whole.quantity,
                )
            )
    return left


def _reason(
    attempt: Attempt, bundle: Bundle, bit: int, able: int, stock: list[dict[Sku, int]]
) -> tuple[LeftKind, int | None, int | None]:
    if not able & bit:
        wanted = Wanted([bundle])
        if any(wanted.of(shelf, {}, 0) for shelf in stock):
            return LeftKind.FILTERED_OUT, None, None
        if len(bundle.needs) > 1 and all(
            any(shelf.get(sku, 0) >= need for shelf in stock) for sku, need in bundle.needs.items()
        ):
            return LeftKind.KEPT_TOGETHER, None, None
        sku, need = max(
            bundle.needs.items(), key=lambda item: item[1] - max((s.get(item[0], 0) for s in stock), default=0)
        )
        return LeftKind.NOWHERE_IN_STOCK, max((shelf.get(sku, 0) for shelf in stock), default=0), need
    goal = attempt.goal
    if not goal.partial and (able != goal.full or attempt.loose):
        return LeftKind.NOT_WHOLE, None, None
    if goal.min_value:
        freely = plan(
            type(goal)(goal.units, goal.values, goal.shift, goal.max_parts, goal.partial),
            attempt.options,
            attempt.opened,
            competing=attempt.competing,
        )
        if any(mask & bit for _, mask in freely):
            return LeftKind.BELOW_MIN_VALUE, bundle.value, goal.min_value
    return LeftKind.TOO_MANY_PARTS, None, attempt.survey.rule.split.max_parts
