"""Commands that a store leaves without waiting: a refusal is shown in the timeline, a bug waits for its fix."""

from typing import Any

import pytest

from domain.actors import ENGINE
from domain.holds import HoldKind, HoldOutcome
from domain.ids import CommandId
from domain.refusals import RefusalKind
from tests.domain.sample_orders import A, after, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import OrderStart
from workflows.messages import Accept, PlaceHold
from workflows.order import OrderWorkflow
from workflows.refusing import refuse


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


def order_whose_store_meets(fault: Exception, monkeypatch: pytest.MonkeyPatch) -> OrderWorkflow:
    order = OrderWorkflow(OrderStart(terms=terms(line(A, 3, 300))))
    order._answer_placing(None)

    async def accept(_: Any) -> None:
        raise fault

    monkeypatch.setattr(order.preparing, "accept", accept)
    return order


ACCEPT = Accept(command_id=CommandId("c1"), actor=ENGINE, n=1)


async def test_a_refusal_is_shown_in_the_timeline(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_whose_store_meets(refuse(RefusalKind.NOT_ALLOWED_NOW, "too late"), monkeypatch)
    await order.store_command(ACCEPT)
    [milestone] = alone.milestones
    assert [(entry.event, entry.reason) for entry in milestone.change.events] == [("command_refused", "too late")]


async def test_a_bug_is_no_refusal(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_whose_store_meets(KeyError("a bug"), monkeypatch)
    with pytest.raises(KeyError):
        await order.store_command(ACCEPT)
    assert alone.milestones == []


async def test_a_hold_without_an_end_gets_one(alone: Alone) -> None:
    order = OrderWorkflow(OrderStart(terms=terms(line(A, 3, 300))))
    order._answer_placing(None)
    given: dict[str, Any] = {"command_id": CommandId("c1"), "actor": ENGINE}
    await order.place_hold(PlaceHold(**given, hold_kind=HoldKind.MANUAL, reason="somebody calls"))
    [hold] = order.desk.order.holds
    assert (hold.deadline, hold.default) == (after(days=3), HoldOutcome.CANCEL)
    order.desk.crew.stop()
