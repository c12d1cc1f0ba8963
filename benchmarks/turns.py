"""Parties take turns: A B A B. What the machine does meanwhile then falls on all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from benchmarks.results import Figures, Table, summed_up
from benchmarks.shown import say

Turn = Callable[[], Awaitable[Figures]]
"""Runs one party's load once, checks its outcome, and gives its figures."""

LONGEST = 55.0
"""Seconds after which a turn begins no further orders, so that its measured part is a minute at most."""


class OutcomeWrong(Exception):
    """Something was lost, doubled or oversold: figures of such a run count for nothing."""


def must(condition: object, otherwise: str) -> None:
    if not condition:
        raise OutcomeWrong(otherwise)


async def in_turns(
    title: str,
    load: str,
    parties: Mapping[str, Turn],
    *,
    rounds: int,
    remarks: Mapping[str, str] | None = None,
) -> Table:
    """Give each party its turn, `rounds` times around."""
    turns: dict[str, list[Figures]] = {party: [] for party in parties}
    for number in range(1, rounds + 1):
        for party, turn in parties.items():
            say(f"  {title}, round {number} of {rounds}: {party} …")
            figures = await turn()
            turns[party].append(figures)
            say("    " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
            await asyncio.sleep(0)
    return summed_up(title, load, turns, remarks or {})
