"""What must be true of every order that was collected: nothing lost, nothing doubled, nothing oversold."""

from collections.abc import Sequence

import httpx
import psycopg

from benchmarks.flow.orders import UNITS
from benchmarks.flow.stage import Stage
from benchmarks.stock.shelf import Shelf
from benchmarks.turns import must
from domain.terms import OrderTerms


async def check_collected(stage: Stage, shelf: Shelf, orders: Sequence[OrderTerms]) -> None:
    """Stock, our ledger, the provider's ledger and the records agree that each order was carried out once."""
    ids = [terms.order_id for terms in orders]
    async with await psycopg.AsyncConnection.connect(stage.db.dsn) as connection:

        async def one(query: str) -> tuple[int, ...]:
            row = await (await connection.execute(query, {"ids": ids, "place": shelf.place})).fetchone()
            assert row is not None
            return tuple(int(value or 0) for value in row)

        held = await one("SELECT count(*), sum(taken), sum(consumed) FROM reservations WHERE order_id = ANY(%(ids)s)")
        must(held == (len(ids), UNITS * len(ids), UNITS * len(ids)), f"reservations, taken, consumed: {held}")
        (apart,) = await one(
            """SELECT count(*) FROM stock_levels l WHERE location_id = %(place)s
               AND (on_hand < 0 OR allocated <> 0 OR reserved <> 0 OR on_hand <> (
                   SELECT sum(m.on_hand) FROM stock_movements m
                   WHERE m.sku = l.sku AND m.location_id = l.location_id))"""
        )
        must(not apart, f"{apart} levels differ from their ledger, or still hold units for somebody")
        money = await one(
            """SELECT count(*) FILTER (WHERE kind = 'authorise'), count(*) FILTER (WHERE kind = 'capture'),
                      count(*) FILTER (WHERE status <> 'succeeded'),
                      sum(amount) FILTER (WHERE kind = 'capture')
               FROM payment_operations WHERE order_id = ANY(%(ids)s)"""
        )
        total = sum(terms.total for terms in orders)
        must(money == (len(ids), len(ids), 0, total), f"authorised, captured, not succeeded, amount: {money}")
        (recorded,) = await one("SELECT count(*) FROM orders WHERE order_id = ANY(%(ids)s) AND version >= 2")
        must(recorded == len(ids), f"{recorded} of {len(ids)} orders are on record")
    await _check_provider(stage, orders, total)


async def _check_provider(stage: Stage, orders: Sequence[OrderTerms], total: int) -> None:
    ours = {str(terms.order_id) for terms in orders}
    async with httpx.AsyncClient(timeout=60.0) as http:
        entries = (await http.get(f"{stage.payments_url}/ledger")).json()["entries"]
    captured = [e for e in entries if e["operation"] == "capture" and e["reference"] in ours]
    done = [entry for entry in captured if entry["status"] == "succeeded"]
    must(len(done) == len({e["reference"] for e in done}) == len(ours), f"the provider captured {len(done)} times")
    must(sum(entry["amount"] for entry in done) == total, "the provider captured another amount")
