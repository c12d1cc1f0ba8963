"""Wherever a stack writes things down, nobody finds a customer's name, mail, phone, code or card in clear."""

import base64
from collections.abc import AsyncIterator, Iterable

import pytest
from temporalio.client import Client

from tests.privacy import places
from tests.privacy.persons import ADDRESS_WORDS, CARD_WORDS, Customer, Needles
from tests.privacy.places import Place
from tests.privacy.stories import Told
from tests.scenarios.world import World
from workers.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def needles(told: Told, customers: list[Customer]) -> Needles:
    words = [word for who in customers for word in who.words]
    codes = [code for who in customers for code in who.codes]
    assert len(codes) >= 4, "codes were sent and are searched for"
    return Needles([*words, *ADDRESS_WORDS, *CARD_WORDS, "Hieronymus Stolzenfels"], codes)


async def nothing_in(needles: Needles, searched: AsyncIterator[Place]) -> list[str]:
    """The names of the places, none of which holds a word that is searched for."""
    names, held = [], []
    async for name, content in searched:
        names.append(name)
        if found := needles.found(content):
            held.append(f"{name} holds {found}: {_around(content, found)}")
    assert not held, "\n".join(held)
    return names


def _around(content: bytes, words: set[str]) -> list[bytes]:
    """What stands round the words that are there as they are."""
    places = [content.lower().find(word.lower().encode()) for word in words]
    return [content[max(0, at - 120) : at + 60] for at in places if at >= 0]


async def _each(found: Iterable[Place]) -> AsyncIterator[Place]:
    for place in found:
        yield place


async def test_the_search_finds_what_is_there(needles: Needles, world: World, stack: Stack, told: Told) -> None:
    """The world outside does know: the mail box has names and codes, the provider has tokens."""
    mails = (stack.data.simulators / "mails.jsonl").read_bytes()
    found = needles.found(mails)
    who = told.orders["collected"].body["customer"]
    assert {who["name"], who["email"]} <= found
    assert set(needles.codes) <= found
    ledger = (stack.data.simulators / "payments.jsonl").read_bytes()
    assert "Quillfeather" in needles.found(ledger), "the provider keeps how a token behaves"


@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_the_search_sees_through_what_is_written_otherwise(before: bytes) -> None:
    needles = Needles(["Xaverine Quillfeather"], ["12345678"])
    text = before + b'{"name": "Xaverine Quillfeather"}'
    for form in (text, text.upper(), base64.b64encode(text), text.hex().encode(), text.decode().encode("utf-16-le")):
        assert needles.found(b"\x00\xff" + form + b"\x00") == {"Xaverine Quillfeather"}, form
    assert needles.found(b"Code: 12345678.") == {"12345678"}
    assert not needles.found(b"912345678 12345678a Xaverine Quill")


async def test_what_may_be_in_clear_is_found_in_every_place(stack: Stack, temporal: Client, told: Told) -> None:
    """An order's own number is no secret: were the search blind, it would miss that as well."""
    order = told.orders["bounced"]
    number, order_id = Needles([order.external_id], []), Needles([order.id], [])
    held: dict[str, set[str]] = {"number": set(), "id": set()}
    async for name, content in _all(stack, temporal):
        kind = name.split()[0] + (" of Temporal" if "temporal.db" in name else "")
        kind += " of the log" if "/logs/" in name else ""
        for what, needle in (("number", number), ("id", order_id)):
            if needle.found(content):
                held[what].add(kind)
    assert {"file of Temporal", "file", "table", "history", "description"} <= held["number"]
    assert "file of the log" in held["id"], "a mail that was given up is in the log, by the order's id"


async def _all(stack: Stack, temporal: Client) -> AsyncIterator[Place]:
    async for place in places.tables(stack.record()["database"]):
        yield place
    async for place in places.histories(temporal):
        yield place
    for place in places.files(stack):
        yield place


async def test_no_table_holds_a_customer_in_clear(needles: Needles, stack: Stack) -> None:
    names = await nothing_in(needles, places.tables(stack.record()["database"]))
    assert {"table orders", "table personal_records", "table order_timeline", "table audit_entries"} <= set(names)
    assert {"table idempotency_records", "table inbound_events", "table notices"} <= set(names)


async def test_no_history_holds_a_customer_in_clear(needles: Needles, temporal: Client, told: Told) -> None:
    names = await nothing_in(needles, places.histories(temporal))
    for order in told.orders.values():
        assert f"history order/{order.id}" in names


async def test_no_file_holds_a_customer_in_clear(needles: Needles, stack: Stack) -> None:
    """PostgreSQL's tables and write-ahead log, Temporal's database, and every log."""
    names = await nothing_in(needles, _each(places.files(stack)))
    for part in ("/pg_wal/", "/base/", "temporal.db", "temporal.db-wal", "/logs/api.log", "/logs/worker-1.log"):
        assert any(part in name for name in names), part
    assert any("/logs/postgres.log" in name for name in names)
    assert not any("/simulators/" in name for name in names)


async def test_no_metric_names_a_customer(needles: Needles, world: World) -> None:
    await nothing_in(needles, places.metrics(f"{world.record['api']}/metrics"))


async def test_no_refusal_repeats_what_was_sent(needles: Needles, told: Told) -> None:
    assert len(told.refusals) > 25
    for answer in told.refusals:
        assert not needles.found(answer.content), answer.text
