"""Decisions about a whole order that come from outside."""

import asyncio
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from domain.actors import ENGINE
from domain.alternatives import StoreOffer
from domain.dropship import PartnerId, PartnerRequestId, PartnerWork
from domain.groups import WaitsFor
from domain.holds import HoldKind
from domain.ids import CommandId, LineId, OperationKey, StoreId
from domain.shipments import StopAsked
from domain.stock import RejectReason
from domain.units import UnitState
from tests.domain.sample_orders import PLACED, A, line, shipment_terms, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import OrderStart
from workflows.messages import (
    Accept,
    AnswerStop,
    ChoiceOption,
    Choose,
    FraudDecision,
    Pack,
    Pick,
    Reject,
    Ship,
    Unpack,
)
from workflows.order import OrderWorkflow


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


async def test_a_fraud_decision_ends_the_order_once_however_many_holds_ask_for_it(alone: Alone) -> None:
    order = OrderWorkflow(OrderStart(terms=terms(line(A, 2, 200))))
    order.desk.book.visible = True
    for owner in ("fraud screening", "ops"):
        order.holds.place(HoldKind.FRAUD, "looks odd", owner)
    order._answer_placing(None)
    await order.fraud_decision(FraudDecision(event_id="e1", accept=False, actor=ENGINE))
    order.desk.crew.stop()
    assert not order.desk.order.open
    assert alone.events().count("units_cancelled") == 1


async def test_units_that_a_second_store_takes_have_deadlines_also_when_the_first_had_just_sold_out(
    alone: Alone,
) -> None:
    workflow = OrderWorkflow(OrderStart(terms=terms(line(A, 3, 300))))
    desk = workflow.desk
    desk.book.visible = desk.confirmed = True
    [tender], [group] = desk.order.tenders, desk.order.groups
    tender.live = tender.amount
    group.waits_for, group.offered_at, group.declined_by = WaitsFor.CHOICE, PLACED, [group.store_id]
    workflow._answer_placing(None)
    alone.offers = [
        StoreOffer(store_id=StoreId(name), latitude=52.0, longitude=13.0, available={"sku-A": 2})
        for name in ("S2", "S3")
    ]
    alone.lacking = 1
    story = asyncio.create_task(workflow._until_everything_is_final())
    choice = Choose(command_id=CommandId("c1"), actor=ENGINE, option=ChoiceOption.OTHER_STORE)
    answer = await workflow.choose(choice)
    part = desk.order.group(answer.group.n)
    assert (part.store_id, part.owed_lines(UnitState.ALLOCATED)) == ("S3", {LineId("A"): 2})
    # The store does not answer: it is reminded, in time.
    assert part.accept_by is not None
    alone.now = part.accept_by
    for _ in range(50):
        await asyncio.sleep(0)
    story.cancel()
    desk.crew.stop()
    assert "store_reminded" in alone.events()


async def test_nobody_speaks_for_a_partner(alone: Alone) -> None:
    """What operations would say for it, it would not know of, and send the goods a second time."""
    order = OrderWorkflow(OrderStart(terms=terms(line(A, 2, 200), pickups=[], shipments=[shipment_terms()])))
    group = order.desk.order.shipment(1)
    group.move(A, UnitState.ALLOCATED, 2, UnitState.OPEN)
    group.waits_for, group.offered_at, group.store_id = None, PLACED, StoreId("D1")
    group.request = PartnerWork(partner=PartnerId("P1"), key=OperationKey("k"), id=PartnerRequestId("r1"))
    group.stop = StopAsked(lines={A: 2}, reason="customer", since=PLACED, answer_by=PLACED)
    order._answer_placing(None)
    said: dict[str, Any] = {"command_id": CommandId("c1"), "actor": ENGINE, "n": 1}
    for asked in (
        order.accept(Accept(**said)),
        order.reject(Reject(**said, reason=RejectReason.CLOSED)),
        order.pick(Pick(**said, lines={A: 1})),
        order.pack(Pack(**said, lines={A: 1})),
        order.unpack(Unpack(**said)),
        order.ship(Ship(**said)),
        order.cancel_answer(AnswerStop(**said, stopped=True)),
    ):
        with pytest.raises(ApplicationError, match="Partner P1 sends it"):
            await asked
    assert (group.owed_lines(UnitState.ALLOCATED), group.stop is not None, alone.milestones) == ({A: 2}, True, [])
