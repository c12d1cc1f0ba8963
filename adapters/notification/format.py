"""How values look in a mail: times in the store's zone, money from minor units, names without tricks, codes as QR."""

import copy
import io
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import segno
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name

from domain.money import digits

# Marks that turn the direction of what follows (Unicode bidi embeddings, overrides, isolates): a name needs none.
_TURNS = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])


def cleaned(value: str) -> str:
    """`value` as one line of text: line breaks and control characters become a space, turning marks go."""
    turned = value.translate(_TURNS)
    # Cc control, Cs lone surrogates, Zl and Zp line and paragraph separators.
    plain = "".join(" " if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") else char for char in turned)
    return re.sub(r"\s+", " ", plain).strip()


def paragraphs(block: str) -> list[str]:
    return [re.sub(r"\s+", " ", one).strip() for one in re.split(r"\n\s*\n", block.strip()) if one.strip()]


def qr_code(code: str) -> bytes:
    """A PNG, since mail programs show neither SVG nor `data:` pictures."""
    picture = io.BytesIO()
    segno.make(code, error="m", micro=False).save(picture, kind="png", scale=6, border=4)
    return picture.getvalue()


@dataclass(frozen=True)
class Formats:
    """What templates call as `formats.when(…)` and `formats.money(…)`."""

    locale: str
    language: str
    """The language of the template, which may be a fallback."""
    zone: str | None
    utc: str = "UTC"

    @cached_property
    def _babel(self) -> Locale:
        # The reader's region counts only within the language that is spoken: no French dates in an English mail.
        wanted = self.locale.replace("_", "-")
        spoken = self.language.split("-")[0]
        if wanted.split("-")[0].lower() == spoken:
            try:
                return Locale.parse(wanted, sep="-")
            except (UnknownLocaleError, ValueError):
                pass
        return Locale.parse(spoken)

    @property
    def language_tag(self) -> str:
        return str(self._babel).replace("_", "-")

    @cached_property
    def _zone(self) -> tzinfo:
        try:
            return ZoneInfo(self.zone) if self.zone else UTC
        except (LookupError, ValueError, OSError):
            return UTC

    def when(self, instant: datetime) -> str:
        """`Monday, 23 November 2026, 18:00 CET`: day and time in the store's zone, which is named."""
        local = instant.astimezone(self._zone)
        day = format_date(local, "full", locale=self._babel)
        return f"{day}, {self._time(local)}"

    def time(self, instant: datetime) -> str:
        return self._time(instant.astimezone(self._zone))

    def _time(self, local: datetime) -> str:
        clock = format_time(local, "short", locale=self._babel).replace("\u202f", " ")
        return f"{clock} {self._zone_name(local)}"

    def _zone_name(self, local: datetime) -> str:
        if self._zone is UTC:
            return self.utc
        name = get_timezone_name(local, width="short", locale=self._babel)
        own = local.tzname() or name
        # Where a language has no abbreviation ("+0100", "Eastern Daylight Time"), the zone's own is used ("CET").
        abbreviated = name.isalpha() and len(name) <= 5
        return own if own.isalpha() and not abbreviated else name

    def money(self, value: Any) -> str:
        """From minor units, with the digits of ISO 4217 (CLDR rounds some currencies, money here never is)."""
        places = digits(value["currency"])
        pattern = copy.copy(self._babel.currency_formats["standard"])
        pattern.frac_prec = (places, places)
        number = Decimal(value["amount"]).scaleb(-places)
        shown = str(pattern.apply(number, self._babel, currency=value["currency"], currency_digits=False))
        # CLDR's spacing between a code of letters and its amount, which babel leaves out: CHF 12.00.
        return re.sub(r"(?<=[^\W\d])(?=\d)", "\N{NO-BREAK SPACE}", shown)
