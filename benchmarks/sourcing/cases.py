"""Made-up orders, places and runs to source; the same for the same number."""

from collections import Counter
from datetime import UTC, datetime
from random import Random

from domain.actors import Channel
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.sourcing import (
    Candidate,
    Destination,
    Ends,
    PlaceKind,
    RoutingRules,
    Rule,
    SourcingLine,
    SourcingRequest,
    SplitPolicy,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULE = Rule(name="cheapest", split=SplitPolicy(max_parts=60), ends=Ends.ALLOCATE)
RULES = RoutingRules(id="bench", rules=(RULE,))
HAVING = 0.2
"""The share of places that have a line."""


def case(number: int, lines: int, places: int) -> tuple[SourcingRequest, list[Candidate]]:
    """An order in Central Europe, each of whose lines a fifth of the places have."""
    dice = Random(number)
    candidates = [
        _place(dice, at, {Sku(f"K{n}"): dice.randint(1, 4) for n in range(lines) if dice.random() < HAVING})
        for at in range(places)
    ]
    return _order(dice, number, [f"K{n}" for n in range(lines)]), candidates


def batch(
    number: int, orders: int, places: int, articles: int, *, supply: float
) -> tuple[list[SourcingRequest], list[Candidate]]:
    """Orders of one to four articles, some much in demand; `supply` units for each that is asked for, scattered."""
    dice = Random(number)
    weights = [1 / (rank + 1) ** 0.7 for rank in range(articles)]
    demand: Counter[str] = Counter()
    requests = []
    for each in range(orders):
        wanted = sorted({f"K{n}" for n in dice.choices(range(articles), weights, k=dice.choice([1, 2, 2, 3, 3, 4]))})
        demand.update(wanted)
        requests.append(_order(dice, each, wanted))
    stock: list[Counter[Sku]] = [Counter() for _ in range(places)]
    for sku, asked in sorted(demand.items()):
        for _ in range(int(asked * supply) + 1):
            stock[dice.randrange(places)][Sku(sku)] += 1
    room = int(orders * 1.6 / places) + 1
    return requests, [_place(dice, at, dict(shelf), room) for at, shelf in enumerate(stock)]


def _order(dice: Random, number: int, skus: list[str]) -> SourcingRequest:
    return SourcingRequest(
        order_id=OrderId(f"o-{number:06}"),
        channel=Channel.WEB,
        destination=Destination(latitude=dice.uniform(47, 55), longitude=dice.uniform(6, 15), country="DE"),
        lines=tuple(SourcingLine(line_id=LineId(sku), sku=Sku(sku), quantity=1, value=2000) for sku in skus),
    )


def _place(dice: Random, number: int, stock: dict[Sku, int], room: int | None = None) -> Candidate:
    return Candidate(
        location_id=StoreId(f"S{number:04}"),
        kind=PlaceKind.STORE,
        latitude=dice.uniform(47, 55),
        longitude=dice.uniform(6, 15),
        country="DE",
        dispatches_at=NOON,
        handling_cost=dice.randrange(200),
        capacity_today=room,
        stock=stock,
    )
