"""`POST /v1/orders/{id}/changes`: what reaches the order, what is refused at the door, where addresses stay."""

import json
from typing import Any

import httpx
import pytest

from adapters.vault.port import Subject
from domain.changes import plan_change
from domain.personal import PersonalData
from domain.refusals import RefusalKind
from tests.gateway.api.conftest import Shop, an_order, post
from tests.gateway.api.engine import refused
from workflows.messages import Change, ChangeAnswer

HOME = {"name": "Ann Example", "line1": "Secret Lane 5", "postal_code": "10115", "city": "Berlin", "country": "DE"}


async def placed(web: httpx.AsyncClient) -> tuple[str, dict[str, Any]]:
    answer = await post(web, "/v1/orders", an_order())
    assert answer.status_code == 201, answer.text
    return f"/v1/orders/{answer.json()['order_id']}/changes", answer.json()


def answers(shop: Shop, order_id: str) -> None:
    """The order's process makes whatever is asked of it."""

    def answer(command: Change) -> ChangeAnswer:
        order = shop.engine.of(order_id).order
        return ChangeAnswer(
            version=order.version,
            status=order.status,
            change_id=command.command_id,
            applied=True,
            plan=plan_change(order, command.wish),
        )

    shop.engine.of(order_id).answers["change"] = answer


async def test_a_change_is_answered_with_totals_before_and_after(shop: Shop, web: httpx.AsyncClient) -> None:
    path, order = await placed(web)
    answers(shop, order["order_id"])
    line = order["lines"][0]
    answer = await post(web, path, {"quantity": {line["line_id"]: line["ordered"] + 1}})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["after"]["total"] - body["before"]["total"] == line["unit_price"] == body["owed"]
    assert (body["applied"], body["plan"]["add"][0]["quantity"]) == (True, 1)


async def test_a_new_address_stays_in_the_vault(shop: Shop, web: httpx.AsyncClient) -> None:
    path, order = await placed(web)
    answers(shop, order["order_id"])
    way = {"method": "ship", "address": HOME}
    answer = await post(web, path, {"method": {"lines": [order["lines"][0]["line_id"]], "fulfilment": way}})
    assert answer.status_code == 200, answer.text
    [command] = shop.engine.of(order["order_id"]).commands
    assert isinstance(command, Change)
    assert "Secret" not in command.model_dump_json()
    assert "Secret" not in json.dumps(answer.json())
    assert command.wish.method is not None
    assert command.wish.method.way.address is not None
    subject = Subject(f"{order['order_id']}/address/{command.wish.method.way.address.origin}")
    kept = await shop.services.vault.get(subject)
    assert isinstance(kept, PersonalData)
    assert "Secret Lane 5" in kept.address


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"remove": ["99"]}, "/remove"),
        ({"quantity": {"99": 1}}, "/quantity"),
        ({"add": [{"line_id": "9", "sku": "NONE", "quantity": 1, "unit_price": 1, "fulfilment": "f1"}]}, "/add/0/sku"),
        ({"method": {"lines": ["1"], "fulfilment": {"method": "pickup", "store_id": "S999"}}},
         "/method/fulfilment/store_id"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_at_the_door(
    shop: Shop, web: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    path, order = await placed(web)
    answer = await post(web, path, body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert shop.engine.of(order["order_id"]).commands == []


async def test_a_change_that_comes_too_late_says_what_to_do_and_shows_the_order(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    path, order = await placed(web)
    shop.engine.of(order["order_id"]).answers["change"] = lambda _: refused(
        RefusalKind.NOT_ALLOWED_NOW, "Cancel it instead."
    )
    answer = await post(web, path, {"remove": [order["lines"][0]["line_id"]]})
    assert answer.status_code == 409, answer.text
    assert answer.json()["current"]["order_id"] == order["order_id"]


async def test_a_change_needs_an_idempotency_key_and_a_preview_does_not(shop: Shop, web: httpx.AsyncClient) -> None:
    path, order = await placed(web)
    line = order["lines"][0]["line_id"]
    assert (await web.post(path, json={"quantity": {line: 9}})).status_code == 400
    answer = await web.post(path, json={"quantity": {line: 9}, "preview": True})
    assert answer.status_code == 200, answer.text
    assert answer.json()["applied"] is False
    assert shop.engine.of(order["order_id"]).commands == []
