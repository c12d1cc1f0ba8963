"""What customers do with the links in their mails: choose, ask for time, announce themselves, pay."""

import re
from html.parser import HTMLParser

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.world import World, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Form = dict[str, str]


class Forms(HTMLParser):
    """The forms of a page, each with the values that it would send as it stands."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append({})
        elif tag == "input" and "name" in given:
            self.found[-1][given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option":
            self.found[-1].setdefault(self._select, given["value"])


class Link:
    """A link out of a mail, in the hands of somebody with a browser."""

    def __init__(self, world: World, url: str):
        self.world = world
        self.url = url

    async def forms(self) -> list[Form]:
        page = await self.world.http.get(self.url)
        assert page.status_code == 200, page.text
        return Forms(page.text).found

    async def sends(self, form: Form, **filled: str) -> str:
        page = await self.world.http.post(self.url, data=form | filled)
        assert page.status_code == 200, page.text
        return page.text


async def link_in_mail(order: Placed, subject: str) -> Link:
    """The link in the customer's mail whose subject begins so."""

    async def look() -> str | None:
        for mail in await order.world.mails(order.mailbox):
            found = re.search(r"https?://\S+/c/\S+", mail["text"])
            if mail["subject"].startswith(subject) and found:
                return found[0]
        return None

    return Link(order.world, await order.world.until(f"a mail '{subject}' with a link comes", look))


@story
async def test_the_customer_chooses_another_store_by_the_link_in_the_mail(world: World) -> None:
    shelf = await world.shelf(S001=5, S002=5)
    order = await world.place(sku=shelf.sku)
    await order.does("reject", {"reason": "damaged"})
    link = await link_in_mail(order, "Your choice")
    forms = await link.forms()
    assert [form["option"] for form in forms] == ["wait", "cancel", "other_store", "ship"]
    await link.sends(forms[2])
    await link.sends(forms[2])
    moved = next(each for each in (await order.view())["groups"] if each["status"] == "offered")
    assert moved["store_id"] == "S002"
    chosen = await order.event("choice_made")
    assert (chosen["actor_kind"], chosen["channel"]) == ("customer", "link")
    assert await order.events("choice_made") == ["choice_made"]
    assert await link.forms() == []
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=4, S002=5)


@story
async def test_the_customer_takes_more_time_by_the_link_in_the_mail(world: World) -> None:
    order = await world.place()
    deadline = (await order.make_ready())["deadline"]
    link = await link_in_mail(order, "Ready for pickup")
    [form] = await link.forms()
    await link.sends(form)
    assert (await order.group())["deadline"] > deadline
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.told("order_confirmed", "ready_for_pickup", "window_extended", "collected")


@story
async def test_the_customer_says_by_link_to_be_outside(world: World) -> None:
    order = await world.place(mode="curbside")
    await order.make_ready()
    link = await link_in_mail(order, "Ready for pickup")
    [form] = await link.forms()
    await link.sends(form, bay="7", vehicle="red van")
    [task] = await world.tasks("S001", order)
    assert (task["task"], task["bay"], task["vehicle"]) == ("arrival", "7", "red van")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")


@story
async def test_the_customer_pays_with_another_card_by_link(world: World) -> None:
    order = await world.place(token="tok_3ds")
    await world.bank_asks(order.answer["next_action"]["url"], approve=False)
    await order.event("payment_declined")
    link = await link_in_mail(order, "Please act")
    form = next(form for form in await link.forms() if "token" in form)
    await link.sends(form, token="tok_ok")
    await order.reaches("in_progress")
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)


@story
async def test_a_forged_link_opens_nothing(world: World) -> None:
    order = await world.place(mode="curbside")
    await order.make_ready()
    link = await link_in_mail(order, "Ready for pickup")
    body, _, tag = link.url.rpartition(".")
    forged = f"{body}.{tag[:-2]}{'AA' if tag[-2:] != 'AA' else 'BB'}"
    page = await world.http.get(forged)
    assert page.status_code == 404
    assert order.external_id not in page.text
    taken(await order.cancel())
    await order.reaches("cancelled")
