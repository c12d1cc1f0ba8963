"""Codes are derived, never kept, and tell nothing about one another."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.hand_over_codes import code_hash, derive_code, matches, normalised, same_hash
from domain.ids import GroupId, OrderId, pickup_id

SECRET = b"a secret of the tests, 32 bytes!"
GROUP = pickup_id(OrderId("01kaaaaaaaaaaaaaaaaaaaaaaa"), 1)


@given(st.binary(min_size=16, max_size=64), st.text(max_size=60), st.integers(0, 1000))
def test_a_code_is_eight_digits_and_the_same_each_time(secret: bytes, group: str, serial: int):
    code = derive_code(secret, GroupId(group), serial)
    assert len(code) == 8
    assert code.isascii()
    assert code.isdigit()
    assert derive_code(secret, GroupId(group), serial) == code
    assert matches(secret, GroupId(group), serial, code)


def test_codes_already_mailed_stay_valid_under_new_code():
    assert derive_code(SECRET, GROUP, 1) == "94230185"


def test_another_group_serial_or_secret_has_another_code():
    codes = {derive_code(SECRET, pickup_id(OrderId(f"o{n}"), m), s) for n in range(20) for m in (1, 2) for s in (1, 2)}
    codes |= {derive_code(SECRET[::-1], GROUP, 1), derive_code(SECRET, GROUP, 1)}
    assert len(codes) == 82


def test_parts_cannot_be_shifted_into_one_another():
    assert derive_code(SECRET, GroupId("pickup/x/1"), 11) != derive_code(SECRET, GroupId("pickup/x/11"), 1)
    assert code_hash(SECRET, GroupId("pickup/x/1"), "1234") != code_hash(SECRET, GroupId("pickup/x/11"), "234")


def test_no_digit_is_favoured_in_any_place():
    codes = [derive_code(SECRET, GroupId(f"pickup/{n}/1"), 1) for n in range(20_000)]
    for place in range(8):
        counts = Counter(code[place] for code in codes)
        # 2,000 expected each with a deviation of 42; six of them leave no room for chance.
        assert all(abs(counts[digit] - 2000) < 6 * 43 for digit in "0123456789")


@pytest.mark.parametrize(
    "typed", ["1234 5678", "1234-5678", " 12 34 56 78\n", "1234\u20135678", "１２３４５６７８", "12345678"]
)
def test_what_an_associate_types_is_read_without_blanks_and_dashes(typed: str):
    assert normalised(typed) == "12345678"
    assert code_hash(SECRET, GROUP, typed) == code_hash(SECRET, GROUP, "12345678")


def test_a_code_typed_with_a_blank_matches():
    code = derive_code(SECRET, GROUP, 3)
    assert matches(SECRET, GROUP, 3, f"{code[:4]} {code[4:]}")


def test_the_code_of_an_earlier_sending_does_not_match():
    assert not matches(SECRET, GROUP, 2, derive_code(SECRET, GROUP, 1))


@pytest.mark.parametrize("typed", ["", "0", "not a code", "1" * 10_000, "\ud800", "1234567\0"])
def test_nonsense_is_a_wrong_code_and_no_error(typed: str):
    assert not matches(SECRET, GROUP, 1, typed)


def test_the_hash_shows_neither_the_code_nor_which_groups_share_one():
    hashes = {code_hash(SECRET, GROUP, "12345678"), code_hash(SECRET, GroupId("pickup/other/1"), "12345678")}
    hashes.add(code_hash(SECRET[::-1], GROUP, "12345678"))
    assert len(hashes) == 3
    assert not any("12345678" in value for value in hashes)


def test_a_workflow_compares_hashes_without_the_secret():
    expected = code_hash(SECRET, GROUP, derive_code(SECRET, GROUP, 1))
    assert same_hash(expected, code_hash(SECRET, GROUP, derive_code(SECRET, GROUP, 1)))
    assert not same_hash(expected, code_hash(SECRET, GROUP, "00000000"))
    assert not same_hash(expected, "é")


def test_a_secret_that_can_be_guessed_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        derive_code(b"short", GROUP, 1)
