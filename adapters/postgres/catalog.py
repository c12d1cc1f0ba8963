"""What a schema holds, one line an object, as PostgreSQL itself writes it: to compare two of them.

Alembic's own comparison does not see check constraints, triggers and functions, and those are what keeps the ledgers
append-only and the numbers above zero.
"""

from sqlalchemy import Connection, text

_OBJECTS = text(
    r"""
    WITH home AS (SELECT oid FROM pg_namespace WHERE nspname = :schema),
    tables AS (
        SELECT oid, relname FROM pg_class
        WHERE relnamespace = (SELECT oid FROM home) AND relkind IN ('r', 'p') AND relname <> 'alembic_version'
    ),
    objects AS (
        SELECT 'table ' || relname FROM tables
        UNION ALL
        SELECT concat_ws(' ', 'column ' || t.relname || '.' || attname, format_type(atttypid, atttypmod),
            CASE WHEN attnotnull THEN 'not null' END, 'default ' || pg_get_expr(adbin, adrelid),
            CASE attidentity WHEN 'a' THEN 'always identity' WHEN 'd' THEN 'identity' END)
        FROM tables t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = t.oid AND adnum = attnum
        UNION ALL
        SELECT 'constraint ' || t.relname || '.' || conname || ' ' || pg_get_constraintdef(c.oid)
        FROM tables t JOIN pg_constraint c ON conrelid = t.oid
        WHERE contype <> 'n'
        UNION ALL
        SELECT 'index ' || pg_get_indexdef(indexrelid) FROM tables t JOIN pg_index ON indrelid = t.oid
        UNION ALL
        SELECT 'trigger ' || pg_get_triggerdef(g.oid) FROM tables t JOIN pg_trigger g ON tgrelid = t.oid
        WHERE NOT tgisinternal
        UNION ALL
        SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc
        WHERE pronamespace = (SELECT oid FROM home) AND prokind = 'f'
        UNION ALL
        SELECT 'sequence ' || relname FROM pg_class WHERE relnamespace = (SELECT oid FROM home) AND relkind = 'S'
        UNION ALL
        SELECT 'view ' || relname || ' ' || pg_get_viewdef(oid) FROM pg_class
        WHERE relnamespace = (SELECT oid FROM home) AND relkind IN ('v', 'm')
        UNION ALL
        SELECT 'type ' || typname FROM pg_type
        WHERE typnamespace = (SELECT oid FROM home) AND typtype IN ('e', 'd')
    )
    SELECT regexp_replace(replace(object, :schema || '.', ''), '\s+', ' ', 'g') FROM objects AS o(object)
    """
)


def describe(connection: Connection, schema: str = "public") -> set[str]:
    """Every table, column, constraint, index, trigger, function, sequence, view and type of a schema but Alembic's."""
    return set(connection.scalars(_OBJECTS, {"schema": schema}))
