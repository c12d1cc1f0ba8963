"""Amounts keep to their currency, and a split loses no cent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.money import CurrencyMismatch, Money, apportion, digits

amounts = st.integers(-(10**12), 10**12)


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


@pytest.mark.parametrize(("currency", "places"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XOF", 0)])
def test_a_currency_has_its_own_number_of_digits(currency: str, places: int):
    assert digits(currency) == places


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (9998, "EUR", "99.98 EUR"),
        (5, "EUR", "0.05 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (0, "EUR", "0.00 EUR"),
        (1500, "JPY", "1500 JPY"),
        (-1500, "JPY", "-1500 JPY"),
        (1, "KWD", "0.001 KWD"),
    ],
)
def test_an_amount_is_written_with_the_digits_of_its_currency(amount: int, currency: str, text: str):
    assert str(Money(amount=amount, currency=currency)) == text


@pytest.mark.parametrize("amount", [1.0, 1.5, "1", True, None])
def test_an_amount_is_an_integer_and_nothing_like_one(amount: object):
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "EUR"})


@pytest.mark.parametrize("currency", ["eur", "EU", "EURO", "", "€", "EUR\n", None])
def test_a_currency_is_three_capital_letters(currency: object):
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": 1, "currency": currency})


@given(amounts, amounts)
def test_amounts_of_one_currency_add_subtract_and_compare(a: int, b: int):
    assert eur(a) + eur(b) == eur(a + b)
    assert eur(a) - eur(b) == eur(a - b)
    assert (eur(a) < eur(b), eur(a) <= eur(b), eur(a) > eur(b)) == (a < b, a <= b, a > b)


def test_amounts_of_two_currencies_do_not_mix():
    yen = Money(amount=1, currency="JPY")
    with pytest.raises(CurrencyMismatch):
        eur(1) + yen
    with pytest.raises(CurrencyMismatch):
        eur(1) - yen
    with pytest.raises(CurrencyMismatch):
        _ = eur(1) < yen
    with pytest.raises(CurrencyMismatch):
        _ = eur(1) <= yen
    assert eur(1) != yen


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [1, 2, 7], [1, 2, 7]),
        (1, [1, 1000], [0, 1]),
        (9998, [4999, 4999], [4999, 4999]),
        (5, [0, 0], [5, 0]),
        (0, [3, 4], [0, 0]),
        (7, [], []),
    ],
)
def test_a_split_gives_the_cents_left_over_to_the_largest_remainders(total: int, weights: list[int], parts: list[int]):
    assert apportion(total, weights) == parts


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_a_split_adds_up_and_no_part_is_a_cent_from_its_share(total: int, weights: list[int]):
    parts = apportion(total, weights)
    assert sum(parts) == total
    whole = sum(weights)
    if whole:
        assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


@given(amounts, st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_nothing_goes_to_a_weight_of_zero_and_a_negative_total_is_the_mirror(total: int, weights: list[int]):
    parts = apportion(total, weights)
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)
    assert apportion(-total, weights) == [-part for part in parts]
