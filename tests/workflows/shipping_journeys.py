"""The stories of single orders that ship, told as those in `journeys.py` are."""

from datetime import timedelta

from domain.carriage import ParcelStatus
from domain.parcels import Resolution
from domain.policy_packs import STANDARD, PolicyPack
from domain.refusals import RefusalKind
from domain.stock import RejectReason
from tests.workflows.journeys import Journey
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.order import OrderWorkflow

P = ParcelStatus


def quick_shipping(**durations: float) -> PolicyPack:
    """The standard policy, save that the named spans of a shipment are so many seconds and ignore opening hours."""
    spans = {name: timedelta(seconds=seconds) for name, seconds in durations.items()}
    shipping = STANDARD.shipping.model_copy(update={"ignores_opening_hours": True, **spans})
    return STANDARD.model_copy(update={"shipping": shipping})


async def shipped(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    parcel = await order.ship()
    assert await order.money() == ["authorise 9998", "capture 9998"]
    for status in (P.PICKED_UP, P.DELIVERED):
        await order.carrier_says(parcel, status)
    view = await order.ended()
    assert (view.status, view.groups[0].status, view.lines[0].delivered) == ("completed", "delivered", 2)
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def shipped_from_two_places(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(30)
    groups = (await order.record()).groups
    assert {(group.store_id, group.lines[0].quantity) for group in groups} == {
        (shop.store(1), 20),
        (shop.store(2), 10),
    }
    for group in groups:
        await order.make_packed(group.lines[0].quantity, group.n)
        await order.carrier_says(await order.ship(n=group.n), P.DELIVERED)
    assert (await order.ended()).payment.captured == 30 * PRICE
    assert await shop.on_hand() == {1: 0, 2: 10}
    return order


async def shipped_in_parts(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(3)
    await order.make_packed(3)
    for quantity in (1, 2):
        await order.carrier_says(await order.ship(quantity), P.DELIVERED)
        await order.until(lambda view, n=quantity: len(view.groups[0].parcels) == n)  # type: ignore[misc]
    view = await order.ended()
    assert (view.status, view.lines[0].delivered) == ("completed", 3)
    assert await order.money() == ["authorise 14997", "capture 4999", "capture 9998"]
    return order


async def shipped_under_a_bought_label(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    parcel = await order.ship(carrier=None, tracking_number=None)
    assert parcel.label_id is not None
    await order.carrier_says(parcel, P.DELIVERED)
    assert (await order.ended()).status == "completed"
    return order


async def shipment_declined_everywhere(shop: Shop) -> WatchedOrder:
    """Two places decline; what waits in the queue goes where a person sends it."""
    order = await shop.place_to_ship(2)
    await order.reject(RejectReason.CLOSED)
    await order.until(lambda view: view.groups[-1].status == "offered")
    await order.reject(RejectReason.CLOSED, n=2)
    await order.until(lambda view: view.groups[-1].queue == "unfillable")
    assert await order.waits() == ["a place is found that can ship it"]
    moved = await order.assign(2, shop.store(1))
    assert moved.group.status == "offered"
    await order.make_packed(2, n=3)
    await order.carrier_says(await order.ship(n=3), P.DELIVERED)
    assert (await order.ended()).status == "completed"
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def nobody_can_ship(shop: Shop) -> WatchedOrder:
    """Looked for in vain until the end of the search."""
    shop.policy = quick_shipping(unfillable_within=1.5, look_again_every=0.6)
    order = await shop.place_to_ship(2)
    await order.reject(RejectReason.CLOSED)
    await order.until(lambda view: view.groups[-1].status == "offered")
    await order.reject(RejectReason.CLOSED, n=2)
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def silent_place(shop: Shop) -> WatchedOrder:
    """Reminded, then replaced; its late answer is refused politely and shown."""
    shop.policy = quick_shipping(accept_within=0.4, escalation_within=0.4)
    order = await shop.place_to_ship(2)
    await order.until(lambda view: view.groups[0].status == "rejected")
    assert await order.refused(order.accept()) is RefusalKind.NOT_ALLOWED_NOW
    await order.until(lambda view: view.groups[-1].queue == "unfillable")
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    events = await order.events()
    told = [event for event in events if event.startswith(("store_r", "store_s"))]
    assert told == ["store_reminded", "store_silent"] * 2
    assert "late_answer_refused" in events
    return order


async def short_pick_shipped_from_another_place(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(3)
    await order.accept()
    await order.pick(2)
    await order.pack(2)
    await order.carrier_says(await order.ship(), P.DELIVERED)
    await order.until(lambda view: view.groups[-1].status == "offered")
    await order.make_packed(1, n=2)
    await order.carrier_says(await order.ship(n=2), P.DELIVERED)
    assert (await order.ended()).payment.captured == 3 * PRICE
    assert await order.money() == ["authorise 14997", "capture 9998", "capture 4999"]
    assert await shop.on_hand() == {1: 0, 2: 19}
    return order


async def cancelled_while_packed(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    plan = (await order.cancel()).plan
    assert ([part.quantity for part in plan.asked], plan.release, plan.void) == ([2], [], 0)
    await order.answer_stop(stopped=True)
    view = await order.ended()
    assert (view.status, view.groups[0].put_back) == ("cancelled", {"1": 2})
    assert await order.money() == ["authorise 9998", "void 9998"]
    return order


async def cancelled_in_silence(shop: Shop) -> WatchedOrder:
    """Nobody says whether it could be stopped, and nothing leaves: it was stopped."""
    shop.policy = quick_shipping(answer_within=0.6)
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    assert await order.money() == ["authorise 9998", "void 9998"]
    return order


async def left_before_the_cancel_was_answered(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    await order.cancel()
    parcel = await order.ship()
    assert await order.refused(order.answer_stop(stopped=True)) is RefusalKind.NOT_ALLOWED_NOW
    await order.carrier_says(parcel, P.DELIVERED)
    assert (await order.ended()).status == "completed"
    assert "cancel_too_late" in {notice.kind for notice in await order.notices()}
    return order


async def lost_and_paid_back(shop: Shop) -> WatchedOrder:
    """The claim is put off once, then nobody decides."""
    shop.policy = quick_shipping(claim_within=1.2)
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    await order.carrier_says(await order.ship(), P.LOST)
    await order.until(lambda view: view.groups[0].status == "exception")
    await order.decide(Resolution.WAIT)
    view = await order.ended()
    assert (view.status, view.lines[0].lost) == ("cancelled", 2)
    assert await order.money() == ["authorise 9998", "capture 9998", "refund 9998"]
    return order


async def lost_and_sent_again(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    await order.carrier_says(await order.ship(), P.LOST)
    await order.until(lambda view: view.groups[0].status == "exception")
    await order.decide(Resolution.RESHIP)
    await order.until(lambda view: view.groups[-1].status == "offered")
    await order.make_packed(2, n=2)
    await order.carrier_says(await order.ship(n=2), P.DELIVERED)
    view = await order.ended()
    assert (view.lines[0].delivered, view.groups[0].status) == (2, "exception")
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 16, 2: 20}
    return order


async def never_heard_of(shop: Shop) -> WatchedOrder:
    """Late, the customer is told; then it counts as delivered, since nobody tracks it and nobody missed it."""
    spans = {service: timedelta(seconds=0.6) for service in STANDARD.shipping.delivery_within}
    policy = quick_shipping(overdue_within=0.8)
    shop.policy = policy.model_copy(update={"shipping": policy.shipping.model_copy(update={"delivery_within": spans})})
    order = await shop.place_to_ship(2)
    await order.make_packed(2)
    await order.ship()
    assert (await order.ended()).status == "completed"
    assert {"delivery_late", "delivered"} <= {notice.kind for notice in await order.notices()}
    return order


async def nothing_to_ship(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(41)
    assert order.refusal.kind is RefusalKind.OUT_OF_STOCK
    await order.handle.result()
    assert not await order.is_recorded()
    assert await shop.on_hand() == {1: 20, 2: 20}
    return order


async def held_then_shipped(shop: Shop) -> WatchedOrder:
    order = await shop.place_to_ship(2, customer=f"C-REVIEW-{shop.name}")
    assert (await order.record()).groups[0].status == "waiting"
    assert await order.refused(order.accept()) is RefusalKind.HELD
    accepted = messages.FraudDecision(event_id="1", accept=True, actor=order.customer()["actor"])
    await order.handle.signal(OrderWorkflow.fraud_decision, accepted)
    await order.until(lambda view: view.groups[0].status == "offered")
    await order.make_packed(2)
    await order.carrier_says(await order.ship(), P.DELIVERED)
    assert (await order.ended()).status == "completed"
    return order


SHIPPING_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (
        shipped,
        shipped_from_two_places,
        shipped_in_parts,
        shipped_under_a_bought_label,
        shipment_declined_everywhere,
        nobody_can_ship,
        silent_place,
        short_pick_shipped_from_another_place,
        cancelled_while_packed,
        cancelled_in_silence,
        left_before_the_cancel_was_answered,
        lost_and_paid_back,
        lost_and_sent_again,
        never_heard_of,
        nothing_to_ship,
        held_then_shipped,
    )
}
