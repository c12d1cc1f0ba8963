"""Orders whose history grows long go on in a new run. Here the server calls every history long, after a few events."""

from collections.abc import AsyncIterator
from unittest.mock import patch

import pytest
from temporalio.client import Client

from tests.workflows.journeys import JOURNEYS
from tests.workflows.shipping_journeys import SHIPPING_JOURNEYS
from tests.workflows.working import OpenShop, working
from workers.composition import Parts
from workers.plugin import throughline_plugin
from workers.stack import temporal
from workers.stack.ports import Ports
from workers.stack.temporal_cli import obtain
from workflows.visibility import search_attributes

pytestmark = pytest.mark.stack

ALL = JOURNEYS | SHIPPING_JOURNEYS

SUGGESTED_AFTER = 25
"""Events after which a history counts as long; the usual limit is 4,096."""

OVER_SOON = (
    *("declined", "out_of_stock", "silent_store"),
    *("nothing_to_ship", "nobody_can_ship", "silent_place"),
    *("cancelled_at_once", "rejected_then_cancelled_by_choice", "reviewed_then_declined"),
)
"""They end before their history is long."""


@pytest.fixture(scope="module")
async def client(made: Parts, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("temporal")
    ports = Ports()
    short = {"limit.historyCount.suggestContinueAsNew": str(SUGGESTED_AFTER)}
    with patch.dict(temporal.DYNAMIC_CONFIG, short):
        server = temporal.TemporalServer(
            obtain().path,
            folder,
            port=ports.pick("temporal", preferred=False),
            ui_port=ports.pick("temporal_ui", preferred=False),
            log=folder / "temporal.log",
            search_attributes=search_attributes(),
            fsync=False,
        )
    await server.start()
    try:
        yield await Client.connect(server.address, plugins=[throughline_plugin(made.keys, sandbox=True)])
    finally:
        await server.stop()
        ports.close()


@pytest.fixture(scope="module")
async def workers(client: Client, made: Parts) -> AsyncIterator[None]:
    async with working(client, made):
        yield


@pytest.mark.parametrize("journey", ALL)
async def test_a_journey_ends_as_it_should_over_several_runs(open_shop: OpenShop, journey: str) -> None:
    order = await ALL[journey](await open_shop(s1=20, s2=20))
    if journey not in OVER_SOON:
        first_run = (await order.history()).events[0].workflow_execution_started_event_attributes
        assert first_run.continued_execution_run_id, "it ended in its first run"
