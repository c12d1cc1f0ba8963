"""Days of goods in a parcel machine, in skipped time: an operator that is silent, or away, or lets them wait longer."""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

import pytest

from adapters.simulators.faults import FaultKind
from adapters.simulators.locker.faults import Fault, FaultedOperation
from domain.holds import HoldKind, HoldOutcome
from domain.lockers import CompartmentStatus
from tests.workflows.shop import Shop
from tests.workflows.skipping import Calendar, PunctualLockers
from tests.workflows.watched import WatchedOrder
from workflows import messages
from workflows.order import OrderWorkflow

pytestmark = pytest.mark.stack

HOLD = timedelta(days=3)
"""How long the simulated operator lets goods wait."""
AWAY = "L-AWAY"
SOON = timedelta(minutes=15)


@pytest.fixture
async def shop(shops: Callable[..., Shop]) -> Shop:
    return await shops().open(s1=20, s2=20)


def strike(shop: Shop, operation: FaultedOperation, kind: FaultKind, count: int = 1) -> None:
    """The next such calls to the operator go wrong."""
    operator = cast("PunctualLockers", shop.lockers).engine
    status = 503 if kind is FaultKind.STATUS else None
    fault = Fault(operation=operation, kind=kind, status=status, count=count, locker_id=shop.locker_id)
    operator.faults.plant(fault)


async def kinds(order: WatchedOrder) -> list[str]:
    return [notice.kind.value for notice in await order.notices()]


async def test_an_operator_that_says_nothing_is_asked_when_the_time_is_over(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    deadline = (await order.record()).groups[0].deadline
    assert deadline is not None
    assert abs(deadline - await calendar.now() - HOLD) < SOON
    assert await order.waits() == [f"customer collects from locker {shop.locker_id}"]
    await calendar.skip(days=2, hours=1)
    assert (await kinds(order)).count("pickup_reminder") >= 1
    await calendar.skip(days=2)
    view = await order.ended()
    assert (view.status, view.groups[0].status, view.groups[0].put_back) == ("cancelled", "expired", {"1": 2})
    expired = next(entry.at for entry in await order.timeline() if entry.event == "window_expired")
    assert deadline <= expired <= deadline + SOON
    assert await order.money() == ["authorise 9998", "void 9998"]
    told = await kinds(order)
    assert {"pickup_expiring", "pickup_expired", "store_put_back"} <= set(told)
    assert "store_about_to_expire" not in told, "the store could do nothing about it"
    warned = [notice for notice in await order.notices() if notice.kind == "pickup_expiring"]
    assert [notice.facts.locker_id for notice in warned] == [shop.locker_id]


async def test_who_came_in_the_last_minute_has_it_although_nobody_said_so(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    deadline = (await order.record()).groups[0].deadline
    assert deadline is not None
    await calendar.skip_to(deadline - timedelta(minutes=1))
    await machine.take_out()
    await calendar.skip(minutes=30)
    view = await order.ended()
    assert (view.status, view.groups[0].status) == ("completed", "collected")
    assert view.groups[0].hand_overs[0].at < deadline
    assert view.payment.captured == 9998


async def test_goods_that_the_operator_lets_wait_longer_wait_longer(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    later = await calendar.now() + 2 * HOLD
    await shop.lockers.extend(await machine.compartment(), later, key=order.store()["command_id"])
    await calendar.skip(days=4)
    view = await order.record()
    assert (view.groups[0].status, view.groups[0].deadline) == ("ready", later)
    await calendar.skip(days=3)
    assert (await order.ended()).groups[0].status == "expired"


async def test_the_customers_time_is_made_longer_at_the_operator(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    ready = (await order.record()).groups[0]
    assert ready.deadline is not None
    assert ready.latest_deadline is not None
    assert await order.refused(order.extend(ready.deadline)) == "beyond-limit", "that is no later"
    assert await order.refused(order.extend(ready.latest_deadline + timedelta(minutes=1))) == "beyond-limit"
    later = ready.deadline + timedelta(days=1)
    assert (await order.extend(later)).group.deadline == later
    assert (await machine.state()).collect_by == later
    told = [notice for notice in await order.notices() if notice.kind == "window_extended"]
    assert [(each.facts.deadline, each.facts.locker_id) for each in told] == [(later, shop.locker_id)]
    assert [each.facts.compartment_id for each in told] == [await machine.compartment()], "the code is in the mail"
    await calendar.skip_to(later - timedelta(minutes=30))
    assert (await order.record()).groups[0].status == "ready", "the first deadline is long over"
    await machine.take_out()
    await machine.tells()
    assert (await order.ended()).status == "completed"
    assert await order.money() == ["authorise 9998", "capture 9998"]


async def test_a_longer_time_that_the_operator_refuses_or_cannot_be_asked_for_changes_nothing(
    shop: Shop, calendar: Calendar
) -> None:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    ready = (await order.record()).groups[0].deadline
    assert ready is not None
    later = ready + timedelta(hours=1)
    strike(shop, FaultedOperation.EXTEND, FaultKind.STATUS, count=40)
    assert await order.refused(order.extend(later)) == "not-allowed-now", "nobody answers"
    cast("PunctualLockers", shop.lockers).engine.faults.clear()
    operator = cast("PunctualLockers", shop.lockers).engine
    refusal = Fault(operation=FaultedOperation.EXTEND, kind=FaultKind.STATUS, status=422, locker_id=shop.locker_id)
    operator.faults.plant(refusal)
    later += timedelta(hours=1)
    assert await order.refused(order.extend(later)) == "beyond-limit"
    assert (await order.record()).groups[0].deadline == ready
    later += timedelta(hours=1)
    strike(shop, FaultedOperation.EXTEND, FaultKind.AFTER)
    assert (await order.extend(later)).group.deadline == later, "its answer was lost, and looked up"
    await machine.take_out()
    assert await order.refused(order.extend(later + timedelta(hours=1))) == "not-allowed-now"
    assert (await order.ended()).status == "completed", "asking showed that the customer had been there"


async def test_an_operator_that_is_away_until_the_promised_time_is_not_waited_for(
    shop: Shop, calendar: Calendar
) -> None:
    shop.locker_id = AWAY
    order, machine = await shop.place_for_locker(2)
    accepted = await order.accept()
    assert accepted.group.promised_ready_at is not None
    assert "a compartment of locker L-AWAY is reserved" in (await order.waits())[0]
    await order.pick(2)
    await calendar.skip_to(accepted.group.promised_ready_at + timedelta(minutes=1))
    assert (await machine.becomes("counter")).counter == "locker_away"
    assert "counter_instead" in await kinds(order)
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).status == "completed"


async def test_a_compartment_that_is_given_to_others_sends_the_customer_to_the_counter(shop: Shop) -> None:
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    await machine.becomes("reserved")
    await order.pick(2)
    await machine.ends("released")
    await machine.tells()
    assert (await machine.becomes("counter")).counter == "locker_not_filled"
    await order.stage()
    await order.hand_over()
    assert (await order.ended()).status == "completed"


async def test_a_store_that_never_fills_the_compartment_loses_it(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    reserved = await machine.becomes("reserved")
    assert reserved.compartment_id is not None
    await calendar.skip(hours=7)
    assert (await order.record()).groups[0].status == "waiting"
    assert (await shop.lockers.compartment(reserved.compartment_id)).status is CompartmentStatus.RELEASED
    await order.cancel()
    assert (await order.ended()).status == "cancelled"


async def test_nobody_is_told_the_code_while_the_order_is_held(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await order.accept()
    await machine.becomes("reserved")
    await order.pick(2)
    hold = await order.tell(
        OrderWorkflow.place_hold,
        messages.PlaceHold(**order.customer(hold_kind=HoldKind.MANUAL, reason="somebody calls")),
    )
    await machine.put_in()
    await machine.tells()
    assert (await machine.becomes("deposited")).status == "deposited"
    assert (await order.record()).groups[0].status == "picking"
    assert "ready_in_locker" not in await kinds(order)
    assert hold.hold_id is not None
    await order.tell(
        OrderWorkflow.resolve_hold,
        messages.ResolveHold(**order.customer(hold_id=hold.hold_id, outcome=HoldOutcome.RELEASE)),
    )
    await order.until(lambda view: view.groups[0].status == "ready")
    assert (await kinds(order)).count("ready_in_locker") == 1
    await machine.take_out()
    await machine.tells()
    assert (await order.ended()).status == "completed"


async def test_a_cancel_waits_for_an_operator_that_is_away_and_says_so(shop: Shop, calendar: Calendar) -> None:
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    strike(shop, FaultedOperation.SEND_BACK, FaultKind.STATUS, count=40)
    await order.cancel()
    assert "locker operator takes the goods out again" in await order.waits()
    assert await order.refused(order.cancel()) == "not-allowed-now", "it is asked already"
    assert (await order.record()).payment.voided == 0
    await calendar.skip(hours=2)
    view = await order.ended()
    assert (view.status, view.groups[0].put_back) == ("cancelled", {"1": 2})
    assert await order.money() == ["authorise 9998", "void 9998"]


async def test_lost_answers_are_looked_up_and_nothing_is_done_twice(shop: Shop) -> None:
    strike(shop, FaultedOperation.RESERVE, FaultKind.AFTER)
    strike(shop, FaultedOperation.SEND_BACK, FaultKind.AFTER)
    order, machine = await shop.place_for_locker(2)
    await machine.is_filled()
    await order.cancel()
    assert (await order.ended()).status == "cancelled"
    books = cast("PunctualLockers", shop.lockers).engine.books
    ours = [each for each in books.compartments.values() if each.reference == order.order_id]
    assert [each.status for each in ours] == [CompartmentStatus.EXPIRED]
