"""The answers to one step, held against its definition; and the JSON Schema that tells callers what it takes."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from domain.lending.products import FieldDefinition, FieldType, Limits, ProductDefinition, StepDefinition
from domain.personal import PersonalData, normal_phone

_EMAIL = re.compile(r"[^@\s<>,;:\"]{1,64}@[^@\s<>,;:\"]{1,190}\.[^@\s<>,;:\".]{2,63}")
_ADDRESS = {"line1": True, "line2": False, "postal_code": True, "city": True, "region": False, "country": True}
MOST_TEXT = 255


class AnswerFault(NamedTuple):
    pointer: str
    reason: str


class Answers(NamedTuple):
    """`plain` goes into the application, `personal` into the vault; `digest` names both together."""

    plain: dict[str, Any]
    personal: PersonalData | None
    digest: str


NOT_YET = "Should not lie in the future"


def faults_in(step: StepDefinition, body: Mapping[str, Any], today: date | None = None) -> list[AnswerFault]:
    """What is wrong with a body; empty when it may be taken. No value is ever repeated.

    `today`: a day of somebody's life does not come after it.
    """
    known = {field.name: field for field in step.fields}
    found = [AnswerFault(f"/{name}", "Unknown field") for name in body if name not in known]
    for field in step.fields:
        if field.name in body:
            wrong = [AnswerFault(f"/{field.name}{place}", why) for place, why in _wrong(field, body[field.name])]
            if not wrong and today and _is_of_life(field) and date.fromisoformat(body[field.name]) > today:
                wrong = [AnswerFault(f"/{field.name}", NOT_YET)]
            found += wrong
        elif field.required:
            found.append(AnswerFault(f"/{field.name}", "Field required"))
    return found


def _is_of_life(field: FieldDefinition) -> bool:
    return field.type is FieldType.DATE and field.personal


def beyond_limits(definition: ProductDefinition, step: StepDefinition, plain: Mapping[str, Any]) -> list[AnswerFault]:
    """Amount and term against the product's limits, where this step holds them."""
    limits: Limits = definition.limits
    found = []
    for reference, least, most in (
        (definition.facts.amount, limits.least_amount, limits.most_amount),
        (definition.facts.term_months, limits.least_term, limits.most_term),
    ):
        name, _, field = (reference or ".").partition(".")
        value = plain.get(field) if name == step.name else None
        if value is not None and not least <= value <= most:
            found.append(AnswerFault(f"/{field}", f"Should be between {least} and {most}"))
    return found


def taken(step: StepDefinition, body: Mapping[str, Any]) -> Answers:
    """A body without faults, split into what the application may know and what only the vault keeps."""
    personal = {field.name: body[field.name] for field in step.fields if field.personal and field.name in body}
    plain = {name: value for name, value in body.items() if name not in personal}
    canonical = json.dumps(dict(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return Answers(
        plain=plain,
        personal=_person(personal) if personal else None,
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def json_schema(step: StepDefinition) -> dict[str, Any]:
    """JSON Schema (2020-12) of the step's body."""
    return {
        "type": "object",
        "properties": {field.name: _schema(field) for field in step.fields},
        "required": [field.name for field in step.fields if field.required],
        "additionalProperties": False,
    }


def address_lines(address: Mapping[str, Any]) -> tuple[str, ...]:
    """As it is printed."""
    town = " ".join(filter(None, (address.get("postal_code"), address.get("city"))))
    parts = (address.get("line1"), address.get("line2"), address.get("region"), town, address.get("country"))
    return tuple(part for part in parts if part)


def _person(found: Mapping[str, Any]) -> PersonalData:
    address = found.get("address")
    return PersonalData(
        name=found.get("name"),
        email=found.get("email"),
        phone=found.get("phone"),
        birth_date=found.get("birth_date"),
        address=address_lines(address) if address else (),
        postal_code=address.get("postal_code") if address else None,
    )


def _wrong(field: FieldDefinition, value: Any) -> Iterator[tuple[str, str]]:
    match field.type:
        case FieldType.AMOUNT | FieldType.INTEGER:
            least = field.least if field.least is not None else 0
            most = field.most if field.most is not None else 10**15
            if isinstance(value, bool) or not isinstance(value, int):
                yield "", "Should be an integer"
            elif not least <= value <= most:
                yield "", f"Should be between {least} and {most}"
        case FieldType.BOOLEAN:
            if not isinstance(value, bool):
                yield "", "Should be true or false"
            elif field.must_be is not None and value is not field.must_be:
                yield "", f"Should be {str(field.must_be).lower()}"
        case FieldType.CHOICE:
            if value not in field.choices:
                yield "", f"Should be one of {', '.join(field.choices)}"
        case FieldType.ADDRESS:
            yield from _wrong_address(value)
        case _:
            if why := _wrong_text(field, value):
                yield "", why


def _wrong_text(field: FieldDefinition, value: Any) -> str | None:
    most = field.most or MOST_TEXT
    if not isinstance(value, str) or not 0 < len(value) <= most or not value.strip():
        return f"Should be a text of 1 to {most} characters"
    match field.type:
        case FieldType.EMAIL:
            return None if _EMAIL.fullmatch(value) else "Should be a mail address"
        case FieldType.PHONE:
            return None if normal_phone(value) else "Should be a phone number in international form"
        case FieldType.DATE:
            try:
                return None if len(value) == 10 and date.fromisoformat(value) else "Should be a date, YYYY-MM-DD"
            except ValueError:
                return "Should be a date, YYYY-MM-DD"
    return None


def _wrong_address(value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield "", "Should be an address"
        return
    yield from ((f"/{name}", "Unknown field") for name in value if name not in _ADDRESS)
    for name, required in _ADDRESS.items():
        text = value.get(name)
        if name in value or required:
            if not isinstance(text, str) or not 0 < len(text.strip()) <= MOST_TEXT:
                yield f"/{name}", f"Should be a text of 1 to {MOST_TEXT} characters"
            elif name == "country" and not re.fullmatch("[A-Z]{2}", text):
                yield f"/{name}", "Should be an ISO 3166-1 alpha-2 code"


def _schema(field: FieldDefinition) -> dict[str, Any]:
    match field.type:
        case FieldType.AMOUNT | FieldType.INTEGER:
            return {
                "type": "integer",
                "minimum": field.least if field.least is not None else 0,
                "maximum": field.most if field.most is not None else 10**15,
            }
        case FieldType.BOOLEAN:
            return {"type": "boolean"} | ({} if field.must_be is None else {"const": field.must_be})
        case FieldType.CHOICE:
            return {"enum": list(field.choices)}
        case FieldType.ADDRESS:
            text: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": MOST_TEXT}
            return {
                "type": "object",
                "properties": dict.fromkeys(_ADDRESS, text) | {"country": {**text, "pattern": "^[A-Z]{2}$"}},
                "required": [name for name, required in _ADDRESS.items() if required],
                "additionalProperties": False,
            }
    schema: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": field.most or MOST_TEXT}
    formats = {FieldType.DATE: "date", FieldType.EMAIL: "email"}
    return schema | ({"format": formats[field.type]} if field.type in formats else {})
