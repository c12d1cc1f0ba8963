"""What sourcing finds is held against a solver's optimum."""

from random import Random

import pytest

from domain.sourcing import Candidate, Costs, Filters, Rule, SourcingDecision, SourcingRequest, SplitPolicy, source
from tests.domain.sourcing.highs_oracle import Optimum, cheapest_cover, optimum
from tests.domain.sourcing.sample_sourcing import anywhere, line, order, random_case, rules

FREE_UNITS = Costs(per_unit=0)


def found(decision: SourcingDecision) -> Optimum:
    left = sum(each.quantity for each in decision.waiting.lines) if decision.waiting else 0
    return Optimum(left, len(decision.parts), decision.cost)


def agrees(request: SourcingRequest, candidates: list[Candidate], rule: Rule) -> None:
    decision = source(request, candidates, rules(rule))
    assert found(decision) == optimum(request, candidates, rule), request.model_dump_json()


def tried(seeds: range) -> None:
    for seed in seeds:
        dice = Random(seed)
        lines = dice.randint(1, 9)
        request, candidates = random_case(seed, lines, dice.choice([4, 12, 40]), having=dice.choice([0.15, 0.3, 0.6]))
        agrees(request, candidates, anywhere(costs=FREE_UNITS))


def test_the_fewest_parts_at_the_least_cost_are_found() -> None:
    tried(range(40))


@pytest.mark.slow
def test_the_optimum_is_found_in_hundreds_of_cases() -> None:
    tried(range(1000, 1400))


@pytest.mark.parametrize("seed", range(12))
def test_few_parts_and_a_least_value_are_kept_at_the_optimum(seed: int) -> None:
    dice = Random(seed)
    request, candidates = random_case(seed, dice.randint(2, 7), 10, having=0.35)
    split = SplitPolicy(
        max_parts=dice.randint(1, 4), partial=dice.random() < 0.7, min_value=dice.choice([0, 2000, 6000, 12000])
    )
    agrees(request, candidates, anywhere(split=split, costs=FREE_UNITS))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 400))
def test_limits_are_kept_at_the_optimum_in_many_cases(seed: int) -> None:
    test_few_parts_and_a_least_value_are_kept_at_the_optimum(seed)


def competing(seed: int) -> tuple[SourcingRequest, list[Candidate]]:
    """Several lines, groups and kits want the same SKUs."""
    dice = Random(seed)
    _, candidates = random_case(seed, 4, 9, having=0.6, most=4)
    lines = []
    for number in range(dice.randint(2, 6)):
        kit = {f"K{n}": dice.randint(1, 2) for n in dice.sample(range(4), 2)} if dice.random() < 0.3 else {}
        together = dice.choice([None, None, "a", "b"])
        sku = f"KIT{number}" if kit else f"K{dice.randrange(4)}"
        lines.append(line(number, sku, dice.randint(1, 2), 1000, components=kit, together=together))
    return order(*lines), candidates


def compared(seed: int) -> None:
    request, candidates = competing(seed)
    rule = anywhere(costs=FREE_UNITS, filters=Filters(stock_left=seed % 2))
    agrees(request, candidates, rule)


def test_lines_that_compete_for_stock_are_served_at_the_optimum() -> None:
    for seed in range(30):
        compared(seed)


@pytest.mark.slow
def test_many_orders_whose_lines_compete_are_served_at_the_optimum() -> None:
    for seed in range(500, 800):
        compared(seed)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "having"), [(1, 0.2), (2, 0.3), (3, 0.4), (4, 0.6)])
def test_fifty_lines_are_within_two_percent_of_the_optimum(seed: int, having: float) -> None:
    request, candidates = random_case(seed, 50, 60, having=having, most=1)
    rule = anywhere(split=SplitPolicy(max_parts=50), costs=FREE_UNITS)
    ours, best = found(source(request, candidates, rules(rule))), cheapest_cover(request, candidates, rule)
    assert (ours.left_units, ours.parts) == (best.left_units, best.parts)
    assert ours.cost <= best.cost * 1.02
