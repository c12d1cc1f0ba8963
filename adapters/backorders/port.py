"""Selling beyond stock: how much of what until supply comes, and who waits for it in which order.

What waits is counted here and nowhere in the levels: what can be promised from stock never falls below zero for it.

A **party** is what one group of one order waits for at its place. The queue is in order of placing; a party keeps its
position until it is served or leaves, and is served whole. Supply that comes goes to the first party that it is enough
for, then to the next: one for which it is not enough keeps its position and holds up nobody.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from adapters.inventory.port import Shortage
from domain.ids import LineId, OrderId, Sku, StoreId
from domain.stock import Place, StockLine
from domain.supply import ANYWHERE

Units = Annotated[int, Field(strict=True, ge=0, le=1_000_000_000)]


class BackorderRule(BaseModel):
    """How many units of a SKU may be sold beyond stock.

    A rule for a place counts what waits there; one for `*` all that waits at places without a rule of their own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sku: Sku
    location_id: StoreId = StoreId(ANYWHERE)
    cap: Units
    expected_at: AwareDatetime | None = None
    """When supply is expected. Of what has never been in stock (a preorder): when it comes out."""
    waiting: int = 0
    """Units that are sold beyond stock now."""

    @property
    def left(self) -> int:
        return max(0, self.cap - self.waiting)


class Wanted(NamedTuple):
    """A stock line that waits. `beyond`: it is not in stock, so it counts against a rule; else it waits for others."""

    line: StockLine
    beyond: bool


class Party(BaseModel):
    """What one group of an order waits for, or was given and has not taken over yet."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    n: int
    position: int
    since: AwareDatetime
    channel: str
    lines: tuple[StockLine, ...]
    served: bool
    """Its stock is reserved; its order has still to take it over."""
    expected_at: AwareDatetime | None
    """The latest date of all that it waits for; none when one is unknown."""
    told: AwareDatetime | None
    """The date that its order knows."""


class CapReached(Exception):
    """More is asked than may be sold beyond stock, or nothing may; nothing was changed."""

    def __init__(self, missing: list[Shortage]) -> None:
        self.missing = missing
        super().__init__(", ".join(f"{each.sku} at {each.location_id}: {each.available} left" for each in missing))


class Backorders(Protocol):
    async def put(self, rule: BackorderRule) -> BackorderRule:
        """Set cap and date; who waits stays, also above a smaller cap. Answers with what waits."""
        ...

    async def rules(self, skus: Sequence[str] | None = None) -> Sequence[BackorderRule]:
        """The rules for the named SKUs, or all, by SKU and place."""
        ...

    async def join(self, order_id: OrderId, n: int, wanted: Sequence[Wanted], channel: str, at: datetime) -> Party:
        """Take the next place in the queue for all of it. Again for the same group: the first answer.

        Raises: CapReached.
        """
        ...

    async def queue(
        self, places: Sequence[Place] | None = None, *, after: int = 0, limit: int | None = None
    ) -> Sequence[Party]:
        """Who waits for any of these places' stock (none: for anything) and is not served, first come first."""
        ...

    async def of_order(self, order_id: OrderId) -> Sequence[Party]:
        """Everything that the order waits for or was given, by group."""
        ...

    async def serve(self, order_id: OrderId, n: int) -> tuple[StockLine, ...]:
        """Mark a party as served, if it waits; what is to be reserved for it in the same transaction."""
        ...

    async def served(self, limit: int) -> Sequence[Party]:
        """Parties whose stock is reserved and whose orders have not taken it over, first come first."""
        ...

    async def take_over(self, order_id: OrderId, n: int) -> tuple[StockLine, ...]:
        """The order has what it waited for, and is no more in the queue. Nothing when it was not served."""
        ...

    async def leave(self, order_id: OrderId, n: int, lines: Sequence[StockLine]) -> tuple[StockLine, ...]:
        """Give up so much of a party's place; what of it was served already, and is to be released."""
        ...

    async def tell(self, order_id: OrderId, n: int, expected_at: datetime | None) -> None:
        """The order knows of this date."""
        ...

    async def untold(self, limit: int) -> Sequence[Party]:
        """Parties that wait and whose orders know of another date than the present one, first come first."""
        ...

    async def forget(self, order_id: OrderId) -> None:
        """The order never came to be."""
        ...


def chosen_rules(wanted: Sequence[Wanted], rules: Sequence[BackorderRule]) -> dict[Place, BackorderRule | None]:
    """The rule against which each SKU at each place counts: that of the place before that of all places."""
    known = {(rule.sku, rule.location_id): rule for rule in rules}
    places = {each.line.place for each in wanted if each.beyond}
    return {(sku, at): known.get((sku, at)) or known.get((sku, StoreId(ANYWHERE))) for sku, at in sorted(places)}


def demand_on_rules(
    wanted: Sequence[Wanted], rules: dict[Place, BackorderRule | None]
) -> dict[tuple[Sku, StoreId], int]:
    """How many units the party asks of each rule, by its SKU and place. Raises: CapReached."""
    asked: dict[Place, int] = {}
    for line, beyond in wanted:
        if beyond:
            asked[line.place] = asked.get(line.place, 0) + line.quantity
    demand: dict[tuple[Sku, StoreId], int] = {}
    missing = []
    for place, quantity in sorted(asked.items()):
        rule = rules[place]
        if rule is None:
            missing.append(Shortage(*place, quantity, 0))
            continue
        name = rule.sku, rule.location_id
        demand[name] = demand.get(name, 0) + quantity
        if demand[name] > rule.left:
            missing.append(Shortage(*place, quantity, max(0, rule.left - demand[name] + quantity)))
    if missing:
        raise CapReached(missing)
    return demand


def latest(dates: Sequence[datetime | None]) -> datetime | None:
    """When all of it is there; unknown when one date is."""
    known = [date for date in dates if date is not None]
    return max(known) if known and len(known) == len(dates) else None


def part_of(lines: Sequence[StockLine]) -> dict[tuple[LineId, Sku], int]:
    """Quantities by line and SKU."""
    sums: dict[tuple[LineId, Sku], int] = {}
    for line in lines:
        sums[line.line_id, line.sku] = sums.get((line.line_id, line.sku), 0) + line.quantity
    return sums
