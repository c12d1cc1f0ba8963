"""Card numbers and CVVs may enter nowhere: this finds them in a request before anything of it is kept.

A card number is 13 to 19 digits with a right Luhn check digit (ISO/IEC 7812-1, annex B), alone or within a text. Spaces
and dashes may be between its digits; between three groups or more of three digits or more also a line break or another
single sign, as in `4111.1111.1111.1111`. Fewer or shorter groups between such signs are dates, times and fractions, one
in ten of which would be taken for a card. Digits that touch a letter belong to an id: one in ten order numbers with a
letter before them, ULIDs and hashes with so many digits has a right check digit by chance, and would be refused for
ever. Whole groups only are joined, so that a long digit run is not searched. Linear in the size of the value.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

_SHORTEST, _LONGEST = 13, 19
_FEWEST_GROUPS = 3
"""As which a card number is written, at least: 4-6-5, 4-6-4, 4-4-4-4."""

_CVV_WORDS = frozenset({"cvv", "cvv2", "cvc", "cvc2", "cvn", "cvn2", "csc"})
_CVV_PHRASES = ("securitycode", "cardverification", "verificationvalue")
_PHONE_WORDS = frozenset({"phone", "telephone", "tel", "mobile", "fax"})

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*")

# Between the digits of one number: blanks and dashes, also the typographic and the invisible ones.
_BLANKS = " \t\u00a0\u2000-\u200b\u202f\u2060\u3000\ufeff"
_BETWEEN = rf"[{_BLANKS}\-\u00ad\u2010-\u2015\u2212\uff0d]"
_LETTER = r"[^\W\d_]"
_DIGITS = re.compile(rf"(?<!{_LETTER})(?<!\d)\d++(?:{_BETWEEN}*+\d++)*")
_ONE_SIGN = rf"[\s{_BLANKS}]*+(?:[^\w\s]|_)?+[\s{_BLANKS}]*+"
_LONG_GROUPS = re.compile(rf"(?<!{_LETTER})(?<!\d)\d{{3,}}+(?:{_ONE_SIGN}\d{{3,}}+)++(?:{_ONE_SIGN}\d++)?+")
_GROUP = re.compile(r"\d+")
_STARTS_WITH_LETTER = re.compile(_LETTER)

_NOT_A_CARD = re.compile(
    r"(?<!\w)[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?!\w)"  # UUID
    r"|(?<![\w-])(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9-])"  # ISO 8601 date
)
# ITU-T E.164: at most 15 digits after the international prefix.
_PHONE_NUMBER = re.compile(r"\s*(?:\+|00)(?:[\s()/.\-]*[0-9]){1,15}\s*")

_Trail = tuple["_Trail", str] | None
"""The way to a value, innermost first: a pointer is written out only for what was found."""


def find_card_data(value: object) -> str | None:
    """The JSON pointer (RFC 6901) of the first card number or CVV field in a decoded JSON value.

    Compare with `is not None`: the pointer of the whole value is the empty string. For a number in a field's name the
    pointer is that of the object, so that an answer repeats no digits.
    """
    waiting: list[tuple[object, _Trail, bool]] = [(value, None, False)]
    while waiting:
        current, trail, is_phone = waiting.pop()
        if isinstance(current, str):
            if has_card_number(current) and not (is_phone and _PHONE_NUMBER.fullmatch(current)):
                return _pointer(trail)
        elif isinstance(current, Mapping):
            if any(isinstance(name, str) and has_card_number(name) for name in current):
                return _pointer(trail)
            fields = [(inner, (trail, str(name)), _is_phone_field(str(name))) for name, inner in current.items()]
            waiting.extend(reversed(fields))
            # Before the values, though a value may stand earlier: one look at each object's names is enough.
            for name in current:
                if _is_cvv_field(str(name)):
                    return _pointer((trail, str(name)))
        elif isinstance(current, Sequence) and not isinstance(current, bytes | bytearray):
            places = range(len(current) - 1, -1, -1)
            waiting.extend((current[place], (trail, str(place)), is_phone) for place in places)
        elif has_card_number(_digits_of_number(current)):
            return _pointer(trail)
    return None


def has_card_number(text: str) -> bool:
    """Whether a text (a header, a query string, a field) contains a card number."""
    if len(text) < _SHORTEST:
        return False
    plain = _NOT_A_CARD.sub("|", text)
    return any(_has_card(groups) for groups in _digit_groups(plain))


def _digit_groups(text: str) -> Iterator[list[str]]:
    """Each stretch of digits with nothing but separators between, in groups; without groups that touch a letter."""
    for stretch in chain(_DIGITS.finditer(text), _LONG_GROUPS.finditer(text)):
        if stretch.end() - stretch.start() < _SHORTEST:
            continue
        groups = _GROUP.findall(stretch.group())
        few = stretch.re is _LONG_GROUPS and len(groups) < _FEWEST_GROUPS
        if _STARTS_WITH_LETTER.match(text, stretch.end()):
            groups.pop()
        if not few:
            yield groups


def _has_card(groups: list[str]) -> bool:
    # Running Luhn sums for both parities of the last digit make each candidate one subtraction.
    sums: tuple[list[int], list[int]] = ([0], [0])
    ends = [0]
    place = 0
    for group in groups:
        for character in group:
            digit = int(character)
            doubled = digit * 2 - 9 if digit > 4 else digit * 2
            sums[place % 2].append(sums[place % 2][-1] + digit)
            sums[1 - place % 2].append(sums[1 - place % 2][-1] + doubled)
            place += 1
        ends.append(place)
    first = 0
    for last in range(1, len(ends)):
        end = ends[last]
        while end - ends[first] > _LONGEST:
            first += 1
        plain = sums[(end - 1) % 2]
        candidate = first
        while end - ends[candidate] >= _SHORTEST:
            if (plain[end] - plain[ends[candidate]]) % 10 == 0:
                return True
            candidate += 1
    return False


def _digits_of_number(value: object) -> str:
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(abs(value)) if abs(value) < 10**_LONGEST else ""
    if isinstance(value, float) and abs(value) < 10**_LONGEST and value.is_integer():
        return str(abs(int(value)))
    return ""


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name[:200])]


def _is_cvv_field(name: str) -> bool:
    words = _words(name)
    joined = "".join(words)
    return joined in _CVV_WORDS or any(word in _CVV_WORDS for word in words) or any(p in joined for p in _CVV_PHRASES)


def _is_phone_field(name: str) -> bool:
    return not _PHONE_WORDS.isdisjoint(_words(name))


def _pointer(trail: _Trail) -> str:
    steps: list[str] = []
    while trail is not None:
        trail, step = trail
        steps.append("/" + step.replace("~", "~0").replace("/", "~1"))
    return "".join(reversed(steps))
