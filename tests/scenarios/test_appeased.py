"""Goodwill: within a role's limit at once, above it with a second person, and never more than was taken."""

import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.purses import card, issued, number_in_mail, on_it, paid_with
from tests.scenarios.returned import back_in_store, receive, settled
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def appeased(world: World, order: Placed, amount: int, key: str, **more: str) -> Json:
    body = {"amount": amount, "reason": "the box was torn"} | more
    return taken(await world.call("POST", f"/v1/orders/{order.id}/appeasements", key, body))


@story
async def test_goodwill_above_the_limit_is_approved_by_a_second_person(world: World) -> None:
    """10,000 by gift card and card; 1,500 by the call centre, 1,000 more need somebody else; then all comes back."""
    shelf = await world.shelf(S001=5)
    purse = await issued(world, "gift_card", 2000)
    tenders = [card(8000), paid_with(purse, 2000)]
    order = await world.place(sku=shelf.sku, quantity=2, price=5000, tenders=tenders)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    call_centre = world.keys["call_centre"]
    first = await appeased(world, order, 1500, call_centre)
    assert (first["status"], first["refunded"], first["by_tender"]) == ("paid", 1500, {"t2": 1500})
    assert await on_it(world, purse) == (1500, 0)
    second = await appeased(world, order, 1000, call_centre, to="store_credit")
    assert (second["status"], second["refunded"]) == ("awaiting_approval", 0)
    waiting = (await world.ops("GET", "/v1/approvals?limit=200", as_="tom")).json()["items"]
    assert second["appeasement_id"] in [each["appeasement_id"] for each in waiting]
    path = f"/v1/approvals/{second['appeasement_id']}"
    tom = await world.ops("POST", f"{path}/approve", {}, as_="tom")
    assert tom.status_code == 403, "his own limit is as low"
    approved = taken(await world.ops("POST", f"{path}/approve", {"reason": "a good customer"}))
    # 500 are left of what the gift card paid; the rest counts against the card.
    assert (approved["status"], approved["by_target"]) == ("paid", {"store_credit": 1000})
    assert approved["by_tender"] == {"t1": 500, "t2": 500}
    assert approved["decided_by"] != approved["requested_by"]
    credit = {"kind": "credit", "id": approved["balance_id"], "number": await number_in_mail(world, order.mailbox)}
    assert await on_it(world, credit) == (1000, 0)
    refused(await world.ops("POST", f"{path}/refuse", {"reason": "too late"}), 409, "not-allowed-now")
    events = await order.events("appeasement_requested", "appeasement_approved", "appeasement_paid")
    assert events == [
        "appeasement_requested",
        "appeasement_paid",
        "appeasement_requested",
        "appeasement_approved",
        "appeasement_paid",
        "appeasement_paid",
    ]
    # What was given is part of what can go back: the units bring 10,000 less 2,500.
    view = await back_in_store(world, order, "S001", quantity=2)
    await receive(world, view, "S001", 2)
    paid = await settled(world, view, "S001")
    assert (paid["refund"], paid["paid_back"][0]["goodwill"]) == (7500, 2500)
    assert (await order.view())["payment"]["refunded"] == 10_000
    assert await on_it(world, purse) == (1500, 0)
    statement = taken(await world.ops("GET", f"/v1/orders/{order.id}/ledger"))
    assert (statement["violations"], sum(each["amount"] for each in statement["redirected"])) == ([], 1000)
    found = taken(await world.ops("POST", "/v1/ops/reconciliations", {"order_ids": [order.id]}))
    assert found["differences"] == []
    more = {"amount": 1, "reason": "once more"}
    refused(await world.ops("POST", f"/v1/orders/{order.id}/appeasements", more), 422, "beyond-limit")


@story
async def test_goodwill_that_is_refused_moves_no_money(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, price=5000)
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    asked = await appeased(world, order, 600, world.key_of("S001"))
    assert asked["status"] == "awaiting_approval"
    path = f"/v1/approvals/{asked['appeasement_id']}/refuse"
    assert taken(await world.ops("POST", path, {"reason": "the box was whole"}))["status"] == "refused"
    await order.event("appeasement_closed")
    await order.money_rests(authorised=5000, captured=5000)
