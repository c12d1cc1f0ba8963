"""A decision's reasons in plain words, for people; programs read the reasons themselves."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from domain.sourcing.decision import Part, SourcingDecision
from domain.sourcing.reasons import Left, LeftKind, Removal, RemovalKind

_REMOVED = {
    RemovalKind.EXCLUDED: "not allowed for this order",
    RemovalKind.DECLINED: "declined these lines before, or let them lie",
    RemovalKind.SHIPS_NOTHING: "ships no parcels",
    RemovalKind.PAUSED: "paused",
    RemovalKind.CLOSED: "closed, with no opening day in its calendar",
    RemovalKind.WRONG_KIND: "a {found}; the rule asks for {limit}",
    RemovalKind.WRONG_GROUP: "in groups {found}; the rule asks for {limit}",
    RemovalKind.WRONG_COUNTRY: "in {found}; the rule asks for {limit}",
    RemovalKind.TOO_FAR: "{found} km away; the rule allows {limit} km",
    RemovalKind.TOO_LATE: "would dispatch at {found}, after {limit} as promised",
    RemovalKind.NO_CAPACITY: "room for {found} more parcels; the rule asks for {limit}",
    RemovalKind.NO_STOCK: "none of the lines in stock whole",
    RemovalKind.STOCK_KEPT_BACK: "stock of {found} lines, kept back as safety stock",
}
"""Said of one place or of several, after their names and a colon."""

_LEFT = {
    LeftKind.NOWHERE_IN_STOCK: "no place has all {limit}; at most {found} were found",
    LeftKind.FILTERED_OUT: "the places that have it were all removed by the rule's filters",
    LeftKind.KEPT_TOGETHER: "it must leave together with others, and no place has them all",
    LeftKind.NOT_WHOLE: "the rule serves all that is open or nothing",
    LeftKind.TOO_MANY_PARTS: "serving it would take more than {limit} parts",
    LeftKind.BELOW_MIN_VALUE: "a part or what is left would be worth less than {limit} (minor units)",
    LeftKind.HOP_LIMIT: "it was taken back from too many places",
    LeftKind.ASSIGNED_OUT_OF_STOCK: "it was assigned to a place that does not have it",
    LeftKind.ASSIGNED_UNKNOWN_PLACE: "it was assigned to a place that is not known",
    LeftKind.HELD_BY_RULE: "the rule holds such orders in its queue",
}


def why_removed(removals: Iterable[Removal]) -> Iterator[str]:
    """`S004, S005: 213 km away; the rule allows 100 km`: places that fare alike in one line."""
    alike: dict[str, list[str]] = {}
    for removal in removals:
        alike.setdefault(_filled(_REMOVED[removal.reason], removal), []).append(removal.location_id)
    for why, places in alike.items():
        yield f"{', '.join(places)}: {why}"


def why_left(left: Left) -> str:
    """`line 2, 3 x SHOE-42: no place has all 3; at most 1 was found`."""
    return f"line {left.line_id}, {left.quantity} x {left.sku}: {_filled(_LEFT[left.reason], left)}"


def why_allocated(part: Part) -> str:
    """`S001: line 1 (2 x SHOE-42), by rule nearest, 12 km away, costs 510 (10 distance, 500 shipment)`."""
    lines = ", ".join(f"line {each.line_id} ({each.quantity} x {each.sku})" for each in part.allocations)
    rules = sorted({each.rule for each in part.allocations if each.rule is not None})
    by = f"by rule {' and '.join(rules)}" if rules else "assigned by a person"
    named = [(name, value) for name, value in part.cost if value]
    costs = f" ({', '.join(f'{value} {name}' for name, value in named)})" if named else ""
    late = f", dispatched {part.late_days} day{'s' * (part.late_days > 1)} late" if part.late_days else ""
    return (
        f"{part.location_id}: {lines}, {by}, {round(part.metres / 1000)} km away{late}, costs {part.cost.total}{costs}"
    )


def in_words(decision: SourcingDecision) -> Iterator[str]:
    """The whole decision, a line at a time: what goes where, what is left and why, then what each rule saw."""
    for part in decision.parts:
        yield why_allocated(part)
    if decision.waiting is not None:
        by = f"by rule {decision.waiting.rule}" if decision.waiting.rule else f"by the rule set {decision.rules}"
        yield f"Waits in queue {decision.waiting.queue}, {by}:"
        for left in decision.waiting.lines:
            yield f"  {why_left(left)}"
    for run in decision.runs:
        yield f"Rule {run.rule} of {decision.rules} version {decision.rules_version}:"
        for ranked in run.ranked:
            used = ", used" if ranked.used else ""
            km = round(ranked.metres / 1000)
            has = f"has {ranked.serves} of the lines" if ranked.serves else "has some units of a line"
            yield f"  {ranked.rank}. {ranked.location_id}: {has}, {km} km, costs {ranked.cost}{used}"
        for removed in why_removed(run.removed):
            yield f"  - {removed}"


def _filled(words: str, reason: Removal | Left) -> str:
    found, limit = reason.found, reason.limit
    if reason.reason is RemovalKind.TOO_LATE:
        found, limit = _instant(found), _instant(limit)
    return words.format(found="none" if found in (None, "") else found, limit=limit)


def _instant(value: int | str | None) -> str:
    """`2026-11-28 14:40:11 UTC`."""
    return f"{datetime.fromisoformat(str(value)).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
