"""The way to PostgreSQL: one async engine a process, its pool sized by who asks, statements prepared."""

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine


def make_engine(
    url: str | URL,
    *,
    pool_size: int = 10,
    overflow: int = 0,
    wait_seconds: float = 10.0,
    application: str = "throughline",
    ping: bool = False,
) -> AsyncEngine:
    """An engine on `url` (`postgresql://` or `postgresql+psycopg://`) with at most `pool_size + overflow` connections.

    Instants come back in UTC. A statement is prepared at its second use. `ping` asks each connection whether it lives
    before use: one round trip more, for callers that cannot simply try again.
    """
    return create_async_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=pool_size,
        max_overflow=overflow,
        pool_timeout=wait_seconds,
        pool_pre_ping=ping,
        pool_use_lifo=True,
        connect_args={
            "prepare_threshold": 1,
            "application_name": application,
            "connect_timeout": 5,
            "options": "-c timezone=UTC -c idle_in_transaction_session_timeout=60s",
        },
    )
