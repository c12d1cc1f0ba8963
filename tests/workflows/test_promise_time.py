"""A promise to its end in skipped time: an order has it, somebody lets it go, or its time is over."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from activities.promises import Standing, standing
from domain.actors import Channel
from domain.ids import CommandId
from domain.policy_packs import STANDARD
from domain.promises import Promise, PromiseId, PromiseState, make_promise, promise_workflow_id
from domain.refusals import RefusalKind
from domain.stock import MovementKind
from tests.workflows.shop import Shop
from tests.workflows.skipping import Calendar
from tests.workflows.watched import WatchedOrder
from workflows import options
from workflows.promise import LetGo, PromiseMade, PromiseWorkflow

pytestmark = pytest.mark.stack

OPEN, CONVERTED, RELEASED, EXPIRED = PromiseState


@pytest.fixture
async def shop(shops: Callable[..., Shop]) -> Shop:
    """Two units, and no more."""
    return await shops().open(s1=2)


@dataclass
class Promised:
    """A promise of both units at the first store."""

    shop: Shop
    promise: Promise
    handle: WorkflowHandle[PromiseWorkflow, PromiseMade]

    @classmethod
    async def by(cls, shop: Shop) -> "Promised":
        promise = make_promise(
            PromiseId(secrets.token_hex(8)),
            Channel.WEB,
            "web",
            shop.store(),
            {shop.sku: 2},
            needs={shop.sku: {shop.sku: 1}},
            hours=shop.hours,
            policy=STANDARD,
            at=await shop.clock(),
        )
        handle = await shop.client.start_workflow(
            PromiseWorkflow.run, promise, id=promise_workflow_id(promise.promise_id), task_queue=options.ORDERS
        )
        return cls(shop, promise, handle)

    async def made(self) -> PromiseMade:
        return await self.handle.execute_update(PromiseWorkflow.make)

    async def let_go(self) -> None:
        await self.handle.execute_update(PromiseWorkflow.let_go, LetGo(command_id=CommandId("c1")))

    async def standing(self) -> Standing:
        async with self.shop.transactions.begin() as books:
            return await standing(books.inventory, self.promise, await self.shop.clock())

    async def movements(self) -> list[MovementKind]:
        async with self.shop.transactions.begin() as books:
            return [row.kind for row in await books.inventory.ledger(order_id=self.promise.holder)]

    async def ordered(self, **varied: Any) -> WatchedOrder:
        """An order takes the promise over, as the gateway has it do."""
        terms = await self.shop.terms(2, **varied)
        promise = {"promise": self.promise.holder, "promised_ready_at": self.promise.ready_at}
        [pickup] = terms.pickups
        return await self.shop.place(terms=terms.model_copy(update={"pickups": [pickup.model_copy(update=promise)]}))


def fate(order: WatchedOrder) -> RefusalKind | None:
    """Why an order was refused; none when it stands."""
    assert order.placed is not None
    return order.placed.refusal.kind if order.placed.refusal is not None else None


async def kept(shop: Shop) -> tuple[int, int, int]:
    """Units on hand, reserved and allocated."""
    level = (await shop.levels())[1]
    return level.on_hand, level.reserved, level.allocated


async def test_what_nobody_orders_is_free_again_at_its_end_and_not_before(shop: Shop, calendar: Calendar) -> None:
    promised = await Promised.by(shop)
    assert (await promised.made()).refusal is None
    assert (await kept(shop), (await promised.standing()).state) == ((2, 2, 0), OPEN)
    other = await shop.place(2)
    assert fate(other) is RefusalKind.OUT_OF_STOCK
    await calendar.skip_to(promised.promise.expires_at - timedelta(seconds=5))
    assert (await kept(shop), (await promised.standing()).state) == ((2, 2, 0), OPEN)
    await calendar.skip(seconds=10)
    assert await promised.handle.result() == PromiseMade()
    assert (await kept(shop), (await promised.standing()).state) == ((2, 0, 0), EXPIRED)
    assert await promised.movements() == [MovementKind.RESERVATION, MovementKind.EXPIRY]
    buyer = await shop.place(2)
    assert fate(buyer) is None, "anybody may have them now"
    await buyer.cancel()
    await buyer.ended()


async def test_an_order_has_it_and_keeps_it_beyond_the_end(shop: Shop, calendar: Calendar) -> None:
    promised = await Promised.by(shop)
    await promised.made()
    order = await promised.ordered()
    assert (await order.record()).groups[0].promised_ready_at == promised.promise.ready_at
    assert await promised.standing() == Standing(CONVERTED, order.order_id)
    await calendar.skip(minutes=20)
    await promised.handle.result()
    assert (await kept(shop), await promised.standing()) == ((2, 0, 2), Standing(CONVERTED, order.order_id))
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    assert await shop.on_hand() == {1: 0}


async def test_after_its_end_an_order_gets_what_is_free_and_nothing_more(shop: Shop, calendar: Calendar) -> None:
    promised = await Promised.by(shop)
    await promised.made()
    await calendar.skip_to(promised.promise.expires_at + timedelta(seconds=1))
    await promised.handle.result()
    first = await promised.ordered()
    assert (fate(first), await kept(shop)) == (None, (2, 0, 2)), "they were free for anybody, and so for it"
    late = await promised.ordered()
    assert fate(late) is RefusalKind.OUT_OF_STOCK
    assert await late.money() == []
    assert (await promised.standing()).state is EXPIRED
    await first.cancel()
    await first.ended()
    assert await shop.on_hand() == {1: 2}


async def test_what_is_let_go_is_free_at_once_and_nothing_happens_at_its_end(shop: Shop, calendar: Calendar) -> None:
    promised = await Promised.by(shop)
    await promised.made()
    await promised.let_go()
    assert (await kept(shop), (await promised.standing()).state) == ((2, 0, 0), RELEASED)
    assert await promised.handle.result() == PromiseMade()
    await calendar.skip(minutes=20)
    assert await promised.movements() == [MovementKind.RESERVATION, MovementKind.RELEASE]


async def test_letting_go_what_an_order_has_takes_nothing_from_it(shop: Shop) -> None:
    promised = await Promised.by(shop)
    await promised.made()
    order = await promised.ordered()
    await promised.let_go()
    assert (await kept(shop), await promised.standing()) == ((2, 0, 2), Standing(CONVERTED, order.order_id))
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await shop.on_hand() == {1: 2}


async def test_an_order_that_came_to_nothing_leaves_it_until_its_end(shop: Shop, calendar: Calendar) -> None:
    promised = await Promised.by(shop)
    await promised.made()
    declined = await promised.ordered(token="tok_declined")
    assert fate(declined) is RefusalKind.PAYMENT_DECLINED
    assert (await kept(shop), (await promised.standing()).state) == ((2, 2, 0), OPEN)
    await calendar.skip_to(promised.promise.expires_at + timedelta(seconds=1))
    await promised.handle.result()
    assert (await kept(shop), (await promised.standing()).state) == ((2, 0, 0), EXPIRED)


async def test_what_is_not_there_is_not_promised(shop: Shop) -> None:
    first = await Promised.by(shop)
    assert (await first.made()).refusal is None
    second = await Promised.by(shop)
    refusal = (await second.made()).refusal
    assert refusal is not None
    assert refusal.kind is RefusalKind.OUT_OF_STOCK
    assert (await second.handle.result()).refusal == refusal
    assert [(each.asked, each.available) for each in refusal.shortfalls] == [(2, 0)]
    assert await kept(shop) == (2, 2, 0)
    await first.let_go()
