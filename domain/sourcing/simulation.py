"""A proposed rule set, tried on past orders beside the one that counts, without effects."""

from collections import Counter
from collections.abc import Iterable

from pydantic import Field

from domain.ids import LineId, OrderId, StoreId
from domain.sourcing.candidates import Candidate
from domain.sourcing.decision import SourcingDecision, source
from domain.sourcing.request import Fixed, SourcingRequest
from domain.sourcing.rules import Queue, RoutingRules


class Snapshot(Fixed):
    """A past order, and the places as they were when it was sourced."""

    request: SourcingRequest
    candidates: tuple[Candidate, ...]


def snapshot_of(request: SourcingRequest, candidates: Iterable[Candidate]) -> Snapshot:
    """As little as decides the same again: places that have some of the order, and of their stock what it is about."""
    skus = {sku for line in request.lines for sku in line.needs()}
    kept = []
    for place in sorted(candidates, key=lambda each: each.location_id):
        stock = {sku: units for sku, units in place.stock.items() if sku in skus and units > 0}
        if stock:
            buffers = {sku: units for sku, units in place.buffers.items() if sku in stock}
            kept.append(place.model_copy(update={"stock": stock, "buffers": buffers}))
    return Snapshot(request=request, candidates=tuple(kept))


class Totals(Fixed):
    splits: int = 0
    """Parts beyond the first of each order."""
    cost: int = 0
    """Minor units."""
    distance: int = 0
    """Metres that the parcels go, along great circles."""
    by_location: dict[StoreId, int] = Field(default_factory=dict)
    """Parcels that each place would have."""
    late: int = 0
    """Parcels that leave after their promise."""
    waiting: dict[Queue, int] = Field(default_factory=dict)
    """Orders that leave something in a queue."""


class Way(Fixed):
    """How an order goes: which lines leave from where, and what waits."""

    parts: dict[StoreId, tuple[LineId, ...]]
    queue: Queue | None
    cost: int


class Changed(Fixed):
    order_id: OrderId
    now: Way
    proposed: Way


class Simulation(Fixed):
    now: Totals
    proposed: Totals
    changed: tuple[Changed, ...]
    """Orders that would leave from other places, or wait elsewhere."""


def simulate(rules_now: RoutingRules, rules_proposed: RoutingRules, orders: Iterable[Snapshot]) -> Simulation:
    """Each order by itself, on the stock and capacity of its own time."""
    now, proposed, changed = [], [], []
    for order in orders:
        before = source(order.request, order.candidates, rules_now)
        after = source(order.request, order.candidates, rules_proposed)
        now.append(before)
        proposed.append(after)
        ways = _way(before), _way(after)
        if (ways[0].parts, ways[0].queue) != (ways[1].parts, ways[1].queue):
            changed.append(Changed(order_id=order.request.order_id, now=ways[0], proposed=ways[1]))
    return Simulation(now=totals(now), proposed=totals(proposed), changed=tuple(changed))


def totals(decisions: Iterable[SourcingDecision]) -> Totals:
    made = list(decisions)
    parts = [part for decision in made for part in decision.parts]
    return Totals(
        splits=sum(decision.splits for decision in made),
        cost=sum(decision.cost for decision in made),
        distance=sum(part.metres for part in parts),
        by_location=dict(sorted(Counter(part.location_id for part in parts).items())),
        late=sum(part.late_days > 0 for part in parts),
        waiting=dict(sorted(Counter(decision.queue for decision in made if decision.queue is not None).items())),
    )


def _way(decision: SourcingDecision) -> Way:
    parts = {
        part.location_id: tuple(dict.fromkeys(allocation.line_id for allocation in part.allocations))
        for part in decision.parts
    }
    return Way(parts=parts, queue=decision.queue, cost=decision.cost)
