"""The stories of single orders, each played to its end and judged from outside.

They are played with and without a workflow cache, and recorded for `tests/replay`. A story gets a shop whose first
store has 20 units and whose second has 20; nothing in it may depend on how fast it is played.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from domain.policy_packs import STANDARD, PolicyPack
from domain.stock import RejectReason
from domain.terms import ChannelRules
from tests.workflows.shop import OPS, PRICE, Shop, at_the_till, card
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.messages import ChoiceOption
from workflows.order import OrderWorkflow

Journey = Callable[[Shop], Awaitable[WatchedOrder]]


def quick(**durations: float) -> PolicyPack:
    """The standard policy, save that the named spans of a pickup are so many seconds and ignore opening hours."""
    spans = {name: timedelta(seconds=seconds) for name, seconds in durations.items()}
    pickup = STANDARD.pickup.model_copy(update={"ignores_opening_hours": True, **spans})
    return STANDARD.model_copy(update={"pickup": pickup})


async def collected(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    await order.make_ready(2)
    await order.hand_over()
    view = await order.ended()
    assert (view.status, view.groups[0].status) == ("completed", "collected")
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def collected_in_parts(shop: Shop) -> WatchedOrder:
    order = await shop.place(3)
    await order.make_ready(3)
    await order.hand_over(1)
    assert (await order.record()).payment.captured == PRICE
    await order.hand_over()
    view = await order.ended()
    assert (view.status, len(view.groups[0].hand_overs)) == ("completed", 2)
    assert await order.money() == ["authorise 14997", "capture 4999", "capture 9998"]
    assert await shop.on_hand() == {1: 17, 2: 20}
    return order


async def refused_at_the_counter(shop: Shop) -> WatchedOrder:
    order = await shop.place(3)
    await order.make_ready(3)
    await order.hand_over(2, refused={"1": 1})
    view = await order.ended()
    assert (view.lines[0].handed_over, view.lines[0].cancelled) == (2, 1)
    assert await order.money() == ["authorise 14997", "capture 9998", "void 4999"]
    assert view.groups[0].put_back == {"1": 1}
    assert (await shop.levels())[1].set_aside == 1
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def short_pick_completed_at_another_store(shop: Shop) -> WatchedOrder:
    order = await shop.place(3)
    await order.accept()
    picked = await order.pick(2)
    assert picked.group.lines[0].quantity == 2
    await order.stage()
    await order.choose(ChoiceOption.OTHER_STORE)
    await order.hand_over()
    await order.make_ready(1, n=2)
    await order.hand_over(n=2)
    view = await order.ended()
    assert [(group.status, group.store_id) for group in view.groups] == [
        ("collected", shop.store(1)),
        ("collected", shop.store(2)),
    ]
    assert await order.money() == ["authorise 14997", "capture 9998", "capture 4999"]
    # The missing unit proved the count wrong: the store has none left to sell.
    assert await shop.on_hand() == {1: 0, 2: 19}
    return order


async def rejected_then_waited_for_stock(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    await order.reject(RejectReason.NOT_IN_STOCK)
    await order.choose(ChoiceOption.WAIT)
    assert await order.waits() == [f"stock arrives at {shop.store(1)}"]
    await shop.receive(5)
    await order.handle.signal(OrderWorkflow.stock_arrived, messages.StockArrived(n=1))
    await order.until(lambda view: view.groups[0].status == "offered")
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 3, 2: 20}
    return order


async def rejected_then_cancelled_by_choice(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    await order.reject(RejectReason.DAMAGED)
    await order.choose(ChoiceOption.CANCEL)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def cancelled_at_once(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    answer = await order.cancel()
    assert (sum(part.quantity for part in answer.plan.release), answer.plan.void) == (2, 9998)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def cancelled_while_ready(shop: Shop) -> WatchedOrder:
    """One unit first, then the rest; the store puts both back."""
    order = await shop.place(2)
    await order.make_ready(2)
    first = await order.cancel(1)
    assert ([part.quantity for part in first.plan.recall], first.plan.void) == ([1], PRICE)
    await order.put_back()
    await order.cancel()
    view = await order.ended()
    assert (view.status, view.lines[0].cancelled) == ("cancelled", 2)
    assert (await shop.levels())[1].set_aside == 1
    assert await order.money() == ["authorise 9998", "void 4999", "void 4999"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def never_collected(shop: Shop) -> WatchedOrder:
    # A server's timer may come a second late.
    shop.policy = quick(window=2.5, expiring_notice=1.3)
    order = await shop.place(2)
    await order.make_ready(2)
    view = await order.ended()
    assert (view.status, view.groups[0].status, view.groups[0].put_back) == ("cancelled", "expired", {"1": 2})
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert {"pickup_expiring", "pickup_expired", "store_put_back"} <= {n.kind for n in await order.notices()}
    assert await shop.on_hand() == {1: 20, 2: 20}
    assert (await shop.levels())[1].set_aside == 2
    return order


async def extended_then_collected(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    ready = await order.make_ready(2)
    assert ready.group.deadline is not None
    longer = await order.extend(ready.group.deadline + timedelta(days=3))
    assert longer.group.deadline == ready.group.deadline + timedelta(days=3)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    return order


async def renewed_before_the_authorisation_ended(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, token="tok_expires_3s")
    await order.make_ready(2)
    await order.until_event("payment_renewed")
    assert (await order.record()).payment.authorised == 9998
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    money = await order.money()
    assert (money[:3], money[-1]) == (["authorise 9998", "authorise 9998", "void 9998"], "capture 9998")
    return order


async def one_capture_only(shop: Shop) -> WatchedOrder:
    """The provider frees the rest with the first capture, so the rest is authorised anew."""
    order = await shop.place(3, token="tok_single_capture")
    await order.make_ready(3)
    await order.hand_over(1)
    await order.until(lambda view: view.payment.authorised == 9998)
    await order.hand_over()
    view = await order.ended()
    assert (view.status, view.payment.captured) == ("completed", 14997)
    money = await order.money()
    assert (money.count("authorise 9998"), money[-1]) == (1, "capture 9998")
    return order


async def answers_of_the_provider_lost(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, token="tok_timeout_after+tok_capture_timeout_after")
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    return order


async def capture_declined_then_paid_by_another_card(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, token="tok_capture_declined")
    await order.make_ready(2)
    assert await order.refused(order.hand_over()) == "payment-declined"
    await order.until(lambda view: bool(view.holds))
    await order.pay(card(9998))
    await order.until(lambda view: not view.holds)
    await order.hand_over()
    view = await order.ended()
    assert (view.status, view.payment.captured) == ("completed", 9998)
    assert (await order.money())[-1] == "capture 9998"
    return order


async def paid_in_store(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, tender="pay_in_store")
    await order.make_ready(2)
    assert await order.refused(order.hand_over()) == "payment-due"
    await order.pay(at_the_till(9998))
    await order.hand_over()
    assert (await order.ended()).payment.captured == 9998
    assert await order.money() == []
    return order


async def reviewed_then_accepted(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, customer=f"C-REVIEW-{shop.name}")
    assert (await order.record()).status == "held"
    assert await order.refused(order.accept()) == "held"
    accepted = messages.FraudDecision(event_id="1", accept=True, actor=OPS)
    await order.handle.signal(OrderWorkflow.fraud_decision, accepted)
    await order.until(lambda view: view.status == "in_progress")
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    return order


async def reviewed_then_declined(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, customer=f"C-REVIEW-{shop.name}")
    declined = messages.FraudDecision(event_id="1", accept=False, actor=OPS)
    await order.handle.signal(OrderWorkflow.fraud_decision, declined)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def approved(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, rules=ChannelRules(approval_above=5000))
    [hold] = (await order.record()).holds
    resolve = messages.ResolveHold(**order.customer(hold_id=hold.hold_id, outcome="release", reason="known buyer"))
    await order.tell(OrderWorkflow.resolve_hold, resolve)
    assert (
        await order.refused(order.tell(OrderWorkflow.resolve_hold, resolve.model_copy(update={"command_id": "2"})))
        == "no-such-hold"
    )
    await order.make_ready(2)
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    return order


async def declined(shop: Shop) -> WatchedOrder:
    order = await shop.place(2, token="tok_declined")
    refusal = order.refusal
    assert (refusal.kind, refusal.reason) == ("payment-declined", "declined")
    await order.handle.result()
    assert not await order.is_recorded()
    assert await order.money() == ["authorise 9998 failed"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def out_of_stock(shop: Shop) -> WatchedOrder:
    order = await shop.place(21)
    [shortfall] = order.refusal.shortfalls
    assert (order.refusal.kind, shortfall.asked, shortfall.available) == ("out-of-stock", 21, 20)
    await order.handle.result()
    assert not await order.is_recorded()
    assert await order.money() == []
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def silent_store(shop: Shop) -> WatchedOrder:
    """Reminded, then withdrawn; its late answer is refused politely and shown, and the customer goes elsewhere."""
    shop.policy = quick(accept_within=0.3, escalation_within=0.3)
    order = await shop.place(2)
    await order.until(lambda view: view.groups[0].status == "waiting")
    assert await order.refused(order.accept()) == "not-allowed-now"
    await order.choose(ChoiceOption.CANCEL)
    assert (await order.ended()).status == "cancelled"
    events = await order.events()
    assert [event for event in events if event.startswith(("store_r", "store_s", "late"))] == [
        "store_reminded",
        "store_silent",
        "late_answer_refused",
    ]
    assert await order.money() == ["authorise 9998", "void 9998"]
    return order


async def silent_after_picking(shop: Shop) -> WatchedOrder:
    """Reminded that the promised time is over, then withdrawn; what it has picked it puts back."""
    shop.policy = quick(ready_within=1, late_within=1)
    order = await shop.place(2)
    await order.accept()
    await order.pick(2)
    view = await order.until(lambda view: view.groups[0].status == "waiting")
    assert view.groups[0].put_back == {"1": 2}
    assert (await shop.levels())[1].set_aside == 2
    assert await order.refused(order.stage()) == "not-allowed-now"
    await order.put_back()
    await order.choose(ChoiceOption.CANCEL)
    assert (await order.ended()).status == "cancelled"
    events = await order.events()
    assert [event for event in events if event.startswith(("store_r", "store_s", "late"))] == [
        "store_reminded",
        "store_silent",
        "late_answer_refused",
    ]
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def locked_by_wrong_codes(shop: Shop) -> WatchedOrder:
    order = await shop.place(2)
    await order.make_ready(2)
    kinds = [await order.refused(order.hand_over(code_serials=[])) for _ in range(6)]
    assert kinds == ["wrong-code"] * 4 + ["locked"] * 2
    assert await order.refused(order.hand_over()) == "locked"
    await order.tell(OrderWorkflow.unlock, messages.Unlock(**order.store()))
    await order.tell(OrderWorkflow.resend_code, messages.ResendCode(**order.store()))
    assert await order.refused(order.hand_over()) == "wrong-code"
    await order.hand_over(code_serials=[2])
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    return order


JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (
        collected,
        collected_in_parts,
        refused_at_the_counter,
        short_pick_completed_at_another_store,
        rejected_then_waited_for_stock,
        rejected_then_cancelled_by_choice,
        cancelled_at_once,
        cancelled_while_ready,
        never_collected,
        extended_then_collected,
        renewed_before_the_authorisation_ended,
        one_capture_only,
        answers_of_the_provider_lost,
        capture_declined_then_paid_by_another_card,
        paid_in_store,
        reviewed_then_accepted,
        reviewed_then_declined,
        approved,
        declined,
        out_of_stock,
        silent_store,
        silent_after_picking,
        locked_by_wrong_codes,
    )
}
