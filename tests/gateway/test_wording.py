"""Faults of fields are said in words that whoever has to put them right understands."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.intake import Customer, Key, Line, OrderBody
from domain.money import Currency
from domain.sourcing.queues import Queue, TimeOfDay
from domain.store_hours import Day, WallTime
from gateway.bodies import place_of
from gateway.fields import LongText, Quantity, Reference
from gateway.ops.data import KeyOrAny
from gateway.wording import reason_of

PYDANTIC = ("Input should", "String should", "pattern", "Value error", "valid dictionary", "instance of")


def faults(kind: Any, value: Any) -> list[str]:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_json(json.dumps(value), strict=True)
    return [reason_of(each) for each in refused.value.errors()]


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (Key, "a b", "letters, digits"),
        (Key, "", "not be empty"),
        (Key, "a" * 65, "64 characters or fewer"),
        (Key, 3, "text"),
        (Currency, "EURO", "ISO 4217"),
        (Reference, "ü", "ASCII"),
        (Quantity, "3", "whole number"),
        (Quantity, 0, "1 or more"),
        (Quantity, 2_000_000, "1000000 or less"),
        (LongText, "", "not be empty"),
        (WallTime, "9:30", "time of day"),
        (Day, "24.12.2026", "such as 2026-12-24"),
        (TimeOfDay, "7:30", "such as 07:30"),
        (Queue, "Nightly", "small letters"),
        (KeyOrAny, "**", "* or letters"),
        (bool, "yes", "true or false"),
        (list[int], {}, "a list"),
        (Customer, [], "an object"),
        (float, "x", "a number"),
    ],
)
def test_a_fault_is_said_in_plain_words(kind: Any, value: Any, words: str) -> None:
    (reason,) = faults(kind, value)
    assert words in reason
    assert not [said for said in PYDANTIC if said in reason]


def test_no_field_of_an_order_is_faulted_in_the_validators_own_words() -> None:
    wrong: list[Any] = [None, "", " ", -1, 1.5, True, [], {}, "x" * 5000, 10**18]

    def tried(model: type[BaseModel]) -> set[str]:
        return {reason for name in model.model_fields for value in wrong for reason in faults(model, {name: value})}

    reasons = tried(OrderBody) | tried(Line) | tried(Customer)
    assert len(reasons) > 15
    assert not [reason for reason in reasons if any(said in reason for said in PYDANTIC)]


LINE = {"line_id": "1", "sku": "A", "quantity": 1, "unit_price": 10, "fulfilment": "f1"}
PICKUP = {"id": "f1", "method": "pickup", "store_id": "S1"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"lines": [LINE | {"line_id": str(n)} for n in range(501)]}, ("lines",)),
        ({"lines": [LINE, LINE | {"line_id": "2", "discount": 11}]}, ("lines", 1, "discount")),
        ({"lines": [LINE, LINE | {"line_id": "2"}, LINE]}, ("lines", 2, "line_id")),
        ({"lines": [LINE | {"fulfilment": "f2"}]}, ("lines", 0, "fulfilment")),
        ({"fulfilments": [PICKUP, PICKUP]}, ("fulfilments", 1, "id")),
        ({"fulfilments": [PICKUP, PICKUP | {"id": "f2"}]}, ("fulfilments", 1)),
        ({"fulfilments": [{"id": "f1", "method": "pickup"}]}, ("fulfilments", 0, "store_id")),
        ({"fulfilments": [{"id": "f1", "method": "ship"}]}, ("fulfilments", 0, "address")),
        ({"tenders": [{"type": "card", "amount": 10}]}, ("tenders", 0, "token")),
    ],
)
def test_what_is_wrong_with_the_whole_is_shown_where_it_stands(
    change: dict[str, Any], place: tuple[str | int, ...]
) -> None:
    body = {
        "channel": "web",
        "external_id": "W-1",
        "placed_at": "2026-11-22T10:00:00Z",
        "currency": "EUR",
        "customer": {"ref": "C-1"},
        "lines": [LINE],
        "fulfilments": [PICKUP],
        "total": 10,
        "tenders": [{"type": "pay_in_store", "amount": 10}],
    }
    OrderBody.model_validate(body)
    with pytest.raises(ValidationError) as refused:
        OrderBody.model_validate(body | change)
    assert [place_of(each) for each in refused.value.errors()] == [place]
