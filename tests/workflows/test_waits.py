"""A wait wakes for its condition, its deadline and the order's alarms, and none of these keeps another from coming."""

import asyncio
from datetime import timedelta

import pytest

from tests.domain.sample_orders import PLACED
from tests.workflows.alone import Alone, set_up
from workflows.waits import Alarms, until


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Alone:
    return set_up(monkeypatch)


async def test_what_cannot_be_done_at_its_time_is_done_as_soon_as_it_can_be(alone: Alone) -> None:
    there, done = False, False
    rung: list[bool] = []
    alarms = Alarms()

    async def ring() -> None:
        nonlocal done
        assert len(rung) < 10, "the wait spins, and nobody else in the order ever gets to run"
        rung.append(there)
        done = there

    alarms.next_due = lambda: None if done else PLACED - timedelta(minutes=1)
    alarms.can_ring, alarms.ring = lambda: there, ring
    finished = False
    waiting = asyncio.create_task(until(lambda: finished, lambda: None, alarms, "it ends"))
    await asyncio.sleep(0.01)
    assert rung == []
    there = True
    await asyncio.sleep(0.01)
    assert rung == [True]
    finished = True
    assert await waiting


async def test_an_alarm_that_cannot_ring_leaves_a_deadline_alone(alone: Alone) -> None:
    alarms = Alarms()
    alarms.next_due, alarms.can_ring = lambda: PLACED, lambda: False
    assert not await until(lambda: False, lambda: PLACED, alarms, "it ends")
