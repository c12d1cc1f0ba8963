"""Every journey with a workflow cache, and again with none, so that each task replays the whole history."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from tests.workflows.brokering_journeys import BROKERING_JOURNEYS
from tests.workflows.changing_journeys import CHANGING_JOURNEYS
from tests.workflows.counter_journeys import COUNTER_JOURNEYS
from tests.workflows.dropship_journeys import DROPSHIP_JOURNEYS
from tests.workflows.journeys import JOURNEYS
from tests.workflows.locker_journeys import LOCKER_JOURNEYS
from tests.workflows.shipping_journeys import SHIPPING_JOURNEYS
from tests.workflows.substituting_journeys import SUBSTITUTING_JOURNEYS
from tests.workflows.supply_journeys import SUPPLY_JOURNEYS
from tests.workflows.working import OpenShop, working
from workers.composition import Parts

pytestmark = pytest.mark.stack

ALL = (
    JOURNEYS
    | SHIPPING_JOURNEYS
    | SUPPLY_JOURNEYS
    | CHANGING_JOURNEYS
    | SUBSTITUTING_JOURNEYS
    | LOCKER_JOURNEYS
    | BROKERING_JOURNEYS
    | COUNTER_JOURNEYS
    | DROPSHIP_JOURNEYS
)


@pytest.fixture(scope="module", params=[2000, 0], ids=["cached", "uncached"])
async def workers(request: pytest.FixtureRequest, client: Client, made: Parts) -> AsyncIterator[None]:
    async with working(client, made, cache=request.param):
        yield


@pytest.mark.parametrize("journey", ALL)
async def test_a_journey_ends_as_it_should(open_shop: OpenShop, journey: str) -> None:
    await ALL[journey](await open_shop(s1=20, s2=20))
