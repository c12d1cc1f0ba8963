"""Money is an integer number of minor units and an ISO 4217 currency. Nothing here is ever a float."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Minor = Annotated[int, Field(strict=True)]
"""An amount in minor units (cents for EUR, yen for JPY)."""

CURRENCY = r"^[A-Z]{3}$"
Currency = Annotated[str, StringConstraints(pattern=CURRENCY)]
"""An ISO 4217 alphabetic code."""

# ISO 4217 list one (2024-06): currencies whose minor unit is not a hundredth. Everything else has two digits.
_DIGITS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"], 0
    ),
    **dict.fromkeys(["XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies met in one sum."""


def digits(currency: Currency) -> int:
    """How many digits the minor unit of `currency` has: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


class Money(BaseModel):
    """An amount in minor units with its currency; adds and compares only with its own kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Minor
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(amount=self.amount + other.amount, currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(amount=self.amount - other.amount, currency=self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount <= other.amount

    def __str__(self) -> str:
        places = digits(self.currency)
        sign = "-" if self.amount < 0 else ""
        whole, part = divmod(abs(self.amount), 10**places)
        fraction = f".{part:0{places}d}" if places else ""
        return f"{sign}{whole}{fraction} {self.currency}"

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be combined")


def apportion(total: int, weights: list[int]) -> list[int]:
    """Split `total` minor units in proportion to non-negative `weights`; the parts add up to `total` exactly.

    Largest remainder (Hamilton): every part is floored, and the units left over go to the largest remainders, ties to
    the earlier part. All weights zero: everything goes to the first part.
    """
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        return [total, *([0] * (len(weights) - 1))]
    sign = -1 if total < 0 else 1
    scaled = [divmod(abs(total) * weight, whole) for weight in weights]
    parts = [quotient for quotient, _ in scaled]
    left = abs(total) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda index: (-scaled[index][1], index))
    for index in by_remainder[:left]:
        parts[index] += 1
    return [sign * part for part in parts]
