import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from gateway.bodies import DEEPEST, depth, pointer, pointer_into

CARD = "4111 1111-1111 1111"


def slug(response: httpx.Response) -> str:
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    return str(document["type"]).rpartition("/")[2]


def pointers(response: httpx.Response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]


async def test_a_body_that_fits_reaches_the_handler_as_its_model(open_things: Any, world: Any) -> None:
    sent = {"quantity": 2, "at": "2026-11-22T11:00:00+01:00", "handed": {"method": "car", "bay": 3}}
    response = await open_things(json.dumps(sent))
    assert response.status_code == 201
    [(_, body)] = world.runs
    assert body.at == world.now
    assert body.handed.bay == 3


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1.0", "1e1", '"3"', "true", "null", "[]"])
async def test_only_an_integer_is_an_integer(open_things: Any, world: Any, value: str) -> None:
    response = await open_things(f'{{"quantity": {value}}}')
    assert response.status_code == 422
    assert slug(response) == "validation"
    assert pointers(response) == ["/quantity"]
    assert world.runs == []


@pytest.mark.parametrize("digits", ["9" * 16, "-" + "9" * 30, "1" + "0" * 5000])
async def test_an_integer_that_no_column_holds_is_refused(open_things: Any, digits: str) -> None:
    assert (await open_things(f'{{"quantity": {digits}}}')).status_code == 422


@pytest.mark.parametrize(
    "at",
    ['"1700000000"', "1700000000", '"2026-11-22T10:00"', '"2026-11-22T10:00:00"', '"now"', '"2026-02-30T10:00:00Z"'],
)
async def test_a_time_without_an_offset_is_no_moment(open_things: Any, at: str) -> None:
    response = await open_things(f'{{"quantity": 1, "at": {at}}}')
    assert response.status_code == 422
    assert pointers(response) == ["/at"]


@pytest.mark.parametrize("text", ["a\\u0000b", "\\ud800"])
async def test_what_postgresql_cannot_hold_is_refused(open_things: Any, text: str) -> None:
    response = await open_things(f'{{"quantity": 1, "name": "{text}"}}')
    assert response.status_code == 422
    assert pointers(response) == ["/name"]


async def test_an_instant_before_the_first_or_after_the_last_year_is_refused(open_things: Any) -> None:
    for at in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z"):
        assert (await open_things(json.dumps({"quantity": 1, "at": at}))).status_code == 422


async def test_an_unknown_field_is_named_and_refused(open_things: Any) -> None:
    response = await open_things('{"quantity": 1, "colour": "red"}')
    assert response.status_code == 422
    assert response.json()["errors"] == [{"pointer": "/colour", "reason": "Unknown field"}]


async def test_a_field_name_that_is_no_word_is_not_repeated(open_things: Any) -> None:
    response = await open_things('{"quantity": 1, "Jane Doe <jane@example.org>": 1}')
    assert response.status_code == 422
    assert "jane" not in response.text.lower()


@pytest.mark.parametrize(
    "body",
    [
        b'{"quantity": 1, "quantity": 2}',
        b'{"quantity": 1, "handed": {"method": "car", "bay": 1, "bay": 2}}',
        b'{"quantity": 1',
        b"{'quantity': 1}",
        b'{"quantity": 1} {}',
        b'\xef\xbb\xbf{"quantity": 1}',
        b'{"quantity": 1, "name": "\xff\xfe"}',
        b'{"quantity": 1, "name": "a\x00b"}',
        '{"quantity": 1}'.encode("utf-16"),
    ],
)
async def test_what_is_no_json_or_ambiguous_is_malformed(open_things: Any, world: Any, body: bytes) -> None:
    response = await open_things(body)
    assert response.status_code == 400
    assert slug(response) == "malformed"
    assert world.runs == []


@pytest.mark.parametrize("brackets", ["[" * 100_000, '{"a":' * 100_000, "[" * 50_000 + "]" * 50_000])
async def test_endless_nesting_is_refused_at_once(open_things: Any, brackets: str) -> None:
    began = time.perf_counter()
    response = await open_things(brackets)
    assert response.status_code == 400
    assert time.perf_counter() - began < 1


async def test_brackets_within_texts_do_not_count_as_nesting(open_things: Any) -> None:
    response = await open_things(json.dumps({"quantity": 1, "name": '["{' * 80}))
    assert response.status_code == 201


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/json; charset=latin-1", None])
async def test_what_does_not_call_itself_json_is_not_read(open_things: Any, content_type: str | None) -> None:
    response = await open_things('{"quantity": 1}', content_type)
    assert response.status_code == 415
    assert slug(response) == "unsupported-media-type"


async def test_json_may_say_that_it_is_utf_8(open_things: Any) -> None:
    assert (await open_things('{"quantity": 1}', 'application/json; charset="UTF-8"')).status_code == 201


async def test_a_body_over_a_megabyte_is_refused_before_parsing(open_things: Any) -> None:
    response = await open_things(b"{" * 1_000_001)
    assert response.status_code == 413
    assert slug(response) == "too-large"


async def test_a_chunked_body_is_cut_off_at_a_megabyte(open_things: Any) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 100_000
            yield b" " * 100_000

    response = await open_things(endless())
    assert response.status_code == 413
    assert taken <= 2_200_000, "read, let a little pass so that the caller sees the answer, and no more"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
async def test_a_packed_body_is_told_to_come_unpacked(world: Any, web: httpx.AsyncClient, encoding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": encoding, "Idempotency-Key": "1"}
    response = await web.post("/v1/things", content=b'{"quantity": 1}', headers=headers)
    assert (response.status_code, slug(response)) == (415, "unsupported-media-type")
    assert response.headers["accept-encoding"] == "identity"
    assert world.runs == []
    as_it_is = await web.post(
        "/v1/things", content=b'{"quantity": 1}', headers=headers | {"content-encoding": "identity"}
    )
    assert as_it_is.status_code == 201


async def test_a_missing_body_is_named(open_things: Any) -> None:
    assert (await open_things(b"", None)).status_code == 422


async def test_500_lines_pass_and_501_are_refused_with_the_limit(open_things: Any) -> None:
    lines = [{"sku": f"SKU-{n}", "quantity": 1} for n in range(501)]
    assert (await open_things(json.dumps({"quantity": 1, "lines": lines[:500]}))).status_code == 201
    response = await open_things(json.dumps({"quantity": 1, "lines": lines}))
    assert response.status_code == 422
    assert "500" in response.json()["errors"][0]["reason"]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"quantity": 1, "name": CARD}, "/name"),
        ({"quantity": 1, "lines": [{"sku": "4111111111111111", "quantity": 1}]}, "/lines/0/sku"),
        ({"quantity": 4111111111111111}, "/quantity"),
        ({"quantity": 1, "cvv": "123"}, "/cvv"),
        ({"quantity": 1, CARD: 1}, ""),
    ],
)
async def test_card_data_is_refused_and_not_repeated(
    open_things: Any, world: Any, body: dict[str, Any], where: str
) -> None:
    response = await open_things(json.dumps(body))
    assert response.status_code == 422
    assert slug(response) == "card-data"
    assert pointers(response) == [where]
    assert "1111" not in response.text
    assert world.runs == []


async def test_card_data_in_a_query_is_refused(web: httpx.AsyncClient) -> None:
    response = await web.get("/v1/things", params={"sku": CARD})
    assert response.status_code == 422
    assert slug(response) == "card-data"


async def test_names_are_kept_as_data(open_things: Any, world: Any) -> None:
    name = "<b>{{7*7}}</b> \u202eevil\r\nBcc: x@example.org"
    response = await open_things(json.dumps({"quantity": 1, "name": name}))
    assert response.json()["name"] == name


async def test_a_fault_inside_a_variant_points_into_what_was_sent(open_things: Any) -> None:
    response = await open_things('{"quantity": 1, "handed": {"method": "car", "bay": "3"}}')
    assert pointers(response) == ["/handed/bay"]


async def test_an_unknown_variant_is_answered_with_the_known_ones_only(open_things: Any) -> None:
    response = await open_things('{"quantity": 1, "handed": {"method": "secret-drone"}}')
    assert response.status_code == 422
    assert "'counter', 'car'" in response.text
    assert "drone" not in response.text


async def test_a_call_without_fields_swallows_none(web: httpx.AsyncClient) -> None:
    async def poke(body: Any) -> int:
        response = await web.post("/v1/things/7/poke", json=body, headers={"Idempotency-Key": json.dumps(body)})
        return response.status_code

    assert await poke({}) == 200
    assert await poke({"preview": True}) == 422
    named = await web.post("/v1/things/7/poke", json={"preview": True}, headers={"Idempotency-Key": "k"})
    assert pointers(named) == ["/preview"]


async def test_a_misspelt_filter_is_refused(web: httpx.AsyncClient) -> None:
    assert (await web.get("/v1/things", params={"sku": "A"})).status_code == 200
    response = await web.get("/v1/things", params={"skus": "A"})
    assert response.status_code == 422
    assert pointers(response) == ["/query/skus"]


async def test_a_filter_of_which_only_one_counts_is_not_given_twice(web: httpx.AsyncClient) -> None:
    assert (await web.get("/v1/things?sku=A&sku=B&limit=1")).status_code == 200
    response = await web.get("/v1/things?sku=A&limit=1&limit=2")
    assert response.status_code == 422
    assert pointers(response) == ["/query/limit"]


@pytest.mark.parametrize("query", ["%ff", "%C3%28", "a%", "100%25%2", "%zz"])
async def test_a_query_that_is_no_text_cannot_be_read(web: httpx.AsyncClient, query: str) -> None:
    response = await web.get(httpx.URL(f"http://gateway/v1/things?sku={query}"))
    assert (response.status_code, slug(response)) == (400, "malformed")


async def test_a_percent_sign_may_be_asked_for(web: httpx.AsyncClient) -> None:
    assert (await web.get("/v1/things?sku=100%25%C3%A4")).status_code == 200


async def test_nul_in_a_path_or_query_never_reaches_the_handler(web: httpx.AsyncClient) -> None:
    assert (await web.get("/v1/things?sku=%00")).status_code == 422
    assert (await web.post("/v1/things/%00/poke", headers={"Idempotency-Key": "1"})).status_code == 422


async def test_an_upload_is_bounded_as_it_streams(web: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 1000

    assert (await web.post("/v1/files", content=b"x" * 2000)).json() == {"bytes": 2000}
    assert (await web.post("/v1/files", content=pieces())).status_code == 413


async def test_the_contract_documents_bodies_keys_and_problems(web: httpx.AsyncClient) -> None:
    document = (await web.get("/openapi.json")).json()
    post = document["paths"]["/v1/things"]["post"]
    assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}
    needed = {each["name"]: each["required"] for each in post["parameters"]}
    assert needed == {"Idempotency-Key": True, "On-Behalf-Of": False}
    assert "application/problem+json" in post["responses"]["4XX"]["content"]
    assert "422" not in post["responses"]
    assert "Problem" in document["components"]["schemas"]
    quote = document["paths"]["/v1/quotes"]["post"]
    assert [each["name"] for each in quote.get("parameters", [])] == []


@pytest.mark.parametrize(
    ("raw", "deep"),
    [
        (b"[" * 70, 70),
        (b"[]" * 70, 1),
        (b'"' + b"[" * 100, 0),
        (b'["\\"' + b"[" * 100 + b'"]', 1),
        (b"[" * 65 + b'"\\', 65),
    ],
)
def test_depth_counts_brackets_outside_texts(raw: bytes, deep: int) -> None:
    assert depth(raw) == deep


def test_depth_takes_linear_time() -> None:
    began = time.perf_counter()
    assert depth(b"[" * (DEEPEST + 1) + b'"' + b'\\"' * 500_000) == DEEPEST + 1
    assert time.perf_counter() - began < 1


def test_a_pointer_stops_at_a_name_that_is_no_word() -> None:
    assert pointer(("lines", 0, "a b", "c")) == "/lines/0"


def test_a_union_tag_is_no_part_of_a_pointer() -> None:
    assert pointer_into({"handed": {"method": "car"}}, ("handed", "car", "bay")) == "/handed/bay"
