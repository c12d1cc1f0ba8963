"""Something else instead: reserved while the goods are on their way, paid by their value, and to the cent."""

import re
from typing import Any

import pytest

from tests.scenarios.exchanged import agrees, is_collected, over, priced, replacement, wish
from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.returned import back_in_store, receive, settled
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]
LINK = re.compile(r"http\S+/c/\S+")


async def fetched(world: World, **wanted: Any) -> Placed:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, **wanted)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    return order


@story
async def test_an_even_exchange_in_another_store_moves_no_money(world: World) -> None:
    """Bought on the web, exchanged in a store of another zone, and the replacement brought back in a third."""
    order = await fetched(world, quantity=3, price=1000, discount=1)
    other = await priced(world, 1000, S005=2)
    asked = wish(order, other)
    seen = taken(await world.call("POST", "/v1/returns/preview", world.key_of("S005"), asked))
    assert (seen["refund"], seen["owed"]) == (0, 0)
    view = taken(await world.call("POST", "/v1/returns", world.key_of("S005"), asked))
    assert (view["status"], view["exchange"]["state"], view["exchange"]["credit"]) == ("approved", "placed", 999)
    new = replacement(world, order, view)
    held = await new.view()
    assert [hold["kind"] for hold in held["holds"]] == ["exchange"]
    assert held["exchange_of"]["order_id"] == order.id
    assert (await world.stock(other, "S005"))["available"] == 1, "one is kept for the customer"
    await receive(world, view, "S005", 1)
    await is_collected(new, "S005", codes=2)
    ended = await over(world, view)
    assert (ended["status"], ended["refund"], ended["refunded"]) == ("settled", 999, 0)
    assert (await order.event("exchange_ordered"))["data"]["replacement"] == new.id
    assert (await new.view())["payment"] == {
        "authorised": 0,
        "captured": 999,
        "refunded": 0,
        "voided": 0,
        "due": 0,
    }
    await agrees(world, order, new)
    back = await back_in_store(world, new, "S002", quantity=1)
    await receive(world, back, "S002", 1)
    paid = await settled(world, back, "S002")
    assert paid["paid_back"][0]["by_tender"] == {f"{order.id}/t1": 999}
    await agrees(world, order, new)
    assert (await order.view())["payment"]["refunded"] == 999
    others = await back_in_store(world, order, "S001", quantity=2)
    await receive(world, others, "S001", 2)
    assert (await settled(world, others, "S001"))["refunded"] == 2000, "what was exchanged counts once"
    await agrees(world, order, new)


@story
async def test_an_uneven_exchange_is_paid_before_it_goes_out_or_pays_the_difference_back(world: World) -> None:
    order = await fetched(world, quantity=2, price=1000)
    dearer, cheaper = await priced(world, 1500, S001=1), await priced(world, 600, S001=1)
    view = taken(await world.channel("POST", "/v1/returns", wish(order, dearer)))
    assert (view["status"], view["exchange"]["due"], view["exchange"]["owed"]) == ("awaiting_payment", 500, 500)
    new = replacement(world, order, view)
    mail = await world.until("the mail about the difference comes", lambda: _asked(world, new))
    assert "5.00" in mail["text"]
    page = await world.http.get(LINK.findall(mail["text"])[0])
    assert "your exchange becomes a return" in page.text
    assert "cancelled" not in page.text
    taken(await new.ask("payments", {"tenders": [{"type": "card", "token": "tok_ok", "amount": 500}]}))
    await receive(world, view, "S001", 1)
    await is_collected(new, "S001", codes=2)
    await over(world, view)
    provider = await world.provider_ledger(new.id)
    assert [(each["operation"], each["amount"]) for each in provider] == [("authorise", 500), ("capture", 500)]
    second = taken(await world.channel("POST", "/v1/returns", wish(order, cheaper)))
    assert (second["exchange"]["credit"], second["exchange"]["back"]) == (600, 400)
    await receive(world, second, "S001", 1)
    other = replacement(world, order, second)
    await is_collected(other, "S001", codes=3)
    assert (await over(world, second))["refunded"] == 400
    await agrees(world, order, new, other)


async def _asked(world: World, order: Placed) -> Any:
    mails = await world.mails(order.mailbox)
    return next((mail for mail in mails if "pay the difference" in mail["subject"]), None)


@story
async def test_what_goes_out_in_advance_frees_the_card_when_the_goods_come(world: World) -> None:
    order = await fetched(world, price=1000)
    other = await priced(world, 1000, S001=1)
    card = [{"type": "card", "token": "tok_ok", "amount": 1000}]
    no_card = wish(order, other, advance=True)
    refused(await world.channel("POST", "/v1/returns", no_card), 422, "validation")
    view = taken(await world.channel("POST", "/v1/returns", wish(order, other, advance=True, tenders=card)))
    new = replacement(world, order, view)
    await is_collected(new, "S001", codes=2)
    held = await world.provider_ledger(view["return_id"])
    assert [(each["operation"], each["amount"]) for each in held] == [("authorise", 1000)]
    await receive(world, view, "S001", 1)
    ended = await over(world, view)
    assert (ended["exchange"]["state"], ended["exchange"]["charged"], ended["refunded"]) == ("completed", 0, 0)
    ledger = await world.provider_ledger(view["return_id"])
    assert [each["operation"] for each in ledger] == ["authorise", "void"]
    await agrees(world, order, new)


@story
async def test_a_claim_is_replaced_and_the_parcel_that_turns_up_is_stocked(world: World) -> None:
    order = await fetched(world, quantity=2, price=1000)
    sku = order.body["lines"][0]["sku"]
    line = {"line_id": "1", "quantity": 1, "reason": "missing", "wanted": {"sku": sku, "quantity": 1}}
    line["evidence"] = ["photo-17"]
    view = taken(await world.channel("POST", "/v1/returns", {"order_id": order.id, "kind": "claim", "lines": [line]}))
    assert view["lines"][0]["evidence"] == ["photo-17"]
    new = replacement(world, order, view)
    await is_collected(new, "S001", codes=2)
    assert (await over(world, view))["refunded"] == 0
    late = await receive(world, view, "S003", 1)
    assert (late["lines"][0]["turned_up"], late["refunded"]) == (1, 0)
    assert (await world.stock(sku, "S003"))["available"] == 1
    await order.money_rests(authorised=2000, captured=2000)
    await agrees(world, order, new)


@story
async def test_what_cannot_be_exchanged_is_refused(world: World) -> None:
    order = await fetched(world, price=1000)
    gone = await priced(world, 1000, S002=1)
    refused(await world.channel("POST", "/v1/returns", wish(order, gone)), 409, "out-of-stock")
    refused(await world.channel("POST", "/v1/returns", wish(order, "NO-SUCH-SKU")), 422, "validation")
    plain = wish(order, gone) | {"kind": "return"}
    refused(await world.channel("POST", "/v1/returns", plain), 422, "validation")
    view = await back_in_store(world, order, "S001")
    assert view["status"] == "approved", "the units are the customer's again"


@story
async def test_what_was_paid_at_a_till_goes_back_there_also_through_an_exchange(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, price=1000, tender="pay_in_store")
    await order.make_ready()
    paid = {"tenders": [{"type": "pay_in_store", "amount": 1000, "reference": "till-1"}]}
    taken(await world.call("POST", f"/v1/orders/{order.id}/payments", world.keys["stores"]["S001"], paid))
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    other = await priced(world, 1000, S001=1)
    view = taken(await world.call("POST", "/v1/returns", world.key_of("S001"), wish(order, other)))
    await receive(world, view, "S001", 1)
    new = replacement(world, order, view)
    await is_collected(new, "S001", codes=2)
    await over(world, view)
    back = await back_in_store(world, new, "S002")
    await receive(world, back, "S002", 1)
    done = await settled(world, back, "S002")
    assert done["paid_back"][0]["by_tender"] == {f"{order.id}/till": 1000}
    assert (await order.event("return_refunded"))["reason"] == "at the till"
    await agrees(world, order, new)
