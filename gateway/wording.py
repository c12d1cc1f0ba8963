"""What is wrong with a field, in words for whoever has to put it right: the validator's own are for programmers."""

import re
from collections.abc import Mapping
from typing import Any

from domain.intake import COUNTRY, EMAIL, KEY, LOCALE, PHONE, TOKEN
from domain.money import CURRENCY
from domain.notices import LOCALE as ANY_LOCALE
from domain.sourcing.queues import QUEUE, TIME_OF_DAY
from domain.store_hours import DAY, REGION, WALL_TIME
from gateway.fields import KEY_OR_ANY, TRACKING, VISIBLE

_ENUM_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How Pydantic names the choices of a `Literal` of enum members: callers know only the text."""

_A_LOCALE = "Should be a language, such as de or de-DE"
_FORMS = {
    KEY: "Should be letters, digits and . _ : - only, and begin with a letter or a digit",
    KEY_OR_ANY: "Should be * or letters, digits and . _ : - only, and begin with a letter or a digit",
    TRACKING: "Should be 4 to 64 letters, digits and dashes, without the spaces that carriers print",
    QUEUE: "Should be small letters, digits, _ and - only, 32 at most, and begin with a letter",
    TIME_OF_DAY: "Should be a time of day, such as 07:30",
    VISIBLE: "Should be visible ASCII characters without spaces",
    TOKEN: "Should be visible ASCII characters without spaces",
    EMAIL: "Should be a mail address",
    PHONE: "Should be a phone number: digits, spaces and ( ) . / -, perhaps with a + before them",
    COUNTRY: "Should be a country of ISO 3166, in two capital letters such as DE",
    CURRENCY: "Should be a currency of ISO 4217, in three capital letters such as EUR",
    LOCALE: _A_LOCALE,
    ANY_LOCALE: _A_LOCALE,
    WALL_TIME: "Should be a time of day, such as 09:30 or 24:00",
    DAY: "Should be a day, such as 2026-12-24",
    REGION: "Should be a country or region with holidays, such as US or DE-BE",
}
_A_KIND = {
    "string_type": "Should be text",
    "string_unicode": "Should be text",
    "int_type": "Should be a whole number",
    "int_parsing": "Should be a whole number",
    "int_from_float": "Should be a whole number",
    "float_type": "Should be a number",
    "float_parsing": "Should be a number",
    "finite_number": "Should be a finite number",
    "bool_type": "Should be true or false",
    "bool_parsing": "Should be true or false",
    "list_type": "Should be a list",
    "tuple_type": "Should be a list",
    "dict_type": "Should be an object",
    "model_type": "Should be an object",
    "model_attributes_type": "Should be an object",
    "none_required": "Should be null",
    "missing": "Required",
    "extra_forbidden": "Unknown field",
    "json_invalid": "Should be valid JSON",
    "url_type": "Should be a valid URL",
}


def reason_of(error: Mapping[str, Any]) -> str:
    """Plain words for a fault that a validator found. Never the value itself."""
    kind, message, about = str(error["type"]), str(error["msg"]), error.get("ctx", {})
    if kind in _A_KIND:
        return _A_KIND[kind]
    match kind:
        case "string_pattern_mismatch":
            return _FORMS.get(about["pattern"], "Is not written as this field wants it; see /openapi.json")
        case "string_too_short":
            least = about["min_length"]
            return "Should not be empty" if least == 1 else f"Should have {least} characters or more"
        case "string_too_long":
            return f"Should have {about['max_length']} characters or fewer"
        case "too_short":
            least = about["min_length"]
            return "Should not be empty" if least == 1 else f"Should have {least} entries or more"
        case "too_long":
            return f"Should have {about['max_length']} entries or fewer"
        case "greater_than_equal":
            return f"Should be {about['ge']} or more"
        case "greater_than":
            return f"Should be more than {about['gt']}"
        case "less_than_equal":
            return f"Should be {about['le']} or less"
        case "less_than":
            return f"Should be less than {about['lt']}"
        case "union_tag_invalid":
            return f"Should be one of {about['expected_tags']}"
    if kind.startswith(("url_", "uuid_")):
        return "Should be a valid " + kind.partition("_")[0].upper()
    words = _ENUM_MEMBER.sub(r"\1", message.removeprefix("Value error, ")).replace("Input should be", "Should be", 1)
    return words[:1].upper() + words[1:]
