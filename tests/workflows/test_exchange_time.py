"""Exchanges whose customer does nothing, played in skipped time: what is freed, what is charged, and when."""

from collections.abc import Callable

import pytest

from domain.ids import OrderId
from domain.refusals import RefusalKind
from domain.returns.words import ReturnKind
from tests.workflows.exchanging_journeys import fetched, is_collected
from tests.workflows.returning import ask
from tests.workflows.shop import PRICE, Shop
from tests.workflows.skipping import Calendar

pytestmark = pytest.mark.stack


@pytest.fixture
async def shop(shops: Callable[..., Shop]) -> Shop:
    return await shops().open(s1=20)


async def told(shop: Shop, order_id: OrderId) -> list[str]:
    async with shop.transactions.begin() as books:
        return [entry.notice.kind.value for entry in await books.outbox.list_for_order(order_id)]


async def test_who_does_not_pay_the_difference_gets_a_plain_return(shop: Shop, calendar: Calendar) -> None:
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE + 1000)
    view = await back.until(lambda view: view.status == "awaiting_payment")
    assert view.exchange is not None
    assert view.exchange.pay_by is not None
    assert "exchange_payment" in await told(shop, back.replacement.order_id)
    await calendar.skip_to(view.exchange.pay_by)
    view = await back.until(lambda view: view.exchange is not None and view.exchange.state == "fell_through")
    assert (view.status, view.exchange and view.exchange.reason) == ("approved", "payment_expired")
    assert (await shop.levels())[1].reserved == 0, "it is kept for nobody any more"
    assert "exchange_fell_through" in await told(shop, order.order_id)
    await back.receive(1)
    await back.settle()
    view = await back.ended()
    assert (view.refund, view.refunded) == (PRICE, PRICE)
    assert await order.money() == ["authorise 9998", "capture 9998", f"refund {PRICE}"]
    assert await back.replacement.money() == [], "nothing was ever charged for it"


async def test_an_exchange_whose_goods_never_come_frees_what_was_kept(shop: Shop, calendar: Calendar) -> None:
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE)
    assert "exchange_reserved" in await told(shop, order.order_id)
    await calendar.skip(days=14, minutes=5)
    view = await back.ended()
    assert view.exchange is not None
    assert (view.status, view.exchange.state, view.refunded) == ("expired", "fell_through", 0)
    assert (await back.replacement.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18}


async def test_what_went_out_in_advance_is_charged_when_the_goods_do_not_come(shop: Shop, calendar: Calendar) -> None:
    """A little before the bank's approval ends, which is before the two weeks are over."""
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE, advance=True)
    await is_collected(back.replacement)
    [wait] = (await back.record()).waiting_for
    assert wait.deadline is not None
    assert (wait.deadline - (await back.record()).requested_at).days == 6
    await calendar.skip_to(wait.deadline)
    view = await back.ended()
    assert view.exchange is not None
    assert (view.status, view.exchange.charged, view.refunded) == ("expired", PRICE, 0)
    assert await back.money() == [f"authorise {PRICE}", f"capture {PRICE}"]
    assert await order.money() == ["authorise 9998", "capture 9998"], "the first goods stay paid"
    assert "exchange_charged" in await told(shop, order.order_id)


async def test_what_has_not_left_is_not_charged_but_kept(shop: Shop, calendar: Calendar) -> None:
    """Nobody has fetched what was to go out in advance: it stays, and the card is free."""
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE, advance=True)
    await back.cancel()
    view = await back.ended()
    assert view.exchange is not None
    assert (view.status, view.exchange.state, view.exchange.charged) == ("cancelled", "fell_through", 0)
    assert await back.money() == [f"authorise {PRICE}", f"void {PRICE}"]
    assert await shop.on_hand() == {1: 18}


async def test_nothing_goes_out_in_advance_against_a_card_that_is_declined(shop: Shop, calendar: Calendar) -> None:
    order = await fetched(shop)
    back = await ask(
        shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE, advance=True, token="tok_declined"
    )
    assert back.opened.refusal is not None
    assert back.opened.refusal.kind is RefusalKind.PAYMENT_DECLINED
    view = await back.ended()
    assert (view.status, view.lines[0].closed) == ("cancelled", 1)
    assert await shop.on_hand() == {1: 18}
    assert (await ask(shop, order, 2)).opened.refusal is None, "the units are the customer's again"


async def test_what_is_not_in_stock_cannot_be_had_in_exchange(shops: Callable[..., Shop], calendar: Calendar) -> None:
    shop = await shops().open(s1=2)
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE, advance=True)
    assert back.opened.refusal is not None
    assert back.opened.refusal.kind is RefusalKind.OUT_OF_STOCK
    assert (await back.ended()).status == "cancelled"
    assert await back.money() == [f"authorise {PRICE}", f"void {PRICE}"], "the card is free again"
