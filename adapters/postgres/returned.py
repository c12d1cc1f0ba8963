"""What returns add to an order's record: the units that came back, and the money that went back for them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, cast, func, literal, null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.postgres.tables.returns import ExchangeRefundRow, ReturnRow, ReturnUnitsRow


class Returned:
    """Of some orders; empty for those that nothing came back of."""

    def __init__(self) -> None:
        self.units: dict[tuple[str, str], int] = {}
        self.refunded: dict[str, int] = {}

    def add_to(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order's document with its returns; the given one stays as it is."""
        order_id = order["order_id"]
        lines = [
            line | {"returned": self.units[order_id, line["line_id"]]}
            if (order_id, line["line_id"]) in self.units
            else line
            for line in order["lines"]
        ]
        if not (back := self.refunded.get(order_id, 0)):
            return order | {"lines": lines}
        payment = order["payment"]
        return order | {"lines": lines, "payment": payment | {"refunded": payment.get("refunded", 0) + back}}


async def read(connection: AsyncConnection, orders: Sequence[str]) -> Returned:
    units = (
        select(ReturnUnitsRow.order_id, ReturnUnitsRow.line_id, func.sum(ReturnUnitsRow.accepted))
        .where(ReturnUnitsRow.order_id.in_(orders), ReturnUnitsRow.accepted > 0)
        .group_by(ReturnUnitsRow.order_id, ReturnUnitsRow.line_id)
    )
    money = (
        select(ReturnRow.order_id, cast(null(), String), func.sum(ReturnRow.refunded))
        .where(ReturnRow.order_id.in_(orders), ReturnRow.refunded > literal(0))
        .group_by(ReturnRow.order_id)
    )
    # A replacement came back: what had paid for it went back to the tenders of the order before it.
    carried = (
        select(ExchangeRefundRow.order_id, cast(null(), String), func.sum(ExchangeRefundRow.refunded))
        .where(ExchangeRefundRow.order_id.in_(orders))
        .group_by(ExchangeRefundRow.order_id)
    )
    found = Returned()
    for order_id, line_id, amount in await connection.execute(union_all(units, money, carried)):
        if line_id is None:
            found.refunded[order_id] = found.refunded.get(order_id, 0) + int(amount)
        else:
            found.units[order_id, line_id] = int(amount)
    return found
