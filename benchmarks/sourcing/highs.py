"""The same decisions as mixed integer programmes for HiGHS, as one would write them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import highspy

from domain.sourcing import Candidate, SourcingDecision, SourcingRequest
from domain.sourcing.field import Field
from domain.sourcing.rules import Rule
from domain.sourcing.survey import Surveys

PART = 100_000
"""Outweighs the cost of any part."""
LEFT = 1_000_000


@dataclass(frozen=True)
class Solved:
    weighted: float
    """Parts, cost and units left, in one figure: `weighted` of a decision."""
    proven: bool


def weighted(decision: SourcingDecision) -> int:
    left = sum(each.quantity for each in decision.waiting.lines) if decision.waiting else 0
    return LEFT * left + PART * len(decision.parts) + decision.cost


def solve_one(request: SourcingRequest, candidates: Sequence[Candidate], rule: Rule, seconds: float) -> Solved:
    """Fewest parts, then least cost, for one order whose lines all can be had."""
    places = Field(candidates)
    solver = _solver(seconds)
    opened, aim = {}, []
    for sight in Surveys(request, places.places).of(rule).seen:
        opened[sight.position] = solver.addBinary()
        aim.append((PART + sight.cost) * opened[sight.position])
    for line in request.lines:
        able = [each for at, each in opened.items() if places.stock[at].get(line.sku, 0) >= line.quantity]
        solver.addConstr(sum(able) >= 1)
    solver.minimize(sum(aim))
    return _solved(solver)


def solve_batch(
    requests: Sequence[SourcingRequest], candidates: Sequence[Candidate], rule: Rule, seconds: float
) -> Solved:
    """The least of parts, cost and units left over all orders, on shared stock and capacity; one unit a line."""
    places = Field(candidates)
    solver = _solver(seconds)
    aim: list[Any] = []
    takers: dict[tuple[int, str], list[Any]] = defaultdict(list)
    parcels: dict[int, list[Any]] = defaultdict(list)
    for request in requests:
        costs = {sight.position: sight.cost for sight in Surveys(request, places.places).of(rule).seen}
        opened: dict[int, Any] = {}
        for line in request.lines:
            serves = []
            for at, cost in costs.items():
                if places.stock[at].get(line.sku, 0) < line.quantity:
                    continue
                if at not in opened:
                    opened[at] = solver.addBinary()
                    parcels[at].append(opened[at])
                    aim.append((PART + cost) * opened[at])
                serve = solver.addVariable(lb=0, ub=1)
                solver.addConstr(serve <= opened[at])
                takers[at, line.sku].append(serve)
                serves.append(serve)
            missing = solver.addVariable(lb=0, ub=1)
            aim.append(LEFT * missing)
            solver.addConstr(sum(serves) + missing == 1)
    for (at, sku), serves in takers.items():
        solver.addConstr(sum(serves) <= places.places[at].stock[sku])  # type: ignore[index]
    for at, each in parcels.items():
        if (room := places.room[at]) is not None:
            solver.addConstr(sum(each) <= room)
    solver.minimize(sum(aim))
    return _solved(solver)


def _solver(seconds: float) -> highspy.Highs:
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("time_limit", seconds)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("mip_abs_gap", 0.5)
    return solver


def _solved(solver: highspy.Highs) -> Solved:
    return Solved(
        weighted=solver.getInfo().objective_function_value,
        proven=solver.getModelStatus() == highspy.HighsModelStatus.kOptimal,
    )
