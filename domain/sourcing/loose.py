"""Lines whose units may come from several places, because no single one has them all.

A good way, not a proven one: what the parts that are sent anyway can add comes first; then the largest stocks, until
one place can complete the line, which is the cheapest that can; then each of the large ones gives way to a cheaper
place that has enough all the same. For a single line this needs as few places as can be.
"""

from collections.abc import Sequence

from domain.ids import Sku
from domain.sourcing.bundles import Bundle, Piece
from domain.sourcing.field import Field
from domain.sourcing.subsets import Goal, Share
from domain.sourcing.survey import Sight, Survey

Spread = dict[int, list[Piece]]
"""Pieces by the position of their place."""


def spread(
    loose: Sequence[Bundle],
    shares: Sequence[Share],
    bundles: Sequence[Bundle],
    goal: Goal,
    seen: Survey,
    places: Field,
    parts: set[int],
) -> Spread | None:
    """Where the units of `loose` lines come from, beside `shares`; None: the rule may not serve any of the order."""
    taken: dict[tuple[int, Sku], int] = {}
    worth: dict[int, int] = {}
    for position, mask in shares:
        for n, bundle in enumerate(bundles):
            if mask >> n & 1:
                worth[position] = worth.get(position, 0) + bundle.value
                for sku, need in bundle.needs.items():
                    taken[position, sku] = taken.get((position, sku), 0) + need
    used = parts | {position for position, _ in shares}
    room = goal.max_parts - len(used - parts)
    found: Spread = {}
    for bundle in loose:
        whole = bundle.pieces[0]
        free = _free(whole, seen, places, taken, used)
        chosen = _choose(whole.quantity, free, used, room)
        if sum(units for _, units in chosen) < whole.quantity and not goal.partial:
            return None
        done = 0
        for position, units in chosen:
            value = whole.value * (done + units) // whole.quantity - whole.value * done // whole.quantity
            done += units
            found.setdefault(position, []).append(whole._replace(quantity=units, value=value))
            taken[position, whole.sku] = taken.get((position, whole.sku), 0) + units
            worth[position] = worth.get(position, 0) + value
            room -= position not in used
            used.add(position)
    return _worth_sending(found, shares, worth, [*bundles, *loose], goal, parts)  # shares index into the first ones


def _free(
    whole: Piece, seen: Survey, places: Field, taken: dict[tuple[int, Sku], int], used: set[int]
) -> dict[Sight, int]:
    kept, least_room = seen.rule.filters.stock_left, seen.rule.filters.capacity_left
    free = {}
    for sight in seen.seen:
        position = sight.position
        room = places.room[position]
        if position not in used and room is not None and room < least_room:
            continue
        there = places.stock[position].get(whole.sku, 0) - places.places[position].buffers.get(whole.sku, 0) - kept
        units = there - taken.get((position, whole.sku), 0)
        if units > 0:
            free[sight] = units
    return free


def _choose(need: int, free: dict[Sight, int], used: set[int], room: int) -> list[tuple[int, int]]:
    """(position, units), never more than `need`."""
    chosen: list[tuple[int, int]] = []
    for sight in sorted((s for s in free if s.position in used), key=lambda s: (-free[s], s.weight)):
        units = min(need, free[sight])
        need -= units
        if units:
            chosen.append((sight.position, units))
    new = sorted((s for s in free if s.position not in used), key=lambda s: (-free[s], s.weight))
    picked: list[Sight] = []
    open_units = need
    while open_units > 0 and len(picked) < min(room, len(new)):
        rest = [s for s in new if s not in picked]
        able = [s for s in rest if free[s] >= open_units]
        picked.append(min(able, key=lambda s: s.weight) if able else rest[0])
        open_units -= free[picked[-1]]
    if open_units <= 0:
        _cheapen(picked, new, free, need)
    for sight in sorted(picked, key=lambda s: s.weight):
        units = min(need, free[sight])
        need -= units
        if units:
            chosen.append((sight.position, units))
    return chosen


def _cheapen(picked: list[Sight], new: Sequence[Sight], free: dict[Sight, int], need: int) -> None:
    for index, sight in enumerate(picked):
        enough = need - sum(free[s] for s in picked) + free[sight]
        picked[index] = min(
            (s for s in new if s is sight or (s not in picked and free[s] >= enough)), key=lambda s: s.weight
        )


def _worth_sending(
    found: Spread,
    shares: Sequence[Share],
    worth: dict[int, int],
    bundles: Sequence[Bundle],
    goal: Goal,
    parts: set[int],
) -> Spread | None:
    """Leave out parts below the least value; None when what is then left is below it too."""
    if not goal.min_value:
        return found
    kept = {place: pieces for place, pieces in found.items() if place in parts or worth[place] >= goal.min_value}
    in_shares = [bundle for n, bundle in enumerate(bundles) if any(mask >> n & 1 for _, mask in shares)]
    total_units, total = sum(bundle.units for bundle in bundles), sum(bundle.value for bundle in bundles)
    for attempt in (kept, Spread()):
        pieces = [piece for some in attempt.values() for piece in some]
        units = total_units - sum(b.units for b in in_shares) - sum(piece.quantity for piece in pieces)
        value = total - sum(b.value for b in in_shares) - sum(piece.value for piece in pieces)
        if not units or value >= goal.min_value:
            return attempt
    return None
