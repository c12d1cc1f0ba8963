"""Stock to reserve from, and what must be true of it afterwards."""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

import psycopg

from adapters.inventory.port import Reserve
from benchmarks.turns import must
from domain.ids import LineId, OperationKey, OrderId, Sku, StoreId
from domain.stock import StockLine


class Shelf:
    """SKUs at one place that no other turn knows."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.name = secrets.token_hex(4).upper()
        self.place = StoreId(f"S-{self.name}")

    def sku(self, number: int = 0) -> Sku:
        return Sku(f"{self.name}-{number:04d}")

    @cached_property
    def now(self) -> datetime:
        return datetime.now(UTC)

    async def stock(self, units: Mapping[Sku, int]) -> None:
        """So many units arrive, in level and ledger."""
        rows = [(sku, self.place, quantity) for sku, quantity in units.items()]
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection, connection.cursor() as cursor:
            await cursor.executemany(
                "INSERT INTO stock_levels (sku, location_id, on_hand, allocated, reserved, set_aside, withheld)"
                " VALUES (%s, %s, %s, 0, 0, 0, 0)",
                rows,
            )
            await cursor.executemany(
                "INSERT INTO stock_movements (key, kind, sku, location_id, reason, at, on_hand, allocated, reserved,"
                " set_aside, withheld) VALUES (%s, 'receipt', %s, %s, '', %s, %s, 0, 0, 0, 0)",
                [(f"receipt:{sku}", sku, place, self.now, quantity) for sku, place, quantity in rows],
            )

    def wish(self, number: int, units: Mapping[Sku, int], expires_at: datetime | None = None) -> Reserve:
        """What order `number` asks for."""
        order = OrderId(f"{self.name}-{number:07d}")
        return Reserve(
            key=OperationKey(f"{order}:reserve"),
            at=self.now,
            order_id=order,
            lines=tuple(
                StockLine(line_id=LineId(str(n)), sku=sku, location_id=self.place, quantity=quantity)
                for n, (sku, quantity) in enumerate(units.items(), start=1)
            ),
            expires_at=expires_at,
        )

    async def check(self, granted: int) -> None:
        """Levels, reservations and ledger say the same, no level is oversold, and each granted order is there once."""
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            row = await (
                await connection.execute(
                    """
                    WITH levels AS (
                        SELECT sku, on_hand, allocated, reserved FROM stock_levels WHERE location_id = %(place)s
                    ), ledger AS (
                        SELECT sku, sum(on_hand) on_hand, sum(allocated) allocated, sum(reserved) reserved
                        FROM stock_movements WHERE sku IN (SELECT sku FROM levels) AND location_id = %(place)s
                        GROUP BY sku
                    ), held AS (
                        SELECT sku, sum(reserved) reserved FROM reservations
                        WHERE sku IN (SELECT sku FROM levels) AND location_id = %(place)s GROUP BY sku
                    )
                    SELECT count(*) FILTER (WHERE l.on_hand < l.allocated + l.reserved),
                           count(*) FILTER (WHERE (l.on_hand, l.allocated, l.reserved)
                                            IS DISTINCT FROM (m.on_hand, m.allocated, m.reserved)),
                           count(*) FILTER (WHERE l.reserved IS DISTINCT FROM coalesce(h.reserved, 0)),
                           (SELECT count(DISTINCT order_id) FROM reservations WHERE order_id LIKE %(orders)s),
                           (SELECT count(*) FROM stock_operations WHERE key LIKE %(keys)s)
                    FROM levels l LEFT JOIN ledger m USING (sku) LEFT JOIN held h USING (sku)
                    """,
                    {"place": self.place, "orders": f"{self.name}-%", "keys": f"{self.name}-%:reserve"},
                )
            ).fetchone()
        assert row is not None
        oversold, unlike_ledger, unlike_held, orders, operations = row
        must(not oversold, f"{oversold} SKUs are oversold")
        must(not unlike_ledger, f"{unlike_ledger} levels differ from their ledger")
        must(not unlike_held, f"{unlike_held} levels differ from what orders hold")
        must(orders == granted, f"{granted} reservations were answered, {orders} are there")
        must(operations == granted, f"{granted} reservations were answered, {operations} keys are there")
