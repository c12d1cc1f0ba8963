"""The stories of sales at the counter: paid and gone as soon as they are placed, or nothing is left of them."""

from domain.ids import OrderId
from domain.intake import TenderType
from domain.terms import SaleOf
from tests.workflows.journeys import Journey
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder


async def sale(shop: Shop, quantity: int, **varied: str) -> WatchedOrder:
    terms = await shop.terms(quantity, **varied)
    beside = SaleOf(order_id=OrderId("the-order-that-was-collected"), n=1)
    return await shop.place(terms=terms.model_copy(update={"sale": beside}))


async def sold_at_the_counter(shop: Shop) -> WatchedOrder:
    order = await sale(shop, 2)
    view = await order.ended()
    assert (view.status, view.groups[0].status) == ("completed", "collected")
    assert view.linked_to is not None
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    assert await order.events() == [
        "order_placed",
        "payment_authorised",
        "payment_captured",
        "sold_at_counter",
        "order_confirmed",
        "order_completed",
    ]
    assert [notice.kind.value for notice in await order.notices()] == ["collected"]
    return order


async def sold_at_the_till(shop: Shop) -> WatchedOrder:
    order = await sale(shop, 1, tender=TenderType.PAY_IN_STORE.value)
    view = await order.ended()
    assert (view.payment.captured, view.payment.due) == (PRICE, 0)
    assert await order.money() == []
    assert await shop.on_hand() == {1: 19, 2: 20}
    return order


async def sale_declined(shop: Shop) -> WatchedOrder:
    order = await sale(shop, 1, token="tok_capture_declined")
    assert order.refusal.kind == "payment-declined"
    await order.handle.result()
    assert not await order.is_recorded()
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


COUNTER_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey for journey in (sold_at_the_counter, sold_at_the_till, sale_declined)
}
