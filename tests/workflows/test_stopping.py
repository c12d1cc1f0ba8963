"""A place is asked to stop what it has in its hands, and sends some of it all the same."""

from collections.abc import AsyncIterator

import pytest

from domain.actors import ENGINE
from domain.ids import CommandId, StoreId
from domain.shipments import StopAsked
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, A, after, line, shipment_terms, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import Desk
from workflows.messages import AnswerStop, Ship
from workflows.shipping import Shipping


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


@pytest.fixture
async def desk(alone: Alone) -> AsyncIterator[Desk]:
    """Three units are paid and packed, and their place is asked to stop all of them."""
    desk = Desk(terms(line(A, 3, 300), pickups=[], shipments=[shipment_terms()]))
    desk.book.visible = True
    group = desk.order.shipment(1)
    group.move(A, UnitState.ALLOCATED, 3, UnitState.OPEN)
    group.move(A, UnitState.PICKED, 3, UnitState.ALLOCATED)
    group.waits_for, group.store_id = None, StoreId("S1")
    group.offered_at = group.accepted_at = group.picking_at = PLACED
    group.packed = {A: 3}
    group.stop = StopAsked(lines={A: 3}, reason="customer", since=PLACED, answer_by=after(hours=1))
    desk.order.tenders[0].captured = 300
    yield desk
    desk.crew.stop()


async def leaves(desk: Desk, quantity: int) -> None:
    command = Ship(
        command_id=CommandId("c1"),
        actor=ENGINE,
        n=1,
        lines={A: quantity},
        carrier="Handcart",
        tracking_number=f"HC-{quantity}",
    )
    await Shipping(desk).dispatching.ship(command)


async def test_when_some_of_it_leaves_the_question_stands_for_the_rest(alone: Alone, desk: Desk) -> None:
    await leaves(desk, 1)
    group = desk.order.shipment(1)
    assert group.stop is not None
    assert (group.stop.lines, group.stop.answer_by) == ({A: 2}, after(hours=1))
    assert "cancel_too_late" in alone.notices()
    await Shipping(desk).stopping.answer(AnswerStop(command_id=CommandId("c2"), actor=ENGINE, n=1, stopped=True))
    assert (group.stop, group.units[A].cancelled, group.put_back) == (None, 2, {A: 2})


async def test_when_all_of_it_leaves_there_is_no_question_any_more(alone: Alone, desk: Desk) -> None:
    await leaves(desk, 3)
    group = desk.order.shipment(1)
    assert (group.stop, group.units[A].shipped) == (None, 3)
    assert alone.events().count("stop_too_late") == 1
