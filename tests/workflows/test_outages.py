"""What an order depends on is away: it waits, says for whom, and goes on by itself; nothing is done twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from domain.views import OrderView
from tests.workflows.shop import Shop
from tests.workflows.watched import WatchedOrder
from tests.workflows.working import OpenShop
from workers.composition import Parts
from workers.stack.servers import Servers

pytestmark = pytest.mark.stack


class Provider:
    """The payment simulator's switch for one order at a time."""

    def __init__(self, made: Parts):
        self._made = made
        self._faults = f"{made.settings.payments_url}/faults"

    async def goes_away(self, operation: str, order_id: str) -> None:
        fault = {"operation": operation, "kind": "status", "status": 503, "count": 1000, "reference": order_id}
        (await self._made.http.post(self._faults, json=fault)).raise_for_status()

    async def comes_back(self) -> None:
        (await self._made.http.delete(self._faults)).raise_for_status()


@pytest.fixture
async def provider(made: Parts) -> AsyncIterator[Provider]:
    provider = Provider(made)
    yield provider
    await provider.comes_back()


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop(s1=20, s2=20)


def waits_for_payments(view: OrderView) -> bool:
    return any(wait.kind == "payment_system" for wait in view.waiting_for)


async def test_a_provider_that_is_away_when_authorising_holds_the_order_until_it_is_back(
    shop: Shop, provider: Provider
) -> None:
    terms = await shop.terms(2)
    await provider.goes_away("authorise", terms.order_id)
    order = await shop.place(terms=terms)
    view = await order.until(waits_for_payments)
    [wait] = [wait for wait in view.waiting_for if wait.kind == "payment_system"]
    assert (view.status, wait.who, wait.what) == ("held", "payment system", "payment system answers (authorise)")
    assert wait.last_error
    assert await order.refused(order.accept()) == "held"
    assert await order.money() == []

    await provider.comes_back()
    view = await order.until(lambda view: not view.holds)
    assert (view.status, view.payment.authorised) == ("in_progress", 9998)
    await order.make_ready(2)
    await order.hand_over()
    await order.ended()
    assert await order.money() == ["authorise 9998", "capture 9998"]


async def test_an_order_cancelled_while_the_provider_is_away_holds_no_money_in_the_end(
    shop: Shop, provider: Provider
) -> None:
    terms = await shop.terms(2)
    await provider.goes_away("authorise", terms.order_id)
    order = await shop.place(terms=terms)
    await order.cancel()
    assert (await order.until(waits_for_payments)).status != "cancelled"
    await provider.comes_back()
    assert (await order.ended()).status == "cancelled"
    assert (await order.money())[-1:] in ([], ["void 9998"])
    assert await shop.on_hand() == {1: 20, 2: 20}


async def test_a_provider_that_is_away_when_capturing_does_not_keep_the_customer_waiting(
    shop: Shop, provider: Provider
) -> None:
    order = await shop.place(2)
    await order.make_ready(2)
    await provider.goes_away("capture", order.order_id)
    given = await order.hand_over()
    assert (given.group.status, given.group.hand_overs[0].capture_pending) == ("collected", True)
    view = await order.until(waits_for_payments)
    assert (view.status, await order.waits()) == ("in_progress", ["payment system answers (capture)"])
    assert await order.money() == ["authorise 9998"]

    await provider.comes_back()
    view = await order.ended()
    assert (view.status, view.payment.captured) == ("completed", 9998)
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert "payment_pending" in await order.events()


async def test_a_provider_that_is_away_when_voiding_keeps_a_cancelled_order_open(
    shop: Shop, provider: Provider
) -> None:
    order = await shop.place(2)
    await provider.goes_away("void", order.order_id)
    answer = await order.cancel()
    assert answer.plan.void == 9998
    await order.until(waits_for_payments)
    assert await order.waits() == ["payment system answers (void)"]
    # The stock does not wait for the money.
    assert await shop.on_hand() == {1: 20, 2: 20}

    await provider.comes_back()
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]


# --- our own parts ---------------------------------------------------------------------------------------------------


async def test_a_database_that_stops_in_the_middle_of_a_milestone_delays_it(shop: Shop, servers: Servers) -> None:
    order = await shop.place(2)
    await order.accept()
    assert servers.postgres is not None
    await servers.postgres.stop()
    try:
        picking = asyncio.create_task(order.pick(2))
        # The command is in the order's hands before the database is back.
        await _accepted(order, "pick")
        assert not picking.done()
    finally:
        await servers.postgres.start()
    assert (await asyncio.wait_for(picking, 30)).group.status == "picking"
    await order.stage()
    await order.hand_over()
    await order.ended()
    events = await order.events()
    assert [events.count(event) for event in ("picked", "ready", "handed_over")] == [1, 1, 1]
    assert await order.money() == ["authorise 9998", "capture 9998"]


async def _accepted(order: WatchedOrder, update: str) -> None:
    """Wait until the order's history holds the command."""
    for _ in range(500):
        for event in (await order.history()).events:
            accepted = event.workflow_execution_update_accepted_event_attributes
            if accepted.accepted_request.input.name == update:
                return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{update} was not taken")
