"""The SQL of inventory: one statement a command of orders, so that a hot row is locked for one round trip.

Every statement takes its locks in one order: levels by SKU and location, then the order's reservations, then the
operation key. Written for READ COMMITTED: the `FOR UPDATE` parts see the newest rows, and all later parts build on
them. Lines arrive as arrays, so the text of a statement never changes and stays prepared.
"""

from sqlalchemy import TextClause, text

from domain.stock import ALLOCATE, EXPIRE, ON_LEVEL, Bucket, MovementKind, Transfer

FREE = "s.on_hand - s.allocated - s.reserved - s.set_aside - s.withheld"

_CHANNEL = "CAST(:channel AS text)"

BUFFER = """coalesce((
        SELECT b.quantity FROM stock_buffers b
        WHERE b.sku IN ({sku}, '*') AND b.location_id IN ({location}, '*')
          AND b.channel IN ({channel}, '*')
        ORDER BY b.sku = '*', b.location_id = '*', b.channel = '*' LIMIT 1), 0)"""

_BUFFER_HERE = BUFFER.format(sku="s.sku", location="s.location_id", channel=_CHANNEL)

_ASKED = """asked AS MATERIALIZED (
    SELECT * FROM unnest(CAST(:line_ids AS text[]), CAST(:skus AS text[]), CAST(:locations AS text[]),
                         CAST(:quantities AS bigint[])) AS a(line_id, sku, location_id, quantity)
)"""

_REMEMBER = """INSERT INTO stock_operations (key, fingerprint, answer, at)
    SELECT CAST(:key AS text), CAST(:fingerprint AS text), {answer}, CAST(:at AS timestamptz)
    WHERE {condition}
    ON CONFLICT (key) DO NOTHING
    RETURNING key, answer"""

_RECORD = """INSERT INTO stock_movements (key, kind, sku, location_id, order_id, line_id, reason, at,
                                 on_hand, allocated, reserved, set_aside, withheld)"""


def _reserve(target: Bucket, kind: MovementKind) -> TextClause:
    share = {bucket: "a.quantity" if bucket is target else "0" for bucket in ON_LEVEL}
    return text(f"""
WITH {_ASKED}, demand AS MATERIALIZED (
    SELECT d.*, {BUFFER.format(sku="d.sku", location="d.location_id", channel=_CHANNEL)} AS buffer
    FROM (SELECT sku, location_id, CAST(sum(quantity) AS bigint) AS quantity FROM asked GROUP BY sku, location_id) d
), seen AS MATERIALIZED (
    -- A first look without locks: a buyer who comes too late does not queue for the row.
    SELECT count(*) = (SELECT count(*) FROM demand) AS enough
    FROM demand d JOIN stock_levels s USING (sku, location_id)
    WHERE {FREE} - d.buffer >= d.quantity
), locked AS MATERIALIZED (
    SELECT s.sku, s.location_id, {FREE} - d.buffer AS available
    FROM stock_levels s JOIN demand d ON d.sku = s.sku AND d.location_id = s.location_id
    WHERE (SELECT enough FROM seen) AND NOT EXISTS (SELECT FROM stock_operations WHERE key = CAST(:key AS text))
    ORDER BY s.sku, s.location_id
    FOR NO KEY UPDATE OF s
), verdict AS MATERIALIZED (
    SELECT count(*) = (SELECT count(*) FROM demand) AS enough
    FROM demand d JOIN locked l USING (sku, location_id)
    WHERE l.available >= d.quantity
), operation AS (
    {_REMEMBER.format(answer="CAST(:answer AS jsonb)", condition="(SELECT enough FROM verdict)")}
), levels AS (
    UPDATE stock_levels s SET {target} = s.{target} + d.quantity
    FROM demand d CROSS JOIN operation
    WHERE s.sku = d.sku AND s.location_id = d.location_id
), held AS (
    INSERT INTO reservations AS r (order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside,
                                   consumed, released, expired, expires_at)
    SELECT CAST(:order_id AS text), a.line_id, a.sku, a.location_id, a.quantity,
           {share[Bucket.RESERVED]}, {share[Bucket.ALLOCATED]}, {share[Bucket.SET_ASIDE]}, 0, 0, 0,
           CAST(:expires_at AS timestamptz)
    FROM asked a CROSS JOIN operation
    ON CONFLICT (order_id, line_id, sku, location_id) DO UPDATE
    SET taken = r.taken + excluded.taken, {target} = r.{target} + excluded.{target}, expires_at = excluded.expires_at
), ledger AS (
    {_RECORD}
    SELECT operation.key, '{kind}', a.sku, a.location_id, CAST(:order_id AS text), a.line_id, '',
           CAST(:at AS timestamptz), 0,
           {share[Bucket.ALLOCATED]}, {share[Bucket.RESERVED]}, {share[Bucket.SET_ASIDE]}, 0
    FROM asked a CROSS JOIN operation
    ORDER BY a.line_id, a.sku, a.location_id
)
SELECT EXISTS (SELECT FROM operation) AS done,
       (SELECT jsonb_agg(jsonb_build_array(d.sku, d.location_id, d.quantity, greatest(0, coalesce(
                    l.available, {FREE} - d.buffer, 0))) ORDER BY d.sku, d.location_id)
        FROM demand d
        LEFT JOIN locked l USING (sku, location_id)
        LEFT JOIN stock_levels s USING (sku, location_id)
        WHERE d.quantity > greatest(0, coalesce(l.available, {FREE} - d.buffer, 0))) AS missing
""")


def transfer(move: Transfer, *, strict: bool = False) -> TextClause:
    """Move an order's units between buckets. Strict: all that was asked, or nothing and `missing` says why.

    The updates write whole values that were read under the lock, never differences: PostgreSQL checks a table's
    constraints on the row as the statement's snapshot has it before it looks at the newest one, and an old value less
    a new difference would be refused wrongly.
    """
    earlier, shares = "0", []
    for source in move.sources:
        shares.append(f"least(r.{source}, greatest(0, a.quantity - ({earlier}))) AS from_{source}")
        earlier += f" + r.{source}"
    moved = " + ".join(f"from_{source}" for source in move.sources)
    # What counts as done already: an allocation that was repeated under another key, or whose units went on.
    already = "r.allocated + r.set_aside + r.consumed" if move is ALLOCATE else "0"
    due = move is EXPIRE
    asked = (
        """asked AS MATERIALIZED (
    SELECT line_id, sku, location_id, reserved AS quantity FROM reservations
    WHERE order_id = CAST(:order_id AS text) AND reserved > 0 AND expires_at <= CAST(:at AS timestamptz)
)"""
        if due
        else _ASKED
    )
    on_hand = {
        # Two lines may share a place: each takes what the lines before it left on hand.
        -1: f"-least({moved}, greatest(0, on_hand - (sum({moved}) OVER before - ({moved}))))",
        0: "0",
        1: moved,
    }[move.on_hand]
    change = dict.fromkeys(ON_LEVEL, "0")
    change |= {source: f"-m.from_{source}" for source in move.sources if source in ON_LEVEL}
    if move.target in ON_LEVEL:
        change[move.target] = "m.quantity"
    change_on_level = [("on_hand", "m.on_hand_change"), *((str(bucket), what) for bucket, what in change.items())]
    summed = ", ".join(f"CAST(sum({what}) AS bigint) AS {column}" for column, what in change_on_level)
    adjust = ", ".join(f"{column} = l.{column} + c.{column}" for column, _ in change_on_level)
    keep = ", ".join(
        f"{bucket} = m.{bucket}"
        + (f" - m.from_{bucket}" if bucket in move.sources else "")
        + (" + m.quantity" if bucket is move.target else "")
        for bucket in Bucket
    )
    if strict:
        condition = "NOT EXISTS (SELECT FROM moved WHERE quantity + already < asked)"
        condition += " AND (SELECT count(*) FROM moved) = (SELECT count(*) FROM asked)"
    else:
        condition = "EXISTS (SELECT FROM moved WHERE quantity > 0)" if due else "true"
    answer = """jsonb_build_object('lines', coalesce((
        SELECT jsonb_agg(jsonb_build_object('line_id', line_id, 'sku', sku, 'location_id', location_id,
                                            'quantity', quantity) ORDER BY line_id, sku, location_id)
        FROM moved WHERE quantity > 0), '[]'))"""
    return text(f"""
WITH {asked}, locked AS MATERIALIZED (
    SELECT s.sku, s.location_id, s.on_hand, s.allocated, s.reserved, s.set_aside
    FROM stock_levels s JOIN (SELECT DISTINCT sku, location_id FROM asked) d
      ON d.sku = s.sku AND d.location_id = s.location_id
    WHERE NOT EXISTS (SELECT FROM stock_operations WHERE key = CAST(:key AS text))
    ORDER BY s.sku, s.location_id
    FOR NO KEY UPDATE OF s
), held AS MATERIALIZED (
    SELECT r.line_id, r.sku, r.location_id, a.quantity AS asked, l.on_hand, {already} AS already,
           r.taken, {", ".join(f"r.{bucket}" for bucket in Bucket)}, {", ".join(shares)}
    FROM reservations r
    JOIN asked a ON a.line_id = r.line_id AND a.sku = r.sku AND a.location_id = r.location_id
    JOIN locked l ON l.sku = r.sku AND l.location_id = r.location_id
    WHERE r.order_id = CAST(:order_id AS text) {"AND r.expires_at <= CAST(:at AS timestamptz)" if due else ""}
    ORDER BY r.line_id, r.sku, r.location_id
    FOR NO KEY UPDATE OF r
), moved AS MATERIALIZED (
    SELECT h.*, {moved} AS quantity, CAST({on_hand} AS bigint) AS on_hand_change
    FROM held h
    WINDOW before AS (PARTITION BY sku, location_id ORDER BY line_id)
), operation AS (
    {_REMEMBER.format(answer=answer, condition=condition)}
), levels AS (
    UPDATE stock_levels s SET {adjust}
    FROM (SELECT m.sku, m.location_id, {summed} FROM moved m GROUP BY m.sku, m.location_id) c
    JOIN locked l USING (sku, location_id)
    CROSS JOIN operation
    WHERE s.sku = l.sku AND s.location_id = l.location_id
), kept AS (
    UPDATE reservations r SET taken = m.taken, {keep}
    FROM moved m CROSS JOIN operation
    WHERE r.order_id = CAST(:order_id AS text) AND r.line_id = m.line_id
      AND r.sku = m.sku AND r.location_id = m.location_id
), ledger AS (
    {_RECORD}
    SELECT operation.key, '{move.kind}', m.sku, m.location_id, CAST(:order_id AS text), m.line_id,
           CAST(:reason AS text), CAST(:at AS timestamptz), m.on_hand_change,
           {change[Bucket.ALLOCATED]}, {change[Bucket.RESERVED]}, {change[Bucket.SET_ASIDE]}, 0
    FROM moved m CROSS JOIN operation
    WHERE m.quantity > 0
    ORDER BY m.line_id, m.sku, m.location_id
)
SELECT (SELECT answer FROM operation) AS answer,
       (SELECT jsonb_agg(jsonb_build_array(a.sku, a.location_id, a.quantity, coalesce(m.quantity + m.already, 0))
                         ORDER BY a.line_id, a.sku, a.location_id)
        FROM asked a LEFT JOIN moved m USING (line_id, sku, location_id)
        WHERE coalesce(m.quantity + m.already, 0) < a.quantity) AS missing
""")


def relocation(bucket: Bucket) -> TextClause:
    """Move units of one bucket to another place, all that was asked or none. The levels there must have been opened.

    Whole values that were read under the lock are written here too.
    """
    share = {each: "CAST(sum(m.quantity) AS bigint)" if each is bucket else "0" for each in ON_LEVEL}
    allocated, set_aside = ("b.held" if each is bucket else "0" for each in (Bucket.ALLOCATED, Bucket.SET_ASIDE))
    return text(f"""
WITH {_ASKED}, places AS MATERIALIZED (
    SELECT sku, location_id FROM asked UNION SELECT sku, CAST(:target AS text) FROM asked
), locked AS MATERIALIZED (
    SELECT s.sku, s.location_id, s.on_hand, s.{bucket}
    FROM stock_levels s JOIN places p ON p.sku = s.sku AND p.location_id = s.location_id
    WHERE NOT EXISTS (SELECT FROM stock_operations WHERE key = CAST(:key AS text))
    ORDER BY s.sku, s.location_id
    FOR NO KEY UPDATE OF s
), held AS MATERIALIZED (
    SELECT r.line_id, r.sku, r.location_id, r.taken, r.{bucket}, l.on_hand, a.quantity AS asked
    FROM reservations r
    JOIN asked a ON a.line_id = r.line_id AND a.sku = r.sku AND a.location_id = r.location_id
    JOIN locked l ON l.sku = r.sku AND l.location_id = r.location_id
    WHERE r.order_id = CAST(:order_id AS text)
    ORDER BY r.line_id, r.sku, r.location_id
    FOR NO KEY UPDATE OF r
), found AS MATERIALIZED (
    SELECT h.*, least(h.{bucket}, h.asked) AS quantity FROM held h
), moved AS MATERIALIZED (
    -- What left is seen where it comes, also when a count here had been too low.
    SELECT f.*, CAST(least(quantity, greatest(0, on_hand - (sum(quantity) OVER before - quantity))) AS bigint) AS seen
    FROM found f WINDOW before AS (PARTITION BY sku, location_id ORDER BY line_id)
), operation AS (
    {
        _REMEMBER.format(
            answer="jsonb_build_object('lines', jsonb_build_array())",
            condition="(SELECT count(*) FROM moved WHERE quantity = asked) = (SELECT count(*) FROM asked)",
        )
    }
), sides AS MATERIALIZED (
    SELECT 1 AS place, '{MovementKind.SENT}' AS kind, sku, location_id, line_id, -seen AS on_hand, -quantity AS held
    FROM moved
    UNION ALL SELECT 2, '{MovementKind.RECEIVED}', sku, CAST(:target AS text), line_id, quantity, quantity FROM moved
), changes AS (
    SELECT sku, location_id, CAST(sum(on_hand) AS bigint) AS on_hand, CAST(sum(held) AS bigint) AS held
    FROM sides GROUP BY sku, location_id
), levels AS (
    UPDATE stock_levels s SET on_hand = l.on_hand + c.on_hand, {bucket} = l.{bucket} + c.held
    FROM changes c JOIN locked l USING (sku, location_id) CROSS JOIN operation
    WHERE s.sku = l.sku AND s.location_id = l.location_id
), left_here AS (
    UPDATE reservations r SET taken = m.taken - m.quantity, {bucket} = m.{bucket} - m.quantity
    FROM moved m CROSS JOIN operation
    WHERE r.order_id = CAST(:order_id AS text) AND r.line_id = m.line_id
      AND r.sku = m.sku AND r.location_id = m.location_id
), held_there AS (
    INSERT INTO reservations AS r (order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside,
                                   consumed, released, expired, expires_at)
    SELECT CAST(:order_id AS text), m.line_id, m.sku, CAST(:target AS text), CAST(sum(m.quantity) AS bigint), 0,
           {share[Bucket.ALLOCATED]}, {share[Bucket.SET_ASIDE]}, 0, 0, 0, NULL
    FROM moved m CROSS JOIN operation GROUP BY m.line_id, m.sku
    ON CONFLICT (order_id, line_id, sku, location_id) DO UPDATE
    SET taken = r.taken + excluded.taken, {bucket} = r.{bucket} + excluded.{bucket}
), ledger AS (
    {_RECORD}
    SELECT operation.key, b.kind, b.sku, b.location_id, CAST(:order_id AS text), b.line_id, '',
           CAST(:at AS timestamptz), b.on_hand, {allocated}, 0, {set_aside}, 0
    FROM sides b CROSS JOIN operation
    ORDER BY b.place, b.line_id, b.sku, b.location_id
)
SELECT (SELECT answer FROM operation) AS answer,
       (SELECT jsonb_agg(jsonb_build_array(a.sku, a.location_id, a.quantity, coalesce(m.quantity, 0))
                         ORDER BY a.line_id, a.sku, a.location_id)
        FROM asked a LEFT JOIN moved m USING (line_id, sku, location_id)
        WHERE coalesce(m.quantity, 0) < a.quantity) AS missing
""")


RESERVE = _reserve(Bucket.RESERVED, MovementKind.RESERVATION)
RESERVE_AND_ALLOCATE = _reserve(Bucket.ALLOCATED, MovementKind.ALLOCATION)

REMEMBERED = text("SELECT fingerprint, answer FROM stock_operations WHERE key = CAST(:key AS text)")

EXTEND = text(f"""
WITH held AS MATERIALIZED (
    SELECT line_id, sku, location_id, reserved AS quantity FROM reservations
    WHERE order_id = CAST(:order_id AS text) AND reserved > 0
      AND NOT EXISTS (SELECT FROM stock_operations WHERE key = CAST(:key AS text))
    ORDER BY line_id, sku, location_id
    FOR NO KEY UPDATE
), operation AS (
    {
    _REMEMBER.format(
        answer='''jsonb_build_object('expires_at', CAST(:expires_at AS text), 'lines', coalesce((
        SELECT jsonb_agg(to_jsonb(held) ORDER BY line_id, sku, location_id) FROM held), '[]'))''',
        condition="true",
    )
}
), kept AS (
    UPDATE reservations r SET expires_at = CAST(:expires_at AS timestamptz)
    FROM held h CROSS JOIN operation
    WHERE r.order_id = CAST(:order_id AS text) AND r.line_id = h.line_id
      AND r.sku = h.sku AND r.location_id = h.location_id
)
SELECT answer FROM operation
""")

LOCK_LEVEL = text("""
SELECT on_hand, allocated, reserved, set_aside, withheld FROM stock_levels
WHERE sku = CAST(:sku AS text) AND location_id = CAST(:location_id AS text) FOR NO KEY UPDATE
""")

OPEN_LEVEL = text("""
INSERT INTO stock_levels (sku, location_id, on_hand, allocated, reserved, set_aside, withheld)
VALUES (CAST(:sku AS text), CAST(:location_id AS text), 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING
""")

OPEN_LEVELS = text("""
INSERT INTO stock_levels (sku, location_id, on_hand, allocated, reserved, set_aside, withheld)
SELECT DISTINCT sku, CAST(:target AS text), 0, 0, 0, 0, 0 FROM unnest(CAST(:skus AS text[])) AS k(sku) ORDER BY sku
ON CONFLICT DO NOTHING
""")

CHANGE_LEVEL = text(f"""
WITH operation AS (
    {_REMEMBER.format(answer="CAST(:answer AS jsonb)", condition="true")}
), level AS (
    UPDATE stock_levels s
    SET on_hand = s.on_hand + CAST(:on_hand AS bigint), withheld = s.withheld + CAST(:withheld AS bigint)
    FROM operation WHERE s.sku = CAST(:sku AS text) AND s.location_id = CAST(:location_id AS text)
), ledger AS (
    {_RECORD}
    SELECT key, CAST(:kind AS text), CAST(:sku AS text), CAST(:location_id AS text), CAST(:order_id AS text),
           CAST(:line_id AS text), CAST(:reason AS text),
           CAST(:at AS timestamptz), CAST(:on_hand AS bigint), 0, 0, 0, CAST(:withheld AS bigint)
    FROM operation WHERE CAST(:record AS boolean)
)
SELECT EXISTS (SELECT FROM operation) AS done
""")

BUFFERS = text("""
SELECT sku, location_id, channel, quantity FROM stock_buffers ORDER BY sku COLLATE "C", location_id COLLATE "C",
       channel COLLATE "C"
""")

SET_BUFFER = text("""
INSERT INTO stock_buffers (sku, location_id, channel, quantity)
VALUES (CAST(:sku AS text), CAST(:location_id AS text), CAST(:channel AS text), CAST(:quantity AS bigint))
ON CONFLICT (sku, location_id, channel) DO UPDATE SET quantity = excluded.quantity
""")

AVAILABILITY = text(f"""
SELECT k.sku, l.location_id, greatest(0, coalesce({FREE} - {_BUFFER_HERE}, 0))
FROM unnest(CAST(:skus AS text[])) AS k(sku) CROSS JOIN unnest(CAST(:locations AS text[])) AS l(location_id)
LEFT JOIN stock_levels s ON s.sku = k.sku AND s.location_id = l.location_id
ORDER BY k.sku, l.location_id
""")

HOLDINGS = text("""
SELECT order_id, line_id, sku, location_id, taken, reserved, allocated, set_aside, consumed, released, expired,
       expires_at
FROM reservations WHERE order_id = CAST(:order_id AS text) ORDER BY line_id, sku, location_id
""")


def levels(*, skus: bool, locations: bool, after: bool) -> TextClause:
    """Only the conditions that are asked for, so that each shape keeps a plan on its index."""
    conditions = ["true"]
    if skus:
        conditions.append("s.sku = ANY(CAST(:skus AS text[]))")
    if locations:
        conditions.append("s.location_id = ANY(CAST(:locations AS text[]))")
    if after:
        conditions.append("(s.sku, s.location_id) > (CAST(:after_sku AS text), CAST(:after_location AS text))")
    return text(f"""
SELECT s.sku, s.location_id AS store_id, s.on_hand, s.allocated, s.reserved, s.set_aside, s.withheld,
       {_BUFFER_HERE} AS buffer
FROM stock_levels s WHERE {" AND ".join(conditions)}
ORDER BY s.sku, s.location_id LIMIT CAST(:limit AS bigint)
""")


def ledger(*, sku: bool, location: bool, order: bool) -> TextClause:
    conditions = ["id > CAST(:after AS bigint)"]
    if sku:
        conditions.append("sku = CAST(:sku AS text)")
    if location:
        conditions.append("location_id = CAST(:location_id AS text)")
    if order:
        conditions.append("order_id = CAST(:order_id AS text)")
    return text(f"""
SELECT id, key, kind, sku, location_id AS store_id, order_id, line_id, reason, at,
       on_hand, allocated, reserved, set_aside, withheld
FROM stock_movements WHERE {" AND ".join(conditions)} ORDER BY id LIMIT CAST(:limit AS bigint)
""")
