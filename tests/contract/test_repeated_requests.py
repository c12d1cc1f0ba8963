"""The same request again, at once, late, or with other content: one effect, and an answer that says which it is."""

import asyncio
import uuid
from collections import Counter

import httpx
import pytest

from tests.contract.raw import send
from tests.scenarios.world import World, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def test_the_same_request_again_is_answered_as_the_first_time_and_says_so(world: World) -> None:
    body, key = world.body(), uuid.uuid4().hex
    first = await world.channel("POST", "/v1/orders", body, idempotency=key)
    again = await world.channel("POST", "/v1/orders", body, idempotency=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


async def test_fifty_at_once_with_one_key_are_one_order_and_one_authorisation(world: World) -> None:
    body, key = world.body(), uuid.uuid4().hex

    async def place() -> httpx.Response:
        return await world.channel("POST", "/v1/orders", body, idempotency=key, patient=False)

    answers = await asyncio.gather(*(place() for _ in range(50)))
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}, codes
    assert codes[201] >= 1
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 201}) == 1
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "request-in-progress")
            assert int(answer.headers["retry-after"]) >= 1
    last = await place()
    assert (last.status_code, last.headers["idempotency-replayed"]) == (201, "true")
    found = await world.channel("GET", f"/v1/orders?channel=web&external_id={body['external_id']}")
    assert [order["order_id"] for order in found.json()["items"]] == [last.json()["order_id"]]
    assert Counter(each["operation"] for each in await world.provider_ledger(last.json()["order_id"])) == {
        "authorise": 1
    }


async def test_fifty_at_once_with_keys_of_their_own_are_still_one_order(world: World) -> None:
    body = world.body()
    answers = await asyncio.gather(*(world.channel("POST", "/v1/orders", body) for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {200, 201}, Counter(a.status_code for a in answers)
    [order_id] = {answer.json()["order_id"] for answer in answers}
    assert Counter(each["operation"] for each in await world.provider_ledger(order_id)) == {"authorise": 1}


async def test_a_key_that_was_used_is_not_taken_for_another_request(world: World) -> None:
    key = uuid.uuid4().hex
    first = await world.channel("POST", "/v1/orders", world.body(), idempotency=key)
    assert first.status_code == 201
    refused(await world.channel("POST", "/v1/orders", world.body(), idempotency=key), 422, "idempotency-key-reused")
    path = f"/v1/orders/{first.json()['order_id']}/cancel"
    other = await world.channel("POST", path, {"reason": "customer"}, idempotency=key)
    refused(other, 422, "idempotency-key-reused")
    elsewhere = await world.channel("POST", "/v1/orders", world.body(channel="app"), as_="app", idempotency=key)
    assert elsewhere.status_code == 201, "a key belongs to its principal, another may use the same"


KEYS = {
    "none": "",
    "empty": "idempotency-key: \n",
    "300 characters": f"idempotency-key: {'k' * 300}\n",
    "control character": "idempotency-key: a\x01b\n",
    "not ASCII": "idempotency-key: ä\n",
    "a space": "idempotency-key: a b\n",
    "two": "idempotency-key: one\nidempotency-key: two\n",
}


@pytest.mark.parametrize("header", KEYS.values(), ids=KEYS)
async def test_a_command_without_one_good_key_is_refused_before_anything_happens(world: World, header: str) -> None:
    body = b'{"store_id": "S001", "sku": "SHOE-42", "kind": "receipt", "quantity": 1}'
    head = (
        f"POST /v1/stock/movements HTTP/1.1\nauthorization: Bearer {world.keys['stores']['S001']}\n"
        f"content-type: application/json\ncontent-length: {len(body)}\n{header}"
    )
    answer = await send(world.record["api"], head, body)
    assert (answer.status, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["type"].endswith("/idempotency-key-missing")


async def test_the_same_order_under_a_new_key_is_the_same_order_and_other_content_is_refused(world: World) -> None:
    body = world.body()
    first = await world.channel("POST", "/v1/orders", body)
    same = await world.channel("POST", "/v1/orders", body)
    assert (first.status_code, same.status_code) == (201, 200)
    assert same.json()["order_id"] == first.json()["order_id"]
    other = body | {"customer": body["customer"] | {"name": "Somebody Else"}}
    problem = refused(await world.channel("POST", "/v1/orders", other), 409, "order-exists")
    assert problem["current"]["order_id"] == first.json()["order_id"]
    assert len(await world.provider_ledger(first.json()["order_id"])) == 1


async def test_a_refused_validation_may_be_mended_under_the_same_key(world: World) -> None:
    body, key = world.body(), uuid.uuid4().hex
    wrong = body | {"currency": "EURO"}
    refused(await world.channel("POST", "/v1/orders", wrong, idempotency=key), 422, "validation")
    assert (await world.channel("POST", "/v1/orders", body, idempotency=key)).status_code == 201


async def test_a_refusal_that_was_decided_is_kept_and_the_external_id_stays_free(world: World) -> None:
    body, key = world.body(token="tok_declined"), uuid.uuid4().hex
    first = await world.channel("POST", "/v1/orders", body, idempotency=key)
    refused(first, 402, "payment-declined")
    again = await world.channel("POST", "/v1/orders", body, idempotency=key)
    assert (again.status_code, again.headers.get("idempotency-replayed")) == (402, "true")
    mended = body | {"tenders": [body["tenders"][0] | {"token": "tok_ok"}]}
    assert (await world.channel("POST", "/v1/orders", mended)).status_code == 201
