"""The stories of orders for more than is in stock, played to their ends as `journeys` are."""

from datetime import timedelta

from activities.supply import Supplies
from adapters.backorders.port import BackorderRule
from domain.carriage import ParcelStatus
from domain.ids import OrderId, StoreId, order_workflow_id
from domain.pickups import ProofKind
from tests.workflows.journeys import Journey
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.messages import ChoiceOption
from workflows.order import OrderWorkflow

MANY = 25
"""More than the first store has."""


async def sell_ahead(shop: Shop, cap: int = 2 * MANY, days: float | None = 40) -> BackorderRule:
    """Let the shop's article be sold beyond stock, expected in so many days."""
    expected = None if days is None else await shop.clock() + timedelta(days=days)
    async with shop.transactions.begin() as books:
        return await books.backorders.put(BackorderRule(sku=shop.sku, cap=cap, expected_at=expected))


async def serve(shop: Shop, *, tell: bool = True) -> list[str]:
    """Give who waits what is there, and tell them; who was served."""

    async def arrived(order_id: OrderId, n: int, at: StoreId) -> None:
        order = shop.client.get_workflow_handle_for(OrderWorkflow.run, order_workflow_id(order_id))
        await order.signal(OrderWorkflow.stock_arrived, messages.StockArrived(n=n, store_id=at))

    supplies = Supplies(shop.transactions, arrived)
    served = await supplies.serve([(shop.sku, shop.store(number)) for number in (1, 2)], await shop.clock())
    if tell:
        await supplies.tell(served)
    return [party.order_id for party in served]


async def backordered_then_collected(shop: Shop) -> WatchedOrder:
    await sell_ahead(shop)
    order = await shop.place(MANY)
    assert await order.money() == []
    assert (await order.record()).payment.due == MANY * PRICE
    assert await shop.on_hand() == {1: 20, 2: 20}
    await shop.receive(MANY - 20)
    assert await serve(shop) == [order.order_id]
    await order.until(lambda view: view.groups[0].status == "offered")
    await order.make_ready(MANY)
    await order.hand_over(proof=ProofKind.ID_SIGHTED)
    assert (await order.ended()).status == "completed"
    assert await order.money() == [f"authorise {MANY * PRICE}", f"capture {MANY * PRICE}"]
    assert await shop.on_hand() == {1: 0, 2: 20}
    return order


async def backordered_then_cancelled_for_a_new_date(shop: Shop) -> WatchedOrder:
    await sell_ahead(shop)
    order = await shop.place(MANY)
    later = await shop.clock() + timedelta(days=90)
    await order.handle.signal(OrderWorkflow.supply_rescheduled, messages.SupplyRescheduled(n=1, expected_at=later))
    await order.until_event("supply_rescheduled")
    await order.choose(ChoiceOption.CANCEL)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == []
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def backordered_and_paid_when_supply_came(shop: Shop) -> WatchedOrder:
    await sell_ahead(shop)
    order = await shop.place(MANY, token="tok_declined")
    await shop.receive(MANY)
    await serve(shop)
    await order.until(lambda view: view.status == "held")
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 20 + MANY, 2: 20}
    return order


async def backordered_then_shipped(shop: Shop) -> WatchedOrder:
    await sell_ahead(shop)
    order = await shop.place_to_ship(2 * MANY)
    assert (await order.record()).groups[0].backordered
    await shop.receive(2 * MANY, 2)
    assert await serve(shop) == [order.order_id]
    view = await order.until(lambda view: view.groups[0].status == "offered")
    assert view.groups[0].store_id == shop.store(2)
    await order.make_packed(2 * MANY)
    await order.carrier_says(await order.ship(), ParcelStatus.DELIVERED)
    assert (await order.ended()).payment.captured == 2 * MANY * PRICE
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


SUPPLY_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (
        backordered_then_collected,
        backordered_then_cancelled_for_a_new_date,
        backordered_and_paid_when_supply_came,
        backordered_then_shipped,
    )
}
