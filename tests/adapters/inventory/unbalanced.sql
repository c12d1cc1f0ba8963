-- Levels that differ from what the ledger adds up to, or from what the reservations hold. There must be none.
SELECT s.* FROM stock_levels s
LEFT JOIN (SELECT sku, location_id, sum(on_hand) AS on_hand, sum(allocated) AS allocated, sum(reserved) AS reserved,
                  sum(set_aside) AS set_aside, sum(withheld) AS withheld
           FROM stock_movements GROUP BY sku, location_id) m USING (sku, location_id)
LEFT JOIN (SELECT sku, location_id, sum(allocated) AS allocated, sum(reserved) AS reserved, sum(set_aside) AS set_aside
           FROM reservations GROUP BY sku, location_id) r USING (sku, location_id)
WHERE (s.on_hand, s.allocated, s.reserved, s.set_aside, s.withheld)
      IS DISTINCT FROM (coalesce(m.on_hand, 0), coalesce(m.allocated, 0), coalesce(m.reserved, 0),
                        coalesce(m.set_aside, 0), coalesce(m.withheld, 0))
   OR (s.allocated, s.reserved, s.set_aside)
      IS DISTINCT FROM (coalesce(r.allocated, 0), coalesce(r.reserved, 0), coalesce(r.set_aside, 0))
