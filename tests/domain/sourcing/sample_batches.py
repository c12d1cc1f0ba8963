"""Orders that compete: a few SKUs, little more stock than is asked for, places with limited capacity."""

from collections import Counter
from random import Random

from domain.sourcing import Candidate, Destination, SourcingRequest
from tests.domain.sourcing.sample_sourcing import line, order, place


def batch(
    seed: int, orders: int, places: int, skus: int, *, supply: float = 1.2
) -> tuple[list[SourcingRequest], list[Candidate]]:
    dice = Random(seed)
    demand: Counter[str] = Counter()
    requests = []
    for number in range(orders):
        wanted = sorted({f"K{dice.randrange(skus)}" for _ in range(dice.choice([1, 2, 2, 3, 3, 4]))})
        demand.update(wanted)
        there = Destination(latitude=dice.uniform(47, 55), longitude=dice.uniform(6, 15), country="DE")
        lines = [line(n, sku) for n, sku in enumerate(wanted)]
        requests.append(order(*lines, name=f"o-{number:04}", destination=there))
    stock: list[Counter[str]] = [Counter() for _ in range(places)]
    for sku, asked in sorted(demand.items()):
        for _ in range(int(asked * supply) + 1):
            stock[dice.randrange(places)][sku] += 1
    candidates = [
        place(
            f"S{number:03}",
            dict(shelf),
            latitude=dice.uniform(47, 55),
            longitude=dice.uniform(6, 15),
            capacity_today=int(orders * 1.7 / places),
        )
        for number, shelf in enumerate(stock)
    ]
    return requests, candidates
