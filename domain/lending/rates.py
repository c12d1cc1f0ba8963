"""Exact decimal arithmetic for rates: 34 digits inside, rounded once at the end, never a float near money."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from enum import StrEnum
from fractions import Fraction

Number = int | Decimal | Fraction
"""What an amount or a rate may be. Floats are refused: they are not what was written."""

_PRECISION = 34
_CLOSE = Decimal("1e-22")
_STEPS = 300


class NoRateReason(StrEnum):
    NOTHING_ADVANCED = "nothing_advanced"
    NOTHING_REPAID = "nothing_repaid"
    REPAID_LESS_THAN_ADVANCED = "repaid_less_than_advanced"
    REPAID_BEFORE_ADVANCED = "repaid_before_advanced"
    """Money goes back before any came: no rate describes that."""
    WITHOUT_BOUND = "without_bound"
    """No finite rate makes the two sides equal."""


class NoRate(ValueError):
    """These flows have no annual percentage rate, and why."""

    def __init__(self, reason: NoRateReason):
        super().__init__(f"there is no rate: {reason.value.replace('_', ' ')}")
        self.reason = reason


@contextmanager
def exact() -> Iterator[Context]:
    with localcontext() as context:
        context.prec = _PRECISION
        context.rounding = ROUND_HALF_EVEN
        yield context


def decimal(number: Number) -> Decimal:
    """The number as a decimal, to 34 digits where it has no end. Raises `TypeError` for a float."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal | Fraction):
        raise TypeError(f"{type(number).__name__} is no exact number")
    if isinstance(number, Fraction):
        with exact():
            return Decimal(number.numerator) / Decimal(number.denominator)
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError("the number is not finite")
    return Decimal(number)


def portion(number: Number | float) -> Decimal:
    """A part of a period: no money, so that 19/30 may also come as Python divides it."""
    return decimal(Decimal(repr(number))) if isinstance(number, float) else decimal(number)


def minor(amount: Decimal) -> int:
    """A computed amount in whole minor units, half to even."""
    return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def root(curve: Callable[[Decimal], tuple[Decimal, Decimal]]) -> Decimal:
    """The rate at or above zero where `curve` (its value and its slope), negative at 0, comes to zero.

    Newton's steps, kept within a bracket that halves whenever a step would leave it: converges on anything continuous.
    Raises `NoRate` when the curve stays negative.
    """
    low, high = Decimal(0), Decimal("0.01")
    while curve(high)[0] < 0:
        low, high = high, high * 4
        if high > Decimal("1e30"):
            raise NoRate(NoRateReason.WITHOUT_BOUND)
    rate = (low + high) / 2
    for _ in range(_STEPS):
        value, slope = curve(rate)
        if value < 0:
            low = rate
        else:
            high = rate
        step = rate - value / slope if slope else low
        following = step if low < step < high else (low + high) / 2
        if abs(following - rate) <= _CLOSE * (1 + abs(following)):
            return following
        rate = following
    return rate
