"""When something is said to have happened: not before it could, and not in the future."""

from datetime import datetime, timedelta

from gateway.problems import invalid

OFF_CLOCK = timedelta(minutes=5)
"""A store's clock may run a little fast or slow."""


def check_happened(
    at: datetime | None, pointer: str, now: datetime, *, since: datetime | None = None, before: str = ""
) -> None:
    """`before`: the words for what was at `since`. Raises 422."""
    if at is not None and at > now + OFF_CLOCK:
        raise invalid(pointer, "Should not lie in the future")
    if at is not None and since is not None and at < since - OFF_CLOCK:
        raise invalid(pointer, f"Should not lie before {before}")
