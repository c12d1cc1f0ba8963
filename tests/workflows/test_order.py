"""Decisions about a whole order that come from outside."""

import pytest

from domain.actors import ENGINE
from domain.holds import HoldKind
from tests.domain.sample_orders import A, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import OrderStart
from workflows.messages import FraudDecision
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
