"""What was bought comes back by post or through a parcel machine: labelled, scanned, fetched, paid back on receipt."""

import re
from typing import Any

import pytest

from tests.scenarios.exchanged import agrees, over
from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.returned import does, receive, settled
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

CODE = re.compile(r"^Code: (\w+)\s*$", re.MULTILINE)


async def delivered(world: World, quantity: int, category: str | None = None) -> Shipped:
    shelf = await world.shelf(S001=5)
    if category is not None:
        taken(await world.ops("PUT", "/v1/items", {"sku": shelf.sku, "name": "A thing", "category": category}))
    order = await Shipped.place(world, sku=shelf.sku, quantity=quantity)
    await order.packed()
    await order.carrier_says(await order.shipped(), "delivered")
    await order.reaches("completed")
    return order


async def becomes(world: World, view: Json, what: str, wanted: Any) -> Json:
    """The return, once a part of it (`parcel.label`) is so."""

    async def look() -> Json | None:
        found: Json = (await world.channel("GET", f"/v1/returns/{view['return_id']}")).json()
        part: Any = found
        for name in what.split("."):
            part = (part or {}).get(name)
        return found if part == wanted else None

    there: Json = await world.until(f"{what} of return {view['return_id']} is {wanted}", look)
    return there


async def code_in_mail(world: World, order: Shipped, subject: str) -> str:
    async def look() -> str | None:
        mails = [mail for mail in await world.mails(order.mailbox) if subject in mail["subject"]]
        found = [code for mail in mails for code in CODE.findall(mail["text"])]
        return found[-1] if found else None

    code: str = await world.until(f"the mail “{subject}” comes with its code", look)
    return code


async def asked(world: World, order: Shipped, **how: Any) -> Json:
    lines = [{"line_id": "1", "quantity": 2, "reason": "wrong_size"}]
    answer = await world.channel("POST", "/v1/returns", {"order_id": order.id, "lines": lines} | how)
    return taken(answer)


@story
async def test_a_posted_return_is_labelled_scanned_and_paid_where_it_arrives(world: World) -> None:
    order = await delivered(world, 2)
    view = await asked(world, order, via="post", store_id="S003")
    labelled = await becomes(world, view, "parcel.label", "bought")
    number = labelled["parcel"]["tracking_number"]
    assert (labelled["parcel"]["to"], labelled["parcel"]["status"]) == ("S003", "label_created")
    assert await code_in_mail(world, order, "Your return label") == number
    label = taken(await world.channel("GET", f"/v1/returns/{view['return_id']}/label"))
    assert number in label["document"]
    assert "Customer" not in label["document"], "it goes to the store"
    await order.carrier_brings({"tracking_number": number}, "picked_up")
    sent = await becomes(world, view, "status", "in_transit")
    assert sent["refund"] == 0
    await order.carrier_brings({"tracking_number": number}, "in_transit", "delivered")
    await becomes(world, view, "parcel.status", "delivered")
    [task] = await world.tasks("S003", order)
    assert (task["task"], task["return_id"]) == ("receive_return", view["return_id"])
    came = {"store_id": "S003", "lines": [{"line_id": "1", "quantity": 1}, {"sku": "SHOE-42", "quantity": 1}]}
    there = taken(await does(world, view, "receive", came, "S003"))
    assert (there["lines"][0]["received"], there["lines"][0]["awaited"], there["strangers"][0]["sku"]) == (
        1,
        1,
        "SHOE-42",
    )
    look = {"line_id": "1", "quantity": 1, "accepted": True, "condition": "new", "disposition": "restock"}
    taken(await does(world, view, "inspect", {"lines": [look]}, "S003"))
    assert (await settled(world, view, "S003"))["refund"] == 4999
    taken(await world.channel("POST", f"/v1/returns/{view['return_id']}/cancel", {}))
    await becomes(world, view, "finished", True)
    await order.money_rests(authorised=9998, captured=9998, refunded=4999)
    await order.carrier_brings({"tracking_number": number}, "delivered")
    assert (await order.events("return_dropped_off", "return_arrived")) == ["return_dropped_off", "return_arrived"]


@story
async def test_an_advance_is_charged_to_the_card_that_the_customer_named_when_the_goods_never_come(
    world: World,
) -> None:
    version = (await world.ops("GET", "/v1/return-policies")).json()["items"][0]["version"] + 1
    then = {"instant_refund_to": 10_000, "lost_advance": "charge"}
    policy = {"name": "shop", "version": version, "exceptions": [{"categories": ["trusted"], "then": then}]}
    taken(await world.ops("PUT", "/v1/return-policies", policy))
    order = await delivered(world, 2, category="trusted")
    lines = [{"line_id": "1", "quantity": 2, "reason": "wrong_size"}]
    wanted = {"order_id": order.id, "lines": lines, "via": "post", "store_id": "S003"}
    seen = taken(await world.channel("POST", "/v1/returns/preview", wanted))
    assert (seen["advance"], seen["if_lost"]) == (9998, "charge"), "told before anybody agrees to it"
    too_little = [{"type": "card", "token": "tok_ok", "amount": 5000}]
    refused(await world.channel("POST", "/v1/returns", wanted | {"tenders": too_little}), 422, "validation")
    at_counter = wanted | {"via": "store", "tenders": too_little}
    refused(await world.channel("POST", "/v1/returns", at_counter), 422, "validation")
    view = await asked(world, order, via="post", store_id="S003", tenders=[too_little[0] | {"amount": 9998}])
    assert (view["card"]["state"], view["card"]["at_most"], view["card"]["secured"]) == ("named", 9998, 0)
    labelled = await becomes(world, view, "parcel.label", "bought")
    assert await world.provider_ledger(view["return_id"]) == [], "nothing is held before money goes back"
    parcel = {"tracking_number": labelled["parcel"]["tracking_number"]}
    await order.carrier_brings(parcel, "picked_up")
    await becomes(world, view, "refunded", 9998)
    held = await world.provider_ledger(view["return_id"])
    assert [(each["operation"], each["amount"]) for each in held] == [("authorise", 9998)]
    mail = await world.until("the mail about the card comes", lambda: _mail(world, order, "Held on your card"))
    assert "99.98" in mail
    assert "as agreed" in mail
    await order.carrier_brings(parcel, "lost")
    stuck = await becomes(world, view, "status", "needs_attention")
    [question] = stuck["interventions"]
    path = f"/v1/ops/interventions/{question['intervention_id']}"
    taken(await world.ops("POST", path, {"action": "give_up", "reason": "the carrier has lost it"}))
    ended = await over(world, view)
    assert (ended["card"]["state"], ended["card"]["charged"], ended["owed"]) == ("charged", 9998, 0)
    ledger = await world.provider_ledger(view["return_id"])
    assert [(each["operation"], each["amount"]) for each in ledger] == [("authorise", 9998), ("capture", 9998)]
    await world.until("the mail about the charge comes", lambda: _mail(world, order, "We have charged your card"))
    await order.money_rests(authorised=9998, captured=9998, refunded=9998)
    await agrees(world, order)


async def _mail(world: World, order: Shipped, subject: str) -> str | None:
    return next((mail["text"] for mail in await world.mails(order.mailbox) if subject in mail["subject"]), None)


@story
async def test_a_return_goes_through_the_doors_of_a_parcel_machine(world: World) -> None:
    order = await delivered(world, 2)
    nowhere = await world.channel(
        "POST",
        "/v1/returns",
        {"order_id": order.id, "via": "locker", "locker_id": "L777", "lines": [{"line_id": "1", "quantity": 1}]},
    )
    refused(nowhere, 422, "validation")
    view = await asked(world, order, via="locker", locker_id="L001")
    assert (view["store_id"], view["status"]) == ("S001", "approved")
    await becomes(world, view, "locker.status", "reserved")
    code = await code_in_mail(world, order, "Your locker for the return")
    machine = f"{world.record['lockers']}/machines/L001"
    path = f"/v1/returns/{view['return_id']}/locker-code"
    refused(await world.call("GET", path, world.key_of("S001")), 409, "not-allowed-now")
    assert (await world.http.post(f"{machine}/deposit", json={"code": code})).status_code == 201
    await becomes(world, view, "locker.status", "deposited")
    refused(await world.call("GET", path, world.key_of("S002")), 404, "not-found")
    [task] = await world.tasks("S001", order)
    assert (task["task"], task["locker"]["locker_id"]) == ("fetch_return", "L001")
    fetch = taken(await world.call("GET", path, world.key_of("S001")))
    assert (await world.http.post(f"{machine}/collect", json={"code": fetch["code"]})).status_code == 201
    await becomes(world, view, "locker.status", "collected")
    await receive(world, view, "S001", 2)
    assert (await settled(world, view, "S001"))["refund"] == 9998
    await order.money_rests(authorised=9998, captured=9998, refunded=9998)
    assert await order.events("return_dropped_off", "return_received") == ["return_dropped_off", "return_received"]
