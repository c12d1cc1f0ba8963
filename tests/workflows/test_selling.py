"""What nobody sells over a counter."""

import pytest

from tests.workflows.counter_journeys import sale
from tests.workflows.working import OpenShop

pytestmark = pytest.mark.stack


async def test_what_the_bank_wants_confirmed_or_is_not_there_is_not_sold(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=2)
    assert (await sale(shop, 1, token="tok_3ds")).refusal.kind == "payment-due"
    assert (await sale(shop, 3)).refusal.kind == "out-of-stock"
    assert await shop.on_hand() == {1: 2}
