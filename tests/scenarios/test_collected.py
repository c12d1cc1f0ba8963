"""Orders that the customer collects: whole, in part, by somebody else, at the kerb, paid at the till."""

import pytest

from tests.scenarios.world import World

pytestmark = [pytest.mark.stack, pytest.mark.slow]


async def test_an_order_is_collected_whole_and_exactly_its_worth_is_captured(world: World) -> None:
    before = await world.stock("SHOE-42", "S001")
    order = await world.place(quantity=2)
    await order.make_ready()
    answer = await order.hand_over(await order.code())
    assert answer.status_code == 200, answer.text
    await order.reaches("completed")
    after = await world.stock("SHOE-42", "S001")
    assert before["on_hand"] - after["on_hand"] == 2
    assert await world.money(order.id) == {"authorise": 9998, "capture": 9998, "void": 0, "refund": 0}
    events = await order.events()
    assert events[0] == "order_placed"
    assert events[-1] == "order_completed"
    assert events.count("payment_captured") == 1
