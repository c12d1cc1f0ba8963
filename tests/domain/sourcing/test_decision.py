"""What an order's way through the rules comes to, and what the decision says of it."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actors import Channel
from domain.intake import Service
from domain.sourcing import (
    DEFAULT_RULES,
    Costs,
    Criterion,
    Ends,
    Filters,
    LeftKind,
    PlaceKind,
    RemovalKind,
    SourcingDecision,
    SplitPolicy,
    in_words,
    source,
)
from tests.domain.sourcing.sample_sourcing import NOON, anywhere, line, order, place, rules, served

TWO_LINES = (line(1, "A"), line(2, "B"))


def removed(decision: SourcingDecision) -> dict[str, RemovalKind]:
    return {each.location_id: each.reason for each in decision.runs[0].removed}


def left(decision: SourcingDecision) -> dict[str, LeftKind]:
    return {each.line_id: each.reason for each in decision.waiting.lines} if decision.waiting else {}


def test_one_far_place_that_has_all_goes_before_two_near_ones() -> None:
    places = [place("S1", {"A": 1}, km=1), place("S2", {"B": 1}, km=1), place("S3", {"A": 1, "B": 1}, km=400)]
    decision = source(order(*TWO_LINES), places, rules())
    assert served(decision.parts) == {"S3": {"1": 1, "2": 1}}
    assert decision.splits == 0


def test_among_as_many_parts_the_least_cost_counts_and_is_told_by_its_parts() -> None:
    places = [place("S1", {"A": 1}, km=100), place("S2", {"A": 1}, km=120, handling_cost=10)]
    costs = Costs(per_100_km=50, per_shipment=300, per_unit=7)
    decision = source(order(line(1, "A")), places, rules(anywhere(costs=costs)))
    [part] = decision.parts
    assert part.location_id == "S1"
    assert part.cost.model_dump() == {"distance": 50, "shipment": 300, "handling": 0, "units": 7, "late": 0}
    assert decision.cost == 357


def test_equal_places_are_told_apart_by_the_fixed_sequence_then_by_id() -> None:
    places = [place("S3", {"A": 1}), place("S2", {"A": 1}), place("S1", {"A": 1})]
    assert served(source(order(line(1, "A")), places, rules()).parts) == {"S1": {"1": 1}}
    fixed = rules(anywhere(sequence=("S3", "S1")))
    assert served(source(order(line(1, "A")), places, fixed).parts) == {"S3": {"1": 1}}


@pytest.mark.parametrize(
    ("rank", "best"),
    [
        (Criterion.PROXIMITY, "S1"),
        (Criterion.BALANCE, "S2"),
        (Criterion.CAPACITY_LEFT, "S3"),
        (Criterion.SEQUENCE, "S4"),
        (Criterion.COST, "S5"),
    ],
)
def test_a_rule_ranks_by_its_criterion(rank: Criterion, best: str) -> None:
    busy: dict[str, Any] = {"open_load": 5, "capacity_today": 5, "handling_cost": 100}
    places = [
        place("S1", {"A": 1}, km=1, **busy),
        place("S2", {"A": 1}, km=20, **{**busy, "open_load": 1}),
        place("S3", {"A": 1}, km=20, **{**busy, "capacity_today": None}),
        place("S4", {"A": 1}, km=20, **busy),
        place("S5", {"A": 1}, km=20, **{**busy, "handling_cost": 0}),
    ]
    decision = source(order(line(1, "A")), places, rules(anywhere(rank=(rank,), sequence=("S4",))))
    assert [part.location_id for part in decision.parts] == [best]
    assert decision.runs[0].ranked[0].location_id == best
    assert decision.runs[0].ranked[0].used


def test_every_place_that_was_not_used_has_its_reason() -> None:
    filters = Filters(
        kinds=(PlaceKind.STORE,),
        groups=("city",),
        not_groups=("outlet",),
        max_km=100,
        same_country=True,
        stock_left=1,
        capacity_left=2,
        by_promise=True,
    )
    city = {"groups": ("city",)}
    places = [
        place("S01", {"A": 2}, **city),
        place("S02", {"A": 2}, **city),
        place("S03", {"A": 2}, **city),
        place("S04", {"A": 2}, **city, ships=False),
        place("S05", {"A": 2}, **city, paused=True),
        place("S06", {"A": 2}, **city, dispatches_at=None),
        place("S07", {"A": 2}, **city, kind=PlaceKind.WAREHOUSE),
        place("S08", {"A": 2}),
        place("S09", {"A": 2}, groups=("city", "outlet")),
        place("S10", {"A": 2}, **city, country="PL"),
        place("S11", {"A": 2}, **city, km=101),
        place("S12", {"A": 2}, **city, dispatches_at=NOON + timedelta(days=2)),
        place("S13", {"A": 2}, **city, capacity_today=9, capacity_concurrent=1),
        place("S14", {"A": 1}, **city),
        place("S15", {"B": 9}, **city),
    ]
    request = order(line(1, "A"), exclude=("S02",), declined=("S03",), promise=NOON + timedelta(days=1))
    decision = source(request, places, rules(anywhere(filters=filters)))
    assert served(decision.parts) == {"S01": {"1": 1}}
    assert removed(decision) == {
        "S02": RemovalKind.EXCLUDED,
        "S03": RemovalKind.DECLINED,
        "S04": RemovalKind.SHIPS_NOTHING,
        "S05": RemovalKind.PAUSED,
        "S06": RemovalKind.CLOSED,
        "S07": RemovalKind.WRONG_KIND,
        "S08": RemovalKind.WRONG_GROUP,
        "S09": RemovalKind.WRONG_GROUP,
        "S10": RemovalKind.WRONG_COUNTRY,
        "S11": RemovalKind.TOO_FAR,
        "S12": RemovalKind.TOO_LATE,
        "S13": RemovalKind.NO_CAPACITY,
        "S14": RemovalKind.STOCK_KEPT_BACK,
        "S15": RemovalKind.NO_STOCK,
    }
    told = "\n".join(in_words(decision))
    assert "S11: 101 km away; the rule allows 100 km" in told
    assert "S13: room for 1 more parcels; the rule asks for 2" in told
    assert "S01: line 1 (1 x A), by rule anywhere, 10 km away, costs 510 (10 distance, 500 shipment)" in told


def test_a_place_that_has_some_units_of_a_line_was_possible_and_is_told_so_whether_it_was_used_or_not() -> None:
    places = [place("S1", {"A": 2}), place("S2", {"A": 1}, km=20), place("S3", {"A": 1}, km=400), place("S4", {})]
    split = rules(anywhere(split=SplitPolicy(quantity=True)))
    decision = source(order(line(1, "A", 3, quantity_split=True)), places, split)
    assert served(decision.parts) == {"S1": {"1": 2}, "S2": {"1": 1}}
    assert [(each.location_id, each.serves, each.used) for each in decision.runs[0].ranked] == [
        ("S1", 0, True),
        ("S2", 0, True),
        ("S3", 0, False),
    ]
    assert removed(decision) == {"S4": RemovalKind.NO_STOCK}
    told = list(in_words(decision))
    assert "  2. S2: has some units of a line, 20 km, costs 520, used" in told
    assert "  3. S3: has some units of a line, 400 km, costs 900" in told


def test_places_that_fare_alike_are_told_of_in_one_line_with_times_that_people_read() -> None:
    tomorrow, late = NOON + timedelta(days=1), NOON + timedelta(days=2, microseconds=7)
    places = [place(name, {"A": 2}, dispatches_at=late) for name in ("S1", "S2")]
    decision = source(order(line(1, "A"), promise=tomorrow), places, rules(anywhere(filters=Filters(by_promise=True))))
    at, promised = (f"{moment:%Y-%m-%d %H:%M:%S} UTC" for moment in (late, tomorrow))
    assert f"  - S1, S2: would dispatch at {at}, after {promised} as promised" in list(in_words(decision))


def test_a_place_keeps_its_brokering_buffer() -> None:
    places = [place("S1", {"A": 3}, km=1, buffers={"A": 3}), place("S2", {"A": 1}, km=9)]
    assert served(source(order(line(1, "A")), places, rules()).parts) == {"S2": {"1": 1}}


def test_a_rule_hands_on_what_it_cannot_serve_and_what_joins_a_part_costs_no_new_one() -> None:
    near = anywhere(name="near", filters=Filters(max_km=50), ends=Ends.NEXT_RULE)
    places = [place("S1", {"A": 1}, km=10), place("S2", {"B": 1}, km=300), place("W1", {"B": 1, "C": 1}, km=400)]
    decision = source(order(*TWO_LINES, line(3, "C")), places, rules(near, anywhere()))
    assert served(decision.parts) == {"S1": {"1": 1}, "W1": {"2": 1, "3": 1}}
    assert [part.rule for part in decision.parts] == ["near", "anywhere"]
    assert decision.runs[0].left[0].reason is LeftKind.FILTERED_OUT


def test_a_place_that_has_a_part_already_takes_more_before_a_nearer_one() -> None:
    stores = anywhere(
        name="cities", filters=Filters(groups=("city",)), split=SplitPolicy(max_parts=1), ends=Ends.NEXT_RULE
    )
    places = [place("S1", {"A": 1, "B": 1}, km=90, groups=("city",)), place("S2", {"B": 2}, km=1)]
    decision = source(order(line(1, "A"), line(2, "B", 2)), places, rules(stores, anywhere()))
    assert served(decision.parts) == {"S1": {"1": 1}, "S2": {"2": 2}}
    both = source(order(line(1, "A"), line(2, "B")), places, rules(stores, anywhere()))
    assert served(both.parts) == {"S1": {"1": 1, "2": 1}}


def test_an_order_that_may_not_be_split_leaves_whole_or_waits_whole() -> None:
    apart = [place("S1", {"A": 1}), place("S2", {"B": 1})]
    for wish in ({"allow_split": False}, {"keep_together": True}):
        decision = source(order(*TWO_LINES, **wish), apart, rules())
        assert decision.parts == ()
        assert left(decision) == {"1": LeftKind.KEPT_TOGETHER, "2": LeftKind.KEPT_TOGETHER}
        whole = source(order(*TWO_LINES, **wish), [*apart, place("S3", {"A": 1, "B": 1}, km=700)], rules())
        assert served(whole.parts) == {"S3": {"1": 1, "2": 1}}


def test_lines_kept_together_leave_from_one_place_beside_others() -> None:
    lines = (line(1, "A", together="set"), line(2, "B", together="set"), line(3, "C"))
    places = [place("S1", {"A": 1, "C": 1}), place("S2", {"B": 1, "C": 1}), place("S3", {"A": 1, "B": 1}, km=99)]
    assert served(source(order(*lines), places, rules()).parts) == {"S1": {"3": 1}, "S3": {"1": 1, "2": 1}}


def test_a_kit_leaves_from_one_place_by_component_unless_the_rule_takes_it_apart() -> None:
    kit = line(1, "KIT", 2, components={"CUP": 2, "POT": 1})
    places = [place("S1", {"CUP": 4}), place("S2", {"POT": 2})]
    whole = source(order(kit), places, rules())
    assert whole.parts == ()
    assert left(whole) == {"1": LeftKind.KEPT_TOGETHER}
    apart = source(order(kit), places, rules(anywhere(split=SplitPolicy(kits=True))))
    assert [[(a.sku, a.quantity) for a in part.allocations] for part in apart.parts] == [[("CUP", 4)], [("POT", 2)]]
    one = source(order(kit), [*places, place("S3", {"CUP": 4, "POT": 2}, km=500)], rules())
    assert [(a.sku, a.quantity) for a in one.parts[0].allocations] == [("CUP", 4), ("POT", 2)]


def test_a_quantity_is_split_only_where_line_and_rule_allow_it() -> None:
    places = [place("S1", {"A": 2}), place("S2", {"A": 3}, km=50), place("S3", {"A": 3}, km=60)]
    by_quantity = rules(anywhere(split=SplitPolicy(quantity=True)))
    assert source(order(line(1, "A", 5)), places, by_quantity).parts == ()
    assert source(order(line(1, "A", 5, quantity_split=True)), places, rules()).parts == ()
    decision = source(order(line(1, "A", 5, quantity_split=True)), places, by_quantity)
    assert served(decision.parts) == {"S1": {"1": 2}, "S2": {"1": 3}}
    more = source(order(line(1, "A", 9, quantity_split=True)), places, by_quantity)
    assert sum(each.quantity for part in more.parts for each in part.allocations) == 8
    assert [(each.quantity, each.reason) for each in more.waiting.lines] == [(1, LeftKind.NOWHERE_IN_STOCK)]


def test_a_quantity_is_not_split_while_one_place_has_it_all() -> None:
    places = [place("S1", {"A": 4}), place("S2", {"A": 5}, km=500)]
    decision = source(
        order(line(1, "A", 5, quantity_split=True)), places, rules(anywhere(split=SplitPolicy(quantity=True)))
    )
    assert served(decision.parts) == {"S2": {"1": 5}}


def test_both_parts_of_a_split_are_worth_the_least_value() -> None:
    places = [place("S1", {"A": 1}), place("S2", {"B": 1})]
    policy = rules(anywhere(split=SplitPolicy(min_value=3000)))
    cheap = source(order(line(1, "A", value=9000), line(2, "B", value=2000)), places, policy)
    assert cheap.parts == ()
    assert left(cheap) == {"1": LeftKind.BELOW_MIN_VALUE, "2": LeftKind.BELOW_MIN_VALUE}
    dear = source(order(line(1, "A", value=9000), line(2, "B", value=3000)), places, policy)
    assert served(dear.parts) == {"S1": {"1": 1}, "S2": {"2": 1}}
    alone = source(order(line(1, "A", value=5)), places, policy)
    assert served(alone.parts) == {"S1": {"1": 1}}


def test_what_is_left_is_worth_the_least_value_too() -> None:
    policy = rules(anywhere(split=SplitPolicy(min_value=3000)))
    lines = (line(1, "A", value=9000), line(2, "B", value=2999))
    assert source(order(*lines), [place("S1", {"A": 1})], policy).parts == ()
    dear = (line(1, "A", value=9000), line(2, "B", value=3000))
    assert served(source(order(*dear), [place("S1", {"A": 1})], policy).parts) == {"S1": {"1": 1}}


def test_a_part_fetches_lines_from_another_to_be_worth_sending() -> None:
    places = [place("S1", {"A": 1, "B": 1}), place("S2", {"B": 1, "C": 1}, km=60)]
    lines = (line(1, "A", value=5000), line(2, "B", value=2000), line(3, "C", value=1000))
    decision = source(order(*lines), places, rules(anywhere(split=SplitPolicy(min_value=3000))))
    assert served(decision.parts) == {"S1": {"1": 1}, "S2": {"2": 1, "3": 1}}


def test_more_parts_than_allowed_leave_the_smaller_rest() -> None:
    places = [place("S1", {"A": 1}), place("S2", {"B": 9}), place("S3", {"C": 1})]
    decision = source(
        order(line(1, "A"), line(2, "B", 9), line(3, "C", value=1)),
        places,
        rules(anywhere(split=SplitPolicy(max_parts=2))),
    )
    assert served(decision.parts) == {"S1": {"1": 1}, "S2": {"2": 9}}
    assert left(decision) == {"3": LeftKind.TOO_MANY_PARTS}


def test_what_hopped_too_often_waits_for_a_person() -> None:
    policy = rules(max_hops=2)
    assert source(order(line(1, "A"), hops=2), [place("S1", {"A": 1})], policy).waiting is None
    decision = source(order(line(1, "A"), hops=3), [place("S1", {"A": 1})], policy)
    assert (decision.queue, left(decision)) == ("unfillable", {"1": LeftKind.HOP_LIMIT})


def test_what_a_person_assigned_goes_there_even_after_too_many_hops() -> None:
    places = [place("S1", {"A": 1, "B": 1})]
    wanted = order(line(1, "A"), line(2, "B"), hops=9, pinned={"1": "S1"})
    decision = source(wanted, places, rules(max_hops=2))
    assert served(decision.parts) == {"S1": {"1": 1}}
    assert left(decision) == {"2": LeftKind.HOP_LIMIT}


def test_many_lines_of_one_article_are_served_from_as_many_places_as_it_takes() -> None:
    lines = [line(number, "A") for number in range(12)]
    places = [place(f"S{number:03}", {"A": 3}, km=number) for number in range(300)]
    decision = source(order(*lines), places, rules())
    assert decision.waiting is None
    assert [part.location_id for part in decision.parts] == ["S000", "S001", "S002", "S003"]
    assert not decision.runs[0].proven
    few = source(order(*lines[:4]), places, rules())
    assert len(few.parts) == 2
    assert few.runs[0].proven


def test_five_hundred_lines_are_sourced_over_few_places() -> None:
    lines = [line(number, f"K{number}") for number in range(500)]
    places = [place(f"S{n}", {f"K{number}": 1 for number in range(500) if number % 7 != n}, km=n) for n in range(7)]
    decision = source(order(*lines), places, rules())
    assert decision.waiting is None
    assert len(decision.parts) == 2
    assert sum(len(part.allocations) for part in decision.parts) == 500


def test_an_assignment_overrides_rules_but_not_stock() -> None:
    places = [
        place("S1", {"A": 2}, km=900, paused=True, buffers={"A": 2}),
        place("S2", {"A": 9, "B": 9}),
    ]
    wanted = order(line(1, "A", 2), line(2, "B"), exclude=("S1",), declined=("S1",), pinned={"1": "S1"})
    decision = source(wanted, places, rules(anywhere(filters=Filters(max_km=100))))
    assert served(decision.parts) == {"S1": {"1": 2}, "S2": {"2": 1}}
    assert [part.rule for part in decision.parts] == [None, "anywhere"]
    more = order(line(1, "A", 3), line(2, "B"), pinned={"1": "S1"})
    without = source(more, places, rules())
    assert served(without.parts) == {"S2": {"2": 1}}
    assert left(without) == {"1": LeftKind.ASSIGNED_OUT_OF_STOCK}
    unknown = source(order(line(1, "A"), pinned={"1": "S9"}), places, rules())
    assert left(unknown) == {"1": LeftKind.ASSIGNED_UNKNOWN_PLACE}


def test_lines_kept_together_follow_the_one_that_was_assigned() -> None:
    lines = (line(1, "A", together="x"), line(2, "B", together="x"))
    places = [place("S1", {"A": 1, "B": 1}, km=1), place("S2", {"A": 1, "B": 1}, km=99)]
    assert served(source(order(*lines, pinned={"2": "S2"}), places, rules()).parts) == {"S2": {"1": 1, "2": 1}}


def test_a_rule_for_a_channel_or_service_leaves_other_orders_alone() -> None:
    held = anywhere(name="market", channels=(Channel.MARKETPLACE,), ends=Ends.QUEUE, queue="marketplace")
    places = [place("S1", {"A": 1})]
    market = source(order(line(1, "A"), channel=Channel.MARKETPLACE), places, rules(held, anywhere()))
    assert (market.queue, market.waiting.rule) == ("marketplace", "market")
    assert left(market) == {"1": LeftKind.HELD_BY_RULE}
    assert source(order(line(1, "A")), places, rules(held, anywhere())).waiting is None


def test_the_original_promise_is_kept_and_lateness_costs_by_the_day() -> None:
    promise = NOON - timedelta(days=1, hours=1)
    request = order(line(1, "A"), promise=promise, hops=1)
    costs = Costs(per_100_km=0, per_shipment=0, late_per_day=200)
    decision = source(request, [place("S1", {"A": 1}, dispatches_at=NOON)], rules(anywhere(costs=costs)))
    assert decision.promise == promise
    assert (decision.parts[0].late_days, decision.parts[0].cost.late) == (2, 400)


def test_the_usual_rules_prefer_whole_in_time_then_split_in_time_then_late() -> None:
    late = {"dispatches_at": NOON + timedelta(days=3)}
    request = order(*TWO_LINES, promise=NOON + timedelta(days=1))
    split = [place("S1", {"A": 1}), place("S2", {"B": 1})]
    whole_late = place("S3", {"A": 1, "B": 1}, km=1, **late)
    assert set(served(source(request, [*split, whole_late], DEFAULT_RULES).parts)) == {"S1", "S2"}
    assert set(served(source(request, [split[0], whole_late], DEFAULT_RULES).parts)) == {"S3"}
    short = source(request, [split[0]], DEFAULT_RULES)
    assert (set(served(short.parts)), short.queue) == ({"S1"}, "unfillable")


@pytest.mark.parametrize(
    ("fields", "queue", "at_once"),
    [
        ({}, "standard", False),
        ({"service": Service.EXPRESS}, "express", True),
        ({"channel": Channel.MARKETPLACE}, "marketplace", False),
        ({"service": Service.EXPRESS, "hops": 1}, "rejected", False),
    ],
)
def test_an_order_waits_in_the_queue_of_its_class(fields: dict[str, Any], queue: str, at_once: bool) -> None:
    found = DEFAULT_RULES.queue_class(order(line(1, "A"), **fields))
    assert (found.queue, found.at_once) == (queue, at_once)


def test_a_line_that_is_nowhere_says_how_much_was_found() -> None:
    decision = source(order(line(1, "A", 5)), [place("S1", {"A": 3})], rules())
    assert decision.waiting.lines[0].model_dump(exclude={"line_id", "sku", "quantity"}) == {
        "reason": LeftKind.NOWHERE_IN_STOCK,
        "found": 3,
        "limit": 5,
    }
    assert "line 1, 5 x A: no place has all 5; at most 3 were found" in "\n".join(in_words(decision))


def test_a_decision_survives_json_and_can_be_shortened() -> None:
    places = [place(f"S{n:02}", {"A": 1}, km=n) for n in range(1, 30)]
    decision = source(order(line(1, "A"), exclude=("S01",)), places, rules())
    assert SourcingDecision.model_validate_json(decision.model_dump_json()) == decision
    short = decision.shortened(3)
    assert [each.location_id for each in short.runs[0].ranked] == ["S02", "S03", "S04"]
    assert short.parts == decision.parts
