"""Steps that only a person can bring to an end: ops see them, decide, and the order goes on."""

import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def goods_gone_and_card_declined(world: World) -> tuple[Placed, Shelf, Json]:
    """The provider was away at the counter, so the goods went; back again, it declines the capture."""
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    code = await order.code()
    fault = {"operation": "capture", "reference": order.id, "kind": "status"}
    await world.provider_fault(**fault, status=503, count=9)
    await world.provider_fault(**fault, status=402, count=1)
    await order.is_handed_over(code)
    view = await order.reaches("needs_attention")
    assert (view["payment"]["captured"], view["payment"]["due"]) == (0, 4999)
    [question] = await questions(world, order)
    assert question["choices"] == ["retry", "skip"]
    assert await order.waits() == [f"a person decides about: {question['step']}"]
    return order, shelf, question


async def questions(world: World, order: Placed) -> list[Json]:
    listed = await world.ops("GET", "/v1/ops/interventions")
    return [each for each in listed.json()["items"] if each["order_id"] == order.id]


@story
async def test_a_person_has_the_money_collected_once_more(world: World) -> None:
    order, shelf, question = await goods_gone_and_card_declined(world)
    path = f"/v1/ops/interventions/{question['intervention_id']}"
    decision = {"action": "retry", "reason": "the bank says it works again"}
    refused(await world.channel("POST", path, decision), 403, "forbidden")
    refused(await world.ops("POST", path, decision, as_="eva"), 403, "forbidden")
    give_up = {"action": "give_up", "reason": "no"}
    assert "retry, skip" in refused(await world.ops("POST", path, give_up), 409, "not-allowed-now")["detail"]
    taken(await world.ops("POST", path, decision))
    await order.reaches("completed")
    assert await questions(world, order) == []
    refused(await world.ops("POST", path, decision), 404, "not-found")
    made = await order.event("intervention_made")
    assert (made["actor"], made["reason"], made["data"]["action"]) == ("ada", decision["reason"], "retry")
    await order.money_rests(authorised=9998, captured=4999)
    await shelf.adds_up(S001=4)


@story
async def test_a_person_writes_the_money_off(world: World) -> None:
    order, shelf, question = await goods_gone_and_card_declined(world)
    path = f"/v1/ops/interventions/{question['intervention_id']}"
    taken(await world.ops("POST", path, {"action": "skip", "reason": "a good customer, small amount"}))
    view = await order.reaches("completed")
    assert (view["payment"]["captured"], view["payment"]["due"]) == (0, 0)
    await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=4)


async def test_money_that_was_moved_behind_our_back_is_a_persons_matter_and_holds_nobody_up(world: World) -> None:
    """A part was given back at the provider by hand, and no event said so: what we want to capture is not there."""
    shelf = await world.shelf(S001=5)
    await world.provider_tells("off")
    try:
        order = await world.place(sku=shelf.sku)
        await order.make_ready()
        code = await order.code()
        [held] = await world.provider_ledger(order.id)
        voided = {"amount": 1000, "currency": "EUR"}
        await world.provider_does(f"authorisations/{held['authorisation_id']}/void", voided, f"by-hand-{order.id}")
        given = await order.world.store(order, "hand-over", {"code": code}, patient=False)
        assert taken(given)["status"] == "collected"
        await order.reaches("needs_attention")
        [question] = await questions(world, order)
        path = f"/v1/ops/interventions/{question['intervention_id']}"
        taken(await world.ops("POST", path, {"action": "skip", "reason": "settled by hand"}))
        view = await order.reaches("completed")
    finally:
        await world.provider_tells("normal")
    assert (view["payment"]["due"], view["payment"]["authorised"]) == (0, 0)
    assert (await world.money(order.id))["capture"] == 0
    assert await order.events("intervention_needed", "intervention_made", "handed_over") == [
        "handed_over",
        "intervention_needed",
        "intervention_made",
    ]
    await shelf.adds_up(S001=4)
