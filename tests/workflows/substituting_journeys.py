"""The stories of orders of which a store finds something else: taken at once, chosen by the customer, turned down."""

import secrets
from typing import Any

from adapters.inventory.port import StockMovement
from domain.ids import LineId, OperationKey, Sku
from domain.stock import MovementKind, StockLevel
from domain.substitution import Substitute
from tests.workflows.journeys import Journey
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.messages import ChoiceOption
from workflows.order import OrderWorkflow

CHEAPER = PRICE - 1000
INSTEAD = LineId("1-s1")


def other(shop: Shop) -> Sku:
    return Sku(f"BOOT-{shop.name}")


async def on_the_shelf(shop: Shop, quantity: int) -> None:
    """So many units of another article are at the first store."""
    movement = StockMovement(
        key=OperationKey(f"receipt:{secrets.token_hex(8)}"),
        at=await shop.clock(),
        kind=MovementKind.RECEIPT,
        sku=other(shop),
        location_id=shop.store(),
        quantity=quantity,
    )
    async with shop.transactions.begin() as books:
        await books.inventory.move(movement)


async def level_of_other(shop: Shop) -> StockLevel:
    async with shop.transactions.begin() as books:
        [level] = await books.inventory.levels([other(shop)], [shop.store()])
    return level


async def placed(shop: Shop, quantity: int, **substitution: Any) -> WatchedOrder:
    line = {"line_id": "1", "sku": shop.sku, "quantity": quantity, "unit_price": PRICE, "tax": 798, "fulfilment": "f1"}
    return await shop.place(quantity, lines=[line | {"substitution": substitution}])


def found(shop: Shop, quantity: int = 1, unit_price: int = CHEAPER, **more: Any) -> list[Substitute]:
    return [
        Substitute(line_id=LineId("1"), sku=other(shop), quantity=quantity, unit_price=unit_price, **more),
    ]


async def substituted_at_once(shop: Shop) -> WatchedOrder:
    """The customer has named the article, and pays the lower of the two prices."""
    await on_the_shelf(shop, 3)
    order = await placed(shop, 3, rule="list", skus=[other(shop)])
    await order.accept()
    picked = await order.pick(2, substitutes=found(shop))
    assert {line.line_id: line.quantity for line in picked.group.lines} == {"1": 2, INSTEAD: 1}
    await order.stage()
    await order.hand_over()
    view = await order.ended()
    assert [(line.sku, line.ordered, line.handed_over, line.cancelled) for line in view.lines] == [
        (shop.sku, 3, 2, 1),
        (other(shop), 1, 1, 0),
    ]
    assert view.total == 2 * PRICE + CHEAPER
    assert await order.money() == ["authorise 14997", "void 1000", "capture 13997"]
    assert (await level_of_other(shop)).on_hand == 2
    assert await shop.on_hand() == {1: 0, 2: 20}
    assert [event for event in await order.events() if "substit" in event] == ["substituted"]
    assert "substituted" in [notice.kind.value for notice in await order.notices()]
    return order


async def substituted_by_choice(shop: Shop) -> WatchedOrder:
    """A dearer article costs what was ordered; the customer is asked, and comes for it."""
    await on_the_shelf(shop, 1)
    order = await placed(shop, 2, rule="ask")
    await order.accept()
    await order.pick(1, substitutes=found(shop, unit_price=2 * PRICE))
    await order.stage()
    await order.hand_over()
    [_, part] = (await order.record()).groups
    assert part.proposal is not None
    assert (part.status, part.proposal.worth) == ("waiting", PRICE)
    await order.choose(ChoiceOption.SUBSTITUTE)
    await order.accept(2)
    await order.tell(OrderWorkflow.pick, messages.Pick(**order.store(2, lines={INSTEAD: 1})))
    await order.stage(2)
    await order.hand_over(n=2)
    view = await order.ended()
    assert (view.total, view.groups[1].store_id) == (2 * PRICE, shop.store())
    assert await order.money() == ["authorise 9998", "capture 4999", "capture 4999"]
    assert (await level_of_other(shop)).on_hand == 0
    steps = [event for event in await order.events() if "substit" in event or event == "choice_made"]
    assert steps == ["substitute_proposed", "choice_made", "substituted"]
    return order


async def substitute_turned_down(shop: Shop) -> WatchedOrder:
    """At the counter the customer does not want it: it goes back on the shelf and is not charged."""
    await on_the_shelf(shop, 1)
    order = await placed(shop, 2, rule="category")
    await order.accept()
    await order.pick(1, substitutes=found(shop, category="boots", instead_of="boots"))
    await order.stage()
    await order.hand_over(1, refused={INSTEAD: 1}, refusal_reasons={INSTEAD: "the colour"})
    view = await order.ended()
    assert (view.status, view.groups[0].put_back) == ("completed", {INSTEAD: 1})
    assert await order.money() == ["authorise 9998", "void 1000", "capture 4999", "void 3999"]
    level = await level_of_other(shop)
    assert (level.on_hand, level.set_aside, level.available) == (1, 1, 0)
    return order


async def substitute_not_wanted(shop: Shop) -> WatchedOrder:
    """Asked, the customer goes without."""
    await on_the_shelf(shop, 1)
    order = await placed(shop, 2, rule="ask")
    await order.accept()
    await order.pick(0, substitutes=found(shop, 2))
    assert [group.status for group in (await order.record()).groups] == ["waiting"]
    await order.choose(ChoiceOption.CANCEL)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    level = await level_of_other(shop)
    assert (level.on_hand, level.available) == (1, 1)
    return order


SUBSTITUTING_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (substituted_at_once, substituted_by_choice, substitute_turned_down, substitute_not_wanted)
}
