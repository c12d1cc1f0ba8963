"""Which exceptions mean that a system is away for now: the caller is told when to come back."""

from temporalio.service import RPCError, RPCStatusCode

from adapters.documents.port import DocumentsAway
from adapters.keys.port import KeyMissing, KeysUnavailable
from adapters.postgres.outages import database_is_away
from gateway.faults import Outage

_AWAY = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
        # A worker died with the task that carried the command: another one takes it when it is sent again.
        RPCStatusCode.FAILED_PRECONDITION,
        # What a connection that breaks in the middle of a call comes out as.
        RPCStatusCode.UNKNOWN,
        RPCStatusCode.INTERNAL,
    }
)


def temporal_is_away(error: BaseException) -> bool:
    """No connection, no answer in time, too much in flight. A lazy client's first connection fails as RuntimeError."""
    if isinstance(error, RPCError):
        return error.status in _AWAY
    return isinstance(error, RuntimeError) and "connect" in str(error).lower()


def keys_are_away(error: BaseException) -> bool:
    """A key that is mislaid is a matter for operations, and until they find it the caller must wait."""
    return isinstance(error, KeysUnavailable | KeyMissing)


def documents_are_away(error: BaseException) -> bool:
    return isinstance(error, DocumentsAway)


OUTAGES = (
    Outage("database", database_is_away, retry_after=2),
    Outage("key table", keys_are_away, retry_after=2),
    Outage("document store", documents_are_away, retry_after=5),
    Outage("order engine", temporal_is_away, retry_after=2),
)
"""For `Edge.outages`."""
