"""Sales at the counter: each journey, and what nobody sells over a counter."""

import pytest

from tests.workflows.counter_journeys import COUNTER_JOURNEYS, sale
from tests.workflows.journeys import Journey
from tests.workflows.working import OpenShop

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("journey", COUNTER_JOURNEYS.values(), ids=COUNTER_JOURNEYS)
async def test_a_journey_ends_as_it_should(open_shop: OpenShop, journey: Journey) -> None:
    await journey(await open_shop(s1=20, s2=20))


async def test_what_the_bank_wants_confirmed_or_is_not_there_is_not_sold(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=2)
    assert (await sale(shop, 1, token="tok_3ds")).refusal.kind == "payment-due"
    assert (await sale(shop, 3)).refusal.kind == "out-of-stock"
    assert await shop.on_hand() == {1: 2}
