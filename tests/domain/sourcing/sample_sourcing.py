"""Places, orders and rules to source with; what a test does not name is plain."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

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
BERLIN = Destination(latitude=52.52, longitude=13.405, country="DE")


def place(name: str, stock: dict[str, int], *, km: float = 10, **fields: Any) -> Candidate:
    """A store `km` north of the customer in Berlin."""
    return Candidate.model_validate(
        {
            "location_id": name,
            "kind": PlaceKind.STORE,
            "latitude": BERLIN.latitude + km / 111.195,
            "longitude": BERLIN.longitude,
            "country": "DE",
            "dispatches_at": NOON + timedelta(hours=4),
            "stock": stock,
            **fields,
        }
    )


def line(number: int, sku: str, quantity: int = 1, value: int = 1000, **fields: Any) -> SourcingLine:
    return SourcingLine.model_validate(
        {"line_id": LineId(str(number)), "sku": Sku(sku), "quantity": quantity, "value": value, **fields}
    )


def order(*lines: SourcingLine, name: str = "o-1", **fields: Any) -> SourcingRequest:
    return SourcingRequest.model_validate(
        {"order_id": OrderId(name), "channel": Channel.WEB, "destination": BERLIN, "lines": lines, **fields}
    )


def rules(*each: Rule, **fields: Any) -> RoutingRules:
    return RoutingRules.model_validate({"id": "test", "rules": each or (anywhere(),), **fields})


def anywhere(**fields: Any) -> Rule:
    """All places, the cheapest of the fewest."""
    return Rule.model_validate({"name": "anywhere", "ends": Ends.ALLOCATE, "split": SplitPolicy(), **fields})


def random_case(
    seed: int, lines: int, places: int, *, having: float, most: int = 3
) -> tuple[SourcingRequest, list[Candidate]]:
    """An order in Central Europe and places that have each of its lines with probability `having`."""
    dice = Random(seed)
    candidates = [
        Candidate(
            location_id=StoreId(f"S{number:04}"),
            kind=PlaceKind.STORE,
            latitude=dice.uniform(47.5, 54.5),
            longitude=dice.uniform(6.5, 14.5),
            country="DE",
            dispatches_at=NOON,
            handling_cost=dice.randrange(300),
            stock={Sku(f"K{n}"): dice.randint(1, most) for n in range(lines) if dice.random() < having},
        )
        for number in range(places)
    ]
    wanted = tuple(line(n, f"K{n}", dice.randint(1, max(1, most - 1)), dice.randrange(500, 9000)) for n in range(lines))
    there = Destination(latitude=dice.uniform(47.5, 54.5), longitude=dice.uniform(6.5, 14.5), country="DE")
    return order(*wanted, name=f"o-{seed}", destination=there), candidates


def served(parts: Sequence[Any]) -> dict[str, dict[str, int]]:
    """What the parts hold, by place and line."""
    return {part.location_id: {each.line_id: each.quantity for each in part.allocations} for part in parts}
