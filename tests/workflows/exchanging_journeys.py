"""The stories of single returns, each played to its end and judged from outside: a return, exchanges, claims.

They are recorded for `tests/replay` too. A story gets a shop whose first store has 20 units and whose second has 20.
"""

from collections.abc import Awaitable, Callable

from domain.returns.words import ReturnKind, ReturnReason
from tests.workflows.returning import WatchedReturn, ask, by_card
from tests.workflows.shop import PRICE, Shop, card
from tests.workflows.watched import WatchedOrder

Story = Callable[[Shop], Awaitable[WatchedReturn]]


async def fetched(shop: Shop, quantity: int = 2) -> WatchedOrder:
    """An order that its customer has."""
    order = await shop.place(quantity)
    await order.make_ready(quantity)
    await order.hand_over()
    await order.ended()
    return order


async def is_collected(order: WatchedOrder, quantity: int = 1) -> None:
    """The replacement, once it goes on."""
    await order.until(lambda view: not view.holds)
    await order.make_ready(quantity)
    await order.hand_over()
    await order.ended()


async def returned_for_money(shop: Shop) -> WatchedReturn:
    order = await fetched(shop)
    back = await ask(shop, order)
    await back.receive(1)
    await back.settle()
    view = await back.ended()
    assert (view.status, view.refund, view.refunded) == ("settled", PRICE, PRICE)
    assert await order.money() == ["authorise 9998", "capture 9998", f"refund {PRICE}"]
    assert await shop.on_hand() == {1: 19, 2: 20}
    return back


async def exchanged_evenly(shop: Shop) -> WatchedReturn:
    """No money moves: the replacement is held while the goods are on their way, and goes on when they have come."""
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE)
    held = await back.replacement.record()
    assert ([hold.kind for hold in held.holds], held.exchange_of.order_id) == (["exchange"], order.order_id)  # type: ignore[union-attr]
    assert (await shop.levels())[1].reserved == 1, "it is kept for the customer"
    await back.receive(1)
    await is_collected(back.replacement)
    view = await back.ended()
    assert view.exchange is not None
    assert (view.status, view.exchange.state, view.refund, view.refunded) == ("settled", "completed", PRICE, 0)
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await back.replacement.money() == [], "nothing of it is the provider's"
    assert (await back.replacement.record()).payment.captured == PRICE
    assert await shop.on_hand() == {1: 18, 2: 20}
    return back


async def exchanged_for_something_dearer(shop: Shop) -> WatchedReturn:
    """The difference is asked for, and taken when the replacement is handed over; never before."""
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE + 1000)
    view = await back.until(lambda view: view.status == "awaiting_payment")
    assert view.exchange is not None
    assert view.exchange.due == 1000
    await back.replacement.pay(card(1000))
    await back.until(lambda view: view.status == "approved")
    await back.receive(1)
    await is_collected(back.replacement)
    await back.ended()
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await back.replacement.money() == ["authorise 1000", "capture 1000"]
    return back


async def exchanged_for_something_cheaper(shop: Shop) -> WatchedReturn:
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE - 1000)
    await back.receive(1)
    await is_collected(back.replacement)
    view = await back.ended()
    assert (view.refund, view.refunded) == (PRICE, 1000)
    assert await order.money() == ["authorise 9998", "capture 9998", "refund 1000"]
    return back


async def paid_at_once(shop: Shop) -> WatchedReturn:
    order = await fetched(shop)
    payment = by_card(1000)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE + 1000, payment=payment)
    assert (await back.record()).status == "approved"
    await back.receive(1)
    await is_collected(back.replacement)
    await back.ended()
    assert await back.replacement.money() == ["authorise 1000", "capture 1000"]
    return back


async def one_of_two_came(shop: Shop) -> WatchedReturn:
    """What the other one would have been is left out, and what was to be paid on top of it is free."""
    order = await fetched(shop)
    payment = by_card(2000)
    back = await ask(shop, order, 2, kind=ReturnKind.EXCHANGE, worth=2 * PRICE, costs=2 * PRICE + 2000, payment=payment)
    await back.receive(1)
    await back.until(lambda view: view.refund == PRICE)
    await back.cancel()
    await is_collected(back.replacement)
    view = await back.ended()
    assert (view.refund, view.refunded) == (PRICE, 0)
    replaced = await back.replacement.record()
    assert (replaced.lines[0].handed_over, replaced.lines[0].cancelled) == (1, 1)
    assert await back.replacement.money() == ["authorise 2000", "void 1000", "capture 1000"]
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    return back


async def sent_in_advance(shop: Shop) -> WatchedReturn:
    """It goes first; a card stands for it until the goods have come."""
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE, advance=True)
    await is_collected(back.replacement)
    assert await back.money() == [f"authorise {PRICE}"]
    await back.receive(1)
    view = await back.ended()
    assert view.exchange is not None
    assert (view.exchange.state, view.exchange.charged, view.refunded) == ("completed", 0, 0)
    assert await back.money() == [f"authorise {PRICE}", f"void {PRICE}"]
    assert await order.money() == ["authorise 9998", "capture 9998"]
    return back


async def exchanged_and_brought_back(shop: Shop) -> WatchedReturn:
    """The replacement comes back as well: its money goes to where the first payment came from."""
    order = await fetched(shop)
    first = await ask(shop, order, kind=ReturnKind.EXCHANGE, worth=PRICE, costs=PRICE)
    await first.receive(1)
    await is_collected(first.replacement)
    await first.ended()
    back = await ask(shop, first.replacement)
    await back.receive(1)
    await back.settle()
    view = await back.ended()
    assert (view.refund, view.refunded) == (PRICE, PRICE)
    assert view.paid_back[0].by_tender == {f"{order.order_id}/t1": PRICE}
    assert await order.money() == ["authorise 9998", "capture 9998", f"refund {PRICE}"]
    assert (await order.record()).payment.refunded == PRICE
    assert (await first.replacement.record()).payment.refunded == PRICE
    return back


async def claimed_and_replaced(shop: Shop) -> WatchedReturn:
    """What never came is sent again; when it turns up it is stocked, and nothing goes back for it."""
    order = await fetched(shop)
    back = await ask(shop, order, kind=ReturnKind.CLAIM, reason=ReturnReason.MISSING, worth=PRICE, costs=PRICE)
    replacement = back.replacement
    await replacement.until(lambda view: not view.holds)
    late = await back.receive(1)
    assert (late.lines[0].turned_up, late.refunded) == (1, 0)
    await is_collected(replacement)
    view = await back.ended()
    assert (view.status, view.refund, view.refunded) == ("settled", PRICE, 0)
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    return back


EXCHANGING_JOURNEYS: dict[str, Story] = {
    "returned_for_money": returned_for_money,
    "exchanged_evenly": exchanged_evenly,
    "exchanged_for_something_dearer": exchanged_for_something_dearer,
    "exchanged_for_something_cheaper": exchanged_for_something_cheaper,
    "paid_at_once": paid_at_once,
    "one_of_two_came": one_of_two_came,
    "sent_in_advance": sent_in_advance,
    "exchanged_and_brought_back": exchanged_and_brought_back,
    "claimed_and_replaced": claimed_and_replaced,
}
