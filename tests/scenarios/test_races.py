"""Things that happen in the same moment: exactly one wins, and nothing of the others is left."""

import asyncio
from collections import Counter

import httpx
import pytest

from tests.scenarios.placed import Json, Placed
from tests.scenarios.world import World, refused, taken

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def test_of_two_hundred_buyers_of_ten_units_exactly_ten_win(world: World) -> None:
    shelf = await world.shelf(S001=10)
    bodies = [world.body(sku=shelf.sku) for _ in range(200)]
    won, lost = await ordered_at_once(world, bodies)
    assert (len(won), len(lost)) == (10, 190)
    for answer in lost:
        assert refused(answer, 409, "out-of-stock")["shortfalls"][0]["available"] == 0
    level = await shelf.at("S001")
    assert (level["on_hand"], level["allocated"], level["reserved"], level["available"]) == (10, 10, 0, 0)
    assert set(await everything_held(world, shelf.sku)) == {order.id for order in won}
    found = await asyncio.gather(*(is_known(world, body["external_id"]) for body in bodies))
    assert sum(found) == 10
    for order in won:
        taken(await order.cancel())
    for order in won:
        await order.reaches("cancelled")
        await order.money_rests(authorised=4999)
    await shelf.adds_up(S001=10)


async def test_of_fifty_buyers_of_one_unit_one_wins(world: World) -> None:
    shelf = await world.shelf(S001=1)
    bodies = [world.body(sku=shelf.sku) for _ in range(50)]
    [order], lost = await ordered_at_once(world, bodies)
    assert len(lost) == 49
    await order.make_ready()
    await order.is_handed_over(await order.code())
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=0)


async def test_a_hand_over_and_a_cancel_in_the_same_moment_have_one_winner(world: World) -> None:
    shelf = await world.shelf(S001=20)
    outcomes = Counter(await asyncio.gather(*(hand_over_against_cancel(world, shelf.sku, n) for n in range(8))))
    assert set(outcomes) <= {"completed", "cancelled"}
    await shelf.adds_up(S001=20 - outcomes["completed"])


async def hand_over_against_cancel(world: World, sku: str, number: int) -> str:
    """One order; which call is sent first alternates."""
    order = await world.place(sku=sku)
    await order.make_ready()
    code = await order.code()
    calls = [order.hand_over(code), order.cancel()]
    first, second = await asyncio.gather(*(calls if number % 2 else reversed(calls)))
    handed, cancelled = (first, second) if number % 2 else (second, first)
    assert sorted([handed.status_code, cancelled.status_code]) == [200, 409], (handed.text, cancelled.text)
    if handed.status_code == 200:
        assert "current" in refused(cancelled, 409, "not-allowed-now")
        await order.reaches("completed")
        await order.money_rests(authorised=4999, captured=4999)
        return "completed"
    assert refused(handed, 409, "not-allowed-now")["current"]["status"] == "cancelled"
    await order.reaches("cancelled")
    await order.does("put-back")
    await order.money_rests(authorised=4999)
    return "cancelled"


async def test_the_code_scanned_at_twenty_tills_at_once_hands_over_once(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku)
    await order.make_ready()
    code = await order.code()
    answers = await asyncio.gather(*(order.hand_over(code) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert Counter(answer.json()["already"] for answer in answers) == {False: 1, True: 19}
    await order.reaches("completed")
    await order.money_rests(authorised=4999, captured=4999)
    await shelf.adds_up(S001=4)
    await order.told("order_confirmed", "ready_for_pickup", "collected")


async def test_many_cancels_at_once_cancel_once(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=3)
    answers = await asyncio.gather(*(order.cancel() for _ in range(10)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    await order.reaches("cancelled")
    await order.money_rests(authorised=14997)
    await shelf.adds_up(S001=5)
    await order.told("order_confirmed", "order_cancelled")


async def test_two_stores_of_staff_pick_at_once_and_no_unit_is_picked_twice(world: World) -> None:
    shelf = await world.shelf(S001=5)
    order = await world.place(sku=shelf.sku, quantity=2)
    await order.does("accept")
    whole = {"lines": [{"line_id": "1", "quantity": 2}]}
    answers = await asyncio.gather(*(world.store(order, "pick", whole) for _ in range(5)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 422: 4}
    assert (await order.line())["picked"] == 2
    taken(await order.cancel())
    await order.reaches("cancelled")
    await order.does("put-back")
    await shelf.adds_up(S001=5)


async def ordered_at_once(world: World, bodies: list[Json]) -> tuple[list[Placed], list[httpx.Response]]:
    """All buyers press the button in the same moment: who got an order, and what the others were told."""
    answers = await asyncio.gather(*(world.channel("POST", "/v1/orders", body, patience=150.0) for body in bodies))
    assert {answer.status_code for answer in answers} <= {200, 201, 409}, [answer.status_code for answer in answers]
    won = [
        Placed(world, body, answer.json(), "web")
        for body, answer in zip(bodies, answers, strict=True)
        if answer.status_code != 409
    ]
    return won, [answer for answer in answers if answer.status_code == 409]


async def everything_held(world: World, sku: str) -> list[str]:
    """The orders for which the provider still holds money among those that ever took this item."""
    movements = await world.channel("GET", f"/v1/stock/ledger?sku={sku}&limit=200")
    orders = {each["order_id"] for each in movements.json()["items"] if each["order_id"]}
    ledgers = await asyncio.gather(*(world.provider_ledger(order) for order in orders))
    return [entry["reference"] for ledger in ledgers for entry in ledger if entry["held"]]


async def is_known(world: World, external_id: str) -> bool:
    answer = await world.channel("GET", f"/v1/orders?channel=web&external_id={external_id}")
    return bool(answer.json()["items"])
