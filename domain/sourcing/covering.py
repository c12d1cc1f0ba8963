"""More lines than can be decided exactly: a narrow search over covers, each finished by its best last two places.

A place is a set of lines and a line a set of places, both as bit masks. Places are numbered by weight, so that the
lowest bit of a set of places is the cheapest; lines are numbered by how few places have them, so that what is hard to
serve is looked at first.
"""

from collections.abc import Callable, Sequence
from heapq import nsmallest
from itertools import combinations

from domain.sourcing.subsets import MAX_EXACT, NEVER, PLACE, Goal, Option, Share, best_plan, join

WIDTH = 30_000
"""Beginnings of covers that are followed at a time, times places."""
STARTS = 6
"""Covers that are improved."""
WORK = 40_000
"""Looks at the last place of a cover, after which exchanges of three places end: a bound that no clock moves."""


def good_plan(goal: Goal, options: Sequence[Option], opened: Sequence[Option] = ()) -> list[Share]:
    """As `subsets.best_plan`, near to the best; a place has one option here. The least value of a part is kept too."""
    joined, rest = join(goal.full, opened)
    cover = _Cover(goal, options, rest) if rest else None
    chosen = cover.places() if cover else []
    if rest and not goal.partial and (cover is None or cover.target != rest or not cover.covers(chosen)):
        return []
    shares = list(joined)
    for mask, weight in sorted(chosen, key=lambda option: option[1]):
        if mask & rest:
            shares.append((weight & PLACE, mask & rest))
            rest &= ~mask
    if goal.min_value and (rest or len(shares) > 1 or not goal.whole):
        able = {weight & PLACE: mask for mask, weight in [*opened, *chosen]}
        shares = _worth_sending(goal, shares, able, {weight & PLACE for _, weight in opened}, rest)
    return sorted(shares)


Beginning = tuple[int, int, tuple[int, ...]]
"""(lines that are covered, weight so far, indices of places)."""


class _Cover:
    def __init__(self, goal: Goal, options: Sequence[Option], rest: int) -> None:
        self.goal = goal
        self.options = sorted(((mask & rest, weight) for mask, weight in options if mask & rest), key=lambda o: o[1])
        holders: dict[int, int] = {}
        for index, (mask, _) in enumerate(self.options):
            while mask:
                low = mask & -mask
                holders[low] = holders.get(low, 0) | 1 << index
                mask ^= low
        self.target = sum(holders)
        # Whoever serves the harder line of two also serves the easier one, if all its places have that too.
        hard: list[tuple[int, int]] = []
        for bit, places in sorted(holders.items(), key=lambda item: (item[1].bit_count(), item[0])):
            if not any(places & other == other for _, other in hard):
                hard.append((bit, places))
        self.holders = [places for _, places in hard]
        self.masks = [0] * len(self.options)
        for number, places in enumerate(self.holders):
            while places:
                low = places & -places
                self.masks[low.bit_length() - 1] |= 1 << number
                places ^= low
        self.weights = [weight for _, weight in self.options]
        self.full = (1 << len(self.holders)) - 1
        # Longer orders get a narrower search, so that they do not take longer.
        long = max(1, len(self.holders) // 50)
        self.work = WORK // long
        self.width = max(4, WIDTH // long // max(1, len(self.masks)))

    def places(self) -> list[Option]:
        if len(self.holders) <= MAX_EXACT:
            return self._exactly()
        found = self._search()
        return [self.options[index] for index in found]

    def covers(self, chosen: Sequence[Option]) -> bool:
        served = 0
        for mask, _ in chosen:
            served |= mask
        return served & self.target == self.target

    def _exactly(self) -> list[Option]:
        options = {option[1] & PLACE: option for option in self.options}
        ones = [1] * len(self.holders)
        goal = Goal(ones, ones, self.goal.shift, self.goal.max_parts)
        plan = best_plan(goal, list(zip(self.masks, self.weights, strict=True)))
        return [options[place] for place, _ in plan]

    def _search(self) -> list[int]:
        """Indices of places; all is covered unless more parts than allowed were needed."""
        beginnings: list[Beginning] = [(0, 0, ())]
        for depth in range(self.goal.max_parts):
            for last in (1, 2):
                if depth + last > self.goal.max_parts:
                    break
                found = {}
                for covered, weight, chosen in beginnings:
                    more, ends = self._finish(self.full & ~covered, last, NEVER)
                    if more < NEVER:
                        found[frozenset((*chosen, *ends))] = weight + more
                if found:
                    starts = nsmallest(STARTS, ((weight, sorted(chosen)) for chosen, weight in found.items()))
                    return min(self._improved(chosen) for _, chosen in starts)[1]
            beginnings = self._longer(beginnings)
        return list(min(beginnings, key=lambda b: (-b[0].bit_count(), b[1]))[2])

    def _longer(self, beginnings: Sequence[Beginning]) -> list[Beginning]:
        grown: dict[int, Beginning] = {}
        for covered, weight, chosen in beginnings:
            for index, mask in enumerate(self.masks):
                both = covered | mask
                if both != covered:
                    known = grown.get(both)
                    if known is None or weight + self.weights[index] < known[1]:
                        grown[both] = (both, weight + self.weights[index], (*chosen, index))
        best = nsmallest(self.width, grown.values(), key=lambda b: (-b[0].bit_count(), b[1]))
        return best or list(beginnings)

    def _finish(self, rest: int, parts: int, limit: int) -> tuple[int, tuple[int, ...]]:
        """The cheapest `parts` places or fewer that serve all of `rest`, if they are cheaper than `limit`."""
        if not rest:
            return 0, ()
        best, ends = limit, tuple[int, ...]()
        if parts == 1:
            self.work -= 1
            able = self._able(rest)
            index = (able & -able).bit_length() - 1
            return (self.weights[index], (index,)) if able and self.weights[index] < limit else (NEVER, ())
        least = self.weights[0] * (parts - 1)
        candidates = self.holders[(rest & -rest).bit_length() - 1]
        while candidates:
            low = candidates & -candidates
            candidates ^= low
            first = low.bit_length() - 1
            weight = self.weights[first]
            if weight + (least if rest & ~self.masks[first] else 0) >= best or (self.work < 0 and parts > 2):
                break
            more, others = self._finish(rest & ~self.masks[first], parts - 1, best - weight)
            if weight + more < best:
                best, ends = weight + more, (first, *others)
        return (best, ends) if ends else (NEVER, ())

    def _able(self, rest: int) -> int:
        able = -1 if rest else (1 << len(self.masks)) - 1
        while rest and able:
            low = rest & -rest
            able &= self.holders[low.bit_length() - 1]
            rest ^= low
        return able

    def _improved(self, chosen: list[int]) -> tuple[int, list[int]]:
        """Exchange two places for the best that do their work, and three within bounds, until nothing gets cheaper."""
        size = 2
        while size <= 3:
            for given in combinations(chosen, size):
                kept = [each for each in chosen if each not in given]
                rest = self.full
                for each in kept:
                    rest &= ~self.masks[each]
                weight, taken = self._finish(rest, size, sum(self.weights[each] for each in given))
                if weight < NEVER:
                    chosen, size = kept + list(taken), 1
                    break
                if size == 3 and self.work < 0:
                    break
            size += 1
        return sum(self.weights[each] for each in chosen), chosen


def _worth_sending(goal: Goal, shares: list[Share], able: dict[int, int], opened: set[int], left: int) -> list[Share]:
    """Bring every part and what is left up to the least value, or leave it: small parts join others, or fetch lines."""
    held = dict(shares)

    def value(mask: int) -> int:
        return sum(worth for number, worth in enumerate(goal.values) if mask >> number & 1)

    for place in sorted(held, key=lambda each: (value(held[each]), each)):
        if place in opened or value(held[place]) >= goal.min_value:
            continue
        for other in sorted(held):
            moved = held[place] & able[other] if other != place else 0
            held[other] |= moved
            held[place] &= ~moved
        if held[place]:
            _fetch(goal, place, held, able, opened, value)
        if value(held[place]) < goal.min_value:
            left |= held[place]
            del held[place]
    while left and held and value(left) < goal.min_value:
        closed = [place for place in held if place not in opened]
        if not closed or not goal.partial:
            break
        smallest = min(closed, key=lambda each: (value(held[each]), each))
        left |= held.pop(smallest)
    if left and (not goal.partial or value(left) < goal.min_value):
        return []
    return sorted((place, mask) for place, mask in held.items() if mask)


def _fetch(
    goal: Goal, place: int, held: dict[int, int], able: dict[int, int], opened: set[int], worth: Callable[[int], int]
) -> None:
    """Lines that `place` can serve too come over from parts that can spare them."""
    for other in sorted(held):
        lines = held[other] & able[place] if other != place else 0
        while lines and worth(held[place]) < goal.min_value:
            low = lines & -lines
            lines ^= low
            if other in opened or worth(held[other] & ~low) >= goal.min_value:
                held[other] &= ~low
                held[place] |= low
