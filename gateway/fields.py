"""Field types that request models share. Bodies are validated as strict JSON, so plain `int` and `bool` are exact."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _parsed(value: object) -> datetime:
    # Pydantic would also read "1700000000" and times without seconds. And what a BeforeValidator hands on is no longer
    # JSON to it, so that a strict field wants the datetime itself.
    if isinstance(value, datetime):
        return value
    if isinstance(value, str) and _RFC3339.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value.upper())
    raise ValueError("Should be an RFC 3339 time with its offset, e.g. 2026-11-22T10:00:00Z")


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("Should be a time that exists in UTC") from None


Instant = Annotated[AwareDatetime, BeforeValidator(_parsed), AfterValidator(_to_utc)]
"""A moment; whatever offset it was sent with, it is UTC here."""

LAST_YEAR = 2199


def _in_reach(value: datetime) -> datetime:
    if value.year > LAST_YEAR:
        raise ValueError(f"Should lie before the year {LAST_YEAR + 1}; leave it out when nobody knows")
    return value


Deadline = Annotated[Instant, AfterValidator(_in_reach)]
"""A moment that something waits for. Years that stand for "never" are refused: nothing can be reckoned from them."""

VISIBLE = r"^[\x21-\x7e]+$"
KEY_OR_ANY = r"^(\*|[A-Za-z0-9][A-Za-z0-9._:-]{0,63})$"
TRACKING = r"^[A-Za-z0-9][A-Za-z0-9-]{3,63}$"
"""Letters, digits and dashes; the spaces that carriers print are left out."""
Reference = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=VISIBLE)]
"""An id that a caller made: visible ASCII, no spaces."""
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=255)]
"""A name or a line of an address: any characters, kept as they are."""
LongText = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
"""A reason or a remark."""
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
Amount = Annotated[int, Field(ge=0, le=10**15)]
"""Minor units, not negative."""
PositiveAmount = Annotated[int, Field(ge=1, le=10**15)]
Version = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""The object's version that the caller saw."""


class Body(BaseModel):
    """The parent of request models: nothing unknown, nothing changed later."""

    model_config = ConfigDict(frozen=True, extra="forbid")
