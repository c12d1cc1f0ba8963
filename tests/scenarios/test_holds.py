"""Named holds: work starts only when all are cleared, and clearing one that is not there makes no new one."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.world import World, later, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


def manual(reason: str) -> dict[str, str]:
    return {"kind": "manual", "reason": reason}


@story
async def test_a_manual_hold_stops_the_store_until_it_is_cleared(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    hold = taken(await order.ask("holds", manual("address looks odd")))
    assert hold["status"] == "held"
    problem = refused(await world.store(order, "accept"), 409, "held")
    assert problem["current"]["order_status"] == "held"
    [shown] = (await order.view())["holds"]
    assert (shown["reason"], shown["owner"], shown["default"]) == ("address looks odd", "web", "cancel")
    assert shown["deadline"], "who names none gets the policy's"
    path = f"holds/{hold['hold_id']}/resolve"
    assert taken(await order.ask(path, {"outcome": "release", "reason": "it is right"}))["status"] == "in_progress"
    refused(await order.ask(path, {"outcome": "release", "reason": "again"}), 404, "no-such-hold")
    refused(await order.ask("holds/h99/resolve", {"outcome": "cancel", "reason": "never was"}), 404, "no-such-hold")
    assert (await order.view())["holds"] == []
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    assert await order.events("hold_placed", "hold_resolved") == ["hold_placed", "hold_resolved"]
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_a_ready_order_that_is_held_is_not_handed_over(world: World) -> None:
    order = await world.place()
    await order.make_ready()
    code = await order.code()
    hold = taken(await order.ask("holds", manual("a complaint")))
    refused(await order.hand_over(code), 409, "held")
    taken(await order.ask(f"holds/{hold['hold_id']}/resolve", {"outcome": "release", "reason": "settled"}))
    await order.is_handed_over(code)
    await order.reaches("completed")


@story
async def test_of_several_holds_the_last_one_lets_the_order_go(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, channel="social", price=50_001, ref="C-REVIEW")
    assert sorted(hold["kind"] for hold in order.answer["holds"]) == ["approval", "fraud"]
    third = taken(await order.ask("holds", {"kind": "address", "reason": "no house number", "deadline": later(days=2)}))
    by_kind = {hold["kind"]: hold["hold_id"] for hold in (await order.view())["holds"]}
    assert len(by_kind) == 3
    release = {"outcome": "release", "reason": "fine"}
    refused(await order.ask(f"holds/{by_kind['fraud']}/resolve", release), 403, "forbidden")
    for kind in ("approval", "address"):
        answer = await world.ops("POST", f"/v1/orders/{order.id}/holds/{by_kind[kind]}/resolve", release)
        assert taken(answer)["status"] == "held"
        refused(await world.store(order, "accept"), 409, "held")
    assert third["hold_id"] == by_kind["address"]
    assert (await world.webhook("fraud", {"order_id": order.id, "decision": "accept"})).status_code == 202
    await order.group_reaches("offered")
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.money_rests(authorised=50_001)
    await shelf.adds_up(S001=5)


@story
async def test_a_hold_that_ends_in_cancelling_frees_everything(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("accept")
    await order.pick()
    first = taken(await order.ask("holds", manual("the customer does not answer")))
    taken(await order.ask("holds", manual("and neither does the store")))
    taken(await order.ask(f"holds/{first['hold_id']}/resolve", {"outcome": "cancel", "reason": "given up"}))
    view = await order.reaches("cancelled")
    assert view["holds"] == []
    await order.does("put-back")
    await order.money_rests(authorised=9998)
    await shelf.adds_up(S001=5)
    await order.told("order_confirmed", "order_cancelled")


@story
async def test_an_order_that_has_ended_takes_no_hold(world: World) -> None:
    order = await world.place()
    taken(await order.cancel())
    await order.reaches("cancelled")
    refused(await order.ask("holds", manual("too late")), 409, "not-allowed-now")
