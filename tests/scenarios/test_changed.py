"""Orders that are changed after they were placed: what is owed is paid first, what comes too late is refused."""

from typing import Any

import pytest

from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.shipped import Shipped
from tests.scenarios.test_links import link_in_mail
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

HOME = {
    "name": "Test Customer",
    "line1": "Secret Lane 5",
    "postal_code": "10115",
    "city": "Berlin",
    "country": "DE",
}


async def change(order: Placed, **body: Any) -> Any:
    return await order.ask("changes", body)


async def asked_for(order: Placed, kind: str) -> bool:
    return bool((await order.view())["next_action"]["kind"] == kind)


def card(amount: int, token: str = "tok_ok") -> list[dict[str, Any]]:
    return [{"type": "card", "token": token, "amount": amount}]


@story
async def test_a_preview_changes_nothing_and_a_cut_frees_its_money(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=3, price=1000)
    before = await order.view()
    seen = taken(await change(order, quantity={"1": 1}, preview=True))
    assert (seen["before"]["total"], seen["after"]["total"], seen["due"], seen["applied"]) == (3000, 1000, 2000, False)
    assert await order.view() == before
    made = taken(await change(order, quantity={"1": 1}, version=before["version"]))
    assert (made["applied"], made["due"]) == (True, 2000)
    stale = refused(await change(order, quantity={"1": 2}, version=before["version"]), 409, "stale-version")
    assert stale["current"]["total"] == 1000
    await order.make_ready(quantity=1)
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=3000, captured=1000)
    await shelf.adds_up(S001=4)


@story
async def test_an_added_line_waits_for_its_payment_and_two_changes_do_not_meet(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=1, price=1000)
    line = {"line_id": "2", "sku": shelf.sku, "quantity": 2, "unit_price": 500, "fulfilment": "f1"}
    opened = taken(await change(order, add=[line]))
    assert (opened["applied"], opened["owed"], opened["next_action"]["kind"]) == (False, 1000, "pay_change")
    assert (await shelf.at("S001"))["reserved"] == 2
    problem = refused(await change(order, quantity={"1": 2}), 409, "not-allowed-now")
    assert opened["change_id"] in problem["detail"]
    assert refused(await change(order, quantity={"1": 2}, preview=True), 409, "not-allowed-now") == problem
    link = await link_in_mail(order, "Please pay")
    page = (await world.http.get(link.url)).text
    assert "€10.00" in page
    assert "Without a payment the order stays as it is" in page
    taken(await order.ask("payments", {"tenders": card(1000)}))
    view = await order.view()
    assert (view["total"], len(view["lines"]), view.get("change")) == (2000, 2, None)
    await order.cancel()
    await order.reaches("cancelled")
    await order.money_rests(authorised=2000)
    await shelf.adds_up(S001=5)


@story
async def test_the_bank_is_asked_about_a_change_and_its_no_is_not_the_end(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=1, price=1000)
    opened = taken(await change(order, quantity={"1": 2}, tenders=card(1000, "tok_3ds")))
    assert (opened["applied"], opened["next_action"]["kind"]) == (False, "confirm_payment")
    await world.bank_asks(opened["next_action"]["url"], approve=False)
    await order.event("payment_declined")
    await world.until("another way to pay is asked for", lambda: asked_for(order, "pay_change"))
    view = taken(await order.ask("payments", {"tenders": card(1000, "tok_3ds")}))
    assert (view["status"], view["next_action"]["kind"]) == ("in_progress", "confirm_payment")
    await world.bank_asks(view["next_action"]["url"], approve=True)
    await order.event("order_changed")
    view = await order.view()
    assert (view["total"], view.get("next_action"), view["holds"]) == (2000, None, [])
    await order.cancel()
    await order.reaches("cancelled")
    await order.money_rests(authorised=2000)
    await shelf.adds_up(S001=5)


@story
async def test_what_is_not_paid_is_dropped(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=1, price=1000)
    refused(await change(order, quantity={"1": 2}, tenders=card(1000, "tok_declined")), 402, "payment-declined")
    taken(await change(order, quantity={"1": 2}))
    taken(await change(order, drop=True))
    await shelf.becomes("S001", reserved=0, allocated=1)
    assert (await order.view())["total"] == 1000
    await order.cancel()
    await order.reaches("cancelled")
    await order.money_rests(authorised=1000)


@story
async def test_what_is_picked_stays_and_the_rest_may_be_taken_off(world: World) -> None:
    shelf = await world.shelf(S001=5)
    lines = [{"line_id": name, "sku": shelf.sku, "quantity": 1, "unit_price": 1000} for name in ("1", "2")]
    order = await world.place(lines=lines, sku=shelf.sku)
    await order.does("accept")
    assert taken(await change(order, remove=["2"]))["due"] == 1000
    await order.pick(_1=1)
    problem = refused(await change(order, remove=["1"]), 409, "not-allowed-now")
    assert "cancel" in problem["detail"]
    await order.does("ready")
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=2000, captured=1000)


@story
async def test_a_pickup_is_sent_home_and_fetched_after_all(world: World) -> None:
    shelf = await world.shelf(S001=3, S002=3)
    order = await world.place(sku=shelf.sku, quantity=1, price=6000)
    way = {"method": "ship", "address": HOME, "service": "express"}
    opened = taken(await change(order, method={"lines": ["1"], "fulfilment": way}))
    assert (opened["owed"], opened["applied"]) == (990, False)
    taken(await order.ask("payments", {"tenders": card(990)}))
    await order.group_reaches("offered", n=2)
    back = {"method": "pickup", "store_id": "S002"}
    assert taken(await change(order, method={"lines": ["1"], "fulfilment": back}))["due"] == 990
    pickup = await order.group_reaches("offered", n=3)
    assert pickup["store_id"] == "S002"
    await order.make_ready(quantity=1, n=3, store="S002")
    await order.is_handed_over(await order.code(), n=3, store="S002")
    await order.reaches("completed")
    await order.money_rests(authorised=6990, captured=6000)


@story
async def test_a_rejected_pickup_is_shipped_home_and_its_address_may_still_change(world: World) -> None:
    shelf = await world.shelf(S001=3, S002=3)
    order = await world.place(sku=shelf.sku, quantity=1, price=1000)
    await order.does("reject", {"reason": "damaged"})
    refused(await order.choose("ship"), 422, "validation")
    taken(await order.choose("ship", address=HOME))
    shipment = await order.group_reaches("offered", n=2)
    assert shipment["kind"] == "shipment"
    taken(await change(order, address=HOME | {"line1": "New Road 7"}))
    path, key = f"/v1/shipments/{order.id}/2", world.keys["ops"]["ada"]
    shown = (await world.call("GET", path, key)).json()
    assert "New Road 7" in shown["address"]
    place = world.keys["stores"].get(shipment["store_id"]) or world.keys["warehouses"][shipment["store_id"]]
    for command, body in (
        ("accept", {}),
        ("pick", {"lines": [{"line_id": "1", "quantity": 1}]}),
        ("pack", {"lines": [{"line_id": "1", "quantity": 1}]}),
        ("ship", {"carrier": "By hand", "tracking_number": f"T{order.id}"}),
    ):
        answer = await world.call("POST", f"{path}/{command}", place, body)
        assert answer.status_code == 200, (command, answer.text)
    refused(await change(order, address=HOME), 409, "not-allowed-now")


@story
async def test_a_shipment_is_edited_while_its_place_picks_it(world: World) -> None:
    """What is picked stays, and what is added is a shipment of its own beside it."""
    shelf = await world.shelf(S001=5)
    lines = [
        {"line_id": name, "sku": shelf.sku, "quantity": quantity, "unit_price": 1000}
        for name, quantity in (("1", 2), ("2", 1))
    ]
    order = await Shipped.place(world, lines=lines)
    await order.at_place("accept")
    assert taken(await change(order, quantity={"1": 1}, remove=["2"]))["due"] == 2000
    whole = {"lines": [{"line_id": "1", "quantity": 1}]}
    assert (await order.at_place("pick", whole))["status"] == "picking"
    before = await order.view()
    assert "cancel" in refused(await change(order, remove=["1"]), 409, "not-allowed-now")["detail"]
    assert (await order.view())["version"] == before["version"], "nothing was changed"
    line = {"line_id": "3", "sku": shelf.sku, "quantity": 1, "unit_price": 500, "fulfilment": "f1"}
    added = taken(await change(order, add=[line], tenders=card(500)))
    assert (added["owed"], added["applied"]) == (500, True)
    beside = await order.group_reaches("offered", n=2)
    assert [(each["line_id"], each["quantity"]) for each in beside["lines"]] == [("3", 1)]
    await order.at_place("pack", whole)
    await order.packed(n=2)
    for n in (1, 2):
        await order.carrier_says(await order.shipped(n=n), "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=3500, captured=1500)
    await shelf.adds_up(S001=3)


@story
async def test_what_happens_later_is_told_at_the_new_contact(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=1)
    await order.told("order_confirmed")
    before, now = order.mailbox, f"new-{order.mailbox}"
    made = taken(await change(order, contact={"email": now}))
    assert (made["applied"], made["plan"]["contact"], made["owed"], made["due"]) == (True, True, 0, 0)
    assert (await order.view())["customer"]["email"] == now
    await order.make_ready()
    order.mailbox = now
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    old = await world.mails(before)
    assert len(old) == 2, "the confirmation, and that the order was changed"
    assert not any(now in mail["text"] for mail in old)
    refused(await change(order, contact={"email": before}), 409, "not-allowed-now")
    await shelf.adds_up(S001=4)


@story
async def test_an_address_costs_the_difference_and_stays_once_its_label_is_bought(world: World) -> None:
    shelf = await world.shelf(S001=3)
    order = await Shipped.place(world, sku=shelf.sku, quantity=1, price=1000)
    await order.is_offered("S001")
    there = {"address": HOME | {"line1": "New Road 7"}, "prices": {"shipping": 250}}
    seen = taken(await change(order, **there, preview=True))
    assert (seen["before"]["shipping"], seen["after"]["shipping"], seen["owed"]) == (0, 250, 250)
    opened = taken(await change(order, **there))
    assert (opened["applied"], opened["next_action"]["kind"]) == (False, "pay_change")
    path, key = f"/v1/shipments/{order.id}/1", world.keys["stores"]["S001"]
    assert "New Road 7" not in taken(await world.call("GET", path, key))["address"], "not before it is paid"
    taken(await order.ask("payments", {"tenders": card(250)}))
    assert "New Road 7" in taken(await world.call("GET", path, key))["address"]
    await order.packed()
    cheaper = {"address": HOME | {"line1": "Old Road 1"}, "prices": {"shipping": 100}}
    assert taken(await change(order, **cheaper))["due"] == 150, "packed is not gone"
    parcel = (await order.at_place("ship"))["parcels"][-1]
    assert parcel["carrier"] in ("northway", "kestrel"), "its label was bought"
    refused(await change(order, address=HOME), 409, "not-allowed-now")
    await order.carrier_brings(parcel, "picked_up", "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=1250, captured=1100)
    await shelf.adds_up(S001=2)
