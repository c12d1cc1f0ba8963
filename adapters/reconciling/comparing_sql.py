"""The statement that compares a page of orders with everything else at once, and names those that seem to differ.

It may name an order that is right (a till's money is in no ledger, a kit is several pieces, an order goes on): whoever
is named is looked at one by one. It leaves out none that is wrong.
"""

PAGE = """
WITH page AS MATERIALIZED (
    SELECT order_id, status IN ('completed', 'cancelled') AS ended,
           COALESCE((head->'payment'->>'captured')::bigint, 0) AS shows_captured,
           COALESCE((head->'payment'->>'refunded')::bigint, 0) AS shows_refunded,
           COALESCE((head->'payment'->>'authorised')::bigint, 0) AS shows_held
    FROM orders WHERE order_id > :after AND visible ORDER BY order_id LIMIT :limit
), tenders AS (
    SELECT order_id, sum(captured) AS captured, sum(refunded) AS refunded, sum(refunded + refunding) AS back,
           sum(authorised - captured - voided) AS held
    FROM tender_totals JOIN page USING (order_id) GROUP BY order_id
), returned AS (
    SELECT order_id, sum(refunded) AS refunded FROM returns JOIN page USING (order_id) GROUP BY order_id
), journal AS (
    SELECT e.order_id, sum(l.amount) FILTER (WHERE l.account = 'held') AS held,
           sum(l.amount) FILTER (WHERE l.account = 'receivable') AS receivable
    FROM page JOIN journal_entries e USING (order_id) JOIN journal_lines l ON l.entry_id = e.id
    WHERE l.account IN ('held', 'receivable') GROUP BY e.order_id
), lines AS (
    SELECT order_id, sum(COALESCE((view->>'handed_over')::bigint, 0)) AS handed_over,
           sum(COALESCE((view->>'earned')::bigint, 0)) AS earned
    FROM order_lines JOIN page USING (order_id) GROUP BY order_id
), sent AS (
    SELECT g.order_id, sum(units.value::bigint) AS units
    FROM page JOIN order_groups g USING (order_id),
         jsonb_array_elements(g.view->'parcels') AS parcel, jsonb_each_text(parcel->'lines') AS units
    WHERE NOT COALESCE((g.view->>'ship_to_store')::boolean, false) GROUP BY g.order_id
), stock AS (
    SELECT order_id, sum(consumed) AS consumed, sum(reserved + allocated) AS kept
    FROM reservations JOIN page USING (order_id) GROUP BY order_id
), suspects AS (
    SELECT page.order_id FROM page
    LEFT JOIN tenders USING (order_id) LEFT JOIN returned USING (order_id) LEFT JOIN journal USING (order_id)
    LEFT JOIN lines USING (order_id) LEFT JOIN sent USING (order_id) LEFT JOIN stock USING (order_id)
    WHERE COALESCE(journal.held, 0) <> COALESCE(tenders.held, 0)
       OR COALESCE(journal.receivable, 0) <> COALESCE(tenders.captured - tenders.refunded, 0)
       OR ended AND (
              shows_captured <> COALESCE(tenders.captured, 0)
           OR shows_refunded + COALESCE(returned.refunded, 0) <> COALESCE(tenders.back, 0)
           OR shows_held <> COALESCE(tenders.held, 0)
           OR shows_captured - shows_refunded > COALESCE(lines.earned, 0)
           OR COALESCE(stock.kept, 0) > 0
           OR COALESCE(stock.consumed, 0) <> COALESCE(lines.handed_over, 0) + COALESCE(sent.units, 0))
    UNION
    SELECT a.order_id FROM page JOIN authorisations a USING (order_id)
    LEFT JOIN reconciled_payments p ON p.run = :run AND p.id = a.id
    WHERE p.id IS NULL OR p.captured <> a.captured OR p.voided <> a.voided OR p.refunded <> a.refunded + a.refunding
    UNION
    SELECT r.order_id FROM page JOIN returns r USING (order_id) JOIN authorisations a ON a.order_id = r.return_id
    LEFT JOIN reconciled_payments p ON p.run = :run AND p.id = a.id
    WHERE p.id IS NULL OR p.captured <> a.captured OR p.voided <> a.voided OR p.refunded <> a.refunded + a.refunding
       OR r.finished AND a.authorised > a.captured + a.voided
    UNION
    SELECT r.order_id FROM page JOIN returns r USING (order_id) JOIN tender_totals t ON t.order_id = r.return_id
    WHERE r.finished GROUP BY r.order_id, r.return_id, r.view
    HAVING sum(t.captured - t.refunded) <> COALESCE((r.view->'exchange'->>'charged')::bigint, 0)
         + COALESCE((r.view->'card'->>'charged')::bigint, 0)
    UNION
    SELECT o.order_id FROM page JOIN payment_operations o USING (order_id)
    WHERE o.kind = 'capture' AND o.purpose IS NULL AND o.booked > 0
    UNION
    SELECT r.order_id FROM page JOIN returns r USING (order_id) JOIN payment_operations o ON o.order_id = r.return_id
    WHERE o.kind = 'capture' AND o.purpose IS NULL AND o.booked > 0
    UNION
    SELECT u.order_id FROM page JOIN return_units u USING (order_id) JOIN order_lines l USING (order_id, line_id)
    GROUP BY u.order_id, u.line_id, l.view
    HAVING greatest(sum(u.claimed), sum(u.accepted)) > COALESCE((l.view->>'handed_over')::bigint, 0)
         + COALESCE((l.view->>'delivered')::bigint, 0) + COALESCE((l.view->>'shipped')::bigint, 0)
    UNION
    SELECT r.order_id FROM page JOIN returns r USING (order_id)
    WHERE r.finished AND r.refunded <> (
        SELECT COALESCE(sum(o.booked), 0) FROM payment_operations o
        WHERE o.order_id = r.order_id AND o.kind = 'refund' AND split_part(o.key, ':', 5) = r.return_id)
)
SELECT (SELECT count(*) FROM page) AS orders, (SELECT max(order_id) FROM page) AS last,
       ARRAY(SELECT order_id FROM suspects ORDER BY order_id) AS suspects
"""

STRAYS = """
SELECT p.id FROM reconciled_payments p
LEFT JOIN authorisations a ON a.id = p.id
WHERE p.run = :run AND p.id > :after AND a.id IS NULL
  AND (p.captured > p.refunded
       OR p.status IN ('authorised', 'partly_captured') AND p.authorised > p.captured + p.voided)
ORDER BY p.id LIMIT :limit
"""

ORPHANS = """
SELECT r.order_id, r.line_id, r.sku, r.location_id, r.reserved + r.allocated AS kept, r.consumed
FROM reservations r
WHERE r.reserved + r.allocated > 0 AND r.order_id > :after AND r.order_id NOT LIKE 'promise-%'
  AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id = r.order_id)
  AND NOT EXISTS (SELECT FROM order_intake i WHERE i.order_id = r.order_id AND i.state = 'promised')
  AND NOT EXISTS (SELECT FROM stock_movements m WHERE m.order_id = r.order_id AND m.at >= :before)
ORDER BY r.order_id, r.line_id, r.sku, r.location_id LIMIT :limit
"""
