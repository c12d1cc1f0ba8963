"""Tokens say how their payment will behave. Several behaviours are joined by a plus: `tok_3ds+tok_expires_10s`."""

import re
from datetime import timedelta

from domain.payments import DeclineReason

DECLINES = {
    "declined": DeclineReason.DECLINED,
    "insufficient_funds": DeclineReason.INSUFFICIENT_FUNDS,
    "fraud": DeclineReason.FRAUD,
    "card_expired": DeclineReason.CARD_EXPIRED,
}
EXTENSION_DECLINED = "extend_declined"
"""The first authorisation works, renewing it does not."""
CUSTOMER_ACTION = "3ds"
SINGLE_CAPTURE = "single_capture"
CAPTURE_DECLINED = "capture_declined"
REFUND_PENDING = "refund_pending"
REFUND_FAILS = "refund_fails"
LOST_ANSWERS = {
    "authorise": "timeout_after",
    "capture": "capture_timeout_after",
    "void": "void_timeout_after",
    "refund": "refund_timeout_after",
}

_EXPIRES = re.compile(r"expires_(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def behaviours(token: str) -> frozenset[str] | None:
    """The names behind a token, or None when it is no token of this provider. An unknown name just works."""
    parts = token.split("+")
    if not all(re.fullmatch(r"tok_[a-z0-9_]{1,60}", part) for part in parts):
        return None
    return frozenset(part.removeprefix("tok_") for part in parts)


def lifetime(names: frozenset[str], default: timedelta) -> timedelta:
    """How long an authorisation of this token can be captured."""
    for name in names:
        if match := _EXPIRES.fullmatch(name):
            return timedelta(**{_UNITS[match[2]]: int(match[1])})
    return default


def decline(names: frozenset[str], *, extension: bool) -> DeclineReason | None:
    if extension and EXTENSION_DECLINED in names:
        return DeclineReason.DECLINED
    return next((reason for name, reason in DECLINES.items() if name in names), None)
