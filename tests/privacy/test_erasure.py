"""A person who is erased: their key is gone, pages say so, sums stay, and histories can still be read as stories."""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from google.protobuf.json_format import MessageToDict
from temporalio.client import Client

from tests.privacy import places
from tests.privacy.persons import Customer, Needles
from tests.privacy.stories import Told, body_of
from tests.scenarios.placed import Json, Placed
from tests.scenarios.world import World, refused
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Before:
    """What was seen before the erasure."""

    order: Placed
    view: Json
    pickup: Json
    statement: Json
    payloads: list[Json]


async def payloads_of(temporal: Client, order: Placed) -> list[Json]:
    """The encrypted payloads of an order's history, as the Temporal UI sends them to the codec endpoint."""
    history = await temporal.get_workflow_handle(f"order/{order.id}").fetch_history()
    found: list[Json] = []
    for event in history.events:
        _collect(MessageToDict(event), found)
    assert found
    return found


def _collect(value: Any, found: list[Json]) -> None:
    if isinstance(value, dict):
        if "encryption-key-id" in value.get("metadata", {}):
            found.append(value)
        for each in value.values():
            _collect(each, found)
    elif isinstance(value, list):
        for each in value:
            _collect(each, found)


async def decoded(world: World, payloads: list[Json], key: str | None) -> list[str]:
    """What the codec endpoint gives to a reader."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    answer = await world.http.post(
        f"{world.record['api']}/v1/ops/codec/decode", json={"payloads": payloads}, headers=headers
    )
    assert answer.status_code == 200, answer.text
    return [b64decode(each["data"]).decode() for each in answer.json()["payloads"]]


async def decode_rows(world: World, principal: str) -> list[Json]:
    answer = await world.ops("GET", f"/v1/ops/audit?principal={principal}&limit=200")
    return [row for row in answer.json()["items"] if row["action"] == "codec decode"]


@pytest.fixture(scope="module")
async def before(world: World, temporal: Client, told: Told) -> Before:
    order = told.orders["collected"]
    return Before(
        order,
        await order.view(),
        (await world.channel("GET", f"/v1/pickups/{order.id}/1")).json(),
        (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json(),
        await payloads_of(temporal, order),
    )


@pytest.fixture(scope="module")
async def erased(world: World, before: Before, customers: list[Customer]) -> Json:
    """The first customer, erased."""
    body = {"customer_ref": customers[0].ref, "reason": "asked for it in writing"}
    answer = await world.ops("POST", "/v1/ops/erasures", body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


# --- before ----------------------------------------------------------------------------------------------------------


async def test_pages_show_the_person_to_who_may_see_them(before: Before, customers: list[Customer]) -> None:
    who = customers[0]
    assert before.view["customer"] == {"ref": who.ref, "name": who.name, "email": who.email, "phone": who.phone}
    assert (before.pickup["customer_name"], before.pickup["pickup_person"]) == (who.name, who.proxy)
    assert before.pickup["vehicle"] == who.vehicle


async def test_operations_and_auditors_read_histories_and_nobody_else_does(world: World, before: Before) -> None:
    ops = world.keys["ops"]
    for name in ("ada", "eva"):
        assert any(before.order.external_id in text for text in await decoded(world, before.payloads, ops[name])), name
    others = [None, ops["tom"], world.keys["web"], world.keys["stores"]["S001"], world.keys["underwriters"]["una"]]
    for key in others:
        assert set(await decoded(world, before.payloads, key)) == {'"hidden"'}


async def test_every_reading_of_a_history_is_in_the_audit_trail(world: World, before: Before) -> None:
    key_ids = {json.dumps(each["metadata"]["encryption-key-id"]) for each in before.payloads}
    assert len(key_ids) == 1, "a customer's history is under one key"
    for principal, key, outcome in [
        ("max", world.keys["ops"]["max"], "done"),
        ("tom", world.keys["ops"]["tom"], "refused"),
        ("anonymous", "wrong", "refused"),
    ]:
        rows = await decode_rows(world, principal)
        await decoded(world, before.payloads, key)
        [new] = (await decode_rows(world, principal))[: -len(rows) or None]
        assert new["outcome"] == outcome
        assert new["reason"] == f"{len(before.payloads)} payloads"
        assert new["object"] in str([b64decode(each["metadata"]["encryption-key-id"]) for each in before.payloads])
    rows = await decode_rows(world, "anonymous")
    await decoded(world, before.payloads, None)
    assert await decode_rows(world, "anonymous") == rows, "a page that sends no key saw nothing"


async def test_a_person_with_an_open_order_is_not_erased(world: World, customers: list[Customer], told: Told) -> None:
    who = customers[4]
    body = body_of(world, who, store="S002")
    order = await world.placed(body)
    erasing = await world.ops("POST", "/v1/ops/erasures", {"customer_ref": who.ref, "reason": "asked"})
    assert refused(erasing, 409, "not-allowed-now")["current"]["open_orders"] == [order.id]
    assert (await order.view())["customer"]["name"] == who.name
    await order.cancel()


# --- after -----------------------------------------------------------------------------------------------------------


async def test_the_key_is_gone_and_so_is_what_it_sealed(stack: Stack, erased: Json, customers: list[Customer]) -> None:
    assert erased["keys"] == 1
    assert erased["records"] >= 3, "the order's person, the car, who received the goods"
    async with await psycopg.AsyncConnection.connect(stack.record()["database"]) as database:
        keys = await database.execute(
            "select wrapped, erased_at, key_id from customer_keys where customer_ref = %s", [customers[0].ref]
        )
        [(wrapped, erased_at, key_id)] = await keys.fetchall()
        assert wrapped is None
        assert erased_at is not None
        records = await database.execute(
            "select sealed, email_hash, phone_hash from personal_records where key_id = %s", [key_id]
        )
        assert set(await records.fetchall()) == {(None, None, None)}


async def test_pages_say_erased_and_the_sums_are_what_they_were(
    world: World, before: Before, erased: Json, told: Told, customers: list[Customer]
) -> None:
    order = before.order
    view = await order.view()
    assert view["customer"] == {"ref": customers[0].ref, "name": "erased", "email": "erased", "phone": "erased"}
    assert view == before.view | {"customer": view["customer"]}, "all the rest is as it was, to the cent"
    pickup = (await world.channel("GET", f"/v1/pickups/{order.id}/1")).json()
    assert (pickup["customer_name"], pickup["pickup_person"], pickup["vehicle"]) == ("erased", "erased", "erased")
    assert (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json() == before.statement
    person = (await world.channel("GET", f"/v1/customers/{customers[0].ref}")).json()
    assert (person["name"], person["email"]) == ("erased", "erased")
    assert [each["order_id"] for each in person["orders"]].count(order.id) == 1
    page = await world.http.get(told.link)
    assert customers[0].name not in page.text


async def test_an_erased_history_is_still_a_story_without_the_person(
    world: World, temporal: Client, before: Before, erased: Json
) -> None:
    assert set(await decoded(world, before.payloads, world.keys["ops"]["ada"])) == {'"erased"'}
    handle = temporal.get_workflow_handle(f"order/{before.order.id}")
    history = await handle.fetch_history()
    assert json.loads(history.to_json())["events"]
    described = await handle.describe()
    assert before.order.external_id in str(await described.static_summary()), "its summary names no person"
    assert described.status is not None


async def test_nothing_can_be_sent_to_an_erased_person(
    world: World, before: Before, erased: Json, customers: list[Customer]
) -> None:
    order, mails = before.order, len(await world.mails(customers[0].email))
    [first, *_] = (await world.channel("GET", f"/v1/orders/{order.id}/messages")).json()["items"]
    again = await world.ops("POST", f"/v1/orders/{order.id}/messages/{first['id']}/resend")
    assert again.status_code == 202

    async def settled() -> Json | None:
        items = (await world.channel("GET", f"/v1/orders/{order.id}/messages")).json()["items"]
        return next((each for each in items if each["id"] == again.json()["id"] and each["state"] != "pending"), None)

    copy = await world.until("the copy is settled", settled)
    assert (copy["state"], copy["last_error"]) == ("suppressed", "erased")
    assert len(await world.mails(customers[0].email)) == mails


async def test_erasing_again_finds_nothing_and_leaves_a_row_each_time(
    world: World, erased: Json, customers: list[Customer]
) -> None:
    body = {"customer_ref": customers[0].ref, "reason": "asked twice"}
    again = await world.ops("POST", "/v1/ops/erasures", body)
    assert (again.json()["keys"], again.json()["records"]) == (0, 0)
    rows = (await world.ops("GET", "/v1/ops/audit?principal=ada&limit=50")).json()["items"]
    assert [row["object"] for row in rows if row["action"] == "erase customer"] == [customers[0].ref] * 2


async def test_the_others_are_still_there(world: World, erased: Json, told: Told, customers: list[Customer]) -> None:
    assert (await told.orders["locked"].view())["customer"]["name"] == customers[1].name


async def test_a_person_who_comes_back_is_somebody_new(world: World, erased: Json, customers: list[Customer]) -> None:
    who = customers[0]
    order = await world.placed(body_of(world, who, store="S002"))
    assert (await order.view())["customer"]["name"] == who.name
    old = (await world.channel("GET", f"/v1/customers/{who.ref}")).json()
    assert {each["order_id"] for each in old["orders"]} > {order.id}
    await order.cancel()


async def test_still_nothing_is_in_clear(
    stack: Stack, temporal: Client, erased: Json, customers: list[Customer]
) -> None:
    needles = Needles([word for who in customers for word in who.words], [])
    async for name, content in places.tables(stack.record()["database"]):
        assert not needles.found(content), name
    async for name, content in places.histories(temporal):
        assert not needles.found(content), name
    for name, content in places.files(stack):
        assert not needles.found(content), name
