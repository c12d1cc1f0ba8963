"""The SQL of merged reservations and questions. Locks are taken as everywhere in inventory: levels first, in one order.

In psycopg's own form: these statements run in its pipeline, several in one round trip.
"""

from adapters.inventory.statements import BUFFER, FREE
from domain.stock import MovementKind

LOCK = f"""
SELECT s.sku, s.location_id, {FREE} FROM stock_levels s
WHERE (s.sku, s.location_id) IN (SELECT * FROM unnest(%b::text[], %b::text[]))
ORDER BY s.sku, s.location_id
FOR NO KEY UPDATE
"""

BUFFERS = f"""
SELECT w.sku, w.location_id, w.channel, {BUFFER.format(sku="w.sku", location="w.location_id", channel="w.channel")}
FROM unnest(%b::text[], %b::text[], %b::text[]) AS w(sku, location_id, channel)
"""

USED = """
SELECT o.* FROM unnest(%b::text[]) AS k(key)
CROSS JOIN LATERAL (SELECT key, fingerprint, answer FROM stock_operations WHERE key = k.key LIMIT 1) o
"""
"""Key by key on the index, whatever the planner believes of a table that is new to it."""

WRITE = f"""
WITH operations AS (
    INSERT INTO stock_operations (key, fingerprint, answer, at)
    SELECT key, fingerprint, answer::jsonb, at
    FROM unnest(%b::text[], %b::text[], %b::text[], %b::timestamptz[]) AS o(key, fingerprint, answer, at)
), levels AS (
    UPDATE stock_levels s SET reserved = s.reserved + t.quantity
    FROM unnest(%b::text[], %b::text[], %b::bigint[]) AS t(sku, location_id, quantity)
    WHERE s.sku = t.sku AND s.location_id = t.location_id
), lines AS MATERIALIZED (
    SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::timestamptz[],
                         %b::timestamptz[])
    WITH ORDINALITY AS l(key, order_id, line_id, sku, location_id, quantity, at, expires_at, place)
), held AS (
    INSERT INTO reservations AS r (order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside,
                                   consumed, released, expired, expires_at)
    SELECT order_id, line_id, sku, location_id, quantity, quantity, 0, 0, 0, 0, 0, expires_at FROM lines
    ON CONFLICT (order_id, line_id, sku, location_id) DO UPDATE
    SET taken = r.taken + excluded.taken, reserved = r.reserved + excluded.reserved, expires_at = excluded.expires_at
)
INSERT INTO stock_movements (key, kind, sku, location_id, order_id, line_id, reason, at,
                             on_hand, allocated, reserved, set_aside, withheld)
SELECT key, '{MovementKind.RESERVATION}', sku, location_id, order_id, line_id, '', at, 0, 0, quantity, 0, 0
FROM lines ORDER BY place
"""

FREE_OF = f"""
SELECT array_agg(greatest(0, coalesce(
    {FREE} - {BUFFER.format(sku="s.sku", location="s.location_id", channel="w.channel")}, 0)) ORDER BY w.place)
FROM unnest(%b::text[], %b::text[], %b::text[]) WITH ORDINALITY AS w(sku, location_id, channel, place)
LEFT JOIN stock_levels s ON s.sku = w.sku AND s.location_id = w.location_id
"""
"""What each channel may promise of each place, in the order of asking."""
