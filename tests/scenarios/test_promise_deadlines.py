"""What was promised and not ordered in time."""

import pytest

from tests.scenarios.playing import story
from tests.scenarios.test_promised import promised, state, with_promise
from tests.scenarios.world import World, refused

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="session")
def world(short_world: World) -> World:
    return short_world


@story
async def test_nobody_has_to_free_what_was_not_ordered_in_time(world: World) -> None:
    shelf = await world.shelf(S001=1)
    promise = await promised(world, shelf.sku)

    async def is_free() -> bool:
        return bool((await world.stock(shelf.sku, "S001"))["available"] == 1)

    await world.until("the units are free", is_free)
    assert await state(world, promise) == ("expired", None)
    late = await world.channel("POST", "/v1/orders", with_promise(world, shelf.sku, promise))
    refused(late, 409, "not-allowed-now")
