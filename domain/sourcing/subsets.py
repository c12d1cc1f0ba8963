"""The fewest parts, then the least cost, proven: a dynamic programme over sets of lines, for up to a dozen of them.

Places that can serve the same set of lines collapse to the cheapest of them, so that a thousand stores become a few
dozen sets. A set of lines is a bit mask. A weight is one integer that compares as the tuple (parts, criteria in their
order, position of the place), and adds up as such, so that sums of weights compare as whole plans do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest

MAX_EXACT = 12
"""So many lines, bundles or components are decided exactly."""
POSITION_BITS = 30
PLACE = (1 << 20) - 1
"""A weight's lowest bits say whose it is; sums of them stay below the criteria's."""
FIELD_BITS = 52
NEVER = 1 << 1000

Option = tuple[int, int]
"""(lines that a place can serve together, its weight). A place whose lines compete for its stock has several."""
Share = tuple[int, int]
"""(position of the place, the lines it serves)."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a plan must keep to. Index by index, `units` and `values` tell of the lines."""

    units: Sequence[int]
    values: Sequence[int]
    shift: int
    """Where in a weight the number of parts begins."""
    max_parts: int
    partial: bool = True
    min_value: int = 0
    whole: bool = True
    """Nothing of the order is elsewhere: served from one place it is not taken apart."""

    @property
    def full(self) -> int:
        return (1 << len(self.units)) - 1


def weight_of(position: int, criteria: Sequence[int], *, opened: bool = False) -> int:
    """Of one more part from the place at `position`; from a place that already has a part it is only its position."""
    if opened:
        return position
    weight = 1
    for value in criteria:
        weight = weight << FIELD_BITS | value
    return weight << POSITION_BITS | position


def shift_of(criteria: int) -> int:
    return criteria * FIELD_BITS + POSITION_BITS


def best_plan(
    goal: Goal, options: Sequence[Option], opened: Sequence[Option] = (), *, competing: bool = False
) -> list[Share]:
    """Serve as many units as can be, from as few places as can be, at the least cost.

    `opened` are places that already have a part of the order: more from them costs nothing. `competing`: some place
    has several options, of which it may serve one.
    """
    if not goal.min_value and not competing:
        joined, rest = join(goal.full, opened)
        found = _cover(goal, options, rest) if rest else []
        if found is not None:
            return joined + found if found or goal.partial or not rest else []
    return _partition(goal, options, opened, competing=competing)


def join(rest: int, opened: Sequence[Option]) -> tuple[list[Share], int]:
    """What places that already have a part can take on, and what remains."""
    joined = []
    for mask, weight in opened:
        if mask & rest:
            joined.append((weight & PLACE, mask & rest))
            rest &= ~mask
    return joined, rest


def cheapest_by_set(options: Sequence[Option], rest: int) -> dict[int, int]:
    best: dict[int, int] = {}
    get = best.get
    for mask, weight in options:
        wanted = mask & rest
        if weight < get(wanted, NEVER):
            best[wanted] = weight
    best.pop(0, None)
    return best


def _cover(goal: Goal, options: Sequence[Option], rest: int) -> list[Share] | None:
    """Up to three parts by looking at sets of places; None when more are needed, or as many are not allowed."""
    best = cheapest_by_set(options, rest)
    target = 0
    for mask in best:
        target |= mask
    if not target or goal.max_parts < 1 or (target != rest and not goal.partial):
        return []
    if target in best:
        return [(best[target] & PLACE, target)]
    if goal.max_parts < 2:
        return None
    least = _least_of_supersets(best, goal.full + 1)
    useful = sorted((weight, mask) for mask, weight in best.items() if least[mask] == weight)
    found, first = min((weight + least[target & ~mask], mask) for weight, mask in useful)
    if found < NEVER:
        return _shares(target, [best[first], least[target & ~first]], [first, target])
    if goal.max_parts < 3:
        return None
    found, pair = NEVER, (0, 0)
    for index, (weight, mask) in enumerate(useful):
        for other_weight, other in useful[index + 1 :]:
            both = mask | other
            if both != mask and (cost := weight + other_weight + least[target & ~both]) < found:
                found, pair = cost, (mask, other)
    if found >= NEVER:
        return None
    first, second = pair
    return _shares(target, [best[first], best[second], least[target & ~(first | second)]], [first, second, target])


def _shares(target: int, weights: list[int], masks: list[int]) -> list[Share]:
    """Give each line to the first place in line that can serve it."""
    shares = []
    for weight, mask in zip(weights, masks, strict=True):
        shares.append((weight & PLACE, mask & target))
        target &= ~mask
    return shares


def _least_of_supersets(best: dict[int, int], size: int) -> list[int]:
    """For every set the least weight of a place that can serve all of it."""
    least = [NEVER] * size
    for mask, weight in best.items():
        least[mask] = weight
    bit = 1
    while bit < size:
        for mask in range(size):
            if not mask & bit and least[mask | bit] < least[mask]:
                least[mask] = least[mask | bit]
        bit <<= 1
    return least


def _partition(goal: Goal, options: Sequence[Option], opened: Sequence[Option], *, competing: bool) -> list[Share]:
    """The general case: the best way to part every set of lines, out of the best ways to part smaller ones."""
    full, size = goal.full, goal.full + 1
    units, values = _sums(goal.units), _sums(goal.values)
    alone = _least_of_supersets(cheapest_by_set(options, full), size)
    serve = [weight if values[mask] >= goal.min_value else NEVER for mask, weight in enumerate(alone)]
    for mask, weight in opened:
        part = mask
        while part:
            serve[part] = min(serve[part], weight)
            part = (part - 1) & mask
    if goal.whole and not opened:
        serve[full] = alone[full]
    total, taken = [0] * size, [0] * size
    for mask in range(1, size):
        low = mask & -mask
        rest = part = mask ^ low
        least, way = NEVER, 0
        while True:
            cost = serve[part | low] + total[mask ^ low ^ part]
            if cost < least:
                least, way = cost, part | low
            if not part:
                break
            part = (part - 1) & rest
        total[mask], taken[mask] = least, way

    def allowed(mask: int) -> bool:
        # Nothing at all is always allowed: also where there are more parts already than a rule would make.
        if mask and (total[mask] >= NEVER or total[mask] >> goal.shift > goal.max_parts):
            return False
        left = full & ~mask
        return not left or not mask or (goal.partial and values[left] >= goal.min_value)

    targets = sorted((units[full & ~mask], total[mask], mask) for mask in range(size) if allowed(mask))
    if competing:
        return _distinct(goal, options, opened, total, targets, values)
    mask, shares = targets[0][2], []
    while mask:
        shares.append((serve[taken[mask]] & PLACE, taken[mask]))
        mask ^= taken[mask]
    return _merged(shares)


def _sums(each: Sequence[int]) -> list[int]:
    sums = [0]
    for value in each:
        sums += [value + known for known in sums]
    return sums


def _merged(shares: list[Share]) -> list[Share]:
    merged: dict[int, int] = {}
    for place, mask in shares:
        merged[place] = merged.get(place, 0) | mask
    return sorted(merged.items())


def _distinct(
    goal: Goal,
    options: Sequence[Option],
    opened: Sequence[Option],
    bound: Sequence[int],
    targets: Sequence[tuple[int, int, int]],
    values: Sequence[int],
) -> list[Share]:
    """No place serves two sets whose stock competes: branch and bound, the parting of sets being the bound.

    The best plan serves each set from one of its n cheapest places, since its other parts can hold n - 1 of them.
    """
    by_set: dict[int, list[int]] = {}
    for mask, weight in options:
        by_set.setdefault(mask, []).append(weight)
    cheap = [(weight, mask, False) for mask, each in by_set.items() for weight in nsmallest(len(goal.units), each)]
    everywhere = sorted([(weight, mask, True) for mask, weight in opened] + cheap)
    known: dict[int, list[int]] = {}

    def servers(part: int) -> list[int]:
        if part not in known:
            worth = values[part] >= goal.min_value or (goal.whole and not opened and part == goal.full)
            found = dict.fromkeys(w for w, mask, join in everywhere if mask & part == part and (join or worth))
            known[part] = list(found)[: len(goal.units)]
        return known[part]

    best, plan = NEVER, list[Share]()

    def descend(rest: int, cost: int, chosen: list[Share]) -> None:
        nonlocal best, plan
        least = cost + bound[rest]
        if least >= best or least >> goal.shift > goal.max_parts:
            return
        if not rest:
            best, plan = cost, list(chosen)
            return
        low = rest & -rest
        others = part = rest ^ low
        used = {place for place, _ in chosen}
        while True:
            for weight in servers(part | low):
                if weight & PLACE not in used:
                    chosen.append((weight & PLACE, part | low))
                    descend(others & ~part, cost + weight, chosen)
                    chosen.pop()
            if not part:
                return
            part = (part - 1) & others

    left_by_best = -1
    for left, _, mask in targets:
        if best < NEVER and left > left_by_best:
            break
        descend(mask, 0, [])
        if best < NEVER:
            left_by_best = left
    return sorted(plan)
