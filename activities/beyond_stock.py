"""Selling what is not in stock: which lines of a new order go on at once, and which take a place in the queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from adapters.backorders.port import CapReached, Party, Wanted
from adapters.inventory.port import OutOfStock, Reserve, Shortage
from adapters.transaction.port import Transaction
from domain.ids import LineId, OperationKey, OrderId, Sku
from domain.stock import Place, StockLine, total_demand


class Asked(BaseModel):
    """What a new order asks of stock. `ahead`: what no place can ship; `groups`: which one each line is in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: OrderId
    at: datetime
    key: OperationKey
    channel: str | None
    lines: tuple[StockLine, ...]
    ahead: tuple[StockLine, ...] = ()
    groups: Mapping[LineId, int]


class Waiting(BaseModel):
    """Lines of one group that wait for supply, each whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    lines: list[LineId]
    expected_at: datetime | None = None


async def sell_beyond_stock(books: Transaction, asked: Asked) -> list[Waiting]:
    """Hold what is in stock, and take places in the queue for the rest.

    A line waits whole: of three of which one is there, none is taken from the shelf. Lines without a group are never
    sold so. What was decided for an order stands, however often it is asked. Raises: OutOfStock (a cap is reached, or
    nothing may be sold beyond stock; the transaction is to be rolled back), KeyConflict.
    """
    parties = list(await books.backorders.of_order(asked.order_id)) or await _join(books, asked)
    waits = {line.line_id for party in parties for line in party.lines}
    if in_stock := tuple(line for line in asked.lines if line.line_id not in waits):
        await books.inventory.reserve(
            Reserve(key=asked.key, at=asked.at, order_id=asked.order_id, lines=in_stock, channel=asked.channel)
        )
    return [
        Waiting(n=party.n, lines=sorted({line.line_id for line in party.lines}), expected_at=party.expected_at)
        for party in parties
    ]


async def _join(books: Transaction, asked: Asked) -> list[Party]:
    there = await _available(books, sorted({line.place for line in asked.lines}), asked.channel)
    wanted: dict[int, list[Wanted]] = {}
    _from_shelf(asked, there, wanted)
    await _from_anywhere(books, asked, wanted)
    try:
        return [
            await books.backorders.join(asked.order_id, n, lines, asked.channel or "", asked.at)
            for n, lines in sorted(wanted.items())
        ]
    except CapReached as reached:
        raise OutOfStock(
            [each._replace(available=there.get((each.sku, each.location_id), 0)) for each in reached.missing]
        ) from reached


def _from_shelf(asked: Asked, there: Mapping[Place, int], wanted: dict[int, list[Wanted]]) -> None:
    """Lines that their place has not whole, after the lines before them."""
    left = dict(there)
    for line_id, lines in _by_line(asked.lines).items():
        demand = total_demand(lines)
        missing = [place for place, quantity in demand.items() if left[place] < quantity]
        if not missing:
            for place, quantity in demand.items():
                left[place] -= quantity
            continue
        if line_id not in asked.groups:
            raise OutOfStock([Shortage(*place, demand[place], there[place]) for place in missing])
        waiting = wanted.setdefault(asked.groups[line_id], [])
        waiting += [Wanted(line, beyond=left[line.place] < demand[line.place]) for line in lines]


async def _from_anywhere(books: Transaction, asked: Asked, wanted: dict[int, list[Wanted]]) -> None:
    """Lines that no place can ship. What one place alone has of a kit's components is not sold beyond stock."""
    skus = sorted({line.sku for line in asked.ahead})
    most: dict[Sku, int] = dict.fromkeys(skus, 0)
    for level in await books.inventory.levels(skus, None, asked.channel) if skus else ():
        most[level.sku] = max(most[level.sku], level.available)
    for line_id, lines in _by_line(asked.ahead).items():
        short = {line.sku for line in lines if most[line.sku] < line.quantity}
        if line_id not in asked.groups or (not short and len(lines) > 1):
            raise OutOfStock([Shortage(*line.place, line.quantity, most[line.sku]) for line in lines])
        waiting = wanted.setdefault(asked.groups[line_id], [])
        # One article that is somewhere, but nowhere for this order, is beyond its reach all the same.
        waiting += [Wanted(line, beyond=line.sku in short or len(lines) == 1) for line in lines]


def _by_line(lines: Sequence[StockLine]) -> dict[LineId, list[StockLine]]:
    by_line: dict[LineId, list[StockLine]] = {}
    for line in lines:
        by_line.setdefault(line.line_id, []).append(line)
    return by_line


async def _available(books: Transaction, places: Sequence[Place], channel: str | None) -> dict[Place, int]:
    skus, locations = sorted({sku for sku, _ in places}), sorted({location for _, location in places})
    found = await books.inventory.availability(skus, locations, channel)
    return {(each.sku, each.location_id): each.available for each in found}
