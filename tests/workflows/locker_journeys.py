"""The stories of single orders that go through a parcel machine, told as those in `journeys.py` are."""

from datetime import timedelta

from domain.lockers import CompartmentStatus
from domain.refusals import RefusalKind
from domain.stock import RejectReason
from tests.workflows.journeys import Journey
from tests.workflows.shop import PRICE, Shop
from tests.workflows.watched import WatchedOrder
from workflows.messages import ChoiceOption

FULL, ANSWER_LOST = "L-FULL", "L-LOST"
"""Machines of the simulated operator that behave so."""


async def collected_from_a_locker(shop: Shop) -> WatchedOrder:
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    reserved = await machine.becomes("reserved")
    assert reserved.locker_id == shop.locker_id
    await order.pick(2)
    assert "store puts it into locker" in (await order.waits())[0]
    assert await order.refused(order.stage()) is RefusalKind.NOT_ALLOWED_NOW, "the compartment is empty"
    await machine.put_in()
    await machine.tells()
    group = (await order.until(lambda view: view.groups[0].status == "ready")).groups[0]
    assert group.deadline == (await machine.state()).collect_by
    assert await order.refused(order.hand_over()) is RefusalKind.NOT_ALLOWED_NOW, "it is not at the counter"
    assert (await order.record()).payment.captured == 0
    await machine.take_out()
    await machine.tells()
    view = await order.ended()
    assert (view.status, view.groups[0].status) == ("completed", "collected")
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    told = [notice for notice in await order.notices() if notice.store_id is not None and notice.facts.compartment_id]
    assert [(notice.kind, notice.facts.code_serial) for notice in told] == [("ready_in_locker", None)]
    return order


async def staged_in_a_locker_whose_operator_says_nothing(shop: Shop) -> WatchedOrder:
    """The store's word is enough to ask the operator; its own comes late, twice, in disorder, and changes nothing."""
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    await machine.becomes("reserved")
    await order.pick(2)
    await machine.put_in()
    assert (await order.stage()).group.status == "ready"
    await machine.says("door_jammed")
    await machine.says("deposited", compartment_id="cmp_of_another_order")
    await machine.take_out()
    await machine.tells()
    await machine.tells()
    await machine.says("deposited", earlier=1)
    view = await order.ended()
    assert (view.status, view.payment.captured) == ("completed", 2 * PRICE)
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert await shop.on_hand() == {1: 18, 2: 20}
    return order


async def locker_is_full(shop: Shop) -> WatchedOrder:
    shop.locker_id = FULL
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    assert (await machine.becomes("full")).counter == "locker_full"
    assert (await order.record()).groups[0].mode == "counter"
    await order.pick(2)
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]
    kinds = [notice.kind for notice in await order.notices()]
    assert kinds.index("counter_instead") < kinds.index("ready_for_pickup") < kinds.index("collected")
    return order


async def never_taken_from_the_locker(shop: Shop) -> WatchedOrder:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    await machine.ends("expired")
    await machine.tells()
    view = await order.ended()
    assert (view.status, view.groups[0].status, view.groups[0].put_back) == ("cancelled", "expired", {"1": 2})
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert (await shop.levels())[1].set_aside == 2
    assert {"pickup_expired", "store_put_back"} <= {notice.kind for notice in await order.notices()}
    return order


async def cancelled_in_the_locker(shop: Shop) -> WatchedOrder:
    """One parcel: its operator takes out all of it, or nothing."""
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    assert await order.refused(order.cancel(1)) is RefusalKind.NOT_ALLOWED_NOW
    plan = (await order.cancel()).plan
    assert ([part.quantity for part in plan.asked], plan.recall, plan.void) == ([2], [], 0)
    view = await order.ended()
    assert (view.status, view.groups[0].status, view.groups[0].put_back) == ("cancelled", "cancelled", {"1": 2})
    assert await order.money() == ["authorise 9998", "void 9998"]
    assert (await machine.state()).status is CompartmentStatus.EXPIRED, "it is on its way back"
    assert "order_cancelled" in {notice.kind for notice in await order.notices()}
    return order


async def taken_before_the_cancel(shop: Shop) -> WatchedOrder:
    """The customer was quicker; nobody had said so yet."""
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    await machine.take_out()
    await order.cancel()
    view = await order.ended()
    assert (view.status, view.groups[0].status) == ("completed", "collected")
    assert await order.money() == ["authorise 9998", "capture 9998"]
    assert "stop_too_late" in await order.events()
    return order


async def cancelled_before_it_is_put_in(shop: Shop) -> WatchedOrder:
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    reserved = await machine.becomes("reserved")
    await order.pick(2)
    assert (await order.cancel()).plan.void == 2 * PRICE
    view = await order.ended()
    assert (view.status, view.groups[0].put_back) == ("cancelled", {"1": 2})
    assert reserved.compartment_id is not None
    assert (await machine.lockers.compartment(reserved.compartment_id)).status is CompartmentStatus.RELEASED
    assert await order.money() == ["authorise 9998", "void 9998"]
    return order


async def put_in_when_it_was_cancelled(shop: Shop) -> WatchedOrder:
    """The store closed the door a moment before: the operator brings back what lies in it."""
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    reserved = await machine.becomes("reserved")
    await order.pick(2)
    await machine.put_in()
    await order.cancel()
    view = await order.ended()
    assert (view.status, view.groups[0].put_back) == ("cancelled", {"1": 2})
    assert reserved.compartment_id is not None
    assert (await machine.lockers.compartment(reserved.compartment_id)).status is CompartmentStatus.EXPIRED
    assert await order.money() == ["authorise 9998", "void 9998"]
    return order


async def rejected_with_a_compartment_then_collected_elsewhere(shop: Shop) -> WatchedOrder:
    """The machine does not stand at the other store: there it is the counter, and the compartment goes back."""
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    reserved = await machine.becomes("reserved")
    await order.reject(RejectReason.CLOSED)
    await order.choose(ChoiceOption.OTHER_STORE)
    await order.make_ready(2, n=2)
    await order.hand_over(n=2)
    view = await order.ended()
    assert (view.groups[-1].store_id, view.groups[-1].mode) == (shop.store(2), "counter")
    assert view.groups[-1].locker is not None
    assert view.groups[-1].locker.counter == "locker_elsewhere"
    assert reserved.compartment_id is not None
    assert (await machine.lockers.compartment(reserved.compartment_id)).status is CompartmentStatus.RELEASED
    return order


async def answer_of_the_locker_lost(shop: Shop) -> WatchedOrder:
    """The reservation was made, and its answer lost: there is one compartment, and it is used."""
    shop.locker_id = ANSWER_LOST
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    await machine.take_out()
    await machine.tells()
    assert (await order.ended()).status == "completed"
    return order


async def left_longer_in_the_locker(shop: Shop) -> WatchedOrder:
    """Its operator lets the customer come later, and what it says is the deadline."""
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    deadline = (await order.record()).groups[0].deadline
    assert deadline is not None
    later = deadline + timedelta(days=1)
    assert (await order.extend(later)).group.deadline == later == (await machine.state()).collect_by
    await machine.take_out()
    assert await order.refused(order.extend(later + timedelta(days=1))) is RefusalKind.NOT_ALLOWED_NOW
    assert (await order.ended()).status == "completed", "asking showed that the customer had been there"
    return order


LOCKER_JOURNEYS: dict[str, Journey] = {
    journey.__name__: journey
    for journey in (
        collected_from_a_locker,
        staged_in_a_locker_whose_operator_says_nothing,
        locker_is_full,
        never_taken_from_the_locker,
        cancelled_in_the_locker,
        taken_before_the_cancel,
        cancelled_before_it_is_put_in,
        put_in_when_it_was_cancelled,
        rejected_with_a_compartment_then_collected_elsewhere,
        answer_of_the_locker_lost,
        left_longer_in_the_locker,
    )
}
