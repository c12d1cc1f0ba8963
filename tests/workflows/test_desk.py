"""What a cancel does to units, stock and notices, whichever group they are in."""

import pytest

from activities.milestones import StockOperation
from domain.actors import ENGINE
from domain.cancellation import plan_cancel
from domain.groups import WaitsFor
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, A, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import Desk
from workflows.messages import CancelReason


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


def short_picked() -> Desk:
    """Two of three units are picked; for the third the customer is asked, and its stock was given back."""
    desk = Desk(terms(line(A, 3, 300)))
    group = desk.order.group(1)
    group.move(A, UnitState.ALLOCATED, 3, UnitState.OPEN)
    group.waits_for, group.offered_at, group.picking_at = None, PLACED, PLACED
    group.move(A, UnitState.PICKED, 2, UnitState.ALLOCATED)
    group.move(A, UnitState.OPEN, 1, UnitState.ALLOCATED)
    desk.order.split_off(group, {A: 1}, WaitsFor.CHOICE, [group.store_id])
    desk.book.visible = True
    return desk


async def test_cancelling_what_the_customer_is_asked_about_leaves_the_picked_units_their_stock(alone: Alone) -> None:
    desk = short_picked()
    desk.cancel_units(plan_cancel(desk.order, {A: 1}), CancelReason.EXPIRED, ENGINE)
    await desk.book.record()
    assert alone.moved() == []
    assert desk.order.group(1).owed_lines(UnitState.PICKED) == {A: 2}


async def test_cancelling_all_of_a_short_pick_sets_every_picked_unit_aside(alone: Alone) -> None:
    desk = short_picked()
    await desk.cancel_everything(CancelReason.CUSTOMER)
    await desk.book.record()
    assert alone.moved() == [(StockOperation.SET_ASIDE, 2)]


async def test_units_that_wait_for_a_hold_give_their_reservation_back(alone: Alone) -> None:
    desk = Desk(terms(line(A, 3, 300)))
    await desk.cancel_everything(CancelReason.CUSTOMER)
    await desk.book.record()
    assert alone.moved() == [(StockOperation.RELEASE, 3)]
