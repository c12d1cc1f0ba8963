"""Gift cards and store credit: their accounts, and a number that nobody keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.balances import (
    LETTERS,
    BalanceAccount,
    BalanceId,
    BalanceKind,
    BalanceMovement,
    balance_postings,
    hold_id,
    last_four,
    number_hash,
    number_of,
    owed,
    read_token,
    tender_of_hold,
    token_of,
)
from domain.card_data import find_card_data
from domain.intake import TenderType
from domain.payments import AuthorisationId

SECRET = b"s" * 32


@pytest.mark.parametrize("movement", BalanceMovement)
def test_every_movement_sums_to_zero(movement: BalanceMovement):
    assert sum(posting.amount for posting in balance_postings(movement, 7)) == 0
    with pytest.raises(ValueError, match="positive"):
        balance_postings(movement, 0)


def test_what_is_owed_follows_the_card_through_an_order():
    told = [
        (BalanceMovement.ISSUE, 5000),
        (BalanceMovement.HOLD, 3000),
        (BalanceMovement.DRAW, 2000),
        (BalanceMovement.RELEASE, 1000),
        (BalanceMovement.GIVE_BACK, 500),
        (BalanceMovement.DISABLE, 3500),
    ]
    postings = [posting for movement, amount in told for posting in balance_postings(movement, amount)]
    assert [owed(postings, account) for account in BalanceAccount] == [0, 0, -1500, 1500]


@given(st.text(min_size=1, max_size=40))
def test_a_number_is_sixteen_letters_that_no_card_and_no_word_looks_like(balance: str):
    number = number_of(SECRET, BalanceId(balance))
    assert [len(group) for group in number.split("-")] == [4, 4, 4, 4]
    assert set(number) - {"-"} <= set(LETTERS)
    assert find_card_data({"number": number}) is None


def test_a_number_belongs_to_its_balance_and_its_secret():
    numbers = {number_of(secret, BalanceId(each)) for secret in (SECRET, b"t" * 32) for each in ("b1", "b2")}
    assert len(numbers) == 4


def test_a_number_is_known_however_it_is_typed():
    number = number_of(SECRET, BalanceId("b1"))
    assert number_hash(SECRET, f" {number.lower().replace('-', ' ')} ") == number_hash(SECRET, number)
    assert number_hash(b"t" * 32, number) != number_hash(SECRET, number)
    assert number.endswith(last_four(number))
    assert number not in number_hash(SECRET, number)


def test_a_short_secret_is_no_secret():
    with pytest.raises(ValueError, match="16 bytes"):
        number_of(b"short", BalanceId("b1"))


def test_a_token_says_what_kind_of_balance_pays():
    assert read_token(token_of(BalanceKind.CREDIT, "abc")) == (BalanceKind.CREDIT, "abc")
    assert read_token("tok_ok") is None
    assert read_token("balance:purse:abc") is None


def test_a_hold_says_what_kind_of_tender_is_behind_it():
    assert tender_of_hold(hold_id(BalanceKind.GIFT_CARD, "x")) is TenderType.GIFT_CARD
    assert tender_of_hold(hold_id(BalanceKind.CREDIT, "x")) is TenderType.STORE_CREDIT
    assert tender_of_hold(AuthorisationId("auth_1")) is None
