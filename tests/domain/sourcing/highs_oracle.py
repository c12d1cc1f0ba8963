"""The same decision as a mixed integer programme, solved by HiGHS: what the optimum is held against.

min  parts, then cost   over   open[place], serves[place, line]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy

from domain.sourcing import Candidate, SourcingRequest
from domain.sourcing.distance import metres_from
from domain.sourcing.rules import Rule
from domain.sourcing.survey import part_cost


@dataclass(frozen=True)
class Optimum:
    left_units: int
    parts: int
    cost: int


def optimum(request: SourcingRequest, candidates: Sequence[Candidate], rule: Rule) -> Optimum:
    """The best that `rule` can do for lines that are not split by quantity, with its least value and its parts."""
    solver, costs = _solver(), _costs(request, candidates, rule)
    opened = [solver.addBinary() for _ in candidates]
    bundles = list(request.bundles().values())
    units = [sum(sum(line.needs().values()) for line in bundle) for bundle in bundles]
    worth = [sum(line.value for line in bundle) for bundle in bundles]
    serves: list[dict[int, object]] = [{} for _ in bundles]
    least = rule.split.min_value
    whole = solver.addBinary() if least else None
    kept = rule.filters.stock_left
    for place, candidate in enumerate(candidates):
        free = {sku: units - candidate.buffers.get(sku, 0) - kept for sku, units in candidate.stock.items()}
        asked: dict[str, list[tuple[int, object]]] = {}
        for number, bundle in enumerate(bundles):
            needs: dict[str, int] = {}
            for line in bundle:
                for sku, need in line.needs().items():
                    needs[sku] = needs.get(sku, 0) + need
            if all(free.get(sku, 0) >= need for sku, need in needs.items()):
                serve = serves[number][place] = solver.addBinary()
                solver.addConstr(serve <= opened[place])
                for sku, need in needs.items():
                    asked.setdefault(sku, []).append((need, serve))
        for sku, wishes in asked.items():
            if len(wishes) > 1:
                solver.addConstr(sum(need * serve for need, serve in wishes) <= free[sku])
        if least:
            value = sum(worth[number] * each[place] for number, each in enumerate(serves) if place in each)
            solver.addConstr(value >= least * opened[place] - least * whole)
    left = []
    for each in serves:
        missing = solver.addBinary()
        solver.addConstr(sum(each.values()) + missing == 1)
        left.append(missing)
    total = sum(opened)
    solver.addConstr(total <= rule.split.max_parts)
    if not rule.split.partial:
        for missing in left[1:]:
            solver.addConstr(missing == left[0])
    if least:
        anything, nothing_left = solver.addBinary(), solver.addBinary()
        solver.addConstr(total <= len(candidates) * anything)
        solver.addConstr(total >= anything)
        solver.addConstr(sum(left) <= len(left) * (1 - nothing_left))
        # Whole: one part and nothing left. Otherwise nothing is allocated, or what is left is nothing or worth it.
        solver.addConstr(whole <= nothing_left)
        solver.addConstr(total <= 1 + len(candidates) * (1 - whole))
        rest = sum(value * missing for value, missing in zip(worth, left, strict=True))
        solver.addConstr(rest >= least * anything - least * nothing_left)
    missed = sum(number * missing for number, missing in zip(units, left, strict=True))
    money = sum(cost * each for cost, each in zip(costs, opened, strict=True))
    return Optimum(*_one_after_the_other(solver, missed, total, money))


def cheapest_cover(request: SourcingRequest, candidates: Sequence[Candidate], rule: Rule) -> Optimum:
    """The same where every line is wanted alone, has a SKU of its own and can be had: a plain cover, for many lines."""
    solver = _solver()
    opened = [solver.addBinary() for _ in candidates]
    for line in request.lines:
        having = zip(candidates, opened, strict=True)
        solver.addConstr(sum(each for place, each in having if place.stock.get(line.sku, 0) >= line.quantity) >= 1)
    costs = _costs(request, candidates, rule)
    money = sum(cost * each for cost, each in zip(costs, opened, strict=True))
    return Optimum(0, *_one_after_the_other(solver, sum(opened), money))


def _one_after_the_other(solver: highspy.Highs, *aims: Any) -> list[int]:
    """The least of the first aim, then of the next with the first kept: no weights, whose tolerances would add up."""
    least = []
    for aim in aims:
        solver.minimize(aim)
        assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
        least.append(round(solver.getObjectiveValue()))
        solver.addConstr(aim <= least[-1])
    return least


def _solver() -> highspy.Highs:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 0.5)
    return solver


def _costs(request: SourcingRequest, candidates: Sequence[Candidate], rule: Rule) -> list[int]:
    metres = metres_from(request.destination.latitude, request.destination.longitude)
    return [part_cost(rule, each, metres(each.latitude, each.longitude), 0, 0).total for each in candidates]
