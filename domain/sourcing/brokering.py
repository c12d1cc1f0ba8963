"""Many orders at once, on shared stock and shared capacity: who gets the last unit where it saves a parcel.

One at a time, an order takes what is best for it alone, and the next one is split over what remains. A run begins with
the orders that have the fewest places to leave whole from. Then it goes through those that fare worse than they would
alone: some who hold what such an order needs are lifted with it, it goes first, they go elsewhere, and the exchange
stays unless all of them together are worse off. Better for all is: fewer units left, then fewer parts, then less cost.
Lots are drawn by a fixed rule, so that the same orders always end alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from domain.ids import Sku, StoreId
from domain.sourcing.candidates import Candidate
from domain.sourcing.decision import SourcingDecision, decide
from domain.sourcing.drafting import Draft, draft, redo, undo
from domain.sourcing.field import Field
from domain.sourcing.request import SourcingRequest
from domain.sourcing.rules import RoutingRules
from domain.sourcing.subsets import PLACE
from domain.sourcing.survey import Surveys

WORK = 30
"""Tries for each order, after which a run ends as it stands: a bound that no clock moves."""
PLACES_TRIED = 8
"""Of the places that an order would leave whole from."""
MOVED = 4
"""Orders that are asked to make room at one of them."""


def one_at_a_time(
    orders: Sequence[SourcingRequest], candidates: Iterable[Candidate], rules: RoutingRules
) -> tuple[SourcingDecision, ...]:
    """In the given order, each as is best for it on what the others left."""
    places = Field(candidates)
    return tuple(decide(request, places, rules) for request in orders)


def broker(
    orders: Sequence[SourcingRequest], candidates: Iterable[Candidate], rules: RoutingRules, *, work: int = WORK
) -> tuple[SourcingDecision, ...]:
    """A decision for each of `orders`, in their order. Earlier ones go first where nothing else tells them apart."""
    run = _Run(orders, Field(candidates), rules, work * len(orders))
    run.begin()
    run.improve()
    return run.decisions()


Worth = int
"""What a plan costs all: compares and adds up as (units left, parts, cost)."""
ONE_PART = 1 << 59
"""Less than a part, more than any difference in cost."""


class _Run:
    def __init__(self, orders: Sequence[SourcingRequest], places: Field, rules: RoutingRules, work: int) -> None:
        self.orders, self.places, self.rules, self.work = orders, places, rules, work
        having: dict[Sku, set[int]] = defaultdict(set)
        for position, place in enumerate(places.places):
            for sku, units in place.stock.items():
                if units > 0:
                    having[sku].add(position)
        self.surveys = [Surveys(request, places.places, _near(request, having, places)) for request in orders]
        self._seed = 1
        self.needs = [_needs(request) for request in orders]
        self.drafts: dict[int, Draft] = {}
        self.worth: dict[int, Worth] = {}
        self.alone: list[Worth] = []
        """What each order would cost if it were the only one."""
        self.wishes: list[list[int]] = []
        """The positions that would serve each order best, if it were the only one."""
        self.holders: dict[int, set[int]] = defaultdict(set)
        """Who has a part at a position."""

    def begin(self) -> None:
        """Each order in turn, those first that have the fewest places to leave whole from."""
        few: list[tuple[int, int, int]] = []
        for number in range(len(self.orders)):
            made = self._draft(number)
            undo(made, self.places)
            self.alone.append(self._worth(number, made))
            wishes = self._wishes(made)
            self.wishes.append(wishes)
            whole = len(wishes) if len(made.parts) == 1 else 0
            few.append((whole, -len(self.orders[number].lines), number))
        for _, _, number in sorted(few):
            self._put(number, self._draft(number))

    def improve(self) -> None:
        """Until nobody fares worse than alone, or the work is done."""
        rounds = 0
        while self.work > 0:
            # Three rounds of four for those who miss units or parts, since these count before any cost.
            least = 0 if rounds % 4 == 3 else ONE_PART
            rounds += 1
            gaps = {n: self.worth[n] - self.alone[n] for n in range(len(self.orders))}
            worse = sorted((n for n, gap in gaps.items() if gap > least), key=lambda n: (-gaps[n], n))
            if not worse and not least:
                return
            for number in worse:
                if self.work <= 0:
                    return
                if self.worth[number] - self.alone[number] > least:
                    self._make_room(number)

    def decisions(self) -> tuple[SourcingDecision, ...]:
        """Each draft once more and in full, on what the others leave: never worse than what it was."""
        found = []
        for number, request in enumerate(self.orders):
            undo(self.drafts[number], self.places)
            found.append(decide(request, self.places, self.rules))
        return tuple(found)

    def _make_room(self, number: int) -> None:
        """Some who are in the way of `number` go elsewhere, after it; the exchange stays unless all are worse off."""
        self.work -= 1
        wishes = self.wishes[number]
        if not wishes:
            return
        position = wishes[self._lot(min(len(wishes), PLACES_TRIED))]
        moved = [number, *self._some(self._in_the_way(number, position, (number,)), MOVED)]
        for other in moved[1:3]:
            if self.wishes[other]:
                there = self.wishes[other][self._lot(min(len(self.wishes[other]), PLACES_TRIED))]
                moved += self._some(self._in_the_way(other, there, tuple(moved)), 1)
        kept = [(each, self.drafts[each], self.worth[each]) for each in moved]
        for each in moved:
            self._lift(each)
        for each in moved:
            self._put(each, self._draft(each))
        if sum(self.worth[each] for each in moved) > sum(worth for _, _, worth in kept):
            for each in moved:
                self._lift(each)
            for each, made, worth in kept:
                redo(made, self.places)
                self.drafts[each], self.worth[each] = made, worth
                self._hold(each)

    def _lot(self, among: int) -> int:
        """A number below `among`: scattered, and the same in every run (Knuth's MMIX congruence)."""
        self._seed = (self._seed * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        return (self._seed >> 33) % among

    def _some(self, found: list[int], most: int) -> list[int]:
        chosen: list[int] = []
        while found and len(chosen) < most:
            chosen.append(found.pop(self._lot(len(found))))
        return chosen

    def _in_the_way(self, number: int, position: int, chain: tuple[int, ...]) -> list[int]:
        """Who holds at `position` what the order misses there; those with the most other ways first."""
        stock, full = self.places.stock[position], self.places.room[position] == 0
        needs = self.needs[number]
        short = {sku for sku, need in needs.items() if stock.get(sku, 0) < need}
        mine = self.drafts[number].parts.get(position)
        if mine is not None:
            short -= {taking.sku for taking in mine.taken}
        found = [
            (-len(self.wishes[other]), other)
            for other in self.holders[position]
            if other not in chain
            and (full or any(taking.sku in short for taking in self.drafts[other].parts[position].taken))
        ]
        return [other for _, other in sorted(found)]

    def _wishes(self, made: Draft) -> list[int]:
        """Places that could serve most of the order at once, the best first."""
        if not made.attempts:
            return []
        options = [option for attempt in made.attempts[:1] for option in attempt.options]
        most = max((mask.bit_count() for mask, _ in options), default=0)
        best = sorted((weight, mask) for mask, weight in options if mask.bit_count() == most)
        return [weight & PLACE for weight, _ in best]

    def _draft(self, number: int) -> Draft:
        self.work -= 1
        return draft(self.orders[number], self.places, self.rules, self.surveys[number])

    def _put(self, number: int, made: Draft) -> None:
        self.drafts[number], self.worth[number] = made, self._worth(number, made)
        self._hold(number)

    def _hold(self, number: int) -> None:
        for position in self.drafts[number].parts:
            self.holders[position].add(number)

    def _lift(self, number: int) -> None:
        made = self.drafts[number]
        undo(made, self.places)
        for position in made.parts:
            self.holders[position].discard(number)

    def _worth(self, number: int, made: Draft) -> Worth:
        cost = 0
        for position, part in made.parts.items():
            if part.rule is not None:
                cost += self.surveys[number].cost(part.rule, position)
        return (made.left_units << 40 | len(made.parts)) << 60 | cost


def _needs(request: SourcingRequest) -> dict[Sku, int]:
    needs: Counter[Sku] = Counter()
    for line in request.lines:
        needs.update(line.needs())
    return dict(needs)


def _near(request: SourcingRequest, having: dict[Sku, set[int]], places: Field) -> set[int]:
    """Positions that have some of the order; others can never serve it."""
    found: set[int] = set()
    for line in request.lines:
        for sku in line.needs():
            found |= having.get(sku, set())
    pins: set[StoreId] = set(request.pinned.values())
    return found | {places.position[each] for each in pins if each in places.position}
