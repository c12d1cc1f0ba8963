"""Another article instead of a missing one, as the customer wanted it: by the rule, by the link, and at the counter."""

import re
from typing import Any

import httpx
import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

LINK = re.compile(r"https?://\S+/c/\S+")
PRICE = 4999


async def placed(world: World, shelf: Shelf, quantity: int, **substitution: Any) -> Placed:
    line = {
        "line_id": "1",
        "sku": shelf.sku,
        "quantity": quantity,
        "unit_price": PRICE,
        "substitution": substitution or {"rule": "none"},
    }
    return await world.place(lines=[line])


async def picks(order: Placed, quantity: int, instead: Shelf, units: int = 1) -> httpx.Response:
    body: Json = {
        "lines": [{"line_id": "1", "quantity": quantity}],
        "substitutes": [{"line_id": "1", "sku": instead.sku, "quantity": units}],
    }
    return await order.world.store(order, "pick", body)


async def link_of(order: Placed, words: str) -> str:
    async def look() -> str | None:
        found = [mail for mail in await order.world.mails(order.mailbox) if words in mail["text"]]
        return LINK.findall(found[0]["text"])[0] if found else None

    link: str = await order.world.until(f"a mail says {words!r}", look)
    return link


@story
async def test_a_named_article_goes_with_the_rest_at_its_lower_price_and_can_be_turned_down(world: World) -> None:
    shelf, other = await world.shelf(S001=5), await world.shelf(S001=3)
    order = await placed(world, shelf, 3, rule="list", skus=[other.sku])
    await order.does("accept")
    taken(await picks(order, 1, other, 2))
    await order.does("ready")
    view = await order.view()
    lines = [(line["line_id"], line["sku"], line["ordered"], line["ready"]) for line in view["lines"]]
    assert lines == [("1", shelf.sku, 3, 1), ("1-s1", other.sku, 2, 2)]
    assert view["total"] == PRICE + 2000
    await order.is_handed_over(await order.code(), refused=[{"line_id": "1-s1", "quantity": 1, "reason": "too big"}])
    view = await order.reaches("completed")
    assert view["payment"]["captured"] == PRICE + 1000
    await order.money_rests(authorised=3 * PRICE, captured=PRICE + 1000)
    assert (await world.stock(other.sku, "S001"))["available"] == 1
    await order.does("put-back")
    await other.adds_up(S001=2)
    assert "substituted" in await order.events()
    texts = [mail["text"] for mail in await world.mails(order.mailbox)]
    assert any("at the lower of the two prices" in text and "20.00" in text for text in texts)


@story
async def test_who_wants_to_be_asked_answers_by_the_link_in_the_mail(world: World) -> None:
    shelf, other = await world.shelf(S001=5), await world.shelf(S001=3)
    order = await placed(world, shelf, 2, rule="ask")
    await order.does("accept")
    taken(await picks(order, 1, other))
    group = await order.group(2)
    assert (group["status"], group["proposal"]["sku"], group["proposal"]["worth"]) == ("waiting", other.sku, 1000)
    url = await link_of(order, "something else for you")
    page = await world.http.get(url)
    assert "10.00" in page.text
    once = re.search(r'name="once" value="(\w+)"', page.text)
    assert once is not None
    form = {"once": once[1], "option": "substitute"}
    for _ in range(2):
        assert (await world.http.post(url, data=form)).status_code == 200
    offered = await order.group(2)
    assert (offered["status"], offered["lines"][-1]) == ("offered", {"line_id": "1-s1", "quantity": 1})
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=2 * PRICE)
    assert await order.events("substitute_proposed", "choice_made", "substituted") == [
        "substitute_proposed",
        "choice_made",
        "substituted",
    ]
    await other.adds_up(S001=3)


@story
async def test_what_the_customer_does_not_allow_is_refused_to_the_store(world: World) -> None:
    shelf, other = await world.shelf(S001=5), await world.shelf(S001=3)
    order = await placed(world, shelf, 2)
    await order.does("accept")
    refused(await picks(order, 1, other), 422, "consent-needed")
    refused(await picks(order, 1, shelf), 422, "validation")
    refused(await picks(order, 2, other), 422, "too-many-units")
    assert (await order.group())["status"] == "accepted"
    taken(await order.cancel())
    await order.reaches("cancelled")
    await shelf.adds_up(S001=5)
