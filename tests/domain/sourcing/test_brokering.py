"""Many orders on shared stock: nothing is given twice, and together they fare better than one at a time."""

from collections import Counter
from collections.abc import Sequence

from domain.sourcing import Candidate, SourcingDecision, SourcingRequest, broker, one_at_a_time, totals
from tests.domain.sourcing.sample_batches import batch
from tests.domain.sourcing.sample_sourcing import line, order, place, rules, served


def left_units(decisions: Sequence[SourcingDecision]) -> int:
    return sum(each.quantity for decision in decisions if decision.waiting for each in decision.waiting.lines)


def nothing_is_given_twice(candidates: Sequence[Candidate], decisions: Sequence[SourcingDecision]) -> None:
    given: Counter[tuple[str, str]] = Counter()
    parcels: Counter[str] = Counter()
    for decision in decisions:
        for part in decision.parts:
            parcels[part.location_id] += 1
            for each in part.allocations:
                given[part.location_id, each.sku] += each.quantity
    by_id = {each.location_id: each for each in candidates}
    assert all(units <= by_id[where].stock[sku] for (where, sku), units in given.items())
    assert all(n <= by_id[where].capacity_today for where, n in parcels.items())


def everything_is_accounted_for(orders: Sequence[SourcingRequest], decisions: Sequence[SourcingDecision]) -> None:
    assert [decision.order_id for decision in decisions] == [each.order_id for each in orders]
    for request, decision in zip(orders, decisions, strict=True):
        units = sum(each.quantity for part in decision.parts for each in part.allocations)
        assert units + left_units([decision]) == sum(each.quantity for each in request.lines)


def test_the_last_unit_goes_where_it_saves_a_parcel() -> None:
    orders = [order(line(1, "A"), name="o-1"), order(line(1, "A"), line(2, "B"), name="o-2")]
    places = [place("S1", {"A": 1, "B": 1}, km=1), place("S2", {"A": 1}, km=5)]
    alone = one_at_a_time(orders, places, rules())
    assert [decision.splits for decision in alone] == [0, 1]
    together = broker(orders, places, rules())
    assert [served(decision.parts) for decision in together] == [{"S2": {"1": 1}}, {"S1": {"1": 1, "2": 1}}]


def test_the_last_parcel_of_a_place_goes_where_it_saves_one() -> None:
    orders = [order(line(1, "A"), name="o-1"), order(line(1, "A"), line(2, "B"), name="o-2")]
    places = [
        place("S1", {"A": 9, "B": 9}, km=1, capacity_today=1),
        place("S2", {"A": 9}, km=5),
        place("S3", {"B": 9}, km=5),
    ]
    assert [served(decision.parts) for decision in broker(orders, places, rules())] == [
        {"S2": {"1": 1}},
        {"S1": {"1": 1, "2": 1}},
    ]


def test_no_unit_and_no_capacity_is_given_twice() -> None:
    orders, places = batch(7, 60, 12, 20, supply=0.9)
    for decisions in (one_at_a_time(orders, places, rules()), broker(orders, places, rules(), work=6)):
        nothing_is_given_twice(places, decisions)
        everything_is_accounted_for(orders, decisions)


def test_a_run_makes_a_third_fewer_splits_than_one_order_at_a_time() -> None:
    orders, places = batch(3, 120, 15, 40)
    alone, together = one_at_a_time(orders, places, rules()), broker(orders, places, rules())
    nothing_is_given_twice(places, together)
    assert left_units(together) <= left_units(alone)
    assert totals(together).splits <= totals(alone).splits * 0.7
    assert totals(together).cost < totals(alone).cost


def test_a_run_is_the_same_each_time() -> None:
    orders, places = batch(5, 40, 8, 15)
    assert broker(orders, places, rules(), work=8) == broker(orders, list(reversed(places)), rules(), work=8)


def test_a_run_without_orders_decides_nothing() -> None:
    assert broker([], [place("S1", {"A": 1})], rules()) == ()
