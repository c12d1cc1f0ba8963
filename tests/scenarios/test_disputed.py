"""A customer's bank takes money back: it is seen, somebody has a case, and the same money never goes back twice."""

from typing import Any

import pytest

from tests.scenarios.exchanged import over
from tests.scenarios.placed import Placed
from tests.scenarios.playing import story
from tests.scenarios.returned import back_in_store, collected, does, receive, settled
from tests.scenarios.world import World, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def disputes(world: World, order: Placed, amount: int | None = None) -> dict[str, Any]:
    """The customer goes to the bank."""
    [capture] = [each for each in await world.provider_ledger(order.id) if each["operation"] == "capture"]
    body = {"authorisation_id": capture["authorisation_id"]} | ({"amount": amount} if amount else {})
    answer = await world.http.post(f"{world.record['payments']}/disputes", json=body)
    assert answer.status_code == 201, answer.text
    await order.event("payment_disputed")
    return dict(answer.json())


async def case(world: World, order: Placed, step: str, *, but: str = "") -> dict[str, Any]:
    """What ops are asked about the order; `but`: another question than that one."""

    async def look() -> dict[str, Any] | None:
        listed = (await world.ops("GET", "/v1/ops/interventions?limit=200")).json()["items"]
        mine = [each for each in listed if each["order_id"] == order.id and each["intervention_id"] != but]
        return next((each for each in mine if step in each["step"]), None)

    found: dict[str, Any] = await world.until(f"ops are asked to {step}", look)
    return found


async def decided(world: World, asked: dict[str, Any], action: str) -> None:
    answer = {"action": action, "reason": "the bank has paid it"}
    taken(await world.ops("POST", f"/v1/ops/interventions/{asked['intervention_id']}", answer))


@story
async def test_disputed_money_is_not_refunded_for_goods_that_come_back_later(world: World) -> None:
    order = await collected(world, (await world.shelf(S001=5)).sku, quantity=2)
    await disputes(world, order, 4999)
    view = await back_in_store(world, order, "S001", quantity=2)
    await receive(world, view, "S001", 2)
    await does(world, view, "settle", {}, "S001")
    asked = await case(world, order, "pay back 49.99 EUR")
    assert (await world.money(order.id))["refund"] == 4999, "one unit's money went back, the other is at the bank"
    answer = {"action": "skip", "reason": "the bank has paid it"}
    taken(await world.ops("POST", f"/v1/ops/interventions/{asked['intervention_id']}", answer))

    async def over() -> bool:
        return bool((await world.channel("GET", f"/v1/returns/{view['return_id']}")).json()["finished"])

    await world.until("the return is over", over)
    assert (await order.view())["payment"]["refunded"] == 4999


@story
async def test_a_dispute_while_a_return_is_open_leaves_its_money_at_the_bank(world: World) -> None:
    """The goods are there, the bank has paid: the settlement pays nothing, however often it is tried."""
    shelf = await world.shelf(S001=5)
    order = await collected(world, shelf.sku)
    view = await back_in_store(world, order, "S002")
    await receive(world, view, "S002", 1)
    await disputes(world, order)
    dispute = await case(world, order, "answer a dispute of 49.99 EUR")
    taken(await does(world, view, "settle", {}, "S002"))
    first = await case(world, order, "pay back 49.99 EUR")
    await decided(world, first, "retry")
    again = await case(world, order, "pay back 49.99 EUR", but=first["intervention_id"])
    assert (await world.money(order.id))["refund"] == 0
    await decided(world, again, "skip")
    await decided(world, dispute, "skip")
    ended = await over(world, view)
    assert (ended["status"], ended["refunded"]) == ("settled", 0)
    await order.event("dispute_closed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4, S002=1)
    refund_mails = [mail for mail in await world.mails(order.mailbox) if mail["subject"].startswith("Refunded")]
    assert refund_mails == [], "nobody is told of money that does not come from us"


@story
async def test_a_dispute_after_a_refund_is_a_case_that_ops_close_with_a_reason(world: World) -> None:
    order = await collected(world, (await world.shelf(S001=5)).sku, quantity=1)
    view = await back_in_store(world, order, "S001")
    await receive(world, view, "S001", 1)
    await settled(world, view, "S001")
    dispute = await disputes(world, order)
    assert (await order.event("payment_disputed"))["data"]["amount"] == 4999
    asked = await case(world, order, "answer a dispute of 49.99 EUR")
    ledger = (await world.ops("GET", f"/v1/orders/{order.id}/ledger")).json()
    assert [each["amount"] for each in ledger["disputes"]] == [4999]
    answer = {"action": "skip", "reason": "sent the proof of the refund"}
    taken(await world.ops("POST", f"/v1/ops/interventions/{asked['intervention_id']}", answer))
    closed = await order.event("dispute_closed")
    assert (closed["reason"], closed["data"]["dispute_id"]) == (answer["reason"], dispute["dispute_id"])
    await order.money_rests(authorised=4999, captured=4999, refunded=4999)
