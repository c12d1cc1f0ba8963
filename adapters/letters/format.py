"""Sums, days and rates as the reader of a letter writes them.

A few rules of our own: a letter is written again as the same bytes years later, and the tables of a library change with
its versions.
"""

from datetime import date

from domain.money import digits

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
_ENGLISH = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_GERMAN = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
]
_CLOSE = "\N{NO-BREAK SPACE}"


def money(amount: int, currency: str, language: str | None) -> str:
    """`$1,000.00`, `CHF 1,000.00`; in German `1.000,00 $`."""
    places = digits(currency)
    whole, part = divmod(abs(amount), 10**places)
    number = f"{whole:,}" + (f".{part:0{places}d}" if places else "")
    sign, symbol = "-" if amount < 0 else "", _SYMBOLS.get(currency)
    if language == "de":
        return f"{sign}{_german(number)}{_CLOSE}{symbol or currency}"
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{currency}{_CLOSE}{number}"


def percent(rate: object, language: str | None) -> str:
    """`10.59%`; in German `10,59 %`."""
    return f"{_german(str(rate))}{_CLOSE}%" if language == "de" else f"{rate}%"


def day(iso: str, locale: str, language: str | None) -> str:
    """`December 1, 2026`, outside the United States `1 December 2026`; in German `1. Dezember 2026`."""
    at = date.fromisoformat(iso)
    if language == "de":
        return f"{at.day}.{_CLOSE}{_GERMAN[at.month - 1]} {at.year}"
    month = _ENGLISH[at.month - 1]
    spoken, _, region = locale.replace("_", "-").partition("-")
    if spoken.lower() == "en" and region.upper() not in ("", "US"):
        return f"{at.day}{_CLOSE}{month} {at.year}"
    return f"{month}{_CLOSE}{at.day}, {at.year}"


def inside(title: str) -> str:
    """A product's title within an English sentence: `personal loan`; capitals stay, brackets do not."""
    title = title.partition(" (")[0]
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def _german(number: str) -> str:
    return number.translate(str.maketrans(",.", ".,"))
