"""The ledger's writes, each one statement: the operation, the totals and the journal change together or not at all."""

from sqlalchemy import text

_COLUMNS = """
    key, provider, kind, status, order_id, tender_id, authorisation_id, asked, amount, entire, currency, purpose,
    group_id, replaces, reason, external, booked, provider_operation_id, failure, result, requested_at, settled_at
"""

_BEGUN = f"""
    INSERT INTO payment_operations ({_COLUMNS}) VALUES (
        :key, :provider, :kind, 'pending', :order_id, :tender_id, :authorisation_id, :asked, :amount, :entire,
        :currency, :purpose, :group_id, :replaces, :reason, false, 0, NULL, NULL, NULL, :at, NULL
    )
    ON CONFLICT (key) DO UPDATE
    SET status = 'pending', amount = excluded.amount, entire = excluded.entire, failure = NULL, result = NULL,
        settled_at = NULL
    WHERE payment_operations.status = 'failed'
      AND payment_operations.failure = ANY(CAST(:may_begin_again AS varchar[]))
    RETURNING {_COLUMNS}
"""

_JOURNAL_IF = """
    entry AS (
        INSERT INTO journal_entries
            (operation_key, movement, provider, order_id, tender_id, authorisation_id, currency, at)
        SELECT :key, movement, :provider, :order_id, :tender_id, :authorisation_id, :currency, :at
        FROM unnest(CAST(:movements AS varchar[])) AS movement WHERE {condition}
        RETURNING id, movement
    )
    INSERT INTO journal_lines (entry_id, account, amount)
    SELECT entry.id, line.account, line.amount
    FROM entry JOIN unnest(
        CAST(:line_movements AS varchar[]), CAST(:accounts AS varchar[]), CAST(:amounts AS bigint[])
    ) AS line (movement, account, amount) USING (movement)
"""
_JOURNAL = _JOURNAL_IF.format(condition="true")

_SETTLED = """
    UPDATE payment_operations
    SET status = :status, booked = :booked, provider_operation_id = :answer, failure = :failure,
        result = CAST(:result AS jsonb), settled_at = :settled_at, authorisation_id = :authorisation_id
    WHERE key = :key
"""

_MOVED = """
    tender AS (
        UPDATE tender_totals
        SET captured = captured + :captured, voided = voided + :voided, refunded = refunded + :refunded,
            refunding = refunding + :refunding
        WHERE order_id = :order_id AND tender_id = :tender_id
    ),
    authorisation AS (
        UPDATE authorisations
        SET captured = captured + :captured, voided = voided + :voided, refunded = refunded + :refunded,
            capturing = capturing + :capturing, voiding = voiding + :voiding, refunding = refunding + :refunding,
            status = coalesce(CAST(:authorisation_status AS varchar), status)
        WHERE provider = :provider AND id = :authorisation_id
    )
"""

BEGIN_AUTHORISATION = text(_BEGUN)

BEGIN = text(f"""
    WITH begun AS ({_BEGUN}),
    tender AS (
        UPDATE tender_totals SET refunding = refunding + :refunding FROM begun
        WHERE tender_totals.order_id = begun.order_id AND tender_totals.tender_id = begun.tender_id
          AND begun.kind = 'refund'
    ),
    authorisation AS (
        UPDATE authorisations
        SET capturing = capturing + :capturing, voiding = voiding + :voiding, refunding = refunding + :refunding
        FROM begun
        WHERE authorisations.provider = begun.provider AND authorisations.id = begun.authorisation_id
    )
    SELECT {_COLUMNS} FROM begun
""")

SETTLE = text(f"WITH operation AS ({_SETTLED}), {_MOVED}, {_JOURNAL}")

CLOSE = text(_SETTLED)

# An authorisation's row may be there before it holds anything: while the customer has to confirm. An operation that is
# no longer open has its end already, and nothing is entered.
SETTLE_AUTHORISATION = text(f"""
    WITH operation AS ({_SETTLED} AND status = 'pending' RETURNING order_id),
    tender AS (
        INSERT INTO tender_totals
            (order_id, tender_id, currency, authorised, captured, voided, refunded, refunding)
        SELECT operation.order_id, :tender_id, :currency, :booked, 0, 0, 0, 0 FROM operation
        ON CONFLICT (order_id, tender_id) DO UPDATE
        SET authorised = tender_totals.authorised + excluded.authorised
        RETURNING order_id
    ),
    authorisation AS (
        INSERT INTO authorisations (
            provider, id, order_id, tender_id, currency, status, authorised, captured, voided, refunded,
            capturing, voiding, refunding, capture_before, single_capture, replaces, created_at
        )
        SELECT :provider, :authorisation_id, tender.order_id, :tender_id, :currency, :authorisation_status, :booked,
               0, 0, 0, 0, 0, 0, CAST(:capture_before AS timestamptz), :single_capture, :replaces, :at
        FROM tender
        ON CONFLICT (provider, id) DO UPDATE
        SET authorised = authorisations.authorised + excluded.authorised, status = excluded.status,
            capture_before = excluded.capture_before, single_capture = excluded.single_capture
    ),
    {_JOURNAL_IF.format(condition="EXISTS (SELECT FROM operation)")}
""")

ENTER = text(f"""
    WITH operation AS (
        INSERT INTO payment_operations ({_COLUMNS}) VALUES (
            :key, :provider, :kind, 'succeeded', :order_id, :tender_id, :authorisation_id, :booked, :booked, false,
            :currency, NULL, NULL, NULL, NULL, true, :booked, :answer, NULL, NULL, :at, :at
        )
    ),
    {_MOVED},
    {_JOURNAL}
""")

SEE = text("""
    UPDATE authorisations
    SET status = :authorisation_status, capture_before = CAST(:capture_before AS timestamptz)
    WHERE provider = :provider AND id = :authorisation_id
""")
