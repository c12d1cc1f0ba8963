"""What becomes of a group when nobody acts: each wait of a store and of a customer has its end."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.milestones import StockOperation
from domain.actors import ENGINE
from domain.groups import GroupStatus
from domain.holds import HoldKind, HoldOutcome
from domain.ids import CommandId
from domain.pickups import PickupGroup
from domain.refusals import Refused
from domain.units import UnitState
from tests.domain.sample_orders import A, after, line, terms
from tests.workflows.alone import Alone, set_up
from workflows.desk import Desk
from workflows.holds import Holds
from workflows.messages import Accept, CancelReason, MakeReady, Pick
from workflows.offering import offer
from workflows.pickup import PickupProcess
from workflows.preparing import Preparing

PROMISED = after(hours=2)
LATE = PROMISED + timedelta(hours=4)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


class Story:
    """A group of three units, offered to its store, whose process runs."""

    def __init__(self, alone: Alone):
        self.alone = alone
        self.desk = Desk(terms(line(A, 3, 300)))
        self.desk.book.visible = True
        group = self.group
        group.move(A, UnitState.ALLOCATED, 3, UnitState.OPEN)
        offer(self.desk, group)
        self.store = Preparing(self.desk)
        self.process = asyncio.create_task(PickupProcess(self.desk, group).run())

    @property
    def group(self) -> PickupGroup:
        return self.desk.order.group(1)

    async def comes(self, at: datetime) -> None:
        """It is so late, and everybody who waited for it has acted."""
        self.alone.now = at
        for _ in range(200):
            await asyncio.sleep(0)
        if self.process.done():
            self.process.result()

    @property
    def waits(self) -> list[tuple[str, datetime | None, str | None]]:
        return [(wait.what, wait.deadline, wait.default) for wait in self.desk.order.view().waiting_for]


@pytest.fixture
async def story(alone: Alone) -> AsyncIterator[Story]:
    story = Story(alone)
    yield story
    story.process.cancel()


def command(**about: Any) -> dict[str, Any]:
    return {"command_id": CommandId("c1"), "actor": ENGINE, "n": 1} | about


async def test_a_store_that_accepts_and_picks_nothing_is_reminded_and_then_relieved(alone: Alone, story: Story) -> None:
    await story.store.accept(Accept(**command()))
    assert story.waits == [("store picks", PROMISED, "store is reminded")]
    await story.comes(PROMISED)
    assert story.waits == [("store picks", LATE, "customer is offered alternatives")]
    await story.comes(LATE)
    assert alone.events()[-3:] == ["store_reminded", "store_silent", "choice_asked"]
    assert (story.group.status, story.group.put_back) == (GroupStatus.WAITING, {})
    assert alone.moved() == [(StockOperation.RELEASE, 3)]
    assert alone.notices()[-2:] == ["store_cancelled_while_picking", "choice_needed"]
    asked = alone.milestones[-1].notices[-1]
    assert asked.facts.choices == ("other_store", "ship", "wait", "cancel")


async def test_what_a_silent_store_has_picked_it_puts_back(alone: Alone, story: Story) -> None:
    await story.store.accept(Accept(**command()))
    await story.comes(PROMISED)
    await story.comes(LATE - timedelta(minutes=1))
    await story.store.pick(Pick(**command(lines={A: 3})))
    await story.comes(LATE)
    assert story.group.status is GroupStatus.PICKING, "who picks is at work, and gets the time again"
    await story.comes(LATE + timedelta(hours=4))
    assert (story.group.status, story.group.put_back) == (GroupStatus.WAITING, {A: 3})
    assert alone.moved() == [(StockOperation.SET_ASIDE, 3)]
    assert alone.notices()[-2:] == ["store_put_back", "choice_needed"]
    with pytest.raises(Refused, match="Thank you"):
        await story.store.ready(MakeReady(**command()))
    assert alone.events()[-1] == "late_answer_refused"
    await story.desk.cancel_everything(CancelReason.EXPIRED)
    assert story.group.put_back == {A: 3}, "the task outlives the order"


async def test_a_store_that_picks_without_accepting_has_its_full_time_to_get_ready(alone: Alone, story: Story) -> None:
    await story.comes(after(minutes=30))
    assert story.group.escalated
    await story.store.pick(Pick(**command(lines={A: 3})))
    assert not story.group.escalated
    assert story.waits == [("store makes it ready", PROMISED, "store is reminded")]
    await story.comes(PROMISED)
    assert alone.events().count("store_reminded") == 2
    assert story.group.status is GroupStatus.PICKING


async def test_no_store_is_blamed_for_the_time_that_an_order_was_held(alone: Alone, story: Story) -> None:
    holds = Holds(story.desk)
    await story.store.accept(Accept(**command()))
    await story.comes(PROMISED)
    hold = holds.place(HoldKind.MANUAL, "somebody calls", "ops")
    await story.comes(LATE + timedelta(hours=1))
    await holds.resolve(hold, HoldOutcome.RELEASE, ENGINE, "called")
    await story.comes(LATE + timedelta(hours=1))
    assert story.waits == [("store picks", LATE + timedelta(hours=5), "customer is offered alternatives")]
    story.desk.crew.stop()


async def test_a_window_that_ended_while_the_order_was_held_stays_open_for_the_customer(
    alone: Alone, story: Story
) -> None:
    await story.store.pick(Pick(**command(lines={A: 3})))
    await story.store.ready(MakeReady(**command()))
    end = story.group.deadline
    assert end is not None
    holds = Holds(story.desk)
    await story.comes(end - timedelta(days=2))
    first = holds.place(HoldKind.PAYMENT, "the customer pays in another way", "customer")
    await story.comes(end - timedelta(hours=1))
    second = holds.place(HoldKind.MANUAL, "somebody calls", "ops")
    await story.comes(end + timedelta(hours=1))
    await holds.resolve(first, HoldOutcome.RELEASE, ENGINE, "paid")
    await holds.resolve(second, HoldOutcome.RELEASE, ENGINE, "called")
    await story.comes(end + timedelta(hours=1))
    assert story.group.status is GroupStatus.READY
    assert story.group.deadline is not None
    assert story.group.deadline >= end + timedelta(hours=1, days=2), "two days were left"
    assert alone.notices().count("window_extended") == 1
    third = holds.place(HoldKind.MANUAL, "somebody calls", "ops")
    await holds.resolve(third, HoldOutcome.RELEASE, ENGINE, "called")
    assert alone.notices().count("window_extended") == 1, "there is time enough"
    story.desk.crew.stop()
