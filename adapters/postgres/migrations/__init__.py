"""The schema's history, as Alembic keeps it: `versions/` in order, the newest what `adapters/postgres/tables` say."""
