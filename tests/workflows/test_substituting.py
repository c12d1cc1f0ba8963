"""Substitutes that the customer's rule or the store's stock forbids."""

import pytest

from tests.workflows.substituting_journeys import (
    found,
    level_of_other,
    on_the_shelf,
    other,
    placed,
)
from tests.workflows.working import OpenShop
from workflows.messages import ChoiceOption

pytestmark = pytest.mark.stack


async def test_what_the_customer_does_not_allow_is_refused_and_nothing_is_picked(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    await on_the_shelf(shop, 9)
    for rule in ({"rule": "none"}, {"rule": "list", "skus": ["HAT"]}, {"rule": "category"}):
        order = await placed(shop, 2, **rule)
        await order.accept()
        assert await order.refused(order.pick(1, substitutes=found(shop, category="a", instead_of="b"))) == (
            "consent-needed"
        )
        assert (await order.record()).groups[0].status == "accepted"
        assert await order.refused(order.pick(1, substitutes=found(shop, 2))) == "too-many-units"
        await order.cancel()
        await order.ended()
    assert (await level_of_other(shop)).available == 9


async def test_what_is_promised_to_others_is_no_substitute(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    order = await placed(shop, 2, rule="list", skus=[other(shop)])
    await order.accept()
    assert await order.refused(order.pick(1, substitutes=found(shop))) == "out-of-stock"
    before = await order.record()
    assert (before.groups[0].status, [line.line_id for line in before.lines]) == ("accepted", ["1"])
    await on_the_shelf(shop, 1)
    await order.pick(1, substitutes=found(shop))
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).status == "completed"


async def test_a_substitute_that_was_sold_meanwhile_leaves_the_question_open(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=20)
    order = await placed(shop, 2, rule="ask")
    await order.accept()
    await order.pick(1, substitutes=found(shop))
    assert await order.refused(order.choose(ChoiceOption.SUBSTITUTE)) == "out-of-stock"
    view = await order.record()
    assert [group.status for group in view.groups] == ["picking", "waiting"]
    assert len(view.lines) == 1
    await order.choose(ChoiceOption.CANCEL)
    await order.stage()
    await order.hand_over()
    assert await order.money() == ["authorise 9998", "void 4999", "capture 4999"]
