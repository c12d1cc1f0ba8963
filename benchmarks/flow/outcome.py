"""What must be true of orders afterwards: nothing lost, nothing doubled, nothing oversold."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import psycopg

from benchmarks.flow.orders import UNITS
from benchmarks.flow.region import Region
from benchmarks.flow.stage import Stage
from benchmarks.stock.shelf import Shelf
from benchmarks.turns import must
from domain.terms import OrderTerms

Ask = Callable[[str], Awaitable[tuple[int, ...]]]
"""One row of whole numbers. A query may name the orders' `ids`, the shelf's `place`, the region's `skus`."""


async def check_collected(stage: Stage, shelf: Shelf, orders: Sequence[OrderTerms]) -> None:
    """Stock, our ledger, the provider's ledger and the records agree that each order was carried out once."""
    count, total = len(orders), sum(terms.total for terms in orders)
    async with _asking(stage, orders, place=shelf.place) as one:
        held = await one("SELECT count(*), sum(taken), sum(consumed) FROM reservations WHERE order_id = ANY(%(ids)s)")
        must(held == (count, UNITS * count, UNITS * count), f"reservations, taken, consumed: {held}")
        (apart,) = await one(
            """SELECT count(*) FROM stock_levels l WHERE location_id = %(place)s
               AND (on_hand < 0 OR allocated <> 0 OR reserved <> 0 OR on_hand <> (
                   SELECT sum(m.on_hand) FROM stock_movements m
                   WHERE m.sku = l.sku AND m.location_id = l.location_id))"""
        )
        must(not apart, f"{apart} levels differ from their ledger, or still hold units for somebody")
        await _check_money(one, count, captured=count, amount=total)
        (recorded,) = await one("SELECT count(*) FROM orders WHERE order_id = ANY(%(ids)s) AND version >= 2")
        must(recorded == count, f"{recorded} of {count} orders are on record")
    await _check_provider(stage, orders, total)


async def check_returned(stage: Stage, shelf: Shelf, orders: Sequence[OrderTerms]) -> None:
    """All that was sold is back on the shelf once, and all that was paid is back with the customers, also there."""
    count, total = len(orders), sum(terms.total for terms in orders)
    async with _asking(stage, orders, place=shelf.place) as one:
        back = await one(
            "SELECT count(*), sum(on_hand) FROM stock_movements WHERE order_id = ANY(%(ids)s) AND kind = 'returned'"
        )
        must(back == (count, UNITS * count), f"movements and units that came back: {back}")
        over = await one("SELECT count(*), sum(refunded) FROM returns WHERE order_id = ANY(%(ids)s) AND finished")
        must(over == (count, total), f"returns that are over, and what they paid back: {over}")
        booked = await one("SELECT count(*), sum(refunded) FROM tender_totals WHERE order_id = ANY(%(ids)s)")
        must(booked == (count, total), f"tenders, and what went back to them: {booked}")
    ours = {str(terms.order_id) for terms in orders}
    async with httpx.AsyncClient(timeout=60.0) as http:
        entries = (await http.get(f"{stage.payments_url}/ledger")).json()["entries"]
    refunds = [e["amount"] for e in entries if e["operation"] == "refund" and e["reference"] in ours]
    must((len(refunds), sum(refunds)) == (count, total), f"the provider refunded {len(refunds)} times, {sum(refunds)}")


async def check_ended(stage: Stage, region: Region, orders: Sequence[OrderTerms], declined: int) -> None:
    """Each order was collected or delivered once, however many of them a store had `declined` before."""
    count, total = len(orders), sum(terms.total for terms in orders)
    async with _asking(stage, orders, skus=f"{region.name}-%") as one:
        await _check_levels(one)
        (left,) = await one(
            "SELECT sum(on_hand) FROM stock_levels WHERE sku LIKE %(skus)s HAVING sum(allocated + reserved) = 0"
        )
        must(left == region.units - UNITS * count, f"{region.units - left} units are gone, not {UNITS * count}")
        held = await one(
            """SELECT sum(consumed), sum(released), sum(taken), (SELECT count(*) FROM (
                   SELECT 1 FROM reservations WHERE order_id = ANY(%(ids)s)
                   GROUP BY order_id HAVING sum(consumed) = %(units)s) once)
               FROM reservations WHERE order_id = ANY(%(ids)s)"""
        )
        gone, back = UNITS * count, UNITS * declined
        must(held == (gone, back, gone + back, count), f"consumed, released, taken, orders that are whole: {held}")
        await _check_money(one, count, captured=count, amount=total)
        (completed,) = await one("SELECT count(*) FROM orders WHERE order_id = ANY(%(ids)s) AND status = 'completed'")
        must(completed == count, f"{completed} of {count} orders are completed")
        (full,) = await one("SELECT sum(open) FROM capacity_open")
        must(not full, f"places still count {full} parcels of shipments that have left")
    await _check_provider(stage, orders, total)


async def check_open(stage: Stage, region: Region, orders: Sequence[OrderTerms]) -> None:
    """Each order was placed once: its units are held somewhere, its money is authorised, nothing was taken yet."""
    count = len(orders)
    async with _asking(stage, orders, skus=f"{region.name}-%") as one:
        await _check_levels(one)
        held = await one(
            """SELECT count(*), min(units), max(units) FROM (
                   SELECT sum(reserved + allocated) units FROM reservations WHERE order_id = ANY(%(ids)s)
                   GROUP BY order_id) held"""
        )
        must(held == (count, UNITS, UNITS), f"orders with units, the fewest and the most of them: {held}")
        (units,) = await one("SELECT sum(allocated + reserved) FROM stock_levels WHERE sku LIKE %(skus)s")
        must(units == UNITS * count, f"{units} units are held for {count} orders")
        await _check_money(one, count, captured=0, amount=0)
        (recorded,) = await one("SELECT count(*) FROM orders WHERE order_id = ANY(%(ids)s) AND status <> 'cancelled'")
        must(recorded == count, f"{recorded} of {count} orders are on record")


@asynccontextmanager
async def _asking(stage: Stage, orders: Sequence[OrderTerms], **names: str) -> AsyncIterator[Ask]:
    known = {"ids": [terms.order_id for terms in orders], "units": UNITS, **names}
    async with await psycopg.AsyncConnection.connect(stage.db.dsn) as connection:

        async def one(query: str) -> tuple[int, ...]:
            row = await (await connection.execute(query.encode(), known)).fetchone()
            must(row is not None, "no row was left that says how stock stands")
            assert row is not None
            return tuple(int(value or 0) for value in row)

        yield one


async def _check_levels(one: Ask) -> None:
    """Each level is the sum of its ledger, and nothing is promised that is not there."""
    (apart,) = await one(
        """WITH ledger AS (
               SELECT sku, location_id, sum(on_hand) on_hand, sum(allocated) allocated, sum(reserved) reserved
               FROM stock_movements WHERE sku LIKE %(skus)s GROUP BY sku, location_id)
           SELECT count(*) FROM stock_levels l LEFT JOIN ledger m USING (sku, location_id)
           WHERE l.sku LIKE %(skus)s AND (l.on_hand < l.allocated + l.reserved OR l.set_aside <> 0 OR l.withheld <> 0
               OR (l.on_hand, l.allocated, l.reserved) IS DISTINCT FROM (m.on_hand, m.allocated, m.reserved))"""
    )
    must(not apart, f"{apart} levels differ from their ledger, or more is promised than is there")


async def _check_money(one: Ask, orders: int, *, captured: int, amount: int) -> None:
    money = await one(
        """SELECT count(*) FILTER (WHERE kind = 'authorise'), count(*) FILTER (WHERE kind = 'capture'),
                  count(*) FILTER (WHERE status <> 'succeeded'),
                  sum(amount) FILTER (WHERE kind = 'capture')
           FROM payment_operations WHERE order_id = ANY(%(ids)s)"""
    )
    must(money == (orders, captured, 0, amount), f"authorised, captured, not succeeded, amount: {money}")


async def _check_provider(stage: Stage, orders: Sequence[OrderTerms], total: int) -> None:
    ours = {str(terms.order_id) for terms in orders}
    async with httpx.AsyncClient(timeout=60.0) as http:
        entries = (await http.get(f"{stage.payments_url}/ledger")).json()["entries"]
    captured = [e for e in entries if e["operation"] == "capture" and e["reference"] in ours]
    done = [entry for entry in captured if entry["status"] == "succeeded"]
    must(len(done) == len({e["reference"] for e in done}) == len(ours), f"the provider captured {len(done)} times")
    must(sum(entry["amount"] for entry in done) == total, "the provider captured another amount")
