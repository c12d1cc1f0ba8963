"""Writing a milestone into the records: its head, lines, groups and events in one statement, one round trip."""

from collections.abc import Sequence

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.records.port import AnotherTryStands, OrderChange, OvertakenTry, says_the_same
from domain.timeline import TimelineEntry

POSITIONS_A_MILESTONE = 1000
"""A milestone's events begin at its number times this, or after the last one when an earlier milestone had more."""

# The order's row comes first and is locked from then on; when it is as new already, all the rest finds nothing to do.
# A milestone names the lines that it changed: known ones keep their places, new ones come after the last.
# Two writers who meet so that both took one position in the timeline: the second one fails and is repeated.
_WRITE = text("""
WITH head AS (
    INSERT INTO orders AS o (order_id, version, channel, external_id, customer_ref, status, currency, total, placed_at,
                             changed_at, next_deadline, visible, head)
    VALUES (CAST(:order_id AS text), :version, :channel, :external_id, :customer_ref, :status, :currency, :total,
            :placed_at, :changed_at, CAST(:next_deadline AS timestamptz), :visible, CAST(:head AS jsonb))
    ON CONFLICT (order_id) DO UPDATE
    SET version = excluded.version, channel = excluded.channel, external_id = excluded.external_id,
        customer_ref = excluded.customer_ref, status = excluded.status, currency = excluded.currency,
        total = excluded.total, placed_at = excluded.placed_at, changed_at = excluded.changed_at,
        next_deadline = excluded.next_deadline, visible = excluded.visible, head = excluded.head
    WHERE o.version < excluded.version
    RETURNING order_id
), lines AS (
    INSERT INTO order_lines (order_id, line_id, position, sku, view)
    SELECT head.order_id, l.view ->> 'line_id', coalesce(last.position, -1) + l.place, l.view ->> 'sku', l.view
    FROM head
    CROSS JOIN (SELECT max(position) AS position FROM order_lines WHERE order_id = CAST(:order_id AS text)) last
    CROSS JOIN jsonb_array_elements(CAST(:lines AS jsonb)) WITH ORDINALITY AS l(view, place)
    ON CONFLICT (order_id, line_id) DO UPDATE SET view = excluded.view
), groups AS (
    INSERT INTO order_groups (order_id, n, store_id, status, promised_ready_at, to_put_back, view)
    SELECT head.order_id, CAST(g.view ->> 'n' AS int), coalesce(
               CASE WHEN g.view ->> 'sending' IS NULL THEN g.view ->> 'store_id' ELSE g.view ->> 'from_store' END, ''
           ), g.view ->> 'status',
           CAST(g.view ->> 'promised_ready_at' AS timestamptz), coalesce(g.view -> 'put_back', '{}') <> '{}', g.view
    FROM head CROSS JOIN jsonb_array_elements(CAST(:groups AS jsonb)) AS g(view)
    ON CONFLICT (order_id, n) DO UPDATE
    SET store_id = excluded.store_id, status = excluded.status, promised_ready_at = excluded.promised_ready_at,
        to_put_back = excluded.to_put_back, view = excluded.view
), timeline AS (
    INSERT INTO order_timeline (order_id, position, entry)
    SELECT head.order_id, greatest(:earliest, coalesce(last.position, 0) + 1) + e.place - 1, e.entry
    FROM head
    CROSS JOIN (SELECT max(position) AS position FROM order_timeline WHERE order_id = CAST(:order_id AS text)) last
    CROSS JOIN jsonb_array_elements(CAST(:events AS jsonb)) WITH ORDINALITY AS e(entry, place)
)
SELECT EXISTS (SELECT FROM head)
""")


# A try that died has no groups and lines of its own any more, and nothing stands under the number or after it.
_TAKE_BACK = text("""
WITH told AS (
    DELETE FROM order_timeline WHERE order_id = CAST(:order_id AS text) AND position >= :earliest
), lines AS (
    DELETE FROM order_lines WHERE order_id = CAST(:order_id AS text) AND line_id <> ALL(:lines)
), groups AS (
    DELETE FROM order_groups WHERE order_id = CAST(:order_id AS text) AND n <> ALL(:groups)
)
UPDATE orders SET version = :version - 1 WHERE order_id = CAST(:order_id AS text) AND version >= :version
""")
_STANDS = text("SELECT changed_at FROM orders WHERE order_id = :order_id")
_TOLD = text("""
SELECT entry FROM order_timeline WHERE order_id = :order_id AND position >= :earliest AND position < :next
ORDER BY position
""")


async def write(connection: AsyncConnection, change: OrderChange) -> bool:
    """See `port.Records.write`."""
    head = change.head
    begins = change.sequence * POSITIONS_A_MILESTONE
    if change.instead:
        await connection.execute(
            _TAKE_BACK,
            {
                "order_id": change.order_id,
                "version": change.sequence,
                "earliest": begins,
                "lines": [line.line_id for line in change.lines],
                "groups": [group.n for group in change.groups],
            },
        )
    written = await connection.execute(
        _WRITE,
        {
            "order_id": change.order_id,
            "version": change.sequence,
            "channel": head.channel,
            "external_id": head.external_id,
            "customer_ref": head.customer_ref,
            "status": head.status,
            "currency": head.currency,
            "total": head.total,
            "placed_at": head.placed_at,
            "changed_at": change.at,
            "next_deadline": min((wait.deadline for wait in head.waiting_for if wait.deadline), default=None),
            "visible": change.visible,
            "head": head.model_dump_json(exclude_none=True),
            "lines": _listed(change.lines),
            "groups": _listed(change.groups),
            "events": _listed(change.events),
            "earliest": begins,
        },
    )
    if written.scalar_one():
        return True
    await _must_be_the_same(connection, change)
    return False


async def _must_be_the_same(connection: AsyncConnection, change: OrderChange) -> None:
    """The record is as new already: by this try, or by another one of the same task that told the same."""
    stands = (await connection.execute(_STANDS, {"order_id": change.order_id})).scalar_one()
    if stands == change.at:
        return
    begins = change.sequence * POSITIONS_A_MILESTONE
    known = {"order_id": change.order_id, "earliest": begins, "next": begins + POSITIONS_A_MILESTONE}
    told = [TimelineEntry.model_validate(entry) for entry in (await connection.execute(_TOLD, known)).scalars()]
    if not says_the_same(told, change.events):
        raise AnotherTryStands if stands < change.at else OvertakenTry


def _listed(models: Sequence[BaseModel]) -> str:
    return "[" + ",".join(model.model_dump_json(exclude_none=True) for model in models) + "]"
