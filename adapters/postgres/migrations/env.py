"""What Alembic runs for each command. `adapters.postgres.migrate` gives the connection and the tables."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    compare_server_default=True,
    # A migration that fails leaves those before it, and nothing of its own.
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
