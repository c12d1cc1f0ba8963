"""Workers come and go; the orders stay."""

import asyncio

import pytest
from temporalio.client import Client

from tests.workflows.shop import shop_on
from tests.workflows.working import working
from workers.composition import Parts

pytestmark = pytest.mark.stack


async def test_an_order_goes_on_with_the_next_worker(client: Client, made: Parts) -> None:
    """Placed with one, picked with another, handed over with a third; a command waits while there is none."""
    shop = await shop_on(made, client).open(s1=20)
    async with working(client, made):
        order = await shop.place(2)
        await order.accept()
    async with working(client, made):
        await order.pick(2)
    staging = asyncio.create_task(order.stage())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(staging), 0.5)
    async with working(client, made):
        assert (await staging).group.status == "ready"
        await order.hand_over()
        assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18}
