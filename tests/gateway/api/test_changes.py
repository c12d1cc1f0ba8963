"""`POST /v1/orders/{id}/changes`: what reaches the order, what is refused at the door, where addresses stay."""

import json
from typing import Any

import httpx
import pytest

from adapters.vault.port import Subject
from domain.changes import plan_change
from domain.personal import PersonalData
from domain.refusals import RefusalKind
from domain.substitution_rules import Substitution, SubstitutionRule
from tests.gateway.api.conftest import Shop, an_order, post
from tests.gateway.api.engine import refused
from workflows.messages import Change, ChangeAnswer

HOME = {"name": "Ann Example", "line1": "Secret Lane 5", "postal_code": "10115", "city": "Berlin", "country": "DE"}

BESIDE = {"line_id": "9", "sku": "SHOE", "quantity": 1, "unit_price": 4999, "fulfilment": "f1"}


def to_collect(**more: Any) -> dict[str, Any]:
    return {"method": {"lines": ["1"], "fulfilment": {"method": "pickup", "store_id": "S2", **more}}}


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


async def test_what_the_customer_was_told_it_costs_there_reaches_the_order(shop: Shop, web: httpx.AsyncClient) -> None:
    fulfilment = {"id": "f1", "method": "ship", "address": HOME}
    answer = await post(web, "/v1/orders", an_order(fulfilments=[fulfilment]))
    assert answer.status_code == 201, answer.text
    order_id = answer.json()["order_id"]
    answers(shop, order_id)
    body = {"address": HOME | {"postal_code": "80331"}, "prices": {"shipping": 250, "tax": {"1": 7}}}
    changed = (await post(web, f"/v1/orders/{order_id}/changes", body)).json()
    assert (changed["owed"], changed["after"]["shipping"], changed["after"]["tax"]) == (250, 250, 7)
    [command] = shop.engine.of(order_id).commands
    assert isinstance(command, Change)
    assert command.wish.prices is not None
    assert (command.wish.prices.shipping, command.wish.prices.tax) == (250, {"1": 7})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"remove": ["99"]}, "/remove"),
        ({"quantity": {"99": 1}}, "/quantity"),
        ({"prices": {"shipping": 990}}, "/prices"),
        ({"address": HOME, "prices": {"tax": {"99": 1}}}, "/prices/tax"),
        ({"address": HOME, "prices": {"shipping": -1}}, "/prices/shipping"),
        ({"add": [{"line_id": "9", "sku": "NONE", "quantity": 1, "unit_price": 1, "fulfilment": "f1"}]}, "/add/0/sku"),
        ({"method": {"lines": ["1"], "fulfilment": {"method": "pickup", "store_id": "S999"}}},
         "/method/fulfilment/store_id"),
        ({"drop": True, "remove": ["1"]}, "/drop"),
        ({"drop": True, "preview": True}, "/drop"),
        ({"add": [BESIDE | {"recipient": {"email": "ann@example.org"}}]}, "/add/0/recipient"),
        (to_collect(promise="P1"), "/method/fulfilment/promise"),
        (to_collect(person={"name": "Jo Example"}), "/method/fulfilment/person"),
        (to_collect(pickup={"person": {"name": "Jo Example"}}), "/method/fulfilment/pickup"),
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


async def test_a_new_contact_stays_in_the_vault_beside_what_stays_as_it_is(shop: Shop, web: httpx.AsyncClient) -> None:
    path, order = await placed(web)
    answers(shop, order["order_id"])
    answer = await post(web, path, {"contact": {"email": "other@example.org"}})
    assert answer.status_code == 200, answer.text
    assert answer.json()["plan"]["contact"] is True
    [command] = shop.engine.of(order["order_id"]).commands
    assert isinstance(command, Change)
    assert "other@" not in command.model_dump_json()
    shop.engine.of(order["order_id"]).order.contact = command.wish.contact
    await shop.engine.write(order["order_id"])
    shown = (await web.get(f"/v1/orders/{order['order_id']}")).json()["customer"]
    assert shown == order["customer"] | {"email": "other@example.org"}
    second = await post(web, path, {"contact": {"phone": "+49 30 1234567"}})
    assert second.status_code == 200, second.text
    last = shop.engine.of(order["order_id"]).commands[-1]
    assert isinstance(last, Change)
    kept = await shop.services.vault.get(Subject(f"{order['order_id']}/contact/{last.wish.contact}"))
    assert kept == PersonalData(email="other@example.org", phone="+49 30 1234567")


async def test_a_contact_of_nothing_is_refused_at_the_door(shop: Shop, web: httpx.AsyncClient) -> None:
    path, order = await placed(web)
    answer = await post(web, path, {"contact": {}})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/contact")
    assert shop.engine.of(order["order_id"]).commands == []


async def test_lines_go_to_a_store_by_the_address_that_is_known_of_it(shop: Shop, web: httpx.AsyncClient) -> None:
    path, order = await placed(web)
    answers(shop, order["order_id"])
    lines = [order["lines"][0]["line_id"]]
    way = {"method": "ship_to_store", "store_id": "S2"}
    answer = await post(web, path, {"method": {"lines": lines, "fulfilment": way}})
    assert answer.status_code == 200, answer.text
    [command] = shop.engine.of(order["order_id"]).commands
    assert isinstance(command, Change)
    assert command.wish.method is not None
    wanted = command.wish.method.way
    assert wanted.address is not None
    assert (wanted.store_id, wanted.address.destination.latitude is not None) == ("S2", True)
    for wrong in ({"store_id": "NOWHERE"}, {"store_id": "S2", "mode": "curbside"}):
        body = {"method": {"lines": lines, "fulfilment": way | wrong}}
        assert (await post(web, path, body)).status_code == 422


@pytest.mark.parametrize(
    ("requested", "next_possible"),
    [
        ("2026-11-23T09:00:00Z", "2026-11-23T12:00:00Z"),
        ("2026-11-29T10:00:00Z", "2026-11-30T08:00:00Z"),
        ("2026-11-23T20:00:00Z", "2026-11-24T08:00:00Z"),
    ],
    ids=["past", "closed all day", "closed"],
)
async def test_a_store_is_collected_from_when_it_is_open_also_after_a_change(
    shop: Shop, web: httpx.AsyncClient, requested: str, next_possible: str
) -> None:
    path, order = await placed(web)
    for asked in ({}, {"preview": True}):
        answer = await post(web, path, to_collect(requested_pickup_at=requested) | asked)
        assert answer.status_code == 422, answer.text
        [error] = answer.json()["errors"]
        assert error["pointer"] == "/method/fulfilment/requested_pickup_at"
        assert answer.json()["next_possible"] == next_possible
    assert shop.engine.of(order["order_id"]).commands == []


async def test_what_may_be_given_instead_of_an_added_article_reaches_the_order(
    shop: Shop, web: httpx.AsyncClient
) -> None:
    path, order = await placed(web)
    answers(shop, order["order_id"])
    answer = await post(web, path, {"add": [BESIDE | {"substitution": {"rule": "ask"}}]})
    assert answer.status_code == 200, answer.text
    [command] = shop.engine.of(order["order_id"]).commands
    assert isinstance(command, Change)
    [added] = command.wish.add
    assert added.substitution == Substitution(rule=SubstitutionRule.ASK)
