"""Card numbers and CVV fields are found wherever they hide, and nothing else is taken for one."""

import time
import uuid
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.card_data import find_card_data, has_card_number
from domain.ids import sortable_id

VISA = "4111111111111111"
NETWORKS = [
    "4222222222222",  # 13 digits
    "30569309025904",  # 14
    "378282246310005",  # 15
    "5555555555554444",
    "2223003122003222",
    "6011111111111117",
    "6759649826438453",
    "4000000000000000006",  # 19
]


def luhn_valid(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B, written out once more without any speed."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character) * (2 if place % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def with_check_digit(digits: str) -> str:
    return next(digits + check for check in "0123456789" if luhn_valid(digits + check))


# Found


@pytest.mark.parametrize("number", NETWORKS)
def test_numbers_of_every_network_and_length_are_found(number: str):
    assert has_card_number(number)
    assert find_card_data({"note": number}) == "/note"
    assert find_card_data({"note": int(number)}) == "/note"


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111 - 1111 - 1111 - 1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "4111\u00a01111\u00a01111\u00a01111",
        "4111\u20131111\u20111111\u20141111",
        "4111\u200b1111\u200b1111\u200b1111",
        "4111\n1111\n1111\n1111",
        "4111\r\n1111\r\n1111\r\n1111",
        "4111.1111.1111.1111",
        "4111/1111/1111/1111",
        "4111_1111_1111_1111",
        "4111, 1111, 1111, 1111",
        "3782*822463*10005",
        "4222:2222:2222:2",
        "12.10.2026: 4111.1111.1111.1111",
        "４１１１１１１１１１１１１１１１",
        "٤١١١١١١١١١١١١١١١",
        "my card is 4111 1111 1111 1111, thank you",
        "card:4111111111111111.",
        "tok_4111111111111111",
        "(4111111111111111)",
        "flat 12 4111 1111 1111 1111",
        "4111 1111 1111 1111 12/27 123",
        "4111 1111 1111 1111 07 27",
        "AB1234 4111 1111 1111 1111 12abc",
        "2026-11-22 4111111111111111",
        "one\n4111111111111111\ntwo",
        "+4111111111111111",
    ],
)
def test_a_number_is_found_inside_other_text(text: str):
    assert has_card_number(text)


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (VISA, ""),
        (int(VISA), ""),
        (-int(VISA), ""),
        (float(VISA), ""),
        ([1, [VISA]], "/1/0"),
        ({"lines": [{"sku": "A"}, {"sku": f"x {VISA}"}]}, "/lines/1/sku"),
        ({"a/b~c": {"": VISA}}, "/a~1b~0c/"),
        ({"first": VISA, "second": VISA}, "/first"),
        ({"first": [VISA], "second": VISA}, "/first/0"),
        ({"note": {VISA: "in a field's name"}}, "/note"),
        ({"tenders": [{"type": "card", "cvv": "123"}]}, "/tenders/0/cvv"),
    ],
)
def test_the_pointer_names_the_first_place_and_never_repeats_digits(value: object, pointer: str):
    found = find_card_data(value)
    assert found == pointer
    assert "1111" not in found


@pytest.mark.parametrize(
    "name",
    [
        "cvv",
        "CVV",
        "cvc",
        "cvv2",
        "Cvc2",
        "cardCvv",
        "card_cvc",
        "card-cvv-code",
        "cvvCode",
        "security_code",
        "securityCode",
        "card security code",
        "card_verification",
        "cardVerificationValue",
        "CARD_VERIFICATION_CODE",
    ],
)
@pytest.mark.parametrize("value", ["123", 123, None, "", {}])
def test_a_field_for_the_cvv_is_found_under_its_usual_names_whatever_it_holds(name: str, value: object):
    assert find_card_data({"payment": [{name: value}]}) == f"/payment/0/{name}"


@given(st.text("0123456789", min_size=12, max_size=18), st.data())
def test_every_luhn_valid_number_is_found_however_it_is_grouped(digits: str, data: st.DataObject):
    number = with_check_digit(digits)
    gaps = data.draw(
        st.lists(st.sampled_from(["", "", " ", "-", " - "]), min_size=len(number) - 1, max_size=len(number) - 1)
    )
    grouped = "".join(a + b for a, b in zip(number, [*gaps, ""], strict=True))
    before, after = data.draw(st.sampled_from([("", ""), ("see ", " please"), ("'", "'"), ("no. ", ", exp 12/27")]))
    assert has_card_number(before + grouped + after)


# Left alone


@given(st.text("0123456789", min_size=13, max_size=19))
def test_digits_without_a_right_check_digit_are_no_card(digits: str):
    assert has_card_number(digits) == luhn_valid(digits)


@given(st.text("0123456789", max_size=12) | st.text("0123456789", min_size=20, max_size=60))
def test_runs_too_short_or_too_long_are_no_card(digits: str):
    assert not has_card_number(digits)
    assert not has_card_number(f"{digits}\nand\n{digits}")


@pytest.mark.parametrize(
    "value",
    [
        "4111111111111",
        "411111111111",
        f"a{VISA}",
        f"{VISA}b",
        f"é{VISA}",
        "4111a1111a1111a1111",
        "4111. .1111. .1111. .1111",
        "22.11.2026 22.11.2020",
        "1700000000.123456",
        "123456\n12345673",
        "10:00-12:30, 13:15-18:06",
        "web-2026.11.22.10.30.17.4",
        "2026-11-22T10:00:00.123456Z",
        "2026-11-22 2026-11-23",
        "00000000-0000-0000-0000-000000000000",
        "41111111-1111-1111-1111-111111111111",
        "4111 1111",
        "",
        True,
        None,
        0.1,
        float("inf"),
        float("nan"),
        10**400,
        4111,
        b"4111111111111111",
        {"discvvery": 1, "code": "1234", "cvs": "1", "security": "code", "verification": 1},
    ],
)
def test_what_only_resembles_a_card_number_is_left_alone(value: object):
    assert find_card_data(value) is None


@pytest.mark.parametrize("name", ["phone", "customer_phone", "phoneNumber", "mobile", "Telephone"])
@pytest.mark.parametrize("number", ["+49301234567894", "+49 30 123-456-7894", " +49-30-1234567894", "0049301234567894"])
def test_a_phone_number_in_a_field_for_it_is_left_alone(name: str, number: str):
    assert find_card_data({name: number}) is None
    assert find_card_data({"note": number}) == "/note", "the example must pass Luhn to prove anything"


def test_only_a_phone_number_is_left_alone_in_a_field_for_it():
    assert find_card_data({"phone": "49301234567894"}) == "/phone"
    assert find_card_data({"phone": f"+{VISA}"}) == "/phone", "16 digits are no E.164 number"
    assert find_card_data({"phone": f"+4930123 or {VISA}"}) == "/phone"


@given(st.uuids())
def test_uuids_are_left_alone(value: uuid.UUID):
    assert not has_card_number(str(value))
    assert not has_card_number(f"Idempotency-Key: {str(value).upper()}")


@given(st.datetimes())
def test_times_are_left_alone(at: datetime):
    assert not has_card_number(at.isoformat())
    assert not has_card_number(f"{at.date()} {at.date()}") or at.year < 1900 or at.year > 2099


def test_our_own_ids_are_left_alone():
    start = datetime(2026, 11, 22, tzinfo=UTC)
    ids = [sortable_id(start + timedelta(seconds=n), sha256(str(n).encode()).digest()) for n in range(2000)]
    assert not [name for name in ids if has_card_number(f"pickup/{name}/1")]


# Bounded


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 500_000,
        "1" * 1_000_000,
        "1" + " " * 999_999,
        "11111111-1111-" * 70_000,
        "1a" * 500_000,
        "+" * 1_000_000,
        "0" + "(" * 999_999,
    ],
    ids=lambda text: f"{text[:14].strip()}…",
)
def test_a_megabyte_made_to_be_slow_is_not(text: str):
    started = time.process_time()
    assert find_card_data({"phone": text}) is None
    assert time.process_time() - started < 10, "linear work takes about a second; anything worse would take minutes"


def test_deep_nesting_needs_no_deep_stack():
    value: object = VISA
    for _ in range(50_000):
        value = [value]
    assert find_card_data(value) == "/0" * 50_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def resolved(value: object, pointer: str) -> object:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@given(json_values, st.data())
def test_a_number_put_anywhere_is_pointed_at(value: object, data: st.DataObject):
    def planted(current: object) -> object:
        if isinstance(current, list) and current:
            place = data.draw(st.integers(0, len(current) - 1))
            return [planted(inner) if n == place else inner for n, inner in enumerate(current)]
        if isinstance(current, dict) and current:
            name = data.draw(st.sampled_from(sorted(current)))
            return {key: planted(inner) if key == name else inner for key, inner in current.items()}
        return f"paid with {VISA}"

    if find_card_data(value) is None:
        whole = planted(value)
        pointer = find_card_data(whole)
        assert pointer is not None
        assert resolved(whole, pointer) == f"paid with {VISA}"
