"""An order's way through the rules, without the words: what each rule looked at, and which units it took from where."""

from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from domain.ids import LineId, Sku
from domain.sourcing.bundles import Bundle, OpenLine, Piece, Wanted, bundles_of, open_lines
from domain.sourcing.covering import good_plan
from domain.sourcing.field import Field
from domain.sourcing.loose import Spread, spread
from domain.sourcing.reasons import LeftKind
from domain.sourcing.request import SourcingRequest
from domain.sourcing.rules import Ends, RoutingRules, Rule
from domain.sourcing.subsets import MAX_EXACT, Goal, Option, Share, best_plan
from domain.sourcing.survey import Survey, Surveys


class Taking(NamedTuple):
    line_id: LineId
    sku: Sku
    quantity: int
    rule: str | None
    """None: a person's assignment."""


@dataclass(slots=True)
class PartDraft:
    rule: Rule | None
    taken: list[Taking] = field(default_factory=list)


@dataclass(slots=True)
class Attempt:
    """What one rule found."""

    survey: Survey
    bundles: list[Bundle]
    loose: list[Bundle]
    options: list[Option]
    opened: list[Option]
    full_up: list[int]
    """Places without capacity."""
    competing: bool
    rough: bool
    goal: Goal
    shares: list[Share]


@dataclass(slots=True)
class Draft:
    request: SourcingRequest
    lines: dict[LineId, OpenLine]
    parts: dict[int, PartDraft] = field(default_factory=dict)
    attempts: list[Attempt] = field(default_factory=list)
    queue: tuple[str, str | None] | None = None
    """What is left waits there, by this rule's word (none: the rule set's)."""
    refused: list[tuple[LeftKind, Bundle]] = field(default_factory=list)
    """Left before the rules were asked, or by a rule that allocates nothing."""

    @property
    def left_units(self) -> int:
        return sum(sum(line.needs.values()) for line in self.lines.values())


def draft(request: SourcingRequest, places: Field, rules: RoutingRules, surveys: Surveys) -> Draft:
    """Go through the rules in order. What is allocated is taken out of `places`."""
    made = Draft(request, open_lines(request))
    _assign(made, places)
    if request.hops > rules.max_hops:
        unassigned = [bundle for bundle in bundles_of(request, made.lines) if bundle.pinned is None]
        made.refused += [(LeftKind.HOP_LIMIT, bundle) for bundle in unassigned]
        made.queue = (rules.unfillable, None) if made.left_units else None
        return made
    for rule in rules.rules:
        if not made.left_units:
            break
        if not rule.counts_for(request):
            continue
        untouched = not made.parts and not made.refused
        bundles = surveys.kept(rule.name, partial(_open, made, rule)) if untouched else _open(made, rule)
        if not bundles:
            continue
        if rule.ends is Ends.QUEUE:
            made.refused += [(LeftKind.HELD_BY_RULE, bundle) for bundle in bundles]
            made.queue = (rule.queue, rule.name)
            break
        _serve(made, places, rule, bundles, surveys)
        if rule.ends is Ends.ALLOCATE and made.left_units:
            made.queue = (rule.queue, rule.name)
            break
    if made.queue is None and made.left_units:
        made.queue = (rules.unfillable, None)
    return made


def undo(made: Draft, places: Field) -> None:
    """Give back all that the draft took."""
    _again(made, places, -1)


def redo(made: Draft, places: Field) -> None:
    """Take the same again, after `undo`."""
    _again(made, places, 1)


def _again(made: Draft, places: Field, sign: int) -> None:
    for position, part in made.parts.items():
        places.open_part(position, sign)
        for taking in part.taken:
            places.take(position, taking.sku, sign * taking.quantity)


def _open(made: Draft, rule: Rule) -> list[Bundle]:
    """What is left for a rule; what a person assigned is never taken elsewhere."""
    found = bundles_of(made.request, made.lines, quantity_split=rule.split.quantity, kit_split=rule.split.kits)
    return [bundle for bundle in found if bundle.pinned is None]


def _assign(made: Draft, places: Field) -> None:
    if not made.request.pinned:
        return
    for bundle in bundles_of(made.request, made.lines):
        if bundle.pinned is None:
            continue
        position = places.position.get(bundle.pinned)
        if position is None:
            made.refused.append((LeftKind.ASSIGNED_UNKNOWN_PLACE, bundle))
        elif all(places.stock[position].get(sku, 0) >= need for sku, need in bundle.needs.items()):
            _take(made, places, position, bundle.pieces, None)
        else:
            made.refused.append((LeftKind.ASSIGNED_OUT_OF_STOCK, bundle))


def _serve(made: Draft, places: Field, rule: Rule, bundles: list[Bundle], surveys: Surveys) -> None:
    """One attempt; more where so many lines want the same SKU that not all ways to serve them were seen."""
    while bundles:
        attempt = _attempt(made, places, rule, bundles, surveys)
        made.attempts.append(attempt)
        if not attempt.rough or not attempt.shares:
            return
        bundles = _open(made, rule)


def _attempt(made: Draft, places: Field, rule: Rule, bundles: list[Bundle], surveys: Surveys) -> Attempt:
    seen, loose = surveys.of(rule), list[Bundle]()
    wanted = Wanted(bundles)
    options, opened, full_up = ask(made, places, seen, wanted)
    if any(bundle.loose for bundle in bundles):
        served = 0
        for mask, _ in (*options, *opened):
            served |= mask
        loose = [bundle for n, bundle in enumerate(bundles) if bundle.loose and not served >> n & 1]
        if loose:
            bundles = [bundle for n, bundle in enumerate(bundles) if not bundle.loose or served >> n & 1]
            wanted = Wanted(bundles)
            options, opened, full_up = ask(made, places, seen, wanted)
    goal = Goal(
        [bundle.units for bundle in bundles],
        [bundle.value for bundle in bundles],
        seen.shift,
        rule.split.max_parts - len(made.parts),
        rule.split.partial,
        rule.split.min_value,
        whole=not made.parts and not made.refused and not loose,
    )
    attempt = Attempt(seen, bundles, loose, options, opened, full_up, wanted.competing, wanted.rough, goal, [])
    if bundles:
        attempt.shares = plan(goal, options, opened, competing=wanted.competing)
    served = 0
    for _, mask in attempt.shares:
        served |= mask
    spreading: Spread | None = {}
    if loose:
        possible = goal.partial or served == goal.full
        spreading = spread(loose, attempt.shares, bundles, goal, seen, places, set(made.parts)) if possible else None
        if spreading is None:
            attempt.shares = []
    for position, mask in attempt.shares:
        pieces = [piece for n, bundle in enumerate(bundles) if mask >> n & 1 for piece in bundle.pieces]
        _take(made, places, position, pieces, rule)
    for position, some in (spreading or {}).items():
        _take(made, places, position, some, rule)
    return attempt


def plan(goal: Goal, options: list[Option], opened: list[Option], *, competing: bool = False) -> list[Share]:
    if len(goal.units) <= MAX_EXACT:
        return best_plan(goal, options, opened, competing=competing)
    return good_plan(goal, options, opened)


def ask(made: Draft, places: Field, seen: Survey, wanted: Wanted) -> tuple[list[Option], list[Option], list[int]]:
    """What each place can serve now, without what its buffer and the rule keep there."""
    options: list[Option] = []
    opened: list[Option] = []
    full_up: list[int] = []
    kept, least_room = seen.rule.filters.stock_left, seen.rule.filters.capacity_left
    stock, room, candidates, parts, of = places.stock, places.room, places.places, made.parts, wanted.of
    # The hot loop of every decision: lines that want one SKU each, which no other line wants, are looked up here.
    plain = wanted.singles if not kept and wanted.simple else None
    for position, _, _, _, weight in seen.seen:
        if position in parts:
            opened += [(mask, position) for mask in of(stock[position], candidates[position].buffers, kept)]
            continue
        left = room[position]
        if left is not None and left < least_room:
            full_up.append(position)
        elif plain is not None and not candidates[position].buffers:
            get, found = stock[position].get, 0
            for sku, need, bit in plain:
                if get(sku, 0) >= need:
                    found |= bit
            if found:
                options.append((found, weight))
        else:
            options += [(mask, weight) for mask in of(stock[position], candidates[position].buffers, kept)]
    return options, opened, full_up


def _take(
    made: Draft, places: Field, position: int, pieces: "list[Piece] | tuple[Piece, ...]", rule: Rule | None
) -> None:
    part = made.parts.get(position)
    if part is None:
        part = made.parts[position] = PartDraft(rule)
        places.open_part(position)
    for piece in pieces:
        part.taken.append(Taking(piece.line_id, piece.sku, piece.quantity, rule.name if rule else None))
        made.lines[piece.line_id].take(piece.sku, piece.quantity)
        places.take(position, piece.sku, piece.quantity)
