"""When the database is away, as against a statement that is wrong: the first passes, the second is a bug."""

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

_AWAY = (OperationalError, InterfaceError, PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError)


def database_is_away(error: BaseException) -> bool:
    """No connection, lost in the middle, shutting down, out of slots: the same request may succeed later."""
    return isinstance(error, _AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)
