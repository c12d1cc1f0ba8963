"""One rule's look at all places for one order: who may serve, what a part from there would cost, who may not and why.

Nothing here depends on stock or capacity, so that a survey stays true while those change hands.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import NamedTuple

from domain.ids import StoreId
from domain.sourcing.bundles import Bundle
from domain.sourcing.candidates import Candidate
from domain.sourcing.distance import metres_from
from domain.sourcing.reasons import Removal, RemovalKind
from domain.sourcing.request import Fixed, SourcingRequest
from domain.sourcing.rules import Criterion, Rule
from domain.sourcing.subsets import shift_of, weight_of

_MOST = 1 << 40
_MOST_DAYS = 10_000
_DAY = timedelta(days=1)


class PartCost(Fixed):
    """Minor units."""

    distance: int
    shipment: int
    handling: int
    units: int
    late: int

    @property
    def total(self) -> int:
        return self.distance + self.shipment + self.handling + self.units + self.late


class Sight(NamedTuple):
    """A place that may serve."""

    position: int
    metres: int
    late_days: int
    cost: int
    """Of a part from there, without its units."""
    weight: int


class Survey(NamedTuple):
    rule: Rule
    seen: list[Sight]
    removed: list[Removal]
    shift: int
    """Where the number of parts begins in the weights."""


class Surveys:
    """An order's surveys, each made when it is first asked for; of all places, or of those at some positions only."""

    def __init__(self, request: SourcingRequest, places: list[Candidate], only: Iterable[int] | None = None) -> None:
        metres = metres_from(request.destination.latitude, request.destination.longitude)
        positions = range(len(places)) if only is None else sorted(only)
        self.metres = {at: metres(places[at].latitude, places[at].longitude) for at in positions}
        self._request, self._places = request, places
        self._made: dict[str, Survey] = {}
        self._costs: dict[str, dict[int, int]] = {}
        self._bundles: dict[str, list[Bundle]] = {}

    def of(self, rule: Rule) -> Survey:
        if rule.name not in self._made:
            self._made[rule.name] = survey(rule, self._request, self._places, self.metres)
        return self._made[rule.name]

    def kept(self, rule: str, make: Callable[[], list[Bundle]]) -> list[Bundle]:
        """What the rule may serve while nothing of the order is allocated: the same whenever it is asked."""
        if rule not in self._bundles:
            self._bundles[rule] = make()
        return self._bundles[rule]

    def cost(self, rule: Rule, position: int) -> int:
        """Of a part from there, without its units."""
        if rule.name not in self._costs:
            self._costs[rule.name] = {sight.position: sight.cost for sight in self.of(rule).seen}
        return self._costs[rule.name][position]


def survey(rule: Rule, request: SourcingRequest, places: list[Candidate], far: Mapping[int, int]) -> Survey:
    """`places` by id; `far` the distances, in metres, of those to look at, by position."""
    excluded, declined = frozenset(request.exclude), frozenset(request.declined)
    criteria = criteria_of(rule)
    order = {location_id: n for n, location_id in enumerate(rule.sequence)}
    seen: list[Sight] = []
    removed: list[Removal] = []
    for position, metres in far.items():
        place = places[position]
        if place.location_id in excluded:
            removed.append(Removal(location_id=place.location_id, reason=RemovalKind.EXCLUDED))
        elif place.location_id in declined:
            removed.append(Removal(location_id=place.location_id, reason=RemovalKind.DECLINED))
        elif (reason := removal(rule, request, place, metres)) is not None:
            removed.append(reason)
        else:
            late = late_days(request, place)
            cost = _cost_without_units(rule, place, metres, late)
            values = [_measure(each, place, metres, cost, order) for each in criteria]
            seen.append(Sight(position, metres, late, cost, weight_of(position, values)))
    return Survey(rule, seen, removed, shift_of(len(criteria)))


def criteria_of(rule: Rule) -> list[Criterion]:
    """The rule's own, then cost, then the fixed sequence if it has one."""
    last = [Criterion.COST, Criterion.SEQUENCE] if rule.sequence else [Criterion.COST]
    return [*rule.rank, *(each for each in last if each not in rule.rank)]


def removal(rule: Rule, request: SourcingRequest, place: Candidate, metres: int) -> Removal | None:
    """The first filter that the place does not pass."""
    wants = rule.filters

    def by(reason: RemovalKind, found: int | str | None = None, limit: int | str | None = None) -> Removal:
        return Removal(location_id=place.location_id, reason=reason, found=found, limit=limit)

    if not place.ships:
        return by(RemovalKind.SHIPS_NOTHING)
    if place.paused:
        return by(RemovalKind.PAUSED)
    if place.dispatches_at is None:
        return by(RemovalKind.CLOSED)
    if wants.kinds and place.kind not in wants.kinds:
        return by(RemovalKind.WRONG_KIND, place.kind, ", ".join(wants.kinds))
    if wants.groups and not any(group in wants.groups for group in place.groups):
        return by(RemovalKind.WRONG_GROUP, ", ".join(place.groups), ", ".join(wants.groups))
    if wants.not_groups and any(group in wants.not_groups for group in place.groups):
        return by(RemovalKind.WRONG_GROUP, ", ".join(place.groups), "not " + ", not ".join(wants.not_groups))
    if wants.countries and place.country not in wants.countries:
        return by(RemovalKind.WRONG_COUNTRY, place.country, ", ".join(wants.countries))
    if wants.same_country and place.country != request.destination.country:
        return by(RemovalKind.WRONG_COUNTRY, place.country, request.destination.country)
    if wants.max_km is not None and metres > wants.max_km * 1000:
        return by(RemovalKind.TOO_FAR, -(-metres // 1000), wants.max_km)
    if wants.by_promise and request.promise is not None and place.dispatches_at > request.promise:
        return by(RemovalKind.TOO_LATE, place.dispatches_at.isoformat(), request.promise.isoformat())
    return None


def late_days(request: SourcingRequest, place: Candidate) -> int:
    """Days begun between the promise and the dispatch."""
    if request.promise is None or place.dispatches_at is None or place.dispatches_at <= request.promise:
        return 0
    return -(-(place.dispatches_at - request.promise) // _DAY)


def part_cost(rule: Rule, place: Candidate, metres: int, late: int, units: int) -> PartCost:
    costs = rule.costs
    return PartCost(
        distance=_distance_cost(rule, metres),
        shipment=costs.per_shipment,
        handling=place.handling_cost,
        units=costs.per_unit * units,
        late=costs.late_per_day * min(late, _MOST_DAYS),
    )


def _cost_without_units(rule: Rule, place: Candidate, metres: int, late: int) -> int:
    costs = rule.costs
    late_cost = costs.late_per_day * min(late, _MOST_DAYS)
    return _distance_cost(rule, metres) + costs.per_shipment + place.handling_cost + late_cost


def _distance_cost(rule: Rule, metres: int) -> int:
    return (metres * rule.costs.per_100_km + 50_000) // 100_000


def _measure(criterion: Criterion, place: Candidate, metres: int, cost: int, order: dict[StoreId, int]) -> int:
    """Less is better."""
    match criterion:
        case Criterion.COST:
            return cost
        case Criterion.PROXIMITY:
            return metres
        case Criterion.BALANCE:
            return min(place.open_load, _MOST)
        case Criterion.CAPACITY_LEFT:
            return 0 if place.capacity_left is None else _MOST - min(place.capacity_left, _MOST)
        case Criterion.SEQUENCE:
            return order.get(place.location_id, len(order))
