"""Every journey with a workflow cache, and again with none, so that each task replays the whole history."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from tests.replay.record import ALL
from tests.workflows.working import OpenShop, working
from workers.composition import Parts

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module", params=[2000, 0], ids=["cached", "uncached"])
async def workers(request: pytest.FixtureRequest, client: Client, made: Parts) -> AsyncIterator[None]:
    async with working(client, made, cache=request.param):
        yield


@pytest.mark.parametrize("journey", ALL)
async def test_a_journey_ends_as_it_should(open_shop: OpenShop, journey: str) -> None:
    await ALL[journey](await open_shop(s1=20, s2=20))
