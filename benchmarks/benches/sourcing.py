"""Where one order leaves from, of a thousand stores: the core, the whole explained decision, a solver beside them."""

import time
from collections.abc import Callable

from benchmarks.counting import waits
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.sourcing.cases import RULE, RULES, case
from benchmarks.sourcing.highs import Solved, solve_one, weighted
from benchmarks.turns import Turn, in_turns, must
from domain.sourcing import Candidate, SourcingRequest, source
from domain.sourcing.bundles import Wanted, bundles_of, open_lines
from domain.sourcing.drafting import Draft, ask, plan
from domain.sourcing.field import Field
from domain.sourcing.subsets import MAX_EXACT, Goal
from domain.sourcing.survey import Surveys

STORES = 1_000
CORE, WHOLE, HIGHS = "throughline, the core", "throughline, the whole decision", "HiGHS"
CASES = {1: 200, 3: 200, 5: 200, 10: 100, 50: 5}
"""Orders by number of lines; HiGHS solves fewer."""
SOLVED = {1: 20, 3: 20, 5: 20, 10: 10, 50: 2}
SECONDS = 25.0
"""That HiGHS may take for one order."""
WITHIN = 1.02
REMARKS = {
    CORE: "who has which lines, collapsed to sets, and the best of them; distances and filters are done",
    WHOLE: "distances, filters, ranks and a reason for every store",
    HIGHS: f"a set cover, solved to the optimum or for {SECONDS:g} s",
}


async def run(options: Run) -> list[Table]:
    tables = []
    best: dict[tuple[int, int], Solved] = {}
    for lines in CASES:
        count = options.sized(CASES[lines], quick=2)
        solved = min(count, options.sized(SOLVED[lines], quick=1))
        stores = options.sized(STORES, quick=60)
        seconds = 2.0 if options.quick else SECONDS
        turns: dict[str, Turn] = {
            HIGHS: _timed(lines, stores, solved, lambda *asked, s=seconds: solve_one(*asked, RULE, s), best),
            CORE: _core(lines, stores, count),
            WHOLE: _decided(lines, stores, count, best),
        }
        load = f"{lines} lines, {stores:,} stores of which a fifth has each line"
        tables.append(await in_turns(title(lines), load, turns, rounds=options.rounds, remarks=REMARKS))
    return tables


def title(lines: int) -> str:
    return f"sourcing, {lines} {'line' if lines == 1 else 'lines'}"


def _timed(
    lines: int,
    stores: int,
    count: int,
    solve: Callable[[SourcingRequest, list[Candidate]], Solved],
    best: dict[tuple[int, int], Solved],
) -> Turn:
    async def turn() -> Figures:
        seconds = []
        for number in range(count):
            asked = case(number, lines, stores)
            began = time.perf_counter()
            best[lines, number] = solve(*asked)
            seconds.append(time.perf_counter() - began)
        proven = sum(best[lines, number].proven for number in range(count))
        return {**waits(seconds), "orders/s": count / sum(seconds), "proven %": 100 * proven / count}

    return turn


def _core(lines: int, stores: int, count: int) -> Turn:
    async def turn() -> Figures:
        seconds = []
        for number in range(count):
            request, candidates = case(number, lines, stores)
            places = Field(candidates)
            seen = Surveys(request, places.places).of(RULE)
            made = Draft(request, open_lines(request))
            bundles = bundles_of(request, made.lines)
            goal = Goal([each.units for each in bundles], [each.value for each in bundles], seen.shift, 60)
            began = time.perf_counter()
            options, opened, _ = ask(made, places, seen, Wanted(bundles))
            shares = plan(goal, options, opened)
            seconds.append(time.perf_counter() - began)
            must(sum(mask.bit_count() for _, mask in shares) == lines, "a line that can be had was left")
        return {**waits(seconds), "orders/s": count / sum(seconds)}

    return turn


def _decided(lines: int, stores: int, count: int, best: dict[tuple[int, int], Solved]) -> Turn:
    async def turn() -> Figures:
        seconds, over = [], []
        for number in range(count):
            request, candidates = case(number, lines, stores)
            began = time.perf_counter()
            decision = source(request, candidates, RULES)
            seconds.append(time.perf_counter() - began)
            known = best.get((lines, number))
            if known is None:
                continue
            ratio = weighted(decision) / known.weighted
            over.append(ratio)
            if known.proven:
                must(ratio >= 1 - 1e-6, f"order {number} is better than its optimum: the two do not decide the same")
                bound = 1 + 1e-6 if lines <= MAX_EXACT else WITHIN
                must(ratio <= bound, f"order {number} of {lines} lines costs {ratio:.4f} of the optimum")
        return {
            **waits(seconds),
            "orders/s": count / sum(seconds),
            "cost beside HiGHS": max(over),
        }

    return turn
