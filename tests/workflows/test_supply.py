"""Orders for what is not in stock: what they hold, when they are paid, and what late or doubled news does to them."""

from datetime import timedelta

import pytest

from adapters.backorders.port import Party
from domain.policy_packs import STANDARD
from domain.refusals import RefusalKind
from tests.workflows.shop import PRICE, Shop, card
from tests.workflows.supply_journeys import MANY, sell_ahead, serve
from tests.workflows.watched import WatchedOrder
from tests.workflows.working import OpenShop
from workflows import messages
from workflows.messages import ChoiceOption
from workflows.order import OrderWorkflow

pytestmark = pytest.mark.stack


async def queue(shop: Shop) -> list[Party]:
    async with shop.transactions.begin() as books:
        return list(await books.backorders.queue([(shop.sku, shop.store(1))]))


async def waiting(shop: Shop) -> int:
    async with shop.transactions.begin() as books:
        [rule] = await books.backorders.rules([shop.sku])
    return rule.waiting


async def told_of_nothing(order: WatchedOrder) -> None:
    """News that is not true: the order has taken it in once the next command is answered."""
    await order.handle.signal(OrderWorkflow.stock_arrived, messages.StockArrived(n=1))
    assert (await order.choose(ChoiceOption.WAIT)).already


async def test_news_of_supply_that_is_not_there_changes_nothing(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=0)
    await sell_ahead(shop)
    order = await shop.place(2)
    before = await order.record()
    await told_of_nothing(order)
    assert await order.record() == before
    assert [party.order_id for party in await queue(shop)] == [order.order_id]
    await shop.receive(2)
    assert await serve(shop) == [order.order_id]
    view = await order.until(lambda view: view.groups[0].status == "offered")
    assert not view.groups[0].backordered
    await order.handle.signal(OrderWorkflow.stock_arrived, messages.StockArrived(n=1))
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert (await order.events()).count("stock_arrived") == 1
    assert await shop.on_hand() == {1: 2}


async def test_who_cancels_what_was_just_reserved_for_him_leaves_it_to_the_next(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=0)
    await sell_ahead(shop)
    first, second = await shop.place(2), await shop.place(1)
    await shop.receive(2)
    assert await serve(shop, tell=False) == [first.order_id]
    assert (await shop.levels())[1].reserved == 2
    await first.cancel(1)
    assert (await first.record()).lines[0].cancelled == 1
    # The unit that was freed went to the queue with the same milestone.
    level = (await shop.levels())[1]
    assert (level.reserved + level.allocated, await queue(shop)) == (2, [])
    await first.cancel()
    assert (await first.ended()).status == "cancelled"
    # Who freed it told the next one, too: no sweeper runs here.
    await second.until(lambda view: view.groups[0].status == "offered")
    await second.cancel()
    assert (await second.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 2}


async def test_an_order_that_is_refused_leaves_no_place_in_the_queue(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=1)
    await sell_ahead(shop, days=1)
    order = await shop.place(2, token="tok_declined")
    assert order.refusal.kind is RefusalKind.PAYMENT_DECLINED, "supply is near: money is asked for at once"
    assert (await queue(shop), await waiting(shop)) == ([], 0)
    assert await shop.on_hand() == {1: 1}
    assert not await order.is_recorded()


async def test_nobody_pays_before_supply_is_near(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=0)
    await sell_ahead(shop)
    order = await shop.place(1)
    assert await order.refused(order.pay(card(PRICE))) is RefusalKind.NOT_ALLOWED_NOW
    assert await order.money() == []
    await order.cancel()
    assert (await order.ended()).status == "cancelled"


async def test_more_than_the_cap_is_out_of_stock(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=1)
    await sell_ahead(shop, cap=3)
    order = await shop.place(4)
    assert order.refusal.kind is RefusalKind.OUT_OF_STOCK
    assert [(each.asked, each.available) for each in order.refusal.shortfalls] == [(4, 1)]
    assert await waiting(shop) == 0


async def test_a_customer_who_must_confirm_is_asked_when_supply_comes(open_shop: OpenShop) -> None:
    shop = await open_shop(s1=0)
    await sell_ahead(shop)
    order = await shop.place(1, token="tok_3ds")
    assert (await order.record()).next_action is None
    await shop.receive(1)
    await serve(shop)
    held = await order.until(lambda view: view.status == "held")
    assert held.next_action is not None
    assert held.next_action.kind == "confirm_payment"
    assert "store_offered" not in await order.events()
    assert "action_needed" in [notice.kind for notice in await order.notices()]
    await order.cancel()
    assert (await order.ended()).status == "cancelled"


async def test_units_that_wait_are_cancelled_when_supply_does_not_come(open_shop: OpenShop) -> None:
    policy = STANDARD.model_copy(update={"wait_for_supply": timedelta(seconds=1)})
    shop = await open_shop(s1=0, policy=policy)
    await sell_ahead(shop, days=None)
    order = await shop.place(MANY)
    view = await order.ended()
    assert (view.status, view.lines[0].cancelled) == ("cancelled", MANY)
    assert (await queue(shop), await waiting(shop)) == ([], 0)
    assert await order.money() == []


async def test_money_is_authorised_when_supply_is_near_and_nothing_is_offered_yet(open_shop: OpenShop) -> None:
    policy = STANDARD.model_copy(update={"authorise_before_supply": timedelta(days=40) - timedelta(seconds=2)})
    shop = await open_shop(s1=0, policy=policy)
    await sell_ahead(shop)
    order = await shop.place(1)
    assert await order.money() == []
    await order.until_event("payment_authorised")
    view = await order.record()
    assert (view.groups[0].status, view.payment.authorised, view.payment.due) == ("waiting", PRICE, 0)
    await order.cancel()
    await order.ended()
    assert await order.money() == [f"authorise {PRICE}", f"void {PRICE}"]
