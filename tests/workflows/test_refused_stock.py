"""Stock that does not add up undoes nothing: the goods are gone, the money is taken, and a person decides."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from activities.milestones import StockOperation
from domain.actors import ENGINE
from domain.groups import GroupStatus
from domain.ids import CommandId
from domain.stock import RejectReason
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, A, after, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.counter import Counter
from workflows.desk import Desk
from workflows.messages import GiveOut, Intervene, InterventionAction, Reject
from workflows.preparing import Preparing


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


@pytest.fixture
async def desk(alone: Alone) -> AsyncIterator[Desk]:
    """Three units are paid and staged."""
    desk = Desk(terms(line(A, 3, 300)))
    desk.book.visible = True
    group = desk.order.group(1)
    for target, source in (("allocated", "open"), ("picked", "allocated"), ("ready", "picked")):
        group.move(A, UnitState(target), 3, UnitState(source))
    group.waits_for, group.offered_at, group.ready_at, group.code_serial = None, PLACED, PLACED, 1
    group.deadline = after(days=1)
    desk.order.tenders[0].captured = 300
    desk.crew.start("money follows goods", desk.cashier.follow_the_goods())
    yield desk
    desk.crew.stop()


async def comes_true(alone: Alone, condition: Callable[[], bool]) -> None:
    await asyncio.wait_for(alone.come_true(condition), 2)


async def decided(alone: Alone, desk: Desk, action: InterventionAction) -> None:
    await comes_true(alone, lambda: bool(desk.order.interventions))
    asked = desk.order.interventions[0].intervention_id
    await desk.people.answer(
        Intervene(
            command_id=CommandId("c2"), actor=ENGINE, intervention_id=asked, action=action, reason="counted the shelf"
        )
    )


HAND_OVER = GiveOut(command_id=CommandId("c1"), actor=ENGINE, n=1, code_serials=[1])


async def test_a_hand_over_is_on_record_also_when_inventory_does_not_know_the_units(alone: Alone, desk: Desk) -> None:
    alone.refused = {StockOperation.CONSUME}
    answer = await Counter(desk).hand_over(HAND_OVER)
    assert (answer.group.status, answer.already) == (GroupStatus.COLLECTED, False)
    assert alone.events().count("handed_over") == 1
    assert "order_completed" not in alone.events()
    await comes_true(alone, lambda: bool(desk.order.interventions))
    [question] = desk.order.interventions
    assert (question.step, question.choices) == ("consume stock: 3 x sku-A at S1", ["retry", "skip"])
    assert desk.order.status == "needs_attention"
    await decided(alone, desk, InterventionAction.RETRY)
    await comes_true(alone, lambda: bool(desk.order.interventions))  # it is still refused
    alone.refused = set()
    await decided(alone, desk, InterventionAction.RETRY)
    await comes_true(alone, lambda: desk.book.closed)
    assert alone.moved() == [(StockOperation.CONSUME, 3)]
    assert alone.events().count("order_completed") == 1
    assert alone.notices() == ["collected"]


async def test_what_a_person_skips_is_left_undone_and_the_order_ends(alone: Alone, desk: Desk) -> None:
    alone.refused = {StockOperation.CONSUME}
    await Counter(desk).hand_over(HAND_OVER)
    await decided(alone, desk, InterventionAction.SKIP)
    await comes_true(alone, lambda: desk.book.closed)
    assert alone.moved() == []
    assert alone.events()[-2:] == ["intervention_made", "order_completed"]


async def test_of_several_moves_only_the_one_at_fault_is_asked_about(alone: Alone, desk: Desk) -> None:
    alone.refused = {StockOperation.VARIANCE}
    await Preparing(desk).reject(Reject(command_id=CommandId("c1"), actor=ENGINE, n=1, reason=RejectReason.DAMAGED))
    await comes_true(alone, lambda: bool(desk.order.interventions))
    assert alone.moved() == [(StockOperation.RELEASE, 3)]
    assert [question.step for question in desk.order.interventions] == ["variance stock: 3 x sku-A at S1"]
    versions = [milestone.change.sequence for milestone in alone.milestones]
    assert versions == sorted(set(versions))
