"""Bodies that no field can take: refused with a reason, before anything of them is kept, and never with a 500."""

import asyncio
import json
import time
from typing import Any

import httpx
import pytest

from tests.contract.raw import RawAnswer, send
from tests.scenarios.world import Json, World, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def post(world: World, content: Any, content_type: str | None = "application/json") -> httpx.Response:
    """A raw body to `POST /v1/orders`."""
    headers = {"authorization": f"Bearer {world.keys['web']}", "idempotency-key": f"raw-{time.monotonic_ns()}"}
    headers |= {"content-type": content_type} if content_type else {}
    return await world.http.post(world.record["api"] + "/v1/orders", content=content, headers=headers)


def with_text(body: Json, *path: str | int, text: str) -> bytes:
    """The body's JSON with `text`, as it is, where the value at `path` stood."""
    node: Any = body
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = "@here@"
    return json.dumps(body).replace('"@here@"', text).encode()


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1.5", "2.0", '"3"', "true", "null", "[1]"])
@pytest.mark.parametrize("where", [("lines", 0, "quantity"), ("total",)], ids=["quantity", "total"])
async def test_what_is_no_integer_is_not_taken_for_one(world: World, value: str, where: tuple[str | int, ...]) -> None:
    problem = refused(await post(world, with_text(world.body(), *where, text=value)), 422, "validation")
    assert problem["errors"][0]["pointer"] == "/" + "/".join(map(str, where))


@pytest.mark.parametrize("value", ["123456789012345678901234567890", "1" * 5000], ids=["30 digits", "5000 digits"])
async def test_an_integer_beyond_every_column_is_refused(world: World, value: str) -> None:
    refused(await post(world, with_text(world.body(), "total", text=value)), 422, "validation")


@pytest.mark.parametrize("text", ['"a\\u0000b"', '"\\ud800"'], ids=["NUL", "lone surrogate"])
async def test_what_is_no_text_is_refused(world: World, text: str) -> None:
    problem = refused(await post(world, with_text(world.body(), "customer", "name", text=text)), 422, "validation")
    assert problem["errors"][0]["pointer"] == "/customer/name"


async def test_an_unknown_field_is_refused_at_every_depth(world: World) -> None:
    for body, pointer in [
        (world.body(colour="red"), "/colour"),
        (world.body(lines=[{"line_id": "1", "sku": "SHOE-42", "quantity": 1, "unit_price": 1, "note": 1}]), "/lines/0"),
        (world.body(customer={"ref": "C-1", "nick": "x"}), "/customer/nick"),
    ]:
        problem = refused(await world.channel("POST", "/v1/orders", body), 422, "validation")
        assert problem["errors"][0]["pointer"].startswith(pointer)
        assert problem["errors"][0]["reason"] == "Unknown field"


NO_JSON = {
    "same key twice": b'{"total": 1, "total": 2}',
    "same key twice, deeper": b'{"customer": {"ref": "C-1", "ref": "C-2"}}',
    "cut off": b"{",
    "no JSON": b"'x'",
    "UTF-16": b"\xff\xfe{}",
    "bad UTF-8": b'{"a": "\xc3\x28"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "octal": b'{"total": 01}',
    "plus sign": b'{"total": +1}',
    "two values": b'{"total": 1} {"total": 1}',
}


@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON)
async def test_what_is_no_json_is_refused(world: World, content: bytes) -> None:
    answer = await post(world, content)
    refused(answer, 400, "malformed")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_no_body_is_not_an_order(world: World) -> None:
    refused(await post(world, b""), 422, "validation")


OTHER_TYPES = [
    None,
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "application/jsonx",
]


@pytest.mark.parametrize("content_type", OTHER_TYPES)
async def test_another_content_type_is_refused(world: World, content_type: str | None) -> None:
    body = json.dumps(world.body()).encode()
    refused(await post(world, body, content_type), 415, "unsupported-media-type")


async def test_a_body_over_a_megabyte_is_refused_whether_it_is_announced_or_not(world: World) -> None:
    large = b'{"customer": {"name": "' + b"x" * 1_100_000 + b'"}}'
    refused(await post(world, large), 413, "too-large")

    async def pieces() -> Any:
        for start in range(0, len(large), 50_000):
            yield large[start : start + 50_000]

    try:
        refused(await post(world, pieces()), 413, "too-large")
    except httpx.TransportError:
        pytest.fail("the answer came after the connection was closed")


async def test_a_chunked_body_is_cut_off_as_soon_as_it_is_too_long(world: World) -> None:
    """The sender says nothing of the length and never ends."""
    chunk = b"%x\r\n%s\r\n" % (100_000, b" " * 100_000)
    answer = await command(world, "transfer-encoding: chunked", chunk * 11)
    assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (413, "too-large")


async def test_an_announced_length_is_refused_before_a_byte_comes(world: World) -> None:
    for length in ("1000001", "99999999999999999999"):
        answer = await command(world, f"content-length: {length}", b"")
        assert (answer.status, answer.json()["type"].rpartition("/")[2]) == (413, "too-large")


async def command(world: World, framing: str, body: bytes) -> RawAnswer:
    head = (
        f"POST /v1/orders HTTP/1.1\nauthorization: Bearer {world.keys['web']}\nidempotency-key: raw\n"
        f"content-type: application/json\n{framing}"
    )
    return await send(world.record["api"], head, body)


@pytest.mark.parametrize("bracket", [b"[", b'{"a":', b"[{"])
async def test_a_hundred_thousand_brackets_are_refused_at_once(world: World, bracket: bytes) -> None:
    content = bracket * 100_000
    began = time.monotonic()
    refused(await post(world, content), 400, "malformed")
    assert time.monotonic() - began < 5.0, "brackets are counted, not parsed"


async def test_others_are_served_while_somebody_sends_rubbish(world: World) -> None:
    rubbish = [post(world, b"[" * 400_000) for _ in range(20)]
    answers = await asyncio.gather(world.channel("POST", "/v1/orders", world.body()), *rubbish)
    assert answers[0].status_code == 201
    assert {answer.status_code for answer in answers[1:]} == {400}


async def test_who_is_not_known_has_no_body_read(world: World) -> None:
    head = "POST /v1/orders HTTP/1.1\nauthorization: Bearer tl_wrong_wrong\ncontent-length: 900000"
    answer = await send(world.record["api"], head, b"")
    assert answer.status == 401, "refused though the body never came"
    assert answer.headers["www-authenticate"] == "bearer"
