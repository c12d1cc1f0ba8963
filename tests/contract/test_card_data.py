"""Card numbers and security codes enter nowhere: refused wherever they stand, and kept nowhere."""

from typing import Any

import psycopg
import pytest

from tests.contract.raw import send
from tests.scenarios.world import World, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]

PLAIN = "4000056655665556"
SPELT = ["4000056655665556", "4000 0566 5566 5556", "4000-0566-5566-5556", "card 4000056655665556 please"]
"""A test number of a scheme, as people write it."""


@pytest.mark.parametrize("number", SPELT)
async def test_a_card_number_is_refused_in_any_field_and_spelling(world: World, number: str) -> None:
    bodies: list[tuple[dict[str, Any], str]] = [
        (world.body(customer={"ref": "C-1", "name": number}), "/customer/name"),
        (world.body(pickup={"person": {"name": number}}), "/pickup/person/name"),
        (world.body(tenders=[{"type": "card", "token": number, "amount": 4999}]), "/tenders/0/token"),
        (world.body(tenders=[{"type": "gift_card", "number": number, "amount": 4999}]), "/tenders/0/number"),
        (world.body(anything={"deep": [number]}), "/anything/deep/0"),
    ]
    for body, pointer in bodies:
        answer = await world.channel("POST", "/v1/orders", body)
        problem = refused(answer, 422, "card-data")
        assert problem["errors"][0]["pointer"] == pointer
        assert PLAIN[-4:] not in answer.text, "an answer repeats no digits"


async def test_a_card_number_as_a_number_or_as_a_name_is_refused_too(world: World) -> None:
    refused(await world.channel("POST", "/v1/orders", world.body(total=int(PLAIN))), 422, "card-data")
    answer = await world.channel("POST", "/v1/orders", world.body(**{PLAIN: 1}))
    refused(answer, 422, "card-data")
    assert PLAIN not in answer.text


@pytest.mark.parametrize("name", ["cvv", "CVC2", "cardSecurityCode", "security_code", "card_cvv"])
async def test_a_security_code_is_known_by_the_name_of_its_field(world: World, name: str) -> None:
    tender = {"type": "card", "token": "tok_ok", "amount": 4999, name: "123"}
    problem = refused(await world.channel("POST", "/v1/orders", world.body(tenders=[tender])), 422, "card-data")
    assert problem["errors"][0]["pointer"] == f"/tenders/0/{name}"


async def test_a_card_number_is_refused_in_every_command(world: World) -> None:
    order = await world.place()
    said = {"reason": f"paid with {PLAIN}"}
    holding = await order.ask("holds", {"kind": "data", **said})
    refused(holding, 422, "card-data")
    refused(await world.store(order, "ready", {"location": PLAIN}), 422, "card-data")
    refused(await world.store(order, "arrived", {"vehicle": PLAIN}), 422, "card-data")
    refused(await world.ops("POST", "/v1/ops/erasures", {"customer_ref": "C-1", **said}), 422, "card-data")
    movement = {"kind": "receipt", "sku": "SHOE-42", "store_id": "S001", "quantity": 1, **said}
    stores = world.keys["stores"]["S001"]
    refused(await world.call("POST", "/v1/stock/movements", stores, movement), 422, "card-data")
    pausing = await world.call("PUT", "/v1/stores/S001/pause", stores, said)
    refused(pausing, 422, "card-data")


async def test_a_card_number_is_refused_in_a_path_a_query_and_a_header(world: World) -> None:
    stores = world.keys["stores"]["S001"]
    refused(await world.channel("GET", f"/v1/orders?external_id={PLAIN}"), 422, "card-data")
    refused(await world.channel("GET", f"/v1/orders/{PLAIN}"), 422, "card-data")
    refused(await world.call("GET", f"/v1/stores/{PLAIN}/tasks", stores), 422, "card-data")
    refused(await world.call("PUT", f"/v1/stores/{PLAIN}/pause", stores, {}), 422, "card-data")
    acting = await world.channel("POST", "/v1/orders", world.body(), On_Behalf_Of=f"customer/{PLAIN}")
    refused(acting, 422, "card-data")


async def test_a_card_number_is_refused_on_a_customers_page(world: World) -> None:
    order = await world.place(mode="curbside")
    await order.make_ready()
    [mail] = [mail for mail in await _ready_mails(world, order.mailbox) if "/c/" in mail["text"]]
    link = next(word for word in mail["text"].split() if "/c/" in word)
    answer = await world.http.post(link, data={"vehicle": PLAIN, "once": "1"})
    assert answer.status_code == 422
    assert PLAIN not in answer.text


async def _ready_mails(world: World, mailbox: str) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]] | None:
        return [mail for mail in await world.mails(mailbox) if "/c/" in mail["text"]] or None

    found: list[dict[str, Any]] = await world.until("the mail with the link comes", look)
    return found[-1:]


async def test_a_card_number_in_an_outside_event_is_refused(world: World) -> None:
    event = {"type": "capture.succeeded", "data": {"order_id": "x", "note": PLAIN}}
    refused(await world.webhook("carrier", event), 422, "card-data")


async def test_an_event_whose_id_looks_like_a_card_number_is_taken_under_another(world: World) -> None:
    """Its sender makes ids by chance and would send it again and again; what is kept and answered is a digest."""
    answer = await world.webhook("bureau", {"type": "x", "data": {}}, event_id=PLAIN)
    assert answer.status_code == 202
    assert PLAIN not in answer.text


async def test_numbers_that_only_look_alike_are_taken(world: World) -> None:
    """A phone number, an id with letters, and a run whose check digit is wrong."""
    body = world.body()
    body["customer"] |= {"phone": "+49 30 1234 5678 901", "name": "Order 4000056655665557"}
    assert (await world.channel("POST", "/v1/orders", body)).status_code == 201


async def test_nothing_of_what_was_refused_is_kept(world: World) -> None:
    """After all the above, and once more here: no table holds the number."""
    refused(await world.channel("POST", "/v1/orders", world.body(external_id=PLAIN)), 422, "card-data")
    head = f"GET /v1/stores/{PLAIN}/tasks?{PLAIN}=1 HTTP/1.1\nauthorization: Bearer {world.keys['stores']['S001']}"
    assert (await send(world.record["api"], head)).status == 422
    async with await psycopg.AsyncConnection.connect(world.record["database"]) as database:
        tables = await database.execute("select tablename from pg_tables where schemaname = 'public'")
        for (table,) in await tables.fetchall():
            found = await database.execute(
                f'select count(*) from "{table}" as each where each::text like %s',  # type: ignore[arg-type]
                [f"%{PLAIN}%"],
            )
            assert await found.fetchone() == (0,), table
