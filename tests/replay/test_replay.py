"""Old orders and applications under the present code: every history replays, sandboxed, through the workers' plugin."""

import pytest
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.replay import corpus
from tests.replay.changed import MoneyBeforeStock, PatchedMoneyBeforeStock
from tests.replay.record import ALL, RETURNS
from tests.workflows.lending_journeys import LENDING_JOURNEYS
from workers.plugin import throughline_plugin
from workflows.application import ApplicationWorkflow
from workflows.order import OrderWorkflow
from workflows.returns import ReturnWorkflow

COLLECTED = corpus.name("collected")


def replayer(*workflows: type) -> Replayer:
    kinds = workflows or (OrderWorkflow, ApplicationWorkflow, ReturnWorkflow)
    return Replayer(workflows=kinds, plugins=[throughline_plugin(corpus.RecordingKeys(), sandbox=True)])


@pytest.mark.parametrize("name", corpus.names())
async def test_what_was_recorded_goes_the_same_way_again(name: str) -> None:
    await replayer().replay_workflow(corpus.read(name))


def test_every_journey_is_recorded() -> None:
    recorded = {name.rpartition("-")[0] for name in corpus.names()}
    known = {*ALL, *RETURNS, *LENDING_JOURNEYS}
    assert recorded >= known, "record what is missing: python -m tests.replay.record JOURNEY"


def test_recordings_are_encrypted() -> None:
    for name in corpus.names():
        raw = b"".join(event.SerializeToString() for event in corpus.read(name).events)
        assert corpus.TEST_KEY.id.encode() in raw
        assert not [word for word in (b"tok_", b"SHOE-", b"unit_price", b"customer_ref") if word in raw]


async def test_a_change_of_the_order_of_steps_is_caught() -> None:
    # A local step that takes another one's result stumbles over its content, not over the kind of the event.
    with pytest.raises((NondeterminismError, RuntimeError)):
        await replayer(MoneyBeforeStock).replay_workflow(corpus.read(COLLECTED))


async def test_the_same_change_behind_a_patch_leaves_old_orders_alone() -> None:
    await replayer(PatchedMoneyBeforeStock).replay_workflow(corpus.read(COLLECTED))
