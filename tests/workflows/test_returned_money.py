"""Money of returns in trouble: refunds that fail or come late, disputes meanwhile, units that two stores take in."""

import asyncio
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from adapters.payment.port import ProviderDispute, RefundRequest
from domain.ids import refund_key
from domain.money import Money
from domain.payments import TenderId
from domain.returns.words import ReturnVia
from tests.workflows.carrying_back import WatchedReturn
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder, new_id
from tests.workflows.working import OpenShop
from workers.composition import Parts
from workflows.messages import InterventionAction
from workflows.return_messages import RefundEvent
from workflows.returns import ReturnWorkflow

pytestmark = pytest.mark.stack


async def collected(shop: Shop, **varied: Any) -> WatchedOrder:
    order = await shop.place(2, **varied)
    await order.make_ready(2)
    await order.hand_over()
    await order.ended()
    return order


async def brought_back(shop: Shop, order: WatchedOrder, quantity: int) -> WatchedReturn:
    asked = await WatchedReturn.of(shop, order, ReturnVia.STORE, quantity)
    await asked.receive(quantity)
    await asked.settle()
    return asked


async def disputed(made: Parts, order: WatchedOrder, amount: int) -> None:
    """The customer's bank takes money back, and the provider tells us."""
    statement = await made.payments.statement(order.order_id)
    at = statement.authorisations[0]
    taken = {"authorisation_id": at.id, "amount": Money(amount=amount, currency=at.currency)}
    assert await made.payments.record_dispute(ProviderDispute(dispute_id=new_id(), at=order.terms.received_at, **taken))


async def test_a_refund_that_fails_is_tried_again_under_a_new_key_when_a_person_says_so(
    open_shop: OpenShop, made: Parts
) -> None:
    shop = await open_shop(s1=5)
    order = await collected(shop)
    # Twice: at first what is left is spread anew by itself, for somebody else's refund may have been faster.
    fault = {"operation": "refund", "kind": "status", "status": 402, "count": 2, "reference": order.order_id}
    (await made.http.post(f"{made.settings.payments_url}/faults", json=fault)).raise_for_status()
    asked = await brought_back(shop, order, 2)
    assert (await asked.until(lambda view: bool(view.interventions))).refunded == 0
    await asked.decides("refund of 99.98 EUR", InterventionAction.RETRY)
    view = await asked.ended()
    assert (view.status, view.refund, view.refunded) == ("settled", 2 * PRICE, 2 * PRICE)
    refunds = [each for each in await order.money() if each.startswith("refund")]
    assert refunds == ["refund 9998 failed", "refund 9998 failed", "refund 9998"]
    statement = await made.payments.statement(order.order_id)
    assert (statement.refunded, statement.violations) == (2 * PRICE, ())


async def test_money_disputed_while_a_refund_is_under_way_goes_back_once(open_shop: OpenShop, made: Parts) -> None:
    shop = await open_shop(s1=5)
    order = await collected(shop, token="tok_refund_pending")
    first = await brought_back(shop, order, 1)
    await first.until(lambda view: view.refunded == PRICE)
    await disputed(made, order, PRICE)
    second = await brought_back(shop, order, 1)
    await second.until(lambda view: bool(view.interventions))
    done = "refund 4999"
    for _ in range(400):
        if done in await order.money():
            break
        await asyncio.sleep(0.05)
    key = refund_key(order.order_id, TenderId("t1"), first.return_id, 1)
    await first.handle.signal(ReturnWorkflow.refund_event, RefundEvent(event_id=new_id(), key=key))
    assert (await first.ended()).refunded == PRICE
    await second.decides("pay back 49.99 EUR", InterventionAction.SKIP)
    assert (await second.ended()).refunded == 0
    assert [each for each in await order.money() if "refund" in each] == [done]
    statement = await made.payments.statement(order.order_id)
    assert (statement.refunded, statement.violations) == (PRICE, ())


async def test_two_stores_that_take_in_the_same_units_at_the_same_moment_pay_once(
    open_shop: OpenShop, made: Parts
) -> None:
    shop = await open_shop(s1=5)
    order = await collected(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.STORE)
    answers = await asyncio.gather(asked.receive(2), asked.receive(2), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, BaseException)]
    assert len(refused) == 1
    assert isinstance(refused[0], WorkflowUpdateFailedError)
    await asked.settle()
    view = await asked.ended()
    assert (view.lines[0].accepted, view.refunded) == (2, 2 * PRICE)
    assert await shop.on_hand() == {1: 5}
    assert [each for each in await order.money() if "refund" in each] == ["refund 9998"]


@pytest.mark.parametrize("begun", [PRICE, 2 * PRICE])
async def test_a_refund_that_a_lost_worker_had_begun_is_taken_up_and_not_made_again(
    open_shop: OpenShop, made: Parts, begun: int
) -> None:
    shop = await open_shop(s1=5)
    order = await collected(shop)
    asked = await WatchedReturn.of(shop, order, ReturnVia.STORE)
    await asked.receive(2)
    # Its ledger has it; what the worker knew of it is gone.
    statement = await made.payments.statement(order.order_id)
    await made.payments.refund(
        RefundRequest(
            key=refund_key(order.order_id, TenderId("t1"), asked.return_id, 1),
            order_id=order.order_id,
            tender_id=TenderId("t1"),
            authorisation_id=statement.authorisations[0].id,
            amount=Money(amount=begun, currency="EUR"),
            at=order.terms.received_at,
            reason="returned",
        )
    )
    await asked.settle()
    view = await asked.ended()
    assert (view.status, view.refund, view.refunded) == ("settled", 2 * PRICE, 2 * PRICE)
    rest = [f"refund {2 * PRICE - begun}"] if begun < 2 * PRICE else []
    assert [each for each in await order.money() if "refund" in each] == [f"refund {begun}", *rest]
    assert (await made.payments.statement(order.order_id)).violations == ()
