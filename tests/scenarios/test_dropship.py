"""Orders that a partner sends from its own stock. Its answers come as events: nobody looks for a quarter of an hour."""

from typing import Any

import pytest

from tests.scenarios.placed import Json
from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARTNER = {
    "location_id": "D901",
    "kind": "warehouse",
    "name": "Partner of a story",
    "address": "Invalidenstraße 1\n10115 Berlin",
    "latitude": 52.5323,
    "longitude": 13.3846,
    "email": "d901@stores.example",
    "hours": {"zone": "Europe/Berlin", "weekly": {day: [["00:00", "24:00"]] for day in WEEK}},
    "country": "DE",
    "postal_code": "10115",
    "partner": "P901",
}


class ByPartner(Shipped):
    """Offered to the partner, which is the nearest place that has it."""

    @classmethod
    async def asked(cls, world: World, shelf: Shelf, quantity: int) -> "ByPartner":
        taken(await world.ops("PUT", "/v1/locations", PARTNER))
        stock = {"kind": "receipt", "sku": shelf.sku, "store_id": "D901", "quantity": quantity, "reason": "their list"}
        taken(await world.call("POST", "/v1/stock/movements", world.keys["services"]["erp"], stock))
        body = world.body(sku=shelf.sku, quantity=quantity)
        order = await cls.place(world, lines=body["lines"])
        assert isinstance(order, ByPartner)
        await order.is_offered("D901")
        await world.until("the partner is asked", lambda: order.asked_for("ask"))
        return order

    async def asked_for(self, operation: str) -> list[Json]:
        answer = await self.world.http.get(f"{self.world.record['partners']}/ledger", params={"reference": self.id})
        return [entry for entry in answer.json()["entries"] if entry["operation"] == operation]

    async def partner(self, answer: str, **more: Any) -> None:
        request = (await self.asked_for("ask"))[0]["request_id"]
        url = f"{self.world.record['partners']}/requests/{request}/answers"
        said = await self.world.http.post(url, json={"answer": answer, **more})
        assert said.status_code == 201, said.text


@story
async def test_a_partner_accepts_and_ships_and_exactly_that_is_charged(world: World) -> None:
    shelf = await world.shelf()
    order = await ByPartner.asked(world, shelf, 2)
    await order.partner("accept")
    await order.group_reaches("accepted")
    assert (await world.money(order.id))["capture"] == 0
    await order.partner("ship", tracking_number=f"PT{order.id[-10:]}")
    parcel = (await order.group_reaches("shipped"))["parcels"][0]
    assert (parcel["carrier"], parcel["tracking_number"]) == ("P901", f"PT{order.id[-10:]}")
    await order.carrier_says(parcel, "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=9998, captured=9998)
    await shelf.adds_up(D901=0)
    await order.told("order_confirmed", "shipped", "delivered")
    told = [
        (item["data"]["said"], item["reason"]) for item in await order.timeline() if item["event"] == "partner_event"
    ]
    assert told == [("accepted", None), ("shipped", None)]
    assert len(await order.asked_for("ask")) == 1


@story
async def test_what_a_partner_declines_is_sent_from_elsewhere_and_never_asked_of_it_again(world: World) -> None:
    shelf = await world.shelf(S003=1)
    order = await ByPartner.asked(world, shelf, 1)
    await order.partner("decline", reason="no_stock")
    group = await order.group_reaches("offered", n=2)
    assert (group["store_id"], group["declined_by"]) == ("S003", ["D901"])
    assert (await order.event("partner_declined"))["reason"] == "no_stock"
    await order.packed(n=2)
    await order.carrier_says(await order.shipped(n=2), "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    # What it says it does not have is not sold from there any more.
    await shelf.adds_up(D901=0, S003=0)
    assert len(await order.asked_for("ask")) == 1


@story
async def test_a_cancel_counts_once_the_partner_has_agreed(world: World) -> None:
    shelf = await world.shelf()
    order = await ByPartner.asked(world, shelf, 1)
    await order.partner("accept")
    await order.group_reaches("accepted")
    plan = taken(await order.cancel())["plan"]
    assert ([part["quantity"] for part in plan["asked"]], plan["void"], plan["release"]) == ([1], 0, [])
    for verb, body in (("cancel-answer", {"stopped": True}), ("reject", {"reason": "closed"})):
        said = await world.ops("POST", f"/v1/shipments/{order.id}/1/{verb}", body)
        assert "Partner P901" in refused(said, 409, "not-allowed-now")["detail"], "nobody speaks for it"
    await world.until("the partner is asked to stop", lambda: order.asked_for("call_off"))
    assert await order.status() == "in_progress"
    await order.partner("agree")
    await order.reaches("cancelled")
    await order.money_rests(authorised=4999)
    await shelf.adds_up(D901=1)


@story
async def test_a_partner_that_cannot_stop_sends_it_and_the_customer_is_told(world: World) -> None:
    shelf = await world.shelf()
    order = await ByPartner.asked(world, shelf, 1)
    await order.partner("accept")
    await order.group_reaches("accepted")
    taken(await order.cancel())
    await world.until("the partner is asked to stop", lambda: order.asked_for("call_off"))
    await order.partner("refuse")
    await order.event("stop_too_late")
    assert "returned" in refused(await order.cancel(), 409, "not-allowed-now")["detail"], "it is not asked twice"
    await order.partner("ship")
    await order.carrier_says((await order.group_reaches("shipped"))["parcels"][0], "delivered")
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(D901=0)
    await order.told("order_confirmed", "cancel_too_late", "shipped", "delivered")
