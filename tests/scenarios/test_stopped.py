"""A cancel of what is shipped, in every state that a shipment can be in: the plan says what happens, and it happens."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.scenarios.playing import story
from tests.scenarios.shelf import Shelf
from tests.scenarios.shipped import Shipped
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]

WORTH = 9998


async def brought_to(
    world: World, *acts: Callable[[Shipped], Awaitable[Any]], ship: dict[str, Any] | None = None
) -> tuple[Shelf, Shipped]:
    """An order of two units at one place, after these acts of the place and the carrier."""
    shelf = await world.shelf(S001=2)
    order = await Shipped.place(world, ship, sku=shelf.sku, quantity=2)
    for act in acts:
        await act(order)
    return shelf, order


async def is_accepted(order: Shipped) -> None:
    await order.at_place("accept")


async def is_picked(order: Shipped) -> None:
    await order.at_place("pick", {"lines": [{"line_id": "1", "quantity": 2}]})


async def is_picked_in_part(order: Shipped) -> None:
    await order.at_place("pick", {"lines": [{"line_id": "1", "quantity": 1}], "staged_at": "A1"})


async def is_packed(order: Shipped) -> None:
    await order.at_place("pack", {"lines": [{"line_id": "1", "quantity": 2}], "boxes": 1})


async def is_shipped(order: Shipped) -> None:
    await order.shipped()


async def is_shipped_in_part(order: Shipped) -> None:
    await order.shipped(lines={"1": 1})


async def is_declined(order: Shipped) -> None:
    await order.at_place("reject", {"reason": "closed"})
    await order.group_reaches("queued", n=2)


def carrier(status: str) -> Callable[[Shipped], Awaitable[None]]:
    async def says(order: Shipped) -> None:
        await order.carrier_says((await order.group())["parcels"][-1], status)
        await order.event("carrier_event")

    return says


def planned(plan: dict[str, Any], part: str) -> int:
    return sum(units["quantity"] for units in plan[part])


@story
async def test_offered_accepted_or_queued_it_is_released_at_once(world: World) -> None:
    for acts in ((), (is_accepted,), (is_declined,)):
        shelf, order = await brought_to(world, *acts)
        plan = taken(await order.cancel())["plan"]
        assert (planned(plan, "release"), planned(plan, "asked"), plan["void"]) == (2, 0, WORTH)
        await order.reaches("cancelled")
        await shelf.adds_up(S001=2)
        await order.money_rests(authorised=WORTH)
        await order.told("order_confirmed", "order_cancelled")


@story
async def test_picked_or_packed_it_is_asked_of_the_place_which_stops_and_puts_back(world: World) -> None:
    for acts in ((is_accepted, is_picked), (is_accepted, is_picked, is_packed)):
        shelf, order = await brought_to(world, *acts)
        plan = taken(await order.cancel())["plan"]
        assert (planned(plan, "release"), planned(plan, "asked"), plan["void"]) == (0, 2, 0)
        await order.at_place("cancel-answer", {"stopped": True})
        await order.reaches("cancelled")
        await order.at_place("put-back", place="S001")
        await shelf.adds_up(S001=2)
        await order.money_rests(authorised=WORTH)
        await order.told("order_confirmed", "order_cancelled")


@story
async def test_when_one_parcel_has_left_only_the_rest_can_be_stopped(world: World) -> None:
    shelf, order = await brought_to(world, is_accepted, is_picked, is_packed, is_shipped_in_part)
    plan = taken(await order.cancel())["plan"]
    assert (planned(plan, "asked"), planned(plan, "refused")) == (1, 1)
    await order.at_place("cancel-answer", {"stopped": True})
    await order.at_place("put-back", place="S001")
    await carrier("delivered")(order)
    await order.reaches("completed")
    await shelf.adds_up(S001=1)
    await order.money_rests(authorised=WORTH, captured=4999)


@story
async def test_shipped_or_under_a_claim_it_is_refused_and_the_customer_may_return_it(world: World) -> None:
    left = (is_accepted, is_picked, is_packed, is_shipped)
    for acts in (left, (*left, carrier("out_for_delivery")), (*left, carrier("damaged"))):
        shelf, order = await brought_to(world, *acts)
        before = await order.view()
        assert "returned" in refused(await order.cancel(), 409, "not-allowed-now")["detail"]
        assert (await order.view())["groups"] == before["groups"], "a refused cancel changes nothing"
        await carrier("delivered")(order)
        await order.reaches("completed")
        await shelf.adds_up(S001=0)
        await order.money_rests(authorised=WORTH, captured=WORTH)


@story
async def test_delivered_it_is_refused_for_ever(world: World) -> None:
    shelf, order = await brought_to(world, is_accepted, is_picked, is_packed, is_shipped, carrier("delivered"))
    await order.reaches("completed")
    refused(await order.cancel(), 409, "not-allowed-now")
    await shelf.adds_up(S001=0)
    await order.money_rests(authorised=WORTH, captured=WORTH)


@story
async def test_cancelled_twice_it_is_cancelled_once(world: World) -> None:
    shelf, order = await brought_to(world, is_accepted)
    first = taken(await order.cancel(key=f"cancel-{order.id}"))
    again = taken(await order.cancel(key=f"cancel-{order.id}"))
    assert again["plan"] == first["plan"]
    await order.reaches("cancelled")
    await shelf.adds_up(S001=2)
    await order.money_rests(authorised=WORTH)
    await order.told("order_confirmed", "order_cancelled")
