"""Selling what is not in stock: which lines of a new order go on at once, and which take a place in the queue."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from adapters.backorders.port import CapReached, Party, Wanted
from adapters.inventory.port import OutOfStock, Reserve, Shortage
from adapters.transaction.port import Transaction
from domain.ids import LineId
from domain.stock import Place, StockLine, total_demand


class Waiting(BaseModel):
    """Lines of one group that wait for supply, each whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    n: int
    lines: list[LineId]
    expected_at: datetime | None = None


async def sell_beyond_stock(books: Transaction, request: Reserve, groups: Mapping[LineId, int]) -> list[Waiting]:
    """Hold what is in stock, and take places in the queue for the rest. `groups`: which one each line is in.

    A line waits whole: of three of which one is there, none is taken from the shelf. Lines without a group are never
    sold so. What was decided for an order stands, however often it is asked. Raises: OutOfStock (a cap is reached, or
    nothing may be sold beyond stock; the transaction is to be rolled back), KeyConflict.
    """
    by_line: dict[LineId, list[StockLine]] = {}
    for line in request.lines:
        by_line.setdefault(line.line_id, []).append(line)
    parties = list(await books.backorders.of_order(request.order_id))
    if not parties:
        parties = await _join(books, request, by_line, groups)
    waits = {line.line_id for party in parties for line in party.lines}
    if in_stock := tuple(line for line in request.lines if line.line_id not in waits):
        await books.inventory.reserve(request.model_copy(update={"lines": in_stock}))
    return [
        Waiting(n=party.n, lines=sorted({line.line_id for line in party.lines}), expected_at=party.expected_at)
        for party in parties
    ]


async def _join(
    books: Transaction, request: Reserve, by_line: Mapping[LineId, Sequence[StockLine]], groups: Mapping[LineId, int]
) -> list[Party]:
    places = sorted({line.place for line in request.lines})
    there = await _available(books, places, request.channel)
    left = dict(there)
    wanted: dict[int, list[Wanted]] = {}
    for line_id, lines in by_line.items():
        asked = total_demand(lines)
        if all(left[place] >= quantity for place, quantity in asked.items()):
            for place, quantity in asked.items():
                left[place] -= quantity
            continue
        if line_id not in groups:
            raise OutOfStock(
                [
                    Shortage(*place, quantity, there[place])
                    for place, quantity in asked.items()
                    if left[place] < quantity
                ]
            )
        waiting = wanted.setdefault(groups[line_id], [])
        waiting += [Wanted(line, beyond=left[line.place] < asked[line.place]) for line in lines]
    try:
        return [
            await books.backorders.join(request.order_id, n, lines, request.channel or "", request.at)
            for n, lines in sorted(wanted.items())
        ]
    except CapReached as reached:
        raise OutOfStock(
            [each._replace(available=there[each.sku, each.location_id]) for each in reached.missing]
        ) from reached


async def _available(books: Transaction, places: Sequence[Place], channel: str | None) -> dict[Place, int]:
    skus, locations = sorted({sku for sku, _ in places}), sorted({location for _, location in places})
    found = await books.inventory.availability(skus, locations, channel)
    return {(each.sku, each.location_id): each.available for each in found}
