"""Units sold beyond stock: until when they are waited for, and when their money is asked for."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

ANYWHERE = "*"
"""As a place: whichever has it; of a rule: every place that has no rule of its own, together."""


class Supply(BaseModel):
    """What a group waits for that was sold beyond stock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expected_at: datetime | None = None
    """When the supplier is to have delivered all of it; none while nobody knows."""
    until: datetime
    """Then what has not come is cancelled."""


def awaited(expected_at: datetime | None, now: datetime, wait: timedelta) -> Supply:
    """Supply is waited for until so long after it was to come, or from now on when nobody knows when."""
    return Supply(expected_at=expected_at, until=max(expected_at or now, now) + wait)


def secured_at(expected_at: datetime | None, near: timedelta) -> datetime | None:
    """From when on the money is authorised. An unknown date is far: then only what has arrived is near."""
    return None if expected_at is None else expected_at - near
