"""Whatever an order, the places and the rules are: these things hold."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.sourcing import (
    Candidate,
    Ends,
    Filters,
    RoutingRules,
    SourcingDecision,
    SourcingRequest,
    SplitPolicy,
    source,
)
from tests.domain.sourcing.sample_sourcing import anywhere, line, order, place, rules

SKUS = ["A", "B", "C", "D", "E"]
Case = tuple[SourcingRequest, list[Candidate], RoutingRules]


@st.composite
def cases(draw: st.DrawFn, most_lines: int = 6) -> Case:
    lines = []
    for number in range(draw(st.integers(1, most_lines))):
        kit = draw(st.dictionaries(st.sampled_from(SKUS), st.integers(1, 2), max_size=2)) if draw(st.booleans()) else {}
        lines.append(
            line(
                number,
                "KIT" if kit else draw(st.sampled_from(SKUS)),
                draw(st.integers(1, 4)),
                draw(st.integers(0, 5000)),
                components=kit,
                together=draw(st.sampled_from([None, None, None, "x", "y"])),
                quantity_split=draw(st.booleans()),
            )
        )
    names = [f"S{number}" for number in range(draw(st.integers(1, 7)))]
    places = [
        place(
            name,
            draw(st.dictionaries(st.sampled_from(SKUS), st.integers(0, 8))),
            km=draw(st.integers(0, 300)),
            buffers=draw(st.dictionaries(st.sampled_from(SKUS), st.integers(0, 2), max_size=2)),
            capacity_today=draw(st.sampled_from([None, None, 0, 1])),
        )
        for name in names
    ]
    split = st.builds(
        SplitPolicy,
        max_parts=st.integers(1, 5),
        partial=st.booleans(),
        quantity=st.booleans(),
        kits=st.booleans(),
        min_value=st.sampled_from([0, 0, 1500]),
    )
    request = order(
        *lines,
        allow_split=draw(st.sampled_from([True, True, True, False])),
        exclude=tuple(draw(st.lists(st.sampled_from(names), max_size=1))),
        declined=tuple(draw(st.lists(st.sampled_from(names), max_size=1))),
    )
    first = anywhere(
        name="first",
        filters=Filters(max_km=150, stock_left=draw(st.integers(0, 1))),
        split=draw(split),
        ends=Ends.NEXT_RULE,
    )
    return request, places, rules(first, anywhere(split=draw(split)))


def taken(decision: SourcingDecision) -> Counter[tuple[str, str]]:
    """Units by line and SKU."""
    found: Counter[tuple[str, str]] = Counter()
    for part in decision.parts:
        for each in part.allocations:
            found[each.line_id, each.sku] += each.quantity
    return found


@settings(max_examples=150)
@given(cases())
def test_every_unit_is_allocated_once_or_waits_with_a_reason(case: Case) -> None:
    request, places, policy = case
    decision = source(request, places, policy)
    wanted = Counter({(each.line_id, sku): n for each in request.lines for sku, n in each.needs().items()})
    waiting: Counter[tuple[str, str]] = Counter()
    for each in decision.waiting.lines if decision.waiting else ():
        waiting[each.line_id, each.sku] += each.quantity
    assert taken(decision) + waiting == wanted
    assert (decision.waiting is None) == (not waiting)


@settings(max_examples=100)
@given(cases())
def test_no_place_gives_more_than_it_can_promise_or_may(case: Case) -> None:
    request, places, policy = case
    by_id = {each.location_id: each for each in places}
    for part in source(request, places, policy).parts:
        candidate = by_id[part.location_id]
        asked: Counter[str] = Counter()
        for each in part.allocations:
            asked[each.sku] += each.quantity
        assert all(n <= candidate.stock.get(sku, 0) - candidate.buffers.get(sku, 0) for sku, n in asked.items())
        assert candidate.location_id not in (*request.exclude, *request.declined)
        assert candidate.capacity_today != 0


@settings(max_examples=100)
@given(cases())
def test_what_belongs_together_leaves_from_one_place(case: Case) -> None:
    request, places, policy = case
    decision = source(request, places, policy)
    split_kits = any(rule.split.kits for rule in policy.rules)
    for members in request.bundles().values():
        apart = members[0].quantity_split or (split_kits and members[0].components)
        if len(members) == 1 and apart and not members[0].together and not request.one_parcel:
            continue
        ids = {each.line_id for each in members}
        homes = {part.location_id for part in decision.parts for each in part.allocations if each.line_id in ids}
        assert len(homes) <= 1
        units = sum(n for (line_id, _), n in taken(decision).items() if line_id in ids)
        assert units in (0, sum(sum(each.needs().values()) for each in members))


@settings(max_examples=100)
@given(cases())
def test_the_parts_are_never_more_than_the_widest_rule_allows(case: Case) -> None:
    request, places, policy = case
    assert len(source(request, places, policy).parts) <= max(rule.split.max_parts for rule in policy.rules)


@settings(max_examples=100)
@given(cases(), st.integers(1, 4000))
def test_each_part_of_a_split_and_what_is_left_is_worth_the_least(case: Case, least: int) -> None:
    request, places, _ = case
    plain = request.model_copy(
        update={"lines": tuple(each.model_copy(update={"components": {}, "sku": "A"}) for each in request.lines)}
    )
    decision = source(plain, places, rules(anywhere(split=SplitPolicy(min_value=least, quantity=True))))
    worth = {each.line_id: (each.value, each.quantity) for each in plain.lines}

    def value(units: list[tuple[str, int]]) -> float:
        return sum(worth[line_id][0] * n / worth[line_id][1] for line_id, n in units)

    parts = [value([(each.line_id, each.quantity) for each in part.allocations]) for part in decision.parts]
    if decision.waiting:
        parts.append(value([(each.line_id, each.quantity) for each in decision.waiting.lines]))
    if decision.parts and len(parts) > 1:
        rounding = len(plain.lines)
        assert min(parts) >= least - rounding


@settings(max_examples=100)
@given(cases(), st.randoms(use_true_random=False))
def test_the_same_input_in_any_order_gives_the_same_decision(case: Case, dice: object) -> None:
    request, places, policy = case
    first = source(request, places, policy).model_dump_json()
    shuffled = list(places)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert source(request, shuffled, policy).model_dump_json() == first


@settings(max_examples=40)
@given(cases(most_lines=20), st.sampled_from([0, 2000]))
def test_long_orders_keep_to_stock_groups_and_least_value_too(case: Case, least: int) -> None:
    request, places, _ = case
    policy = rules(anywhere(split=SplitPolicy(min_value=least, max_parts=4)))
    repeated = (request, places, policy)
    test_every_unit_is_allocated_once_or_waits_with_a_reason.hypothesis.inner_test(repeated)
    test_no_place_gives_more_than_it_can_promise_or_may.hypothesis.inner_test(repeated)
    test_the_parts_are_never_more_than_the_widest_rule_allows.hypothesis.inner_test(repeated)
