"""Markup, template syntax, direction marks and line breaks in what people typed: kept as data, and nothing more."""

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.world import Json, World

pytestmark = [pytest.mark.stack, pytest.mark.slow]

NAMES = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "template": "{{ 7 * 191 }} {% raw %} ${7*191} #{7*191} %(name)s",
    "right to left": "Test \u202eremotsuc\u202c",
    "line break": "Test\r\nBcc: everybody@example.org\r\nSubject: Won\r\n\r\nPay here",
    "quotes": "O'Brien \"); DROP TABLE orders; --",
}


@pytest.mark.parametrize("kind", NAMES)
async def test_a_strange_name_is_kept_as_it_is_and_harms_no_mail(world: World, kind: str) -> None:
    name = NAMES[kind]
    body = world.body(mode="curbside", pickup={"person": {"name": name, "relation": "friend"}})
    body["customer"] |= {"name": name}
    order = await world.placed(body)
    assert (await order.view())["customer"]["name"] == name, "kept as data"
    await order.make_ready()
    mails = await _mails(world, order)
    for mail in mails:
        _is_harmless(mail)
    assert await world.mails("everybody@example.org") == []
    page = await _page(world, mails)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "1337" not in page


async def test_what_a_store_reads_of_the_car_is_data_too(world: World) -> None:
    order = await world.place(mode="curbside")
    await order.make_ready()
    vehicle = "<b>van</b>\r\nBcc: everybody@example.org"
    await order.does("arrived", {"bay": "<i>4</i>\r\nBcc: a@example.org", "vehicle": vehicle})
    [task] = await world.tasks("S001", order)
    assert task["vehicle"] == vehicle

    async def arrival() -> list[Json]:
        mails = await world.mails("s001@stores.example")
        return [mail for mail in mails if order.external_id in mail["subject"] and "van" in mail["text"]]

    [mail] = await world.until("the store is told", arrival)
    _is_harmless(mail)
    assert "<b>van" not in mail["html"]
    assert "<i>4" not in mail["html"]
    for stranger in ("everybody@example.org", "a@example.org"):
        assert await world.mails(stranger) == []


async def _mails(world: World, order: Placed) -> list[Json]:
    async def both() -> list[Json] | None:
        found = await world.mails(order.mailbox)
        return found if len(found) >= 2 else None

    mails: list[Json] = await world.until("confirmation and code come", both)
    return mails


def _is_harmless(mail: Json) -> None:
    assert "\n" not in mail["subject"]
    assert "Won" not in mail["subject"]
    assert not mail["text"].startswith("Pay here")
    assert "1337" not in mail["text"] + mail["html"], "nothing typed is calculated"
    assert "<script>alert" not in mail["html"]
    assert "<img src=x" not in mail["html"]
    assert "\u202e" not in mail["subject"] + mail["text"] + mail["html"], "a mark of direction turns nothing round"


async def _page(world: World, mails: list[Json]) -> str:
    """The customer's page behind the link in the mail."""
    link = next(word for mail in mails for word in mail["text"].split() if "/c/" in word)
    answer = await world.http.get(link)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"], "and no script would run on it"
    return answer.text
