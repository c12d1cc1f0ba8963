"""A hundred thousand orders held against the provider's ledger, ours and the stock: how fast, and the memory of it."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import psycopg
from temporalio.testing import ActivityEnvironment

from activities.reconciling import Examiner, Opening, Place, ReconcilingSteps
from adapters.payment.port import ListedAuthorisations, Payments
from adapters.postgres.engine import make_engine
from adapters.reconciling.runs import PostgresReconciler
from benchmarks.counting import forget_peak, peak_bytes
from benchmarks.database import database, folder_for
from benchmarks.results import Figures, Table
from benchmarks.run import Run
from benchmarks.turns import in_turns, must
from domain.ids import OrderId
from domain.payments import Authorisation, AuthorisationId, AuthorisationStatus

ORDERS = 100_000
ALONE = 1_000
"""So many are looked at one by one, beside."""
PRICE = 9998
ROWS = 18
"""Of one order: record, line, group, tender, authorisation, journal, reservation, movements; one at the provider."""
EVERY = 1_000
"""Of every so many orders, the provider has given one cent back without us."""
ALL, SINGLY = "throughline, a run", "each order looked at by itself"
REMARKS = {
    ALL: "the provider's ledger read into a table of the run, orders compared a thousand at once, suspects one by one",
    SINGLY: "what the run does with suspects: both ledgers, stock and timeline of one order, eight side by side",
}

FILL = """
INSERT INTO orders (order_id, version, channel, external_id, customer_ref, status, currency, total, placed_at,
                    changed_at, visible, head)
SELECT id, 7, 'web', 'W-' || n, 'C-1', 'completed', 'EUR', {price}, now(), now(), true, jsonb_build_object(
    'order_id', id, 'version', 7, 'channel', 'web', 'external_id', 'W-' || n, 'customer_ref', 'C-1',
    'status', 'completed', 'currency', 'EUR', 'total', {price}, 'placed_at', '2026-01-01T00:00:00Z',
    'holds', '[]'::jsonb, 'waiting_for', '[]'::jsonb,
    'payment', jsonb_build_object('captured', {price}, 'refunded', 0, 'authorised', 0, 'voided', 0, 'due', 0))
FROM made;
INSERT INTO order_lines (order_id, line_id, position, sku, view)
SELECT id, '1', 1, sku, jsonb_build_object('line_id', '1', 'sku', sku, 'ordered', 2, 'handed_over', 2,
    'unit_price', {price} / 2, 'discount', 0, 'tax', 0, 'total', {price}, 'earned', {price}) FROM made;
INSERT INTO order_groups (order_id, n, store_id, status, to_put_back, view)
SELECT id, 1, 'S001', 'collected', false, jsonb_build_object('id', 'pickup/' || id || '/1', 'n', 1, 'kind', 'pickup',
    'store_id', 'S001', 'status', 'collected', 'lines', '[]'::jsonb, 'units', '{{}}'::jsonb, 'parcels', '[]'::jsonb)
FROM made;
INSERT INTO tender_totals SELECT id, 't1', 'EUR', {price}, {price}, 0, 0, 0 FROM made;
INSERT INTO authorisations (provider, id, order_id, tender_id, currency, status, authorised, captured, voided,
                            refunded, capturing, voiding, refunding, single_capture, created_at)
SELECT 'simulator', 'auth-' || n, id, 't1', 'EUR', 'captured', {price}, {price}, 0, 0, 0, 0, 0, false, now() FROM made;
WITH entered AS (
    INSERT INTO journal_entries (operation_key, movement, provider, order_id, tender_id, currency, at)
    SELECT id || ':' || movement, movement, 'simulator', id, 't1', 'EUR', now()
    FROM made, (VALUES ('authorise'), ('capture')) AS m (movement) RETURNING id, movement
)
INSERT INTO journal_lines SELECT id, account, amount FROM entered, LATERAL (VALUES
    ('authorise', 'held', {price}), ('authorise', 'promised', -{price}), ('capture', 'held', -{price}),
    ('capture', 'promised', {price}), ('capture', 'receivable', {price}), ('capture', 'sales', -{price})
) AS l (of, account, amount) WHERE l.of = movement;
INSERT INTO reservations (order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside, consumed,
                          released, expired)
SELECT id, '1', sku, 'S001', 2, 0, 0, 0, 2, 0, 0 FROM made;
INSERT INTO stock_movements (key, kind, sku, location_id, order_id, line_id, reason, at, on_hand, allocated, reserved,
                             set_aside, withheld)
SELECT id || ':' || kind, kind, sku, 'S001', id, '1', '', now(), on_hand, allocated, reserved, 0, 0
FROM made, (VALUES ('reserved', 0, 0, 2), ('allocated', 0, 2, -2), ('handed_over', -2, -2, 0))
    AS m (kind, on_hand, allocated, reserved);
INSERT INTO stock_movements (key, kind, sku, location_id, reason, at, on_hand, allocated, reserved, set_aside, withheld)
SELECT 'receipt-' || sku, 'receipt', sku, 'S001', '', now(), 2 * count(*) + 5, 0, 0, 0, 0 FROM made GROUP BY sku;
INSERT INTO stock_levels SELECT sku, 'S001', 5, 0, 0, 0, 0 FROM made GROUP BY sku;
"""


class Provider:
    """A provider's ledger of so many orders, made up as it is asked for."""

    def __init__(self, orders: int) -> None:
        self.orders = orders

    def authorisation(self, number: int) -> Authorisation:
        return Authorisation(
            id=AuthorisationId(f"auth-{number}"),
            reference=_name(number),
            amount=PRICE,
            currency="EUR",
            status=AuthorisationStatus.CAPTURED,
            captured=PRICE,
            refunded=1 if number % EVERY == 0 else 0,
        )

    async def listed(self, *, after: str, limit: int) -> ListedAuthorisations:
        begin = int(after or 1)
        end = min(begin + limit, self.orders + 1)
        items = [self.authorisation(number) for number in range(begin, end)]
        return ListedAuthorisations(items, str(end) if end <= self.orders else None)

    async def at_provider(self, authorisation: AuthorisationId) -> Authorisation:
        return self.authorisation(int(authorisation.removeprefix("auth-")))


async def run(options: Run) -> list[Table]:
    orders = options.sized(ORDERS, quick=2 * EVERY)
    async with folder_for("reconciliation") as folder, database(folder) as db:
        await fill(db.dsn, orders)
        await db.settle()
        turns = {
            ALL: lambda: whole(db.url, orders),
            SINGLY: lambda: singly(db.url, orders, options.sized(ALONE, quick=20)),
        }
        load = f"{orders:,} collected orders of {ROWS} rows each; the provider answers at once, in this process"
        return [await in_turns("reconciliation", load, turns, rounds=options.rounds, remarks=REMARKS)]


async def fill(dsn: str, orders: int) -> None:
    made = (
        "CREATE TEMP TABLE made AS SELECT n, 'o' || lpad(n::text, 9, '0') AS id, 'SKU-' || n % 100 AS sku "
        f"FROM generate_series(1, {orders}) AS n"
    )
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(made.encode())
        await connection.execute(FILL.format(price=PRICE).encode())
        await connection.commit()


async def whole(url: str, orders: int) -> Figures:
    """As the run's workflow does it, step by step."""
    engine = make_engine(url, pool_size=10)
    reconciler = PostgresReconciler(engine)
    steps, worker = ReconcilingSteps(reconciler, cast("Payments", Provider(orders))), ActivityEnvironment()
    name, at = f"bench-{time.monotonic_ns()}", datetime.now(UTC)
    forget_peak(os.getpid())
    before, began = peak_bytes(os.getpid(), alone=True), time.perf_counter()
    await worker.run(steps.open_reconciliation, Opening(run=name, by="bench", at=at))
    place = await _all(worker, steps.read_provider, Place(run=name, at=at))
    read = time.perf_counter() - began
    place = await _all(worker, steps.compare_orders, place)
    await worker.run(steps.compare_rest, place)
    counts = await worker.run(steps.close_reconciliation, place)
    seconds = time.perf_counter() - began
    peak = peak_bytes(os.getpid(), alone=True)
    await engine.dispose()
    must(counts.orders == orders == counts.authorisations, f"{counts} of {orders} orders")
    must(counts.differences == orders // EVERY, f"{counts.differences} differences, {orders // EVERY} were planted")
    return {
        "orders/s": orders / seconds,
        "rows/s": orders * ROWS / seconds,
        "seconds": seconds,
        "seconds of reading the provider": read,
        "peak MB": peak / 1e6,
        "peak MB above the start": (peak - before) / 1e6,
    }


async def _all(worker: ActivityEnvironment, step: object, place: Place) -> Place:
    place = place.model_copy(update={"after": "", "more": True})
    while place.more:
        place = await worker.run(step, place)  # type: ignore[arg-type]
    return place


async def singly(url: str, orders: int, count: int) -> Figures:
    engine = make_engine(url, pool_size=10)
    examiner = Examiner(PostgresReconciler(engine), cast("Payments", Provider(orders)))
    names: Sequence[OrderId] = [OrderId(_name(number)) for number in range(1, count + 1)]
    began = time.perf_counter()
    found = await examiner.all_of(names)
    seconds = time.perf_counter() - began
    await engine.dispose()
    await asyncio.sleep(0)
    must(len(found) == count // EVERY, f"{found} differ")
    return {"orders/s": count / seconds, "rows/s": count * ROWS / seconds}


def _name(number: int) -> str:
    return f"o{number:09d}"
